//! GPT-2: layer norm, learned positions, one layer for query, key and value, weights stored `[in, out]`.

use super::{Family, Names, QkvNames};
use crate::config::{DecoderConfig, FeedForward, NormKind, Positions, RawConfig};
use crate::error::Result;
use crate::ops::WeightLayout;

/// The family.
pub const FAMILY: Family = Family {
	model_type: "gpt2",
	architecture: "GPT2LMHeadModel",
	read,
	names: Names {
		base: "transformer.",
		embedding: "wte",
		positions: Some("wpe"),
		blocks: "h",
		attention_norm: "ln_1",
		qkv: QkvNames::Fused("attn.c_attn"),
		attention_out: "attn.c_proj",
		mlp_norm: "ln_2",
		gate: None,
		up: "mlp.c_fc",
		down: "mlp.c_proj",
		final_norm: "ln_f",
		head: "lm_head",
	},
	layout: WeightLayout::InOut,
	default_targets: &["c_attn"],
};

fn read(raw: &RawConfig) -> Result<DecoderConfig> {
	let hidden_size = raw.size("n_embd")?;
	let heads = raw.size("n_head")?;
	if !hidden_size.is_multiple_of(heads) {
		return Err(raw.error("n_head", format!("{heads} does not divide n_embd {hidden_size}")));
	}
	match raw.text("activation_function")?.as_deref() {
		None | Some("gelu_new" | "gelu_pytorch_tanh") => {}
		Some(other) => {
			return Err(raw.error(
				"activation_function",
				format!("`{other}` is not supported; known: gelu_new"),
			));
		}
	}
	for (key, usual) in [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false)] {
		if raw.flag_or(key, usual)? != usual {
			return Err(raw.error(key, format!("only {usual} is supported")));
		}
	}
	Ok(DecoderConfig {
		family: &FAMILY,
		vocab_size: raw.size("vocab_size")?,
		hidden_size,
		layers: raw.size("n_layer")?,
		heads,
		kv_heads: heads,
		head_dim: hidden_size / heads,
		intermediate_size: raw.size_or_none("n_inner")?.unwrap_or(4 * hidden_size),
		max_positions: raw.size_or_none("n_positions")?.unwrap_or(1024),
		positions: Positions::Learned,
		norm: NormKind::Layer,
		norm_eps: raw.number_or("layer_norm_epsilon", 1e-5)? as f32,
		feed_forward: FeedForward::GeluTanh,
		qkv_bias: true,
		attention_out_bias: true,
		mlp_bias: true,
		tied: raw.flag_or("tie_word_embeddings", true)?,
		eos: raw.token_ids("eos_token_id")?,
		bos: raw.token_ids("bos_token_id")?,
	})
}
