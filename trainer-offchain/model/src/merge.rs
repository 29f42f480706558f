//! An adapter added into its base: a plain checkpoint in the base's own dtypes, read and written tensor by tensor.

use crate::checkpoint::{copy_extras, Checkpoint, INDEX, SINGLE};
use crate::config::{DecoderConfig, RawConfig};
use crate::dora::LEAST_NORM;
use crate::error::{ModelError, Result};
use crate::files::{replace_dir, write_json};
use crate::lora::{magnitude_name, MAGNITUDE};
use crate::mat::{product, Mat, MatMut, Threads};
use crate::ops::WeightLayout;
use crate::peft;
use candle_core::Device;
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, View};
use serde_json::json;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Bytes of a file of a checkpoint, at most, unless one tensor is larger: transformers' own limit.
pub const SHARD_BYTES: usize = 5_000_000_000;

/// Writes to the folder `out` the model of `base` with the adapter of `dir` added into its weights.
pub fn merge(base: &Path, dir: &Path, out: &Path, shard_bytes: usize) -> Result<()> {
	let raw = RawConfig::read(base)?;
	let config = DecoderConfig::from_raw(&raw)?;
	let checkpoint = Checkpoint::open(base)?;
	let mut deltas = deltas(&config, &checkpoint, dir)?;
	let mut tensors = Vec::new();
	for name in checkpoint.names() {
		let view = checkpoint.view(name)?;
		let delta = deltas.remove(name);
		tensors.push((name.to_owned(), Merged { view, delta }));
	}
	replace_dir(out, |folder| {
		write_json(&folder.join("config.json"), raw.value())?;
		write(folder, &tensors, shard_bytes)?;
		copy_extras(base, folder)
	})
}

/// `scale · B A`, not yet multiplied, and with DoRA the magnitudes of the sum's rows.
struct Delta {
	a: Vec<f32>,
	b: Vec<f32>,
	rank: usize,
	scale: f32,
	magnitude: Option<Vec<f32>>,
	layout: WeightLayout,
}

/// A tensor of the base with what is added to it.
struct Merged<'a> {
	view: TensorView<'a>,
	delta: Option<Delta>,
}

/// What the adapter adds, by the name of the base's tensor.
fn deltas(config: &DecoderConfig, base: &Checkpoint, dir: &Path) -> Result<HashMap<String, Delta>> {
	let settings = peft::read_settings(dir)?;
	let path = dir.join(peft::TENSORS);
	let file = Checkpoint::open_file(&path)?;
	let mut deltas = HashMap::new();
	for name in file.names() {
		let refuse = |reason: &str| ModelError::Safetensors {
			path: path.clone(),
			reason: format!("tensor `{name}` {reason}"),
		};
		if name.ends_with(".lora_B.weight") || (settings.use_dora && name.ends_with(MAGNITUDE)) {
			continue;
		}
		let layer = name
			.strip_prefix("base_model.model.")
			.and_then(|rest| rest.strip_suffix(".lora_A.weight"));
		let layer = layer.ok_or_else(|| refuse("is no part of a LoRA"))?;
		let full = format!("{layer}.weight");
		// Some files leave the prefix of the causal model out.
		let bare = full.strip_prefix(config.family.names.base).unwrap_or(&full);
		let weight = [full.as_str(), bare].into_iter().find(|name| base.contains(name));
		let weight = weight.ok_or_else(|| refuse("belongs to no linear layer of this model"))?;
		let shape = base.shape(weight)?;
		let layout = config.family.layout;
		let (out, inp) = match (shape.as_slice(), layout) {
			([out, inp], WeightLayout::OutIn) | ([inp, out], WeightLayout::InOut) => (*out, *inp),
			_ => return Err(refuse("belongs to no linear layer of this model")),
		};
		if !matches!(base.view(weight)?.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
			return Err(refuse(
				"is of a weight that is quantised: only f32, f16 and bf16 can be merged into",
			));
		}
		let read = |name: &str, shape: &[usize]| -> Result<Vec<f32>> {
			let tensor = file.tensor(name, shape, &Device::Cpu)?;
			Ok(tensor.flatten_all()?.to_vec1()?)
		};
		let rank = settings.rank;
		let other = name.replace(".lora_A.", ".lora_B.");
		let delta = Delta {
			a: read(name, &[rank, inp])?,
			b: read(&other, &[out, rank])?,
			rank,
			scale: settings.scale(),
			magnitude: match settings.use_dora {
				true => Some(read(&magnitude_name(layer), &[out])?),
				false => None,
			},
			layout,
		};
		deltas.insert(weight.to_owned(), delta);
	}
	if deltas.is_empty() {
		return Err(ModelError::Safetensors {
			path,
			reason: "holds no adapter".into(),
		});
	}
	Ok(deltas)
}

impl Delta {
	/// Adds it to a weight.
	fn add_to(&self, weight: &mut [f32]) {
		let (out, inp) = (self.b.len() / self.rank, self.a.len() / self.rank);
		let (a, b) = (Mat::new(&self.a, self.rank, inp), Mat::new(&self.b, out, self.rank));
		match self.layout {
			WeightLayout::OutIn => {
				let weight = MatMut::new(weight, out, inp);
				product(weight, true, b, a, self.scale, Threads::All);
			}
			WeightLayout::InOut => {
				let weight = MatMut::new(weight, inp, out);
				product(weight, true, a.t(), b.t(), self.scale, Threads::All);
			}
		}
	}

	/// With DoRA, gives the rows of the sum their magnitudes.
	fn rescale(&self, sum: &mut [f32]) {
		let Some(magnitude) = &self.magnitude else { return };
		let (out, inp) = (magnitude.len(), sum.len() / magnitude.len().max(1));
		let factor = |squares: f64, magnitude: f32| magnitude / (squares.sqrt() as f32).max(LEAST_NORM);
		let square = |x: &f32| f64::from(*x) * f64::from(*x);
		match self.layout {
			WeightLayout::OutIn => {
				for (row, magnitude) in sum.chunks_exact_mut(inp.max(1)).zip(magnitude) {
					let factor = factor(row.iter().map(square).sum(), *magnitude);
					row.iter_mut().for_each(|x| *x *= factor);
				}
			}
			WeightLayout::InOut => {
				let mut squares = vec![0f64; out];
				for row in sum.chunks_exact(out) {
					squares.iter_mut().zip(row).for_each(|(sum, x)| *sum += square(x));
				}
				let squares = squares.into_iter().zip(magnitude);
				let factors: Vec<f32> = squares
					.map(|(squares, magnitude)| factor(squares, *magnitude))
					.collect();
				for row in sum.chunks_exact_mut(out) {
					row.iter_mut().zip(&factors).for_each(|(x, factor)| *x *= factor);
				}
			}
		}
	}

	/// The bytes of a weight with it, in the weight's own dtype.
	fn merged(&self, dtype: Dtype, bytes: &[u8]) -> Vec<u8> {
		let pair = |bytes: &[u8]| [bytes[0], bytes[1]];
		let mut values: Vec<f32> = match dtype {
			Dtype::BF16 => bytes
				.chunks_exact(2)
				.map(|b| bf16::from_le_bytes(pair(b)).to_f32())
				.collect(),
			Dtype::F16 => bytes
				.chunks_exact(2)
				.map(|b| f16::from_le_bytes(pair(b)).to_f32())
				.collect(),
			_ => bytes
				.chunks_exact(4)
				.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
				.collect(),
		};
		self.add_to(&mut values);
		self.rescale(&mut values);
		match dtype {
			Dtype::BF16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
			Dtype::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
			_ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
		}
	}
}

impl View for &Merged<'_> {
	fn dtype(&self) -> Dtype {
		self.view.dtype()
	}

	fn shape(&self) -> &[usize] {
		self.view.shape()
	}

	fn data(&self) -> Cow<'_, [u8]> {
		match &self.delta {
			Some(delta) => delta.merged(self.view.dtype(), self.view.data()).into(),
			None => self.view.data().into(),
		}
	}

	fn data_len(&self) -> usize {
		self.view.data().len()
	}
}

/// One file, or several with their index, each tensor computed when it is written.
pub(crate) fn write<T>(folder: &Path, tensors: &[(String, T)], shard_bytes: usize) -> Result<()>
where
	for<'t> &'t T: View,
{
	let bytes = |tensor: &T| View::data_len(&tensor);
	let mut shards: Vec<Vec<&(String, T)>> = vec![Vec::new()];
	let mut room = shard_bytes;
	for tensor in tensors {
		let needed = bytes(&tensor.1);
		if needed > room && shards.last().is_some_and(|shard| !shard.is_empty()) {
			shards.push(Vec::new());
			room = shard_bytes;
		}
		room = room.saturating_sub(needed);
		if let Some(shard) = shards.last_mut() {
			shard.push(tensor);
		}
	}
	let count = shards.len();
	let mut places = BTreeMap::new();
	for (at, shard) in shards.into_iter().enumerate() {
		let name = match count {
			1 => SINGLE.to_owned(),
			_ => format!("model-{:05}-of-{count:05}.safetensors", at + 1),
		};
		places.extend(shard.iter().map(|(tensor, _)| (tensor, name.clone())));
		let path = folder.join(name);
		let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
		let tensors = shard.iter().map(|(name, tensor)| (name, tensor));
		let written = safetensors::serialize_to_file(tensors, Some(metadata), &path);
		written.map_err(|error| ModelError::Safetensors {
			path,
			reason: error.to_string(),
		})?;
	}
	if count > 1 {
		let total: usize = tensors.iter().map(|(_, tensor)| bytes(tensor)).sum();
		let index = json!({ "metadata": { "total_size": total }, "weight_map": places });
		write_json(&folder.join(INDEX), &index)?;
	}
	Ok(())
}
