//! What can go wrong with a checkpoint, an adapter or a tokenizer. Every variant names the file and the key.

use std::path::{Path, PathBuf};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
	/// A file could not be read or written.
	#[error("{path}: {source}", path = .path.display())]
	Io {
		/// The file or folder.
		path: PathBuf,
		/// The operating system's answer.
		source: std::io::Error,
	},
	/// A JSON file is malformed.
	#[error("{path}: not valid JSON: {source}", path = .path.display())]
	Json {
		/// The file.
		path: PathBuf,
		/// Where and why.
		source: serde_json::Error,
	},
	/// A key of a configuration file is missing or has a value that cannot be used.
	#[error("{path}: key `{key}`: {reason}", path = .path.display())]
	Config {
		/// The file.
		path: PathBuf,
		/// The key.
		key: String,
		/// Why it cannot be used.
		reason: String,
	},
	/// `model_type` names a family that this build does not know.
	#[error("{path}: key `model_type`: unknown family `{family}`; known: {known}", path = .path.display())]
	UnknownFamily {
		/// config.json.
		path: PathBuf,
		/// What it says.
		family: String,
		/// What could be said.
		known: String,
	},
	/// A tensor that the configuration asks for is in none of the checkpoint's files.
	#[error("{path}: tensor `{name}` is missing", path = .path.display())]
	MissingTensor {
		/// The file or folder searched.
		path: PathBuf,
		/// The tensor.
		name: String,
	},
	/// A tensor of the checkpoint that no part of the configured model takes.
	#[error("{path}: tensor `{name}` belongs to no part of the model that config.json describes", path = .path.display())]
	UnusedTensor {
		/// The file.
		path: PathBuf,
		/// The tensor.
		name: String,
	},
	/// A tensor has another shape than the configuration asks for.
	#[error("{path}: tensor `{name}` has shape {found:?}, but the configuration asks for {expected:?}", path = .path.display())]
	Shape {
		/// The file.
		path: PathBuf,
		/// The tensor.
		name: String,
		/// By the configuration.
		expected: Vec<usize>,
		/// In the file.
		found: Vec<usize>,
	},
	/// A safetensors file is truncated or malformed.
	#[error("{path}: not a complete safetensors file: {reason}", path = .path.display())]
	Safetensors {
		/// The file.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// tokenizer.json cannot be read.
	#[error("{path}: not a usable tokenizer: {reason}", path = .path.display())]
	Tokenizer {
		/// The file.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// The tokenizer makes ids that the model has no row for.
	#[error("{path}: the tokenizer has {tokenizer} tokens, but the model's `vocab_size` is {model}", path = .path.display())]
	TokenizerTooLarge {
		/// tokenizer.json.
		path: PathBuf,
		/// Its size, added tokens included.
		tokenizer: usize,
		/// Rows of the embedding.
		model: usize,
	},
	/// The input does not fit the model.
	#[error("{0}")]
	Input(String),
	/// candle refused an operation.
	#[error("tensor operation: {0}")]
	Candle(#[from] candle_core::Error),
}

impl ModelError {
	/// An [`ModelError::Io`] for `path`, to be used with `map_err`.
	pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
		move |source| Self::Io {
			path: path.to_owned(),
			source,
		}
	}

	/// A [`ModelError::Config`].
	pub fn config(path: &Path, key: &str, reason: impl Into<String>) -> Self {
		Self::Config {
			path: path.to_owned(),
			key: key.to_owned(),
			reason: reason.into(),
		}
	}
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, ModelError>;
