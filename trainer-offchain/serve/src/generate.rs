//! Token by token, with the keys and values of what was read kept.

use candle_core::Tensor;
use candle_transformers::generation::LogitsProcessor;
use openledger_model::{Decoder, KvCache, ModelError, ModelTokenizer, Result};
use std::ops::ControlFlow;

/// How to continue a text.
#[derive(Clone, Copy, Debug)]
pub struct GenerationOptions {
	/// Most tokens to write.
	pub max_new_tokens: usize,
	/// Temperature; 0 takes the likeliest token always.
	pub temperature: f64,
	/// Share of the probability that is drawn from; none for all of it.
	pub top_p: Option<f64>,
	/// Seed of the draw.
	pub seed: u64,
}

impl Default for GenerationOptions {
	fn default() -> Self {
		Self {
			max_new_tokens: 128,
			temperature: 0.8,
			top_p: None,
			seed: 42,
		}
	}
}

/// Why a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
	/// The model wrote its end token.
	End,
	/// The tokens asked for were written.
	MaxTokens,
	/// The model has no position left.
	ContextFull,
	/// The caller stopped it.
	Stopped,
}

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

/// Continues `prompt`, giving each new piece of text to `on_text`. A prompt that leaves no position to write in loses its
/// start.
pub fn generate(
	decoder: &Decoder,
	tokenizer: &ModelTokenizer,
	prompt: &str,
	options: GenerationOptions,
	on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Generation> {
	let mut input = tokenizer.encode(prompt, true)?;
	if input.is_empty() {
		let start = decoder.config.bos.first().or(decoder.config.eos.first()).copied();
		input.push(
			start.ok_or_else(|| ModelError::Input("the prompt is empty, and the model has no start token".into()))?,
		);
	}
	let positions = decoder.config.max_positions;
	let room = options.max_new_tokens.clamp(1, (positions / 2).max(1));
	let input = &input[input.len().saturating_sub(positions - room.min(positions - 1))..];
	decoder.check_ids(input)?;

	let mut sampler = LogitsProcessor::new(options.seed, Some(options.temperature), options.top_p);
	let mut cache = KvCache::new();
	let mut step = Tensor::new(input, &decoder.device)?.unsqueeze(0)?;
	let (mut ids, mut shown) = (Vec::new(), 0);
	let finish = loop {
		if ids.len() == options.max_new_tokens {
			break FinishReason::MaxTokens;
		}
		if cache.len() + step.dim(1)? > positions {
			break FinishReason::ContextFull;
		}
		let logits = decoder.last_logits(&step, Some(&mut cache))?.squeeze(0)?;
		let id = sampler.sample(&logits)?;
		if tokenizer.eos.contains(&id) {
			break FinishReason::End;
		}
		ids.push(id);
		step = Tensor::new(&[[id]], &decoder.device)?;
		let text = tokenizer.decode(&ids)?;
		// A character of several bytes may be half there: it is shown once it is whole.
		if !text.ends_with(char::REPLACEMENT_CHARACTER) && text.len() > shown && text.is_char_boundary(shown) {
			let stop = on_text(&text[shown..]).is_break();
			shown = text.len();
			if stop {
				break FinishReason::Stopped;
			}
		}
	};
	Ok(Generation {
		text: tokenizer.decode(&ids)?,
		ids,
		finish,
	})
}
