//! config.json: as it is in the file, and as the decoder takes it.

use crate::error::{ModelError, Result};
use crate::family::Family;
use crate::files::read_json;
use crate::ops::RotaryTable;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A parsed config.json that knows its path, so that every complaint names file and key.
#[derive(Clone, Debug)]
pub struct RawConfig {
	path: PathBuf,
	value: Value,
}

impl RawConfig {
	/// Reads `dir/config.json`.
	pub fn read(dir: &Path) -> Result<Self> {
		Self::read_file(&dir.join("config.json"))
	}

	/// Reads a JSON file of settings.
	pub fn read_file(path: &Path) -> Result<Self> {
		Ok(Self {
			value: read_json(path)?,
			path: path.to_owned(),
		})
	}

	/// The file.
	pub fn path(&self) -> &Path {
		&self.path
	}

	/// A configuration that is about to be written to `dir/config.json`.
	pub fn new(dir: &Path, value: Value) -> Self {
		Self {
			path: dir.join("config.json"),
			value,
		}
	}

	/// The file's content.
	pub fn value(&self) -> &Value {
		&self.value
	}

	/// The section under `key`, if it is there and not null.
	pub fn section(&self, key: &str) -> Option<Self> {
		self.get(key).map(|value| Self {
			path: self.path.clone(),
			value: value.clone(),
		})
	}

	/// The value of `key`, null taken for absent.
	pub fn get(&self, key: &str) -> Option<&Value> {
		self.value.get(key).filter(|v| !v.is_null())
	}

	/// An error about `key`.
	pub fn error(&self, key: &str, reason: impl Into<String>) -> ModelError {
		ModelError::config(&self.path, key, reason)
	}

	fn typed<T>(&self, key: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>> {
		self.get(key)
			.map(|value| read(value).ok_or_else(|| self.error(key, format!("expected {what}, found {value}"))))
			.transpose()
	}

	fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
		value.ok_or_else(|| self.error(key, "is missing"))
	}

	/// A positive whole number that must be there.
	pub fn size(&self, key: &str) -> Result<usize> {
		let value = self.size_or_none(key)?;
		self.required(key, value)
	}

	/// A positive whole number, or none.
	pub fn size_or_none(&self, key: &str) -> Result<Option<usize>> {
		// 2^32 of anything is beyond what a tensor here could hold, and keeps products of two from overflowing.
		let read = |v: &Value| v.as_u64().filter(|n| *n > 0 && *n < 1 << 32).map(|n| n as usize);
		self.typed(key, "a positive whole number", read)
	}

	/// A number, or `default`.
	pub fn number_or(&self, key: &str, default: f64) -> Result<f64> {
		Ok(self.typed(key, "a number", Value::as_f64)?.unwrap_or(default))
	}

	/// A number that must be there.
	pub fn number(&self, key: &str) -> Result<f64> {
		let value = self.typed(key, "a number", Value::as_f64)?;
		self.required(key, value)
	}

	/// True or false, or `default`.
	pub fn flag_or(&self, key: &str, default: bool) -> Result<bool> {
		Ok(self.typed(key, "true or false", Value::as_bool)?.unwrap_or(default))
	}

	/// A string, or none.
	pub fn text(&self, key: &str) -> Result<Option<String>> {
		self.typed(key, "a string", |v| v.as_str().map(str::to_owned))
	}

	/// A token id, several or none: transformers writes all three.
	pub fn token_ids(&self, key: &str) -> Result<Vec<u32>> {
		let one = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
		let read = |v: &Value| match v {
			Value::Array(items) => items.iter().map(one).collect(),
			other => one(other).map(|id| vec![id]),
		};
		Ok(self
			.typed(key, "a token id or a list of them", read)?
			.unwrap_or_default())
	}
}

/// How positions enter.
#[derive(Clone, Debug, PartialEq)]
pub enum Positions {
	/// Rotary embedding.
	Rotary(RotaryTable),
	/// A learned table, added to the token embedding.
	Learned,
}

/// Normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
	/// Root mean square, a weight only.
	Rms,
	/// Mean and variance, weight and bias.
	Layer,
}

/// Feed-forward part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedForward {
	/// `down(silu(gate(x)) * up(x))`.
	SwiGlu,
	/// `down(gelu_tanh(up(x)))`.
	GeluTanh,
}

/// What the decoder is built from, whatever the family.
#[derive(Clone, Debug)]
pub struct DecoderConfig {
	/// The family.
	pub family: &'static Family,
	/// Rows of the embedding.
	pub vocab_size: usize,
	/// Width of the residual stream.
	pub hidden_size: usize,
	/// Blocks.
	pub layers: usize,
	/// Query heads.
	pub heads: usize,
	/// Key and value heads.
	pub kv_heads: usize,
	/// Width of a head.
	pub head_dim: usize,
	/// Width of the feed-forward part.
	pub intermediate_size: usize,
	/// Positions that the model was made for.
	pub max_positions: usize,
	/// How positions enter.
	pub positions: Positions,
	/// Normalisation.
	pub norm: NormKind,
	/// Its epsilon.
	pub norm_eps: f32,
	/// Feed-forward part.
	pub feed_forward: FeedForward,
	/// Whether query, key and value have biases.
	pub qkv_bias: bool,
	/// Whether attention's output has one.
	pub attention_out_bias: bool,
	/// Whether the feed-forward part's layers have them.
	pub mlp_bias: bool,
	/// Whether the head is the embedding.
	pub tied: bool,
	/// Ids that end a text.
	pub eos: Vec<u32>,
	/// Ids that start one.
	pub bos: Vec<u32>,
}

impl DecoderConfig {
	/// Reads the configuration by its `model_type`.
	pub fn from_raw(raw: &RawConfig) -> Result<Self> {
		let family = Family::of(raw)?;
		let config = (family.read)(raw)?;
		for (key, ids) in [("eos_token_id", &config.eos), ("bos_token_id", &config.bos)] {
			if let Some(id) = ids.iter().find(|id| **id as usize >= config.vocab_size) {
				return Err(raw.error(key, format!("{id} is not below vocab_size {}", config.vocab_size)));
			}
		}
		if !config.heads.is_multiple_of(config.kv_heads) {
			let reason = format!("{} does not divide the {} query heads", config.kv_heads, config.heads);
			return Err(raw.error("num_key_value_heads", reason));
		}
		Ok(config)
	}
}
