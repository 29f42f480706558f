//! Families: a configuration reader and a map of tensor names each, over the one decoder.

mod bloom;
mod chatglm;
mod gpt2;
mod llama;
mod mistral;
mod qwen;
mod rope;

use crate::config::{DecoderConfig, RawConfig};
use crate::error::{ModelError, Result};
use crate::ops::WeightLayout;

/// A family.
#[derive(Debug)]
pub struct Family {
	/// `model_type` in config.json.
	pub model_type: &'static str,
	/// Reads config.json.
	pub read: fn(&RawConfig) -> Result<DecoderConfig>,
	/// Names of the tensors.
	pub names: Names,
	/// How linear layers are stored; a head is always `[vocab, hidden]`.
	pub layout: WeightLayout,
	/// Layers that PEFT adapts where no targets are given.
	pub default_targets: &'static [&'static str],
}

/// Module paths, as in transformers' causal model.
#[derive(Debug)]
pub struct Names {
	/// Prefix of everything but the head; files of the bare model omit it.
	pub base: &'static str,
	/// Token embedding.
	pub embedding: &'static str,
	/// The norm after it.
	pub embedding_norm: Option<&'static str>,
	/// Learned positions.
	pub positions: Option<&'static str>,
	/// List of blocks.
	pub blocks: &'static str,
	/// In a block: the norm before attention.
	pub attention_norm: &'static str,
	/// In a block: query, key and value.
	pub qkv: QkvNames,
	/// In a block: the norms of a query's and of a key's heads.
	pub qk_norms: Option<[&'static str; 2]>,
	/// In a block: attention's output.
	pub attention_out: &'static str,
	/// In a block: the norm before the feed-forward part.
	pub mlp_norm: &'static str,
	/// In a block: the feed-forward part.
	pub mlp: MlpNames,
	/// The norm after the last block.
	pub final_norm: &'static str,
	/// The head, without the base's prefix.
	pub head: &'static str,
}

/// Query, key and value: three layers or one.
#[derive(Debug)]
pub enum QkvNames {
	/// Three layers.
	Split([&'static str; 3]),
	/// One layer whose output is query, key and value one after the other.
	Joined(&'static str),
	/// One layer whose output is query, key and value of the first head, then those of the second.
	PerHead(&'static str),
}

/// The feed-forward part's layers.
#[derive(Debug)]
pub enum MlpNames {
	/// `down(silu(gate(x)) * up(x))`.
	Gated {
		/// Gate.
		gate: &'static str,
		/// Up.
		up: &'static str,
		/// Down.
		down: &'static str,
	},
	/// The same with one layer whose output is gate and up one after the other.
	Joined {
		/// Gate and up.
		gate_up: &'static str,
		/// Down.
		down: &'static str,
	},
	/// `down(gelu_tanh(up(x)))`.
	Gelu {
		/// Up.
		up: &'static str,
		/// Down.
		down: &'static str,
	},
}

/// All families of this build.
pub const FAMILIES: &[&Family] = &[
	&llama::FAMILY,
	&mistral::FAMILY,
	&qwen::QWEN2,
	&qwen::QWEN3,
	&gpt2::FAMILY,
	&bloom::FAMILY,
	&chatglm::FAMILY,
];

impl Family {
	/// By `model_type`.
	pub fn of(raw: &RawConfig) -> Result<&'static Self> {
		let model_type = raw
			.text("model_type")?
			.ok_or_else(|| raw.error("model_type", "is missing"))?;
		let found = FAMILIES.iter().find(|f| f.model_type == model_type).copied();
		found.ok_or_else(|| ModelError::UnknownFamily {
			path: raw.path().to_owned(),
			family: model_type,
			known: FAMILIES.iter().map(|f| f.model_type).collect::<Vec<_>>().join(", "),
		})
	}
}
