//! LLaMA 1 to 3: RMS norm, rotary positions, grouped queries, gated feed-forward. Mistral and Qwen start from it.

use super::{rope, Family, MlpNames, Names, QkvNames};
use crate::config::{DecoderConfig, NormKind, Positions, RawConfig};
use crate::error::Result;
use crate::ops::{Pairs, WeightLayout};

/// The family.
pub const FAMILY: Family = Family {
	model_type: "llama",
	read,
	names: NAMES,
	layout: WeightLayout::OutIn,
	default_targets: &["q_proj", "v_proj"],
};

/// Its tensors.
pub const NAMES: Names = Names {
	base: "model.",
	embedding: "embed_tokens",
	embedding_norm: None,
	positions: None,
	blocks: "layers",
	attention_norm: "input_layernorm",
	qkv: QkvNames::Split(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
	qk_norms: None,
	attention_out: "self_attn.o_proj",
	mlp_norm: "post_attention_layernorm",
	mlp: MlpNames::Gated {
		gate: "mlp.gate_proj",
		up: "mlp.up_proj",
		down: "mlp.down_proj",
	},
	final_norm: "norm",
	head: "lm_head",
};

fn read(raw: &RawConfig) -> Result<DecoderConfig> {
	let attention_bias = raw.flag_or("attention_bias", false)?;
	Ok(DecoderConfig {
		qkv_bias: attention_bias,
		attention_out_bias: attention_bias,
		mlp_bias: raw.flag_or("mlp_bias", false)?,
		..without_biases(raw, &FAMILY)?
	})
}

/// What the families around LLaMA have in common.
pub fn without_biases(raw: &RawConfig, family: &'static Family) -> Result<DecoderConfig> {
	let hidden_size = raw.size("hidden_size")?;
	let heads = raw.size("num_attention_heads")?;
	let head_dim = match raw.size_or_none("head_dim")? {
		Some(dim) => dim,
		None if hidden_size.is_multiple_of(heads) => hidden_size / heads,
		None => {
			return Err(raw.error(
				"num_attention_heads",
				format!("{heads} does not divide hidden_size {hidden_size}"),
			))
		}
	};
	raw.only_text("hidden_act", &["silu", "swish"])?;
	let max_positions = raw.size_or_none("max_position_embeddings")?.unwrap_or(2048);
	let rope = rope::read(raw, head_dim, Pairs::Halves, max_positions)?;
	let layers = raw.size("num_hidden_layers")?;
	Ok(DecoderConfig {
		family,
		vocab_size: raw.size("vocab_size")?,
		hidden_size,
		layers,
		heads,
		kv_heads: raw.size_or_none("num_key_value_heads")?.unwrap_or(heads),
		head_dim,
		value_dim: head_dim,
		score_scale: 1.0 / (head_dim as f32).sqrt(),
		windows: vec![None; layers],
		intermediate_size: raw.size("intermediate_size")?,
		max_positions: rope.max_positions,
		positions: Positions::Rotary(rope.table),
		norm: NormKind::Rms,
		norm_eps: raw.number_or("rms_norm_eps", 1e-6)? as f32,
		qkv_bias: false,
		attention_out_bias: false,
		mlp_bias: false,
		tied: raw.flag_or("tie_word_embeddings", false)?,
		eos: raw.token_ids("eos_token_id")?,
		bos: raw.token_ids("bos_token_id")?,
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;
	use std::path::Path;

	fn config(extra: serde_json::Value) -> Result<DecoderConfig> {
		let mut value = json!({"model_type": "llama", "vocab_size": 10, "hidden_size": 16, "num_attention_heads": 4,
			"num_key_value_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8});
		let (Some(base), Some(extra)) = (value.as_object_mut(), extra.as_object()) else {
			unreachable!()
		};
		base.extend(extra.clone());
		DecoderConfig::from_raw(&RawConfig::new(Path::new("m"), value))
	}

	#[test]
	fn key_should_be_named_when_it_cannot_be_used() {
		for (extra, key) in [
			(json!({"vocab_size": "many"}), "vocab_size"),
			(json!({"hidden_size": null}), "hidden_size"),
			(json!({"hidden_act": "relu"}), "hidden_act"),
			(json!({"num_key_value_heads": 3}), "num_key_value_heads"),
			(json!({"eos_token_id": 10}), "eos_token_id"),
			(json!({"rope_scaling": {"rope_type": "dynamic"}}), "rope_type"),
			(json!({"head_dim": 5}), "head_dim"),
			(json!({"model_type": "mamba"}), "model_type"),
			(json!({"final_logit_softcapping": 30.0}), "final_logit_softcapping"),
			(
				json!({"quantization_config": {"quant_method": "gptq"}}),
				"quantization_config",
			),
		] {
			let message = config(extra).unwrap_err().to_string();
			assert!(
				message.contains("config.json") && message.contains(&format!("`{key}`")),
				"{message}"
			);
		}
	}

	#[test]
	fn key_should_be_passed_over_when_it_is_off_or_changes_no_logit() {
		let extra = json!({"final_logit_softcapping": null, "use_mrope": false, "layer_types": [], "pretraining_tp": 2,
			"attention_dropout": 0.1, "summary_type": "cls_index"});
		assert!(config(extra).is_ok());
	}
}
