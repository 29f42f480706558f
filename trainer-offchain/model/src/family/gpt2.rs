//! GPT-2: layer norm, learned positions, one layer for query, key and value, weights stored `[in, out]`.

use super::{Family, MlpNames, Names, QkvNames};
use crate::config::{DecoderConfig, NormKind, Positions, RawConfig};
use crate::error::Result;
use crate::ops::WeightLayout;

/// The family.
pub const FAMILY: Family = Family {
	model_type: "gpt2",
	read,
	names: Names {
		base: "transformer.",
		embedding: "wte",
		embedding_norm: None,
		positions: Some("wpe"),
		blocks: "h",
		attention_norm: "ln_1",
		qkv: QkvNames::Joined("attn.c_attn"),
		qk_norms: None,
		attention_out: "attn.c_proj",
		mlp_norm: "ln_2",
		mlp: MlpNames::Gelu {
			up: "c_fc",
			down: "c_proj",
		},
		experts: None,
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
	raw.only_text("activation_function", &["gelu_new", "gelu_pytorch_tanh"])?;
	raw.only_flag("scale_attn_weights", true)?;
	raw.only_flag("scale_attn_by_inverse_layer_idx", false)?;
	// The length it was trained at, which n_positions says too; an order of computation in half precision.
	raw.pass_over(&["n_ctx", "reorder_and_upcast_attn"]);
	let layers = raw.size("n_layer")?;
	Ok(DecoderConfig {
		intermediate_size: raw.size_or_none("n_inner")?.unwrap_or(4 * hidden_size),
		..common(
			raw,
			&FAMILY,
			[hidden_size, layers, heads],
			Positions::Learned,
			("n_positions", 1024),
		)?
	})
}

/// What BLOOM has too: layer norms, biases everywhere, as many heads of keys as of queries, a tied head. `sizes` are the
/// hidden size, the number of blocks and that of heads, which divides the first; `length` is the key of the number of
/// positions, with what it usually is.
pub fn common(
	raw: &RawConfig,
	family: &'static Family,
	sizes: [usize; 3],
	positions: Positions,
	(length, usual): (&str, usize),
) -> Result<DecoderConfig> {
	let [hidden_size, layers, heads] = sizes;
	let head_dim = hidden_size / heads;
	Ok(DecoderConfig {
		family,
		vocab_size: raw.size("vocab_size")?,
		hidden_size,
		layers,
		heads,
		kv_heads: heads,
		head_dim,
		value_dim: head_dim,
		score_scale: 1.0 / (head_dim as f32).sqrt(),
		windows: vec![None; layers],
		latent: None,
		experts: None,
		intermediate_size: 4 * hidden_size,
		max_positions: raw.size_or_none(length)?.unwrap_or(usual),
		positions,
		norm: NormKind::Layer,
		norm_eps: raw.number_or("layer_norm_epsilon", 1e-5)? as f32,
		qkv_bias: true,
		attention_out_bias: true,
		mlp_bias: true,
		tied: raw.flag_or("tie_word_embeddings", true)?,
		eos: raw.token_ids("eos_token_id")?,
		bos: raw.token_ids("bos_token_id")?,
	})
}
