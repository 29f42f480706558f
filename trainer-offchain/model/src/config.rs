//! config.json: as it is in the file, and as the decoder takes it.

use crate::error::{ModelError, Result};
use crate::family::Family;
use crate::files::read_json;
use crate::ops::RotaryTable;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Keys of any family's config.json that change no logit: bookkeeping, dropout (a run sets its own), initialisation,
/// sampling. Keys that start with `summary_` belong here too.
const WITHOUT_EFFECT: &[&str] = &[
	"_attn_implementation",
	"_attn_implementation_autoset",
	"_name_or_path",
	"_num_labels",
	"architectures",
	"attention_dropout",
	"attn_implementation",
	"attn_pdrop",
	"auto_map",
	"bad_words_ids",
	"classifier_dropout",
	"cls_token_id",
	"do_sample",
	"dtype",
	"embd_pdrop",
	"gradient_checkpointing",
	"hidden_dropout",
	"id2label",
	"initializer_range",
	"is_llama_config",
	"keys_to_ignore_at_inference",
	"label2id",
	"length_penalty",
	"mask_token_id",
	"max_length",
	"max_sequence_length",
	"min_length",
	"model_max_length",
	"model_type",
	"no_repeat_ngram_size",
	"num_beams",
	"num_labels",
	"pad_token_id",
	"pretraining_tp",
	"problem_type",
	"repetition_penalty",
	"resid_pdrop",
	"return_dict",
	"sep_token_id",
	"task_specific_params",
	"temperature",
	"top_k",
	"top_p",
	"torch_dtype",
	"transformers.js_config",
	"transformers_version",
	"unk_token_id",
	"unsloth_fixed",
	"unsloth_version",
	"use_cache",
];

/// A parsed config.json that knows its path, so that every complaint names file and key, and which keys were asked for.
#[derive(Clone, Debug)]
pub struct RawConfig {
	path: PathBuf,
	value: Value,
	asked: Arc<Mutex<BTreeSet<String>>>,
}

impl RawConfig {
	/// Reads `dir/config.json`.
	pub fn read(dir: &Path) -> Result<Self> {
		Self::read_file(&dir.join("config.json"))
	}

	/// Reads a JSON file of settings.
	pub fn read_file(path: &Path) -> Result<Self> {
		Ok(Self::at(path.to_owned(), read_json(path)?))
	}

	/// The file.
	pub fn path(&self) -> &Path {
		&self.path
	}

	/// A configuration that is about to be written to `dir/config.json`.
	pub fn new(dir: &Path, value: Value) -> Self {
		Self::at(dir.join("config.json"), value)
	}

	fn at(path: PathBuf, value: Value) -> Self {
		Self {
			path,
			value,
			asked: Arc::default(),
		}
	}

	/// The file's content.
	pub fn value(&self) -> &Value {
		&self.value
	}

	/// The section under `key`, if it is there and not null.
	pub fn section(&self, key: &str) -> Option<Self> {
		self.get(key).map(|value| Self::at(self.path.clone(), value.clone()))
	}

	/// Whether `key` is there, null or not: absent, some families take a default in its place.
	pub fn states(&self, key: &str) -> bool {
		self.value.get(key).is_some()
	}

	/// Takes `keys` for asked for: they change no result of this family.
	pub fn pass_over(&self, keys: &[&str]) {
		let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
		asked.extend(keys.iter().map(|k| (*k).to_owned()));
	}

	/// Refuses the first key that nobody asked for, unless it says that something is off: what this build does not know
	/// is never left out silently.
	pub fn refuse_unknown(&self) -> Result<()> {
		let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
		let off = |value: &Value| match value {
			Value::Null | Value::Bool(false) => true,
			Value::Array(items) => items.is_empty(),
			Value::Object(map) => map.is_empty(),
			_ => false,
		};
		let known = |key: &str| asked.contains(key) || WITHOUT_EFFECT.contains(&key) || key.starts_with("summary_");
		let mut keys = self.value.as_object().into_iter().flatten();
		match keys.find(|(key, value)| !known(key) && !off(value)) {
			Some((key, value)) => Err(self.error(
				key,
				format!("is not known to this build, and {value} may change results"),
			)),
			None => Ok(()),
		}
	}

	/// Refuses `key` unless it is absent or `usual`.
	pub fn only_flag(&self, key: &str, usual: bool) -> Result<()> {
		match self.flag_or(key, usual)? == usual {
			true => Ok(()),
			false => Err(self.error(key, format!("only {usual} is supported"))),
		}
	}

	/// Refuses `key` unless it is absent or one of `known`.
	pub fn only_text(&self, key: &str, known: &[&str]) -> Result<()> {
		match self.text(key)? {
			Some(text) if !known.contains(&text.as_str()) => {
				let known = known.join(", ");
				Err(self.error(key, format!("`{text}` is not supported; known: {known}")))
			}
			_ => Ok(()),
		}
	}

	/// Refuses `key` unless it is absent or `usual`.
	pub fn only_number(&self, key: &str, usual: f64) -> Result<()> {
		match self.number_or(key, usual)? == usual {
			true => Ok(()),
			false => Err(self.error(key, format!("only {usual} is supported"))),
		}
	}

	/// The value of `key`, null taken for absent.
	pub fn get(&self, key: &str) -> Option<&Value> {
		self.pass_over(&[key]);
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

	/// A whole number from 0, or `default`.
	pub fn count_or(&self, key: &str, default: usize) -> Result<usize> {
		let read = |v: &Value| v.as_u64().map(|n| n as usize);
		Ok(self.typed(key, "a whole number from 0", read)?.unwrap_or(default))
	}

	/// A number, or `default`.
	pub fn number_or(&self, key: &str, default: f64) -> Result<f64> {
		Ok(self.typed(key, "a number", Value::as_f64)?.unwrap_or(default))
	}

	/// A number, or none.
	pub fn number_or_none(&self, key: &str) -> Result<Option<f64>> {
		self.typed(key, "a number", Value::as_f64)
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

	/// Strings, or none.
	pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>> {
		let one = |v: &Value| v.as_str().map(str::to_owned);
		self.typed(key, "a list of strings", |v| v.as_array()?.iter().map(one).collect())
	}

	/// A string, or none.
	pub fn text(&self, key: &str) -> Result<Option<String>> {
		self.typed(key, "a string", |v| v.as_str().map(str::to_owned))
	}

	/// What the file's weights are quantised to, if they are.
	pub fn quantisation(&self) -> Result<Option<Quantisation>> {
		let Some(section) = self.section("quantization_config") else {
			return Ok(None);
		};
		let method = section.text("quant_method")?.unwrap_or_default();
		let found = match method.as_str() {
			"fp8" => Quantisation::Fp8(section.fp8_block()?),
			"bitsandbytes" => {
				section.refuse_but_nf4()?;
				Quantisation::Nf4
			}
			_ => {
				let known = "bitsandbytes in 4 bits, fp8, and plain f32, f16 and bf16 weights";
				let reason = format!("`{method}` is not supported; known: {known}");
				return Err(self.error("quantization_config", reason));
			}
		};
		section.pass_over(&["quant_method"]);
		section.refuse_unknown()?;
		Ok(Some(found))
	}

	/// Refuses what else bitsandbytes makes: eight bits, FP4.
	fn refuse_but_nf4(&self) -> Result<()> {
		self.only_flag("load_in_8bit", false)?;
		self.only_flag("load_in_4bit", true)?;
		// bitsandbytes' own default.
		let quant_type = self.text("bnb_4bit_quant_type")?.unwrap_or_else(|| "fp4".into());
		if quant_type != "nf4" {
			let reason = format!("`{quant_type}` is not supported; known: nf4");
			return Err(self.error("bnb_4bit_quant_type", reason));
		}
		// Said again beside each tensor, or of how bitsandbytes computes.
		self.pass_over(&[
			"_load_in_4bit",
			"_load_in_8bit",
			"bnb_4bit_compute_dtype",
			"bnb_4bit_quant_storage",
			"bnb_4bit_use_double_quant",
			"llm_int8_enable_fp32_cpu_offload",
			"llm_int8_has_fp16_weight",
			"llm_int8_skip_modules",
			"llm_int8_threshold",
		]);
		Ok(())
	}

	/// Rows and columns of an fp8 weight that share a scale.
	fn fp8_block(&self) -> Result<[usize; 2]> {
		self.only_text("fmt", &["e4m3"])?;
		// How the layers' inputs are rounded where products are computed in fp8: here they are not.
		self.pass_over(&["activation_scheme"]);
		let read = |v: &Value| v.as_u64().filter(|n| *n > 0).map(|n| n as usize);
		let block = self.get("weight_block_size").and_then(Value::as_array);
		let block = block.map(|b| b.iter().map(read).collect::<Option<Vec<_>>>());
		match block.flatten().as_deref() {
			Some([rows, cols]) => Ok([*rows, *cols]),
			_ => Err(self.error("weight_block_size", "expected two positive whole numbers")),
		}
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

/// What a file's weights are quantised to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantisation {
	/// fp8 as DeepSeek V3 is released: so many rows and columns of a weight share a scale.
	Fp8([usize; 2]),
	/// bitsandbytes' four bits: the weights of linear layers but the head.
	Nf4,
}

/// How positions enter.
#[derive(Clone, Debug, PartialEq)]
pub enum Positions {
	/// Rotary embedding.
	Rotary(RotaryTable),
	/// A learned table, added to the token embedding.
	Learned,
	/// Attention's scores fall linearly with distance.
	Alibi,
}

/// Normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
	/// Root mean square, a weight only.
	Rms,
	/// Mean and variance, weight and bias.
	Layer,
}

/// Sizes of multi-head latent attention: keys and values of all heads come from one narrow vector.
#[derive(Clone, Copy, Debug)]
pub struct LatentSizes {
	/// Width that queries go through, if any.
	pub q_rank: Option<usize>,
	/// Width that keys and values go through.
	pub kv_rank: usize,
	/// The last elements of a query and of a key head, which are turned; all key heads share them.
	pub rope_dim: usize,
}

/// How a router scores experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
	/// Softmax over all experts; a group counts as its best expert (DeepSeek V2).
	Softmax,
	/// A sigmoid each, corrected by a bias for the choice only; a group counts as its two best (DeepSeek V3).
	Sigmoid,
}

/// A mixture of experts.
#[derive(Clone, Copy, Debug)]
pub struct ExpertSettings {
	/// The first block with one; those before have one feed-forward part.
	pub first_block: usize,
	/// Experts.
	pub count: usize,
	/// Experts that a token takes.
	pub chosen: usize,
	/// Groups of experts.
	pub groups: usize,
	/// Groups that a token's experts are from.
	pub chosen_groups: usize,
	/// Width of an expert.
	pub width: usize,
	/// Experts that every token takes besides, in one of so many times the width.
	pub shared: Option<usize>,
	/// How they are scored.
	pub scoring: Scoring,
	/// Whether the weights of a token's experts are divided by their sum.
	pub normalised: bool,
	/// Factor on the weights.
	pub factor: f64,
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
	/// Width of a query and of a key head.
	pub head_dim: usize,
	/// Width of a value head.
	pub value_dim: usize,
	/// Factor on attention's scores.
	pub score_scale: f32,
	/// Per block, the keys that a query sees at most; none for all.
	pub windows: Vec<Option<usize>>,
	/// Sizes of latent attention, where it is that.
	pub latent: Option<LatentSizes>,
	/// Width of the feed-forward part.
	pub intermediate_size: usize,
	/// Experts in its place.
	pub experts: Option<ExpertSettings>,
	/// Positions that the model was made for.
	pub max_positions: usize,
	/// How positions enter.
	pub positions: Positions,
	/// Normalisation.
	pub norm: NormKind,
	/// Its epsilon.
	pub norm_eps: f32,
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
		raw.quantisation()?;
		let config = (family.read)(raw)?;
		raw.refuse_unknown()?;
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
