//! The model's tokenizer, checked against the model's size.

use crate::config::DecoderConfig;
use crate::error::{ModelError, Result};
use std::path::Path;
use tokenizers::Tokenizer;

/// A tokenizer with the ids that start and end a text.
pub struct ModelTokenizer {
	inner: Tokenizer,
	/// Ids that end a text; the first is the one to write.
	pub eos: Vec<u32>,
}

impl ModelTokenizer {
	/// Reads `dir/tokenizer.json`; one with more tokens than the model has rows is an error.
	pub fn load(dir: &Path, config: &DecoderConfig) -> Result<Self> {
		let path = dir.join("tokenizer.json");
		let bytes = std::fs::read(&path).map_err(ModelError::io(&path))?;
		let inner = Tokenizer::from_bytes(&bytes).map_err(|e| ModelError::Tokenizer {
			path: path.clone(),
			reason: e.to_string(),
		})?;
		// The highest id counts, not the number of tokens: ids may have gaps.
		let size = inner.get_vocab(true).values().max().map_or(0, |id| *id as usize + 1);
		if size > config.vocab_size {
			return Err(ModelError::TokenizerTooLarge {
				path,
				tokenizer: size,
				model: config.vocab_size,
			});
		}
		Ok(Self {
			inner,
			eos: config.eos.clone(),
		})
	}

	/// Ids of a text, with the tokenizer's own special tokens where `special`.
	pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>> {
		let encoding = self
			.inner
			.encode(text, special)
			.map_err(|e| ModelError::Input(format!("tokenizer: {e}")))?;
		Ok(encoding.get_ids().to_vec())
	}

	/// Ids of a text that brings its special tokens, each with the byte of the text that it ends before.
	pub fn encode_with_ends(&self, text: &str) -> Result<Vec<(u32, usize)>> {
		let encoding = self
			.inner
			.encode(text, false)
			.map_err(|e| ModelError::Input(format!("tokenizer: {e}")))?;
		let ends = encoding.get_offsets().iter().map(|(_, end)| *end);
		Ok(encoding.get_ids().iter().copied().zip(ends).collect())
	}

	/// A token as the tokenizer writes it.
	pub fn piece(&self, id: u32) -> String {
		self.inner.id_to_token(id).unwrap_or_default()
	}

	/// Ids of a whole document: special tokens, and the end token after it.
	pub fn encode_document(&self, text: &str) -> Result<Vec<u32>> {
		let mut ids = self.encode(text, true)?;
		if let Some(eos) = self.eos.first() {
			if ids.last() != Some(eos) {
				ids.push(*eos);
			}
		}
		Ok(ids)
	}

	/// Text of ids, special tokens left out.
	pub fn decode(&self, ids: &[u32]) -> Result<String> {
		self.inner
			.decode(ids, true)
			.map_err(|e| ModelError::Input(format!("tokenizer: {e}")))
	}
}
