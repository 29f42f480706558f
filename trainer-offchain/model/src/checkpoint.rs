//! Hugging Face checkpoints: one safetensors file, or shards named by an index.

use crate::error::{ModelError, Result};
use crate::files::{read_json, replace_dir, write_file, write_json};
use crate::nf4::{self, Magnitudes, Nf4, QuantState};
use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};
use safetensors::tensor::TensorView;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// One file's name when the checkpoint is not sharded.
pub const SINGLE: &str = "model.safetensors";
/// The index of a sharded one.
pub const INDEX: &str = "model.safetensors.index.json";

/// An opened checkpoint.
pub struct Checkpoint {
	dir: PathBuf,
	files: Vec<OpenFile>,
	/// File of each tensor.
	place: HashMap<String, usize>,
	/// Rows and columns of an fp8 weight that share a scale.
	fp8_block: Option<[usize; 2]>,
}

struct OpenFile {
	path: PathBuf,
	tensors: MmapedSafetensors,
}

/// Maps a safetensors file into memory; a truncated or malformed one is an error.
fn open(path: PathBuf) -> Result<OpenFile> {
	std::fs::File::open(&path).map_err(ModelError::io(&path))?;
	// SAFETY: as with every mapped file, the promise is that nobody changes it while it is read; checkpoints are
	// written by rename, so a new one never overwrites a mapped one.
	let tensors = unsafe { MmapedSafetensors::new(&path) }.map_err(|e| ModelError::Safetensors {
		path: path.clone(),
		reason: plain(&e),
	})?;
	Ok(OpenFile { path, tensors })
}

/// Gives pages of a mapped file back to the system: what was copied would otherwise stay resident a second time.
#[cfg(unix)]
fn release(bytes: &[u8]) {
	const PAGE: usize = 1 << 16;
	let range = bytes.as_ptr_range();
	let (start, end) = (
		(range.start as usize).next_multiple_of(PAGE),
		range.end as usize / PAGE * PAGE,
	);
	if start < end {
		// SAFETY: whole pages of a read-only mapping of a file; touched again, they are read from it again.
		unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
	}
}

#[cfg(not(unix))]
fn release(_: &[u8]) {}

/// candle's message without its backtrace.
fn plain(error: &candle_core::Error) -> String {
	error.to_string().lines().next().unwrap_or_default().to_owned()
}

impl Checkpoint {
	/// Opens the checkpoint of a model's folder.
	pub fn open(dir: &Path) -> Result<Self> {
		let single = dir.join(SINGLE);
		let paths = if single.exists() { vec![single] } else { shards(dir)? };
		Self::from_files(dir, paths)
	}

	/// Opens one safetensors file.
	pub fn open_file(path: &Path) -> Result<Self> {
		Self::from_files(path, vec![path.to_owned()])
	}

	fn from_files(dir: &Path, paths: Vec<PathBuf>) -> Result<Self> {
		let files = paths.into_iter().map(open).collect::<Result<Vec<_>>>()?;
		let mut place = HashMap::new();
		for (i, file) in files.iter().enumerate() {
			place.extend(file.tensors.tensors().into_iter().map(|(name, _)| (name, i)));
		}
		Ok(Self {
			dir: dir.to_owned(),
			files,
			place,
			fp8_block: None,
		})
	}

	/// Reads fp8 weights too, whose scales are for blocks of this size.
	pub fn with_fp8_block(self, fp8_block: Option<[usize; 2]>) -> Self {
		Self { fp8_block, ..self }
	}

	/// The safetensors files.
	pub fn files(&self) -> impl Iterator<Item = &Path> {
		self.files.iter().map(|f| f.path.as_path())
	}

	/// Names of all tensors, sorted.
	pub fn names(&self) -> Vec<&str> {
		let mut names: Vec<&str> = self.place.keys().map(String::as_str).collect();
		names.sort_unstable();
		names
	}

	/// Whether there is such a tensor.
	pub fn contains(&self, name: &str) -> bool {
		self.place.contains_key(name)
	}

	/// The shape of a tensor.
	pub fn shape(&self, name: &str) -> Result<Vec<usize>> {
		let file = self.file_of(name)?;
		let view = file.tensors.get(name).map_err(|e| self.unreadable(file, &e))?;
		Ok(view.shape().to_vec())
	}

	/// A tensor's bytes, as they are in the file.
	pub(crate) fn view(&self, name: &str) -> Result<TensorView<'_>> {
		let file = self.file_of(name)?;
		file.tensors.get(name).map_err(|e| self.unreadable(file, &e))
	}

	/// A tensor as f32, of exactly this shape.
	pub fn tensor(&self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor> {
		let file = self.file_of(name)?;
		let found = self.shape(name)?;
		if found != shape {
			let expected = shape.to_vec();
			return Err(ModelError::Shape {
				path: file.path.clone(),
				name: name.to_owned(),
				expected,
				found,
			});
		}
		let tensor = file.tensors.load(name, device).map_err(|e| self.unreadable(file, &e))?;
		if let Ok(view) = file.tensors.get(name) {
			release(view.data());
		}
		match tensor.dtype() {
			DType::F32 | DType::F16 | DType::BF16 => Ok(tensor.to_dtype(DType::F32)?),
			DType::F8E4M3 if self.fp8_block.is_some() => self.scaled(name, &tensor, device),
			other => Err(ModelError::Safetensors {
				path: file.path.clone(),
				reason: format!("tensor `{name}` has dtype {}; known: f32, f16, bf16", other.as_str()),
			}),
		}
	}

	/// A weight that bitsandbytes quantised to NF4, `[out, in]`; none where it is plain.
	pub(crate) fn quantised(&self, name: &str, shape: [usize; 2]) -> Result<Option<Nf4>> {
		let part = |suffix: &str| format!("{name}{suffix}");
		let refuse = |reason: String| ModelError::Safetensors {
			path: self.place.get(name).map_or(&self.dir, |i| &self.files[*i].path).clone(),
			reason: format!("tensor `{name}` {reason}"),
		};
		if self.contains(&part(nf4::STATE_FP4)) {
			return Err(refuse("is in FP4, which is not supported; quantise it to NF4".into()));
		}
		if !self.contains(&part(nf4::STATE)) {
			return Ok(None);
		}
		let state: QuantState = serde_json::from_slice(self.view(&part(nf4::STATE))?.data())
			.map_err(|error| refuse(format!("has an unreadable `{}`: {error}", nf4::STATE)))?;
		let floats = |suffix: &str, len: usize| -> Result<Vec<f32>> {
			Ok(self.tensor(&part(suffix), &[len], &Device::Cpu)?.to_vec1()?)
		};
		let same = |found: &[f32], code: &[f32]| found.iter().zip(code).all(|(a, b)| (a - b).abs() < 1e-6);
		let elements = shape[0] * shape[1];
		if state.shape != shape {
			return Err(refuse(format!("is of shape {:?}, expected {shape:?}", state.shape)));
		}
		let nested = match (state.nested_blocksize, state.nested_offset) {
			(None, _) => None,
			(Some(block), Some(offset)) => Some((block, offset as f32)),
			(Some(_), None) => return Err(refuse("has no `nested_offset`".into())),
		};
		if state.quant_type != "nf4" || state.blocksize == 0 || nested.is_some_and(|(block, _)| block == 0) {
			return Err(refuse(format!("has a state that is none of NF4: {state:?}")));
		}
		if !same(&floats(nf4::MAP, nf4::CODE.len())?, &nf4::CODE) {
			return Err(refuse("has other values than NF4's 16".into()));
		}
		let blocks = elements.div_ceil(state.blocksize);
		let magnitudes = match nested {
			None => Magnitudes::Plain(floats(nf4::ABSMAX, blocks)?),
			Some((block, offset)) => {
				if !same(&floats(nf4::NESTED_MAP, nf4::NESTED_CODE.len())?, &nf4::NESTED_CODE[..]) {
					return Err(refuse(
						"has other values for its magnitudes than bitsandbytes' 256".into(),
					));
				}
				Magnitudes::Nested {
					codes: self.bytes(&part(nf4::ABSMAX), blocks)?,
					block,
					absmax: floats(nf4::NESTED_ABSMAX, blocks.div_ceil(block))?,
					offset,
				}
			}
		};
		Ok(Some(Nf4 {
			shape,
			packed: self.bytes(name, elements.div_ceil(2))?,
			block: state.blocksize,
			magnitudes,
		}))
	}

	/// The bytes of a tensor, so many, whatever type they are said to be of: bitsandbytes may store its own as any.
	fn bytes(&self, name: &str, len: usize) -> Result<Vec<u8>> {
		let view = self.view(name)?;
		if view.data().len() != len {
			return Err(ModelError::Shape {
				path: self.file_of(name)?.path.clone(),
				name: name.to_owned(),
				expected: vec![len],
				found: view.shape().to_vec(),
			});
		}
		let bytes = view.data().to_vec();
		release(view.data());
		Ok(bytes)
	}

	/// An fp8 weight `[rows, cols]` times the scales of its blocks, which lie beside it as `weight_scale_inv`.
	fn scaled(&self, name: &str, weight: &Tensor, device: &Device) -> Result<Tensor> {
		let (rows, cols) = weight.dims2()?;
		let [high, wide] = self.fp8_block.unwrap_or([rows, cols]);
		let per_row = cols.div_ceil(wide);
		let scales = self.tensor(
			&format!("{name}_scale_inv"),
			&[rows.div_ceil(high), per_row],
			&Device::Cpu,
		)?;
		let scales = scales.flatten_all()?.to_vec1::<f32>()?;
		let weight = weight.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
		let mut values = weight.flatten_all()?.to_vec1::<f32>()?;
		for (row, values) in values.chunks_mut(cols).enumerate() {
			let scales = &scales[row / high * per_row..][..per_row];
			for (values, scale) in values.chunks_mut(wide).zip(scales) {
				values.iter_mut().for_each(|v| *v *= scale);
			}
		}
		Ok(Tensor::from_vec(values, (rows, cols), device)?)
	}

	fn unreadable(&self, file: &OpenFile, error: &candle_core::Error) -> ModelError {
		ModelError::Safetensors {
			path: file.path.clone(),
			reason: plain(error),
		}
	}

	/// An error about a tensor that no part of the model takes.
	pub fn unused(&self, name: &str) -> ModelError {
		let path = self.place.get(name).map_or(&self.dir, |i| &self.files[*i].path);
		ModelError::UnusedTensor {
			path: path.clone(),
			name: name.to_owned(),
		}
	}

	fn file_of(&self, name: &str) -> Result<&OpenFile> {
		let missing = || ModelError::MissingTensor {
			path: self.dir.clone(),
			name: name.to_owned(),
		};
		self.place.get(name).map(|i| &self.files[*i]).ok_or_else(missing)
	}
}

/// The shards that a folder's index names, sorted.
pub fn shards(dir: &Path) -> Result<Vec<PathBuf>> {
	let path = dir.join(INDEX);
	if !path.exists() {
		let reason =
			format!("neither {SINGLE} nor {INDEX} is there; other formats must be converted to safetensors first");
		return Err(ModelError::Safetensors {
			path: dir.to_owned(),
			reason,
		});
	}
	let index = read_json(&path)?;
	let map = index.get("weight_map").and_then(|m| m.as_object());
	let map = map.ok_or_else(|| ModelError::config(&path, "weight_map", "is missing or not an object"))?;
	let mut names = Vec::new();
	for (tensor, file) in map {
		// A shard lies beside its index: a path that leads elsewhere is not followed.
		match file.as_str() {
			Some(name) if !name.contains(['/', '\\']) => names.push(dir.join(name)),
			_ => {
				return Err(ModelError::config(
					&path,
					tensor,
					"does not name a file beside the index",
				))
			}
		}
	}
	names.sort_unstable();
	names.dedup();
	Ok(names)
}

/// Bytes of a safetensors file with these f32 tensors and PyTorch's metadata; the same tensors give the same bytes.
pub fn to_bytes(tensors: &[(String, Tensor)]) -> Result<Vec<u8>> {
	let sorted: BTreeMap<&str, &Tensor> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
	let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
	safetensors::serialize(sorted, Some(metadata))
		.map_err(|e| ModelError::Input(format!("tensors cannot be written as safetensors: {e}")))
}

/// Writes a model's folder: config.json, one safetensors file, and copies of `extras` from `base`.
pub fn save(dir: &Path, config: &serde_json::Value, tensors: &[(String, Tensor)], base: Option<&Path>) -> Result<()> {
	replace_dir(dir, |dir| {
		write_json(&dir.join("config.json"), config)?;
		write_file(&dir.join(SINGLE), &to_bytes(tensors)?)?;
		base.map_or(Ok(()), |base| copy_extras(base, dir))
	})
}

/// What a model's folder may have beside configuration and tensors.
pub const EXTRAS: [&str; 8] = [
	"tokenizer.json",
	"tokenizer_config.json",
	"tokenizer.model",
	"vocab.json",
	"merges.txt",
	"special_tokens_map.json",
	"chat_template.jinja",
	"generation_config.json",
];

/// Copies those that are there.
pub(crate) fn copy_extras(base: &Path, dir: &Path) -> Result<()> {
	for extra in EXTRAS {
		let from = base.join(extra);
		if from.exists() {
			let bytes = std::fs::read(&from).map_err(ModelError::io(&from))?;
			write_file(&dir.join(extra), &bytes)?;
		}
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use safetensors::Dtype;

	#[test]
	fn fp8_weight_should_be_scaled_by_blocks() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join(SINGLE);
		// 1, 2, -1; 448, 0.5, 1; 1, 1, 2^-9 (the smallest).
		let weight = [0x38, 0x40, 0xb8, 0x7e, 0x30, 0x38, 0x38, 0x38, 0x01];
		let scales: Vec<u8> = [2f32, 3.0, 5.0, 7.0].iter().flat_map(|x| x.to_le_bytes()).collect();
		let tensors = [
			(
				"a.weight",
				TensorView::new(Dtype::F8_E4M3, vec![3, 3], &weight).unwrap(),
			),
			(
				"a.weight_scale_inv",
				TensorView::new(Dtype::F32, vec![2, 2], &scales).unwrap(),
			),
			(
				"b.weight",
				TensorView::new(Dtype::F8_E4M3, vec![3, 3], &weight).unwrap(),
			),
		];
		std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
		let read = |block, name| {
			let file = Checkpoint::open_file(&path).unwrap().with_fp8_block(block);
			file.tensor(name, &[3, 3], &Device::Cpu)
				.map(|t| t.to_vec2::<f32>().unwrap())
		};
		let scaled = read(Some([2, 2]), "a.weight").unwrap();
		assert_eq!(scaled[..2], [[2.0, 4.0, -3.0], [896.0, 1.0, 3.0]]);
		assert_eq!(scaled[2], [5.0, 5.0, 7.0 / 512.0]);
		let complaint = |block, name| read(block, name).unwrap_err().to_string();
		assert!(complaint(Some([2, 2]), "b.weight").contains("`b.weight_scale_inv` is missing"));
		assert!(complaint(Some([1, 3]), "a.weight").contains("[3, 1]"));
		// Without quantization_config nothing says how large the blocks are.
		assert!(complaint(None, "a.weight").contains("f8e4m3"));
	}
}
