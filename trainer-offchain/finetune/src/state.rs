//! The whole state of a training after a step, as one safetensors file: what a run is resumed from, and what those who
//! repeat it compare.
//!
//! Every trained tensor is there under its own name, AdamW's moments of it under [`FIRST`] and [`SECOND`] behind that name,
//! what had the lowest loss in an evaluation, where that is kept, under [`BEST`], and the [`Position`] as JSON in the metadata. No random state is: every step draws from a stream of its own.

use crate::error::{FinetuneError, Result};
use safetensors::{tensor::Metadata, Dtype, View};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Behind a tensor's name: AdamW's first moment of it.
pub const FIRST: &str = ".adamw_first";
/// Behind a tensor's name: AdamW's second moment of it.
pub const SECOND: &str = ".adamw_second";
/// Behind a tensor's name: what it was at the lowest loss of an evaluation.
pub const BEST: &str = ".best";
/// Bytes of a file that are held at once while its numbers are read.
const PIECE: usize = 1 << 16;
/// Longest header of a safetensors file that is read, as its crate has it.
pub const MAX_HEADER: u64 = 100_000_000;
/// The metadata's key.
const KEY: &str = "openledger_state";

/// Where a training stands.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Position {
	/// Steps made.
	pub step: usize,
	/// Target tokens trained on.
	pub tokens: usize,
	/// Sum of the steps' losses, nats.
	#[serde(with = "exact")]
	pub loss_sum: f64,
	/// Loss of the last step, nats.
	#[serde(with = "exact")]
	pub last_loss: f64,
	/// Of the evaluations on the way, once there was one.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub evaluated: Option<Evaluated>,
}

/// What the evaluations of a run found so far.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evaluated {
	/// The lowest loss, nats.
	#[serde(with = "exact")]
	pub best_loss: f64,
	/// The step that had it.
	pub best_step: usize,
	/// Evaluations since.
	pub since: usize,
}

impl Position {
	/// Adds an evaluation; whether its loss is the lowest.
	pub fn evaluate(&mut self, loss: f64) -> bool {
		let is_best = self.evaluated.is_none_or(|before| loss < before.best_loss);
		self.evaluated = match self.evaluated {
			Some(before) if !is_best => Some(Evaluated {
				since: before.since + 1,
				..before
			}),
			_ => Some(Evaluated {
				best_loss: loss,
				best_step: self.step,
				since: 0,
			}),
		};
		is_best
	}

	/// Adds a step.
	pub fn advance(&mut self, loss: f64, tokens: usize) {
		self.step += 1;
		self.tokens += tokens;
		self.loss_sum += loss;
		self.last_loss = loss;
	}
}

/// Numbers as Rust writes and reads them, exactly: JSON readers may round.
mod exact {
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(value)
	}

	pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
		String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
	}
}

/// A tensor of 32-bit numbers, off the device.
#[derive(Clone, PartialEq, Debug)]
pub struct Values {
	/// Its dimensions.
	pub shape: Vec<usize>,
	/// Row by row.
	pub values: Vec<f32>,
}

/// Tensors by name.
pub type Tensors = BTreeMap<String, Values>;

impl View for &Values {
	fn dtype(&self) -> Dtype {
		Dtype::F32
	}

	fn shape(&self) -> &[usize] {
		&self.shape
	}

	fn data(&self) -> Cow<'_, [u8]> {
		Cow::Owned(self.values.iter().flat_map(|value| value.to_le_bytes()).collect())
	}

	fn data_len(&self) -> usize {
		self.values.len() * size_of::<f32>()
	}
}

/// A training's state.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
	/// Where it stands.
	pub position: Position,
	/// Trained tensors and their moments.
	pub tensors: Tensors,
}

impl State {
	/// The file's bytes; the same state gives the same ones.
	pub fn to_bytes(&self) -> Result<Vec<u8>> {
		let unwritable = |reason: String| FinetuneError::Unserializable { reason };
		let position = serde_json::to_string(&self.position).map_err(|e| unwritable(e.to_string()))?;
		// One entry only: with more their order would be a map's.
		let metadata = HashMap::from([(KEY.to_owned(), position)]);
		safetensors::serialize(&self.tensors, Some(metadata)).map_err(|e| unwritable(e.to_string()))
	}

	/// Reads what [`Self::to_bytes`] made; `path` is for messages.
	pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
		Self::of(read_from(bytes, bytes.len() as u64, path)?, path)
	}

	/// Reads a checkpoint's file.
	pub fn read(path: &Path) -> Result<Self> {
		Self::of(read_file(path)?, path)
	}

	fn of((tensors, metadata): (Tensors, Metadata), path: &Path) -> Result<Self> {
		let position = position_of(&metadata).ok_or_else(|| FinetuneError::Damaged {
			path: path.to_owned(),
			reason: "is no checkpoint of a training".into(),
		})?;
		Ok(Self { position, tensors })
	}

	/// What training goes on from, to change it: neither moments nor the best so far.
	pub fn trained_mut(&mut self) -> impl Iterator<Item = (&str, &mut Values)> {
		let all = self.tensors.iter_mut().map(|(name, values)| (name.as_str(), values));
		all.filter(|(name, _)| !is_moment(name) && !name.ends_with(BEST))
	}

	/// Whether the best is kept beside the last.
	fn keeps_best(&self) -> bool {
		self.tensors.keys().any(|name| name.ends_with(BEST))
	}

	/// The trained tensors, without their moments: the run's result if it ended here.
	pub fn trained(&self) -> impl Iterator<Item = (&str, &Values)> {
		let best = self.keeps_best();
		let result = move |name: &'_ str| match best {
			true => name.ends_with(BEST),
			false => !name.ends_with(FIRST) && !name.ends_with(SECOND),
		};
		let all = self.tensors.iter().map(|(name, values)| (name.as_str(), values));
		all.filter(move |(name, _)| result(name))
			.map(|(name, values)| (name.strip_suffix(BEST).unwrap_or(name), values))
	}

	/// Whether these tensors are what [`Self::trained`] gives.
	pub fn has_trained(&self, tensors: &Tensors) -> bool {
		let (mut own, mut count) = (self.trained(), 0);
		let is_same = own.all(|(name, values)| {
			count += 1;
			tensors.get(name) == Some(values)
		});
		is_same && count == tensors.len()
	}

	/// The same state with another result; `None` where its tensors are not of the same names.
	pub fn with_trained(&self, trained: Tensors) -> Option<Self> {
		let names: BTreeSet<&str> = self.trained().map(|(name, _)| name).collect();
		if !names.into_iter().eq(trained.keys().map(String::as_str)) {
			return None;
		}
		let mark = if self.keeps_best() { BEST } else { "" };
		let mut state = self.clone();
		let trained = trained
			.into_iter()
			.map(|(name, values)| (format!("{name}{mark}"), values));
		state.tensors.extend(trained);
		Some(state)
	}

	/// Whether every number is one.
	pub fn is_finite(&self) -> bool {
		self.tensors
			.values()
			.all(|tensor| tensor.values.iter().all(|value| value.is_finite()))
	}
}

fn is_moment(name: &str) -> bool {
	name.ends_with(FIRST) || name.ends_with(SECOND)
}

fn position_of(metadata: &Metadata) -> Option<Position> {
	let text = metadata.metadata().as_ref()?.get(KEY)?;
	serde_json::from_str(text).ok()
}

/// The tensors of a safetensors file in f32.
pub fn read_tensors(path: &Path) -> Result<Tensors> {
	Ok(read_file(path)?.0)
}

fn read_file(path: &Path) -> Result<(Tensors, Metadata)> {
	let file = File::open(path).map_err(FinetuneError::io(path))?;
	let bytes = file.metadata().map_err(FinetuneError::io(path))?.len();
	read_from(file, bytes, path)
}

/// Reads so many bytes of a safetensors file, its numbers piece by piece: a state of gigabytes is not held twice.
fn read_from(mut file: impl Read, bytes: u64, path: &Path) -> Result<(Tensors, Metadata)> {
	let damaged = |reason: String| FinetuneError::Damaged {
		path: path.to_owned(),
		reason,
	};
	let mut fill = |buffer: &mut [u8]| file.read_exact(buffer).map_err(|e| damaged(e.to_string()));
	let mut length = [0; 8];
	fill(&mut length)?;
	let length = u64::from_le_bytes(length);
	if length > MAX_HEADER.min(bytes) {
		return Err(damaged(format!("its header has {length} bytes")));
	}
	let mut header = vec![0; length as usize];
	fill(&mut header)?;
	let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| damaged(e.to_string()))?;
	let expected = (size_of_val(&length) + header.len() + metadata.data_len()) as u64;
	if expected != bytes {
		return Err(damaged(format!("it has {bytes} bytes; expected {expected}")));
	}
	let mut tensors = Tensors::new();
	let mut piece = vec![0; PIECE];
	for name in metadata.offset_keys() {
		let Some(info) = metadata.info(&name) else { continue };
		if info.dtype != Dtype::F32 {
			return Err(damaged(format!("tensor `{name}` is {:?}; expected F32", info.dtype)));
		}
		let mut values = vec![0.0; info.shape.iter().product()];
		for numbers in values.chunks_mut(PIECE / size_of::<f32>()) {
			let piece = &mut piece[..size_of_val(numbers)];
			fill(piece)?;
			for (number, bytes) in numbers.iter_mut().zip(piece.chunks_exact(size_of::<f32>())) {
				*number = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
			}
		}
		let shape = info.shape.clone();
		tensors.insert(name, Values { shape, values });
	}
	Ok((tensors, metadata))
}

/// How far `found` is from `expected`: of the trained tensors as a share of the way that they went from `start`, of each
/// kind of moment as a share of its size; the largest of the three. Euclidean norms over all tensors of a kind; infinite
/// where they are not the same tensors.
pub fn deviation(start: &State, expected: &State, found: &State) -> f64 {
	if expected.tensors.len() != found.tensors.len() {
		return f64::INFINITY;
	}
	// Trained, first moments, second moments.
	let (mut apart, mut size) = ([0.0; 3], [0.0; 3]);
	for (name, values) in &expected.tensors {
		let kind = match name {
			name if name.ends_with(FIRST) => 1,
			name if name.ends_with(SECOND) => 2,
			_ => 0,
		};
		let like = |other: &&Values| other.shape == values.shape;
		let (start, found) = (start.tensors.get(name), found.tensors.get(name));
		let (Some(start), Some(found)) = (start.filter(like), found.filter(like)) else {
			return f64::INFINITY;
		};
		apart[kind] += square(values, found.values.iter().copied());
		size[kind] += match kind {
			0 => square(values, start.values.iter().copied()),
			_ => square(values, std::iter::repeat(0.0)),
		};
	}
	let share = |(apart, size): (f64, f64)| match apart.sqrt() / size.sqrt() {
		_ if apart == 0.0 => 0.0,
		share if share.is_finite() => share,
		_ => f64::INFINITY,
	};
	apart.into_iter().zip(size).map(share).fold(0.0, f64::max)
}

/// Square of the distance.
fn square(a: &Values, b: impl Iterator<Item = f32>) -> f64 {
	let pairs = a.values.iter().zip(b);
	pairs.map(|(a, b)| (f64::from(*a) - f64::from(b)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn state(values: [f32; 2]) -> State {
		let tensor = |values: [f32; 2]| Values {
			shape: vec![2, 1],
			values: values.to_vec(),
		};
		let tensors = [
			("a".to_owned(), tensor(values)),
			(format!("a{FIRST}"), tensor([1.0, 1e-30])),
			(format!("a{SECOND}"), tensor([0.0, 2.0])),
		];
		let mut position = Position::default();
		position.advance(0.1, 7);
		position.advance(0.2, 5);
		State {
			position,
			tensors: tensors.into(),
		}
	}

	#[test]
	fn state_should_come_back_exactly_and_as_the_same_bytes() {
		let state = state([1.5, -3e-39]);
		let bytes = state.to_bytes().unwrap();
		let again = State::from_bytes(&bytes, Path::new("x")).unwrap();
		assert_eq!(again, state);
		assert_eq!(again.to_bytes().unwrap(), bytes);
		assert_eq!(again.position.loss_sum, 0.1 + 0.2);
		assert_eq!((again.position.step, again.position.tokens), (2, 12));
		assert_eq!(again.trained().map(|(name, _)| name).collect::<Vec<_>>(), ["a"]);
	}

	#[test]
	fn file_should_be_refused_when_it_is_no_state() {
		let bytes = state([1.0, 2.0]).to_bytes().unwrap();
		let plain = safetensors::serialize(&state([1.0, 2.0]).tensors, None).unwrap();
		let longer = [&bytes[..], &[0]].concat();
		for (bytes, reason) in [
			(&bytes[..bytes.len() - 1], "expected"),
			(&longer, "expected"),
			(&bytes[..7], "cp.safetensors"),
			(&[0xff; 64], "header"),
			(&[0; 8], "cp.safetensors"),
			(&plain, "no checkpoint"),
		] {
			let message = State::from_bytes(bytes, Path::new("cp.safetensors"))
				.unwrap_err()
				.to_string();
			assert!(message.contains(reason), "{message}");
		}
	}

	#[test]
	fn trained_tensors_should_be_exchanged_for_those_of_the_same_names_only() {
		let (old, new) = (state([1.0, 2.0]), state([3.0, 4.0]));
		let trained = |state: &State| -> Tensors { state.trained().map(|(n, v)| (n.to_owned(), v.clone())).collect() };
		assert_eq!(old.with_trained(trained(&new)), Some(new.clone()));
		assert!(new.has_trained(&trained(&new)) && !old.has_trained(&trained(&new)));
		assert!(!new.has_trained(&new.tensors) && !new.has_trained(&Tensors::new()));
		assert_eq!(old.with_trained(new.tensors), None);
		assert_eq!(old.with_trained(Tensors::new()), None);
	}

	#[test]
	fn result_should_be_the_best_when_it_is_kept() {
		let mut kept = state([1.0, 2.0]);
		let best = state([7.0, 8.0]).tensors["a"].clone();
		kept.tensors.insert(format!("a{BEST}"), best.clone());
		assert_eq!(kept.trained().collect::<Vec<_>>(), [("a", &best)]);
		let other = state([9.0, 9.0]).tensors["a"].clone();
		let changed = kept.with_trained([("a".to_owned(), other.clone())].into()).unwrap();
		assert_eq!(changed.trained().collect::<Vec<_>>(), [("a", &other)]);
		assert_eq!(changed.tensors["a"], kept.tensors["a"]);
	}

	#[test]
	fn lowest_loss_should_be_remembered_with_its_step() {
		let mut position = Position::default();
		let mut seen = Vec::new();
		for loss in [2.0, 1.0, 1.5, f64::NAN, 0.5] {
			position.advance(loss, 1);
			let is_best = position.evaluate(loss);
			let evaluated = position.evaluated.unwrap();
			seen.push((is_best, evaluated.best_step, evaluated.since));
		}
		assert_eq!(
			seen,
			[(true, 1, 0), (true, 2, 0), (false, 2, 1), (false, 2, 2), (true, 5, 0)]
		);
	}

	#[test]
	fn deviation_should_see_moments_and_what_is_no_number() {
		let (start, end) = (state([0.0, 0.0]), state([3.0, 4.0]));
		let mut other = end.clone();
		other.tensors.get_mut(&format!("a{SECOND}")).unwrap().values = vec![0.0, 2.5];
		assert!((deviation(&start, &end, &other) - 0.25).abs() < 1e-9);
		assert_eq!(deviation(&start, &end, &state([f32::NAN, 4.0])), f64::INFINITY);
		assert_eq!(deviation(&start, &state([f32::NAN, 4.0]), &end), f64::INFINITY);
	}

	#[test]
	fn deviation_should_be_a_share_of_the_way() {
		let (start, end) = (state([0.0, 0.0]), state([3.0, 4.0]));
		assert_eq!(deviation(&start, &end, &end), 0.0);
		assert!((deviation(&start, &end, &state([3.0, 4.5])) - 0.1).abs() < 1e-12);
		assert_eq!(deviation(&start, &start, &end), f64::INFINITY);
		assert_eq!(deviation(&start, &start, &start), 0.0);
		let mut other = end.clone();
		other.tensors.remove("a");
		assert_eq!(deviation(&start, &end, &other), f64::INFINITY);
		assert!(end.is_finite() && !state([f32::NAN, 0.0]).is_finite());
	}
}
