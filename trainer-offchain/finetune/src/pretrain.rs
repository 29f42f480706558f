//! A small model from nothing: a byte-pair tokenizer trained on a corpus, random weights, full training on the corpus.

use crate::data;
use crate::error::{FinetuneError, Result};
use crate::evaluate::evaluate_sequences;
use crate::plan::{Plan, Sizes};
use crate::schedule;
use crate::sequence::{join, Sequence};
use crate::trainer::{Batch, StepMetrics, Trainer};
use candle_core::Device;
use openledger_model::files::{replace_dir, write_file, write_json};
use openledger_model::{checkpoint, Decoder, DecoderConfig, ModelError, ModelTokenizer, RawConfig};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{json, Value};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokenizers::models::bpe::{BpeTrainer, BPE};
use tokenizers::models::TrainerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};

/// The one special token: ends a document, has id 0.
const END: &str = "<|endoftext|>";
/// Sequences of a step.
const BATCH: usize = 8;
/// Most steps over which the learning rate rises; a tenth of a shorter run.
const WARMUP: usize = 30;
/// Share of the peak learning rate that is left at the end.
const FLOOR: f64 = 0.1;
/// Sequences of the corpus that the final loss is measured on.
const MEASURED: usize = 64;

/// What to make.
#[derive(Clone, Debug)]
pub struct InitConfig {
	/// Folders and files of text.
	pub corpus: Vec<PathBuf>,
	/// Folder to write.
	pub out: PathBuf,
	/// `llama` or `gpt2`.
	pub family: String,
	/// Tokens of the tokenizer, and rows of the embedding.
	pub vocab_size: usize,
	/// Width.
	pub hidden: usize,
	/// Blocks.
	pub layers: usize,
	/// Heads.
	pub heads: usize,
	/// Positions.
	pub seq_len: usize,
	/// Most steps.
	pub steps: usize,
	/// Most minutes, reached or not; the schedule ends with whichever of the two comes first.
	pub minutes: Option<f64>,
	/// Peak learning rate.
	pub learning_rate: f64,
	/// Seed of weights and order.
	pub seed: u64,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct InitReport {
	/// The model's folder.
	pub model_dir: PathBuf,
	/// Loss of the finished model on a sample of its corpus, nats per token.
	pub final_loss: f64,
	/// Entropy of the corpus' token frequencies, nats per token: the loss of knowing those and nothing else.
	pub unigram_loss: f64,
	/// Tokens of the corpus.
	pub corpus_tokens: usize,
	/// Tokens trained on, repeats included.
	pub trained_tokens: usize,
	/// Files of the corpus.
	pub files: usize,
	/// Parameters.
	pub parameters: usize,
	/// Steps made.
	pub steps: usize,
	/// Seconds of training.
	pub train_seconds: f64,
	/// Whether it was stopped before its end; nothing was written then.
	pub interrupted: bool,
}

/// What [`init_model`] reports while it works.
pub enum Progress {
	/// The tokenizer is done; so many files, tokens in the corpus, parameters.
	Ready {
		/// Files of the corpus.
		files: usize,
		/// Tokens of the corpus.
		tokens: usize,
		/// Parameters of the model.
		parameters: usize,
	},
	/// A step is done.
	Step(StepMetrics),
}

/// Makes a model; when `on_progress` breaks, the training stops and nothing is written.
pub fn init_model(config: &InitConfig, on_progress: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<InitReport> {
	let texts = read_corpus(&config.corpus)?;
	let tokenizer = train_tokenizer(&texts, config.vocab_size)?;
	let raw = RawConfig::new(&config.out, model_config(config)?);
	let decoder = Decoder::random(raw, config.seed, &Device::Cpu)?;
	let tokenizer_json = serialize(&tokenizer)?;
	let documents = encode(&tokenizer_json, &decoder.config, &texts)?;
	let corpus_tokens: usize = documents.iter().map(Vec::len).sum();
	let parameters = decoder.parameter_count();
	let _ = on_progress(Progress::Ready {
		files: texts.len(),
		tokens: corpus_tokens,
		parameters,
	});

	let sequences = join(&documents, config.seq_len + 1);
	let started = Instant::now();
	let (steps, trained_tokens, interrupted) = train(config, &decoder, &sequences, on_progress)?;
	let train_seconds = started.elapsed().as_secs_f64();
	let stride = sequences.len().div_ceil(MEASURED).max(1);
	let sample: Vec<Sequence> = sequences.iter().step_by(stride).cloned().collect();
	let final_loss = evaluate_sequences(&decoder, &sample)?.map_or(f64::NAN, |e| e.loss);
	if !interrupted {
		write(config, &decoder, &tokenizer_json)?;
	}
	Ok(InitReport {
		interrupted,
		model_dir: config.out.clone(),
		final_loss,
		unigram_loss: unigram_entropy(&documents, config.vocab_size),
		corpus_tokens,
		trained_tokens,
		files: texts.len(),
		parameters,
		steps,
		train_seconds,
	})
}

/// Texts of all files of the corpus, folders by path.
fn read_corpus(corpus: &[PathBuf]) -> Result<Vec<String>> {
	let mut files = Vec::new();
	for path in corpus {
		match path.is_dir() {
			true => files.extend(data::text_files(path)?),
			false => files.push(path.clone()),
		}
	}
	let mut texts = Vec::new();
	for file in &files {
		let text = data::read_text(file)?;
		if !text.trim().is_empty() {
			texts.push(text);
		}
	}
	if texts.is_empty() {
		let path = corpus.first().cloned().unwrap_or_default();
		return Err(FinetuneError::NoData {
			path,
			reason: "the corpus holds no text".into(),
		});
	}
	Ok(texts)
}

/// Byte-level byte-pair encoding: every text can be written, whatever its bytes.
fn train_tokenizer(texts: &[String], vocab_size: usize) -> Result<Tokenizer> {
	const BYTES_AND_END: usize = 257;
	if vocab_size < BYTES_AND_END {
		return Err(FinetuneError::config(
			"vocab_size",
			format!("must be at least {BYTES_AND_END}: all bytes and the end"),
		));
	}
	let mut tokenizer = Tokenizer::new(BPE::default());
	tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
	tokenizer.with_decoder(Some(ByteLevel::default()));
	let mut trainer: TrainerWrapper = BpeTrainer::builder()
		.show_progress(false)
		.vocab_size(vocab_size)
		.min_frequency(2)
		.initial_alphabet(ByteLevel::alphabet().into_iter().collect())
		.special_tokens(vec![AddedToken::from(END, true)])
		.build()
		.into();
	tokenizer
		.train(&mut trainer, texts.iter())
		.map_err(|e| tokenizer_error(&e.to_string()))?;
	Ok(tokenizer)
}

fn tokenizer_error(reason: &str) -> FinetuneError {
	FinetuneError::Model(ModelError::Input(format!("tokenizer: {reason}")))
}

fn serialize(tokenizer: &Tokenizer) -> Result<Vec<u8>> {
	tokenizer
		.to_string(true)
		.map(String::into_bytes)
		.map_err(|e| tokenizer_error(&e.to_string()))
}

/// Ids of the texts by the tokenizer as a reader of its file will have it.
fn encode(tokenizer_json: &[u8], config: &DecoderConfig, texts: &[String]) -> Result<Vec<Vec<u32>>> {
	let scratch = tempfile::tempdir().map_err(FinetuneError::io(Path::new("temporary folder")))?;
	write_file(&scratch.path().join("tokenizer.json"), tokenizer_json)?;
	let tokenizer = ModelTokenizer::load(scratch.path(), config)?;
	let ids = |text: &String| Ok(tokenizer.encode_document(text)?);
	texts.par_iter().map(ids).collect()
}

/// config.json, as transformers reads it.
fn model_config(c: &InitConfig) -> Result<Value> {
	let key = |key, reason: &str| Err(FinetuneError::config(key, reason));
	if c.heads == 0 || !c.hidden.is_multiple_of(c.heads) {
		return key("heads", "must divide hidden");
	}
	if c.seq_len < 2 || c.layers == 0 || c.steps == 0 {
		return key("layers", "layers and steps must be at least 1, seq-len at least 2");
	}
	match c.family.as_str() {
		"llama" => Ok(json!({
			"architectures": ["LlamaForCausalLM"],
			"attention_bias": false,
			"attention_dropout": 0.0,
			"bos_token_id": 0,
			"dtype": "float32",
			"eos_token_id": 0,
			"head_dim": c.hidden / c.heads,
			"hidden_act": "silu",
			"hidden_size": c.hidden,
			"initializer_range": 0.02,
			// Two thirds of four times the width, as LLaMA has it, rounded to 32.
			"intermediate_size": (c.hidden * 8).div_ceil(3).next_multiple_of(32),
			"max_position_embeddings": c.seq_len,
			"mlp_bias": false,
			"model_type": "llama",
			"num_attention_heads": c.heads,
			"num_hidden_layers": c.layers,
			"num_key_value_heads": c.heads,
			"rms_norm_eps": 1e-5,
			"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
			"tie_word_embeddings": true,
			"use_cache": true,
			"vocab_size": c.vocab_size,
		})),
		"gpt2" => Ok(json!({
			"activation_function": "gelu_new",
			"architectures": ["GPT2LMHeadModel"],
			"attn_pdrop": 0.0,
			"bos_token_id": 0,
			"dtype": "float32",
			"embd_pdrop": 0.0,
			"eos_token_id": 0,
			"layer_norm_epsilon": 1e-5,
			"model_type": "gpt2",
			"n_embd": c.hidden,
			"n_head": c.heads,
			"n_inner": null,
			"n_layer": c.layers,
			"n_positions": c.seq_len,
			"resid_pdrop": 0.0,
			"tie_word_embeddings": true,
			"use_cache": true,
			"vocab_size": c.vocab_size,
		})),
		_ => key("family", "must be llama or gpt2"),
	}
}

/// Steps made, tokens trained on, and whether it was stopped.
fn train(
	config: &InitConfig,
	decoder: &Decoder,
	sequences: &[Sequence],
	on_progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(usize, usize, bool)> {
	let sizes = Sizes {
		batch_size: BATCH,
		accumulation: 1,
		max_steps: config.steps,
		epochs: 1.0,
	};
	let mut plan = Plan::new(sequences.len(), sizes, Some(config.seed));
	let variables = decoder.parameters.iter().map(|(_, t)| t.clone()).collect();
	let mut trainer = Trainer::new(decoder, variables, 0.01, 1.0, None);
	let started = Instant::now();
	let mut tokens = 0;
	for step in 1..=config.steps {
		let elapsed = started.elapsed().as_secs_f64() / 60.0;
		// By steps or by the clock, whichever is further: the rate is down when the time is up.
		let by_clock = config.minutes.map_or(0.0, |minutes| elapsed / minutes);
		if by_clock >= 1.0 && step > 1 {
			return Ok((step - 1, tokens, false));
		}
		let progress = by_clock.max((step - 1) as f64 / config.steps as f64);
		let warm = (step as f64 / WARMUP.min(config.steps / 10).max(1) as f64).min(1.0);
		let learning_rate = config.learning_rate * warm * (FLOOR + (1.0 - FLOOR) * schedule::cosine(progress));
		let batches = plan
			.step(step - 1)
			.iter()
			.map(|batch| Batch::new(batch.iter().map(|i| &sequences[*i]), &decoder.device))
			.collect::<Result<Vec<_>>>()?;
		let done = trainer.step(step, &batches, learning_rate)?;
		tokens += done.tokens;
		let metrics = StepMetrics {
			step,
			total_steps: config.steps,
			loss: done.loss,
			learning_rate,
			grad_norm: done.grad_norm,
			tokens_per_s: done.tokens as f64 / done.elapsed.as_secs_f64().max(1e-9),
			tokens: done.tokens,
			eval_loss: None,
		};
		if on_progress(Progress::Step(metrics)).is_break() {
			return Ok((step, tokens, true));
		}
	}
	Ok((config.steps, tokens, false))
}

/// Writes the Hugging Face folder, whole or not at all.
fn write(config: &InitConfig, decoder: &Decoder, tokenizer_json: &[u8]) -> Result<()> {
	if let Some(parent) = config.out.parent() {
		std::fs::create_dir_all(parent).map_err(ModelError::io(parent))?;
	}
	replace_dir(&config.out, |dir| -> Result<()> {
		write_json(&dir.join("config.json"), decoder.raw_config.value())?;
		write_file(
			&dir.join(checkpoint::SINGLE),
			&checkpoint::to_bytes(&decoder.parameters)?,
		)?;
		write_file(&dir.join("tokenizer.json"), tokenizer_json)?;
		let settings = json!({
			"bos_token": END,
			"clean_up_tokenization_spaces": false,
			"eos_token": END,
			"model_max_length": config.seq_len,
			"tokenizer_class": "PreTrainedTokenizerFast",
			"unk_token": END,
		});
		Ok(write_json(&dir.join("tokenizer_config.json"), &settings)?)
	})
}

/// Entropy of the frequencies of ids, nats.
fn unigram_entropy(documents: &[Vec<u32>], vocab_size: usize) -> f64 {
	let mut counts = vec![0u64; vocab_size];
	documents.iter().flatten().for_each(|id| counts[*id as usize] += 1);
	let total: u64 = counts.iter().sum();
	let entropy = |count: &u64| {
		let p = *count as f64 / total as f64;
		-p * p.ln()
	};
	counts.iter().filter(|c| **c > 0).map(entropy).sum()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn entropy_should_equal_hand_computed_values() {
		assert!((unigram_entropy(&[vec![0, 1], vec![2, 3]], 5) - 4f64.ln()).abs() < 1e-12);
		assert_eq!(unigram_entropy(&[vec![3, 3, 3]], 5), 0.0);
	}
}
