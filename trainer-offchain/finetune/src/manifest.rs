//! manifest.json: all that is needed to repeat a run.

use crate::checkpoints::CheckpointRecord;
use crate::config::RunConfig;
use crate::error::Result;
use crate::hash::{hash_file, FileHash};
use openledger_model::checkpoint::{self, Checkpoint};
use openledger_model::{peft, LoraSettings};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The record of a finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
	/// Version of this layout.
	pub manifest_version: u32,
	/// What it was made from.
	pub inputs: Inputs,
	/// Steps made.
	pub steps: usize,
	/// Target tokens trained on, repeats included.
	pub tokens: usize,
	/// In order; of a run that keeps only the newest the records of all.
	pub checkpoints: Vec<CheckpointRecord>,
	/// Files written.
	pub output_files: Vec<FileHash>,
	/// sha256 of the adapter's tensors, where one was trained.
	pub adapter_sha256: Option<String>,
	/// Mean loss over all steps, nats.
	pub train_loss: f64,
	/// Loss of the last step.
	pub final_loss: f64,
	/// Loss on the validation documents after the last step.
	pub eval_loss: Option<f64>,
	/// Seconds of training, of the process that ended it.
	pub train_seconds: f64,
}

/// What a run is made from: known before its first step, and the same whenever it is resumed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inputs {
	/// The program.
	pub code: Code,
	/// Family of the base model.
	pub family: String,
	/// Files of the base model that a run reads.
	pub base_files: Vec<FileHash>,
	/// Files of `init_adapter`, where the run continued one.
	pub init_adapter_files: Vec<FileHash>,
	/// Data files, in the order read.
	pub data_files: Vec<FileHash>,
	/// Hyperparameters: run.toml without its paths and threads.
	pub config: serde_json::Value,
	/// Settings of the adapter, where one was trained.
	pub lora: Option<LoraRecord>,
	/// Tokens of a sequence after the model's own limit.
	pub effective_cutoff_length: usize,
	/// Documents trained on, and kept for validation.
	pub documents: usize,
	/// Kept out of training.
	pub validation_documents: usize,
	/// Sequences of an epoch.
	pub sequences: usize,
	/// Steps of the run.
	pub total_steps: usize,
	/// Steps between its checkpoints; 0: there are none.
	pub checkpoint_every: usize,
	/// Where it ran.
	pub device: String,
	/// What the base's weights were kept in: `float32` or `bfloat16`.
	pub dtype: String,
	/// See [`kernel_path`](crate::kernel::kernel_path): sums differ in the last digits on another. Of `dtype`.
	pub kernel_path: String,
	/// Threads it computed on: sums differ in the last digits on another number.
	pub threads: usize,
}

impl Inputs {
	/// Where the result is, in the run's folder.
	pub fn result_folder(&self) -> &'static str {
		folder_of(self.lora.is_some())
	}

	/// The file of the result's tensors there.
	pub fn result_tensors(&self) -> &'static str {
		match self.lora {
			Some(_) => peft::TENSORS,
			None => checkpoint::SINGLE,
		}
	}
}

/// Where an adapter goes, or a whole model: in a run's folder, and in a checkpoint's.
pub(crate) fn folder_of(adapter: bool) -> &'static str {
	if adapter {
		"adapter"
	} else {
		"model"
	}
}

/// The program that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
	/// Its name.
	pub name: String,
	/// Its version.
	pub version: String,
	/// The commit, where the build was told.
	pub commit: Option<String>,
}

impl Code {
	/// This program.
	pub fn current() -> Self {
		Self {
			name: "openledger-trainer".into(),
			version: env!("CARGO_PKG_VERSION").into(),
			commit: option_env!("OPENLEDGER_COMMIT").map(str::to_owned),
		}
	}
}

/// An adapter's settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoraRecord {
	/// Rank.
	pub rank: usize,
	/// Alpha.
	pub alpha: f64,
	/// Dropout.
	pub dropout: f64,
	/// Layers.
	pub targets: Vec<String>,
	/// Scale by the rank's root.
	pub use_rslora: bool,
	/// Magnitudes of rows were trained too.
	#[serde(default)]
	pub use_dora: bool,
}

impl From<&LoraSettings> for LoraRecord {
	fn from(s: &LoraSettings) -> Self {
		Self {
			rank: s.rank,
			alpha: s.alpha,
			dropout: s.dropout,
			targets: s.targets.clone(),
			use_rslora: s.use_rslora,
			use_dora: s.use_dora,
		}
	}
}

/// The run's hyperparameters: its configuration without paths and threads, which differ from machine to machine.
pub fn hyperparameters(config: &RunConfig) -> serde_json::Value {
	let mut value = serde_json::to_value(config).unwrap_or_default();
	if let Some(map) = value.as_object_mut() {
		for key in ["model", "data", "output", "init_adapter", "threads"] {
			map.remove(key);
		}
	}
	value
}

/// Hashes of the base model's files: configuration, tensors and, where there are any, the tokenizer
/// and the chat template.
pub fn base_files(dir: &Path) -> Result<Vec<FileHash>> {
	let mut files = vec![hash_file(&dir.join("config.json"), "config.json")?];
	for path in Checkpoint::open(dir)?.files() {
		files.push(hash_file(
			path,
			path.file_name()
				.map(|n| n.to_string_lossy().into_owned())
				.unwrap_or_default(),
		)?);
	}
	for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
		let path = dir.join(name);
		if path.exists() {
			files.push(hash_file(&path, name)?);
		}
	}
	Ok(files)
}

/// Hashes of all files directly in a folder, sorted by name.
pub fn folder_files(dir: &Path) -> Result<Vec<FileHash>> {
	let entries = std::fs::read_dir(dir).map_err(crate::FinetuneError::io(dir))?;
	let mut paths: Vec<_> = entries
		.filter_map(|e| e.ok())
		.map(|e| e.path())
		.filter(|p| p.is_file())
		.collect();
	paths.sort_unstable();
	paths
		.iter()
		.map(|p| {
			hash_file(
				p,
				p.file_name()
					.map(|n| n.to_string_lossy().into_owned())
					.unwrap_or_default(),
			)
		})
		.collect()
}
