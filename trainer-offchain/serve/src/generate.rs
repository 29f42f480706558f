//! One text, from its prompt to its end.

use crate::sequence::{FinishReason, GenerationOptions, Sequence};
use openledger_model::{AdapterSet, Decoder, ModelError, ModelTokenizer, Result};
use std::ops::ControlFlow;

/// A continuation.
#[derive(Clone, Debug)]
pub struct Generation {
	/// Its ids, the end token left out.
	pub ids: Vec<u32>,
	/// Its text.
	pub text: String,
	/// Why it ends.
	pub finish: FinishReason,
}

/// Ids of a prompt, with the model's start token where there is nothing else to begin with.
pub fn prompt_ids(decoder: &Decoder, tokenizer: &ModelTokenizer, prompt: &str, special: bool) -> Result<Vec<u32>> {
	let mut ids = tokenizer.encode(prompt, special)?;
	if ids.is_empty() {
		let start = decoder.config.bos.first().or(decoder.config.eos.first()).copied();
		let none = || ModelError::Input("the prompt is empty, and the model has no start token".into());
		ids.push(start.ok_or_else(none)?);
	}
	Ok(ids)
}

/// Continues `prompt`, giving each new piece of text to `on_text`. A prompt that leaves no position to write in loses its
/// start.
pub fn generate(
	decoder: &Decoder,
	adapter: Option<&AdapterSet>,
	tokenizer: &ModelTokenizer,
	prompt: &str,
	options: GenerationOptions,
	on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Generation> {
	let ids = prompt_ids(decoder, tokenizer, prompt, true)?;
	let positions = decoder.config.max_positions;
	let room = options.max_tokens.clamp(1, (positions / 2).max(1));
	let ids = ids[ids.len().saturating_sub(positions - room.min(positions - 1))..].to_vec();
	let mut sequence = Sequence::new(decoder, ids, options)?;
	let finish = loop {
		let logits = decoder.step(&mut [sequence.segment(adapter, positions)])?;
		let finish = sequence.advance(&logits.squeeze(0)?, tokenizer)?;
		let piece = sequence.take_text(finish.is_some());
		let stop = !piece.is_empty() && on_text(&piece).is_break();
		if let Some(finish) = finish.or(stop.then_some(FinishReason::Stopped)) {
			break finish;
		}
	};
	let (ids, text) = sequence.into_written();
	Ok(Generation { ids, text, finish })
}
