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
	/// There is nothing to train or evaluate on.
	#[error("{path}: {reason}", path = .path.display())]
	NoData {
		/// The file or folder.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// The loss is no longer a number.
	#[error("step {step}: the loss is {loss}; lower learning_rate or max_grad_norm. The last checkpoint is intact")]
	NotFinite {
		/// The step, from 1.
		step: usize,
		/// What the loss was.
		loss: f64,
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
