//! What can go wrong in a run.

use openledger_model::ModelError;
use std::path::{Path, PathBuf};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum FinetuneError {
	/// run.toml is malformed: a syntax error, an unknown key, a value of the wrong kind.
	#[error("{path}: {reason}", path = .path.display())]
	Toml {
		/// The file.
		path: PathBuf,
		/// The parser's words, which name line and key.
		reason: String,
	},
	/// A key of the run's configuration has a value that cannot be used.
	#[error("run configuration: key `{key}`: {reason}")]
	Config {
		/// The key.
		key: &'static str,
		/// Why.
		reason: String,
	},
	/// A data file is malformed.
	#[error("{path}:{line}: {reason}", path = .path.display())]
	Data {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: usize,
		/// What is wrong, with the key.
		reason: String,
	},
	/// A conversation does not fit the model's chat template.
	#[error("conversation in document {number} of the data: {reason}")]
	Chat {
		/// Which of the documents, from 1.
		number: usize,
		/// Why.
		reason: String,
	},
	/// There is nothing to train or evaluate on.
	#[error("{path}: {reason}", path = .path.display())]
	NoData {
		/// The file or folder.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// The loss, or a trained number, is no longer a number.
	#[error(
		"step {step}: the training diverged, its loss is {loss}: lower learning_rate or max_grad_norm and start again, or \
		 continue an adapter under checkpoints/ with init_adapter; what is there is intact"
	)]
	NotFinite {
		/// The step, from 1.
		step: usize,
		/// What the loss was.
		loss: f64,
	},
	/// A checkpoint could not be written: most often the disk is full.
	#[error("the checkpoint of step {step} cannot be written: {source}; {last}: make room and go on with --resume")]
	CheckpointUnwritten {
		/// The step, from 1.
		step: usize,
		/// Why.
		source: Box<ModelError>,
		/// What is left to go on from.
		last: String,
	},
	/// A file is not what was written.
	#[error("{path} is damaged: {reason}", path = .path.display())]
	Damaged {
		/// The file.
		path: PathBuf,
		/// In which way.
		reason: String,
	},
	/// There are checkpoints, but each is damaged.
	#[error("no checkpoint in {path} is intact ({reason}): start again without --resume", path = .path.display())]
	NoneIntact {
		/// The folder.
		path: PathBuf,
		/// What is wrong with the last one.
		reason: String,
	},
	/// The checkpoints are of a run with other files or settings.
	#[error(
		"{path} holds the checkpoints of another run: `{key}` differs. Put it back, or start again without --resume",
		path = .path.display()
	)]
	OtherRun {
		/// The run's folder.
		path: PathBuf,
		/// The first key that differs.
		key: String,
	},
	/// Something could not be written as JSON or safetensors.
	#[error("cannot be written: {reason}")]
	Unserializable {
		/// Why.
		reason: String,
	},
	/// A checkpoint is not of the model that is trained.
	#[error(
		"the checkpoint is of another model or adapter: tensor `{name}` is missing, of another shape, or too many"
	)]
	OtherState {
		/// The tensor.
		name: String,
	},
	/// A segment that the run does not have.
	#[error("the run has no segment {segment}: its segments are 0 to {last}")]
	NoSegment {
		/// The number asked for.
		segment: usize,
		/// The last there is.
		last: usize,
	},
	/// A manifest that cannot be repeated from.
	#[error("the manifest cannot be used: {reason}")]
	Unusable {
		/// Why.
		reason: String,
	},
	/// Files that a manifest names and those that were given are not the same.
	#[error("{what} is not what the manifest names: {name} differs")]
	OtherFile {
		/// Base model, adapter or data.
		what: &'static str,
		/// The first file that differs.
		name: String,
	},
	/// Threads of its own were refused.
	#[error("{threads} threads cannot be started: {reason}")]
	Threads {
		/// How many.
		threads: usize,
		/// Why.
		reason: String,
	},
	/// The model, an adapter or a tokenizer.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// candle refused an operation.
	#[error("tensor operation: {0}")]
	Candle(#[from] candle_core::Error),
}

impl FinetuneError {
	/// An error about a key of the run's configuration.
	pub fn config(key: &'static str, reason: impl Into<String>) -> Self {
		Self::Config {
			key,
			reason: reason.into(),
		}
	}

	/// An operating system's error about `path`.
	pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
		move |source| {
			Self::Model(ModelError::Io {
				path: path.to_owned(),
				source,
			})
		}
	}
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, FinetuneError>;
