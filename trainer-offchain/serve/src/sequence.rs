//! One text being continued.

use crate::text::TextStream;
use candle_core::Tensor;
use candle_transformers::generation::{LogitsProcessor, Sampling};
use candle_transformers::utils::apply_repeat_penalty;
use openledger_model::{AdapterSet, Decoder, KvCache, ModelError, ModelTokenizer, Result, Segment};
use serde::Deserialize;

/// How to continue a text.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct GenerationOptions {
	/// Most tokens to write.
	pub max_tokens: usize,
	/// Temperature; 0 takes the likeliest token always.
	pub temperature: f64,
	/// Share of the probability that is drawn from.
	pub top_p: Option<f64>,
	/// How many of the likeliest tokens are drawn from.
	pub top_k: Option<usize>,
	/// What the logits of tokens that were there before are divided by (multiplied, where negative; Keskar et al. 2019).
	pub repetition_penalty: f32,
	/// Seed of the draw.
	pub seed: u64,
	/// Texts that end the answer, and are no part of it.
	pub stop: Vec<String>,
}

impl Default for GenerationOptions {
	fn default() -> Self {
		Self {
			max_tokens: 128,
			temperature: 0.8,
			top_p: None,
			top_k: None,
			repetition_penalty: 1.0,
			seed: 42,
			stop: Vec::new(),
		}
	}
}

impl GenerationOptions {
	/// Name and reason of the first option that cannot be used.
	pub fn fault(&self) -> Option<(&'static str, String)> {
		let within = |value: f64, low: f64, high: f64| value.is_finite() && value >= low && value <= high;
		let bad = |name, value: &dyn std::fmt::Display, range| Some((name, format!("{value} is not {range}")));
		match self {
			Self { max_tokens: 0, .. } => bad("max_tokens", &0, "above 0"),
			o if !within(o.temperature, 0.0, 100.0) => bad("temperature", &o.temperature, "from 0 to 100"),
			Self { top_p: Some(p), .. } if !within(*p, f64::MIN_POSITIVE, 1.0) => {
				bad("top_p", p, "above 0 and at most 1")
			}
			Self { top_k: Some(0), .. } => bad("top_k", &0, "above 0"),
			o if !within(o.repetition_penalty.into(), 0.1, 10.0) => {
				bad("repetition_penalty", &o.repetition_penalty, "from 0.1 to 10")
			}
			o if o.stop.iter().any(String::is_empty) => Some(("stop", "a stop text is empty".into())),
			_ => None,
		}
	}

	fn sampling(&self) -> Sampling {
		let temperature = self.temperature;
		match (self.top_k, self.top_p) {
			_ if temperature < 1e-7 => Sampling::ArgMax,
			(None, None) => Sampling::All { temperature },
			(Some(k), None) => Sampling::TopK { k, temperature },
			(None, Some(p)) => Sampling::TopP { p, temperature },
			(Some(k), Some(p)) => Sampling::TopKThenTopP { k, p, temperature },
		}
	}
}

/// Why a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
	/// The model wrote its end token.
	End,
	/// A stop text came.
	StopText,
	/// The tokens asked for were written.
	MaxTokens,
	/// The model has no position left.
	ContextFull,
	/// The caller stopped it.
	Stopped,
}

/// A text on its way: what was read, what is to be read next, what was written.
pub(crate) struct Sequence {
	/// The prompt, and what was written.
	ids: Vec<u32>,
	prompt: usize,
	cache: KvCache,
	sampler: LogitsProcessor,
	text: TextStream,
	options: GenerationOptions,
	positions: usize,
}

impl Sequence {
	/// A text that begins with `prompt`, which must have an id, all of them the decoder's, and leave it a position.
	pub(crate) fn new(decoder: &Decoder, prompt: Vec<u32>, options: GenerationOptions) -> Result<Self> {
		decoder.check_ids(&prompt)?;
		let positions = decoder.config.max_positions;
		if prompt.is_empty() || prompt.len() >= positions {
			return Err(ModelError::Input(format!(
				"a prompt of {} tokens: the model takes from 1 to {}",
				prompt.len(),
				positions - 1
			)));
		}
		Ok(Self {
			prompt: prompt.len(),
			ids: prompt,
			cache: KvCache::new(),
			sampler: LogitsProcessor::from_sampling(options.seed, options.sampling()),
			text: TextStream::new(options.stop.clone()),
			options,
			positions,
		})
	}

	/// What to give to the next step: at most `most` ids.
	pub(crate) fn segment<'a>(&'a mut self, adapter: Option<&'a AdapterSet>, most: usize) -> Segment<'a> {
		let start = self.cache.len();
		let end = self.ids.len().min(start + most);
		Segment {
			ids: &self.ids[start..end],
			cache: &mut self.cache,
			adapter,
		}
	}

	/// Takes the logits `[vocab]` of its last step; says why the text ends where it does. Nothing is drawn while the
	/// prompt is not read.
	pub(crate) fn advance(&mut self, logits: &Tensor, tokenizer: &ModelTokenizer) -> Result<Option<FinishReason>> {
		if self.cache.len() < self.ids.len() {
			return Ok(None);
		}
		let id = if self.options.repetition_penalty == 1.0 {
			self.sampler.sample(logits)?
		} else {
			self.sampler.sample(&apply_repeat_penalty(
				logits,
				self.options.repetition_penalty,
				&self.ids,
			)?)?
		};
		if tokenizer.eos.contains(&id) {
			return Ok(Some(FinishReason::End));
		}
		self.ids.push(id);
		Ok(if self.text.push(id, tokenizer)? {
			Some(FinishReason::StopText)
		} else if self.text.len() == self.options.max_tokens {
			Some(FinishReason::MaxTokens)
		} else if self.ids.len() > self.positions {
			Some(FinishReason::ContextFull)
		} else {
			None
		})
	}

	/// Text that was not given out yet.
	pub(crate) fn take_text(&mut self, at_end: bool) -> String {
		self.text.take(at_end)
	}

	/// Tokens of the prompt.
	pub(crate) fn prompt_tokens(&self) -> usize {
		self.prompt
	}

	/// Tokens written.
	pub(crate) fn written_tokens(&self) -> usize {
		self.text.len()
	}

	/// Positions that it may come to hold.
	pub(crate) fn most_positions(&self) -> usize {
		(self.prompt + self.options.max_tokens).min(self.positions)
	}

	/// What was written.
	pub(crate) fn into_written(self) -> (Vec<u32>, String) {
		let text = self.text.text().to_owned();
		(self.text.into_ids(), text)
	}
}
