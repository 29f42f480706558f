//! The checkpoints of a run on disk: `checkpoints/step-N/`, each with the whole state and what was trained so far, and
//! `checkpoints/index.json`, which names them with their hashes and says what run they are of.

use crate::error::{FinetuneError, Result};
use crate::hash::hash_file;
use crate::manifest::Inputs;
use crate::state::State;
use openledger_model::files::{read_json, replace_dir, write_file, write_json};
use openledger_model::ModelError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The folder, in a run's folder.
pub const FOLDER: &str = "checkpoints";
/// The file of a checkpoint that is its state.
pub const STATE: &str = "state.safetensors";
const INDEX: &str = "index.json";
/// Checkpoints kept where not all are; older ones go.
const KEPT: usize = 2;

/// A checkpoint, by the hash of its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
	/// Taken after this step.
	pub step: usize,
	/// In the run's folder.
	pub file: String,
	/// Of the file.
	pub bytes: u64,
	/// sha256 of its bytes, in hex.
	pub sha256: String,
	/// Where it is published, once it is.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub cid: Option<String>,
}

/// Steps between the checkpoints of a run of `total` steps; 0 for none.
pub fn every(save_steps: usize, max_checkpoints: usize, total: usize) -> usize {
	match (save_steps, max_checkpoints) {
		(0, _) | (_, 0) => save_steps,
		(save_steps, most) => save_steps.max(total.div_ceil(most)),
	}
}

/// Those of a run's folder.
pub struct Checkpoints {
	/// The run's folder.
	output: PathBuf,
	inputs: Value,
	every: usize,
	/// Whether none is ever removed.
	keep_all: bool,
	/// In order. Of those that were removed the record stays.
	records: Vec<CheckpointRecord>,
}

impl Checkpoints {
	/// Begins a run: those of an earlier one go.
	pub fn start(output: &Path, inputs: &Inputs, keep_all: bool) -> Result<Self> {
		let folder = output.join(FOLDER);
		if folder.exists() {
			std::fs::remove_dir_all(&folder).map_err(ModelError::io(&folder))?;
		}
		let started = Self::new(output, inputs, keep_all)?;
		if started.every > 0 {
			started.write_index()?;
		}
		Ok(started)
	}

	fn new(output: &Path, inputs: &Inputs, keep_all: bool) -> Result<Self> {
		Ok(Self {
			output: output.to_owned(),
			inputs: comparable(inputs)?,
			every: inputs.checkpoint_every,
			keep_all,
			records: Vec::new(),
		})
	}

	/// Goes on with a run from its last intact checkpoint; without any it begins.
	pub fn resume(output: &Path, inputs: &Inputs, keep_all: bool) -> Result<(Self, Option<State>)> {
		let index = output.join(FOLDER).join(INDEX);
		if !index.exists() {
			return Ok((Self::start(output, inputs, keep_all)?, None));
		}
		let mut found = Self::new(output, inputs, keep_all)?;
		let (of, records) = read_index(&index)?;
		if let Some(key) = difference(&of, &found.inputs) {
			return Err(FinetuneError::OtherRun {
				path: output.to_owned(),
				key,
			});
		}
		found.records = records;
		let had_some = !found.records.is_empty();
		let mut reasons = Vec::new();
		while let Some(record) = found.records.last() {
			match read_intact(&output.join(&record.file), record) {
				Ok(state) => {
					found.write_index()?;
					return Ok((found, Some(state)));
				}
				Err(error) => {
					tracing::warn!("the checkpoint of step {} is passed over: {error}", record.step);
					reasons.push(error.to_string());
					found.records.pop();
				}
			}
		}
		match (had_some, reasons.into_iter().next()) {
			(true, Some(reason)) => Err(FinetuneError::NoneIntact {
				path: output.join(FOLDER),
				reason,
			}),
			_ => Ok((Self::start(output, inputs, keep_all)?, None)),
		}
	}

	/// The threads that the run in this folder computed on, where there is one to go on with.
	pub fn threads(output: &Path) -> Option<usize> {
		let (inputs, _) = read_index(&output.join(FOLDER).join(INDEX)).ok()?;
		inputs.get("threads")?.as_u64()?.try_into().ok()
	}

	/// Whether one is due after `step`, which may be the `last`.
	pub fn is_due(&self, step: usize, last: bool) -> bool {
		self.every > 0 && (step.is_multiple_of(self.every) || last)
	}

	/// Writes one, whole or not at all, then removes those that are not kept. `save` adds what was trained, for use
	/// before the run has ended.
	pub fn write(&mut self, state: &State, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
		let step = state.position.step;
		if !state.is_finite() {
			let loss = state.position.last_loss;
			return Err(FinetuneError::NotFinite { step, loss });
		}
		let last = self.records.last().map(|record| record.step);
		self.try_write(state, save).map_err(|error| match error {
			FinetuneError::Model(source) => FinetuneError::CheckpointUnwritten {
				step,
				source: Box::new(source),
				last: last.map_or("there is none before it".into(), |last| {
					format!("that of step {last} is intact")
				}),
			},
			error => error,
		})
	}

	fn try_write(&mut self, state: &State, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
		let step = state.position.step;
		let name = format!("step-{step}");
		let folder = self.output.join(FOLDER);
		std::fs::create_dir_all(&folder).map_err(ModelError::io(&folder))?;
		let bytes = state.to_bytes()?;
		replace_dir(&folder.join(&name), |dir| {
			write_file(&dir.join(STATE), &bytes)?;
			save(dir)
		})?;
		let record = CheckpointRecord {
			step,
			file: format!("{FOLDER}/{name}/{STATE}"),
			bytes: bytes.len() as u64,
			sha256: hex::encode(Sha256::digest(&bytes)),
			cid: None,
		};
		// What an interruption left between the regular ones has been replaced by this one.
		let (keep, left): (Vec<_>, _) = std::mem::take(&mut self.records)
			.into_iter()
			.partition(|old| old.step < step && self.is_due(old.step, false));
		self.records = keep;
		self.records.push(record);
		self.write_index()?;
		let removed = if self.keep_all {
			0
		} else {
			self.records.len().saturating_sub(KEPT)
		};
		let old = left.iter().filter(|old| old.step != step);
		for old in old.chain(&self.records[..removed]) {
			self.remove(old)?;
		}
		Ok(())
	}

	fn remove(&self, record: &CheckpointRecord) -> Result<()> {
		let folder = self.folder_of(record);
		if folder.exists() {
			std::fs::remove_dir_all(&folder).map_err(ModelError::io(&folder))?;
		}
		Ok(())
	}

	fn folder_of(&self, record: &CheckpointRecord) -> PathBuf {
		self.output.join(FOLDER).join(format!("step-{}", record.step))
	}

	/// The folder of the last one.
	pub fn last(&self) -> Option<PathBuf> {
		self.records.last().map(|record| self.folder_of(record))
	}

	/// The regular ones, in order.
	pub fn into_records(self) -> Vec<CheckpointRecord> {
		let every = self.every;
		let mut records = self.records;
		if every == 0 {
			records.clear();
		}
		records
	}

	fn write_index(&self) -> Result<()> {
		let folder = self.output.join(FOLDER);
		std::fs::create_dir_all(&folder).map_err(ModelError::io(&folder))?;
		let index = Index {
			inputs: self.inputs.clone(),
			checkpoints: self.records.clone(),
		};
		Ok(write_json(&folder.join(INDEX), &index)?)
	}
}

/// index.json.
#[derive(Serialize, Deserialize)]
struct Index {
	/// What the run is made from.
	inputs: Value,
	checkpoints: Vec<CheckpointRecord>,
}

fn read_index(path: &Path) -> Result<(Value, Vec<CheckpointRecord>)> {
	let index: Index = serde_json::from_value(read_json(path)?).map_err(|error| FinetuneError::Damaged {
		path: path.to_owned(),
		reason: error.to_string(),
	})?;
	Ok((index.inputs, index.checkpoints))
}

/// As it is read back: a reader of JSON may round numbers.
fn comparable(inputs: &Inputs) -> Result<Value> {
	let through_text = || serde_json::from_str(&serde_json::to_string(inputs)?);
	through_text().map_err(|error: serde_json::Error| FinetuneError::Unserializable {
		reason: error.to_string(),
	})
}

/// The first key that two objects differ in, the innermost.
fn difference(a: &Value, b: &Value) -> Option<String> {
	let (Some(left), Some(right)) = (a.as_object(), b.as_object()) else {
		return (a != b).then(String::new);
	};
	let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
	keys.sort_unstable();
	keys.into_iter().find_map(|key| {
		let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
		let inner = difference(&value(left), &value(right))?;
		Some(if inner.is_empty() { key.clone() } else { inner })
	})
}

/// Reads a checkpoint's state whose bytes are those that were written.
pub fn read_intact(path: &Path, record: &CheckpointRecord) -> Result<State> {
	let found = hash_file(path, "")?;
	if found.sha256 != record.sha256 {
		return Err(FinetuneError::Damaged {
			path: path.to_owned(),
			reason: format!("its sha256 is {}, but {} was written", found.sha256, record.sha256),
		});
	}
	State::read(path)
}
