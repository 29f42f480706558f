//! BLOOM: layer norm, also after the embedding; ALiBi in place of positions; one layer for query, key and value of each head.

use super::{Family, MlpNames, Names, QkvNames};
use crate::config::{DecoderConfig, NormKind, Positions, RawConfig};
use crate::error::Result;
use crate::ops::WeightLayout;

/// The family.
pub const FAMILY: Family = Family {
	model_type: "bloom",
	read,
	names: Names {
		base: "transformer.",
		embedding: "word_embeddings",
		embedding_norm: Some("word_embeddings_layernorm"),
		positions: None,
		blocks: "h",
		attention_norm: "input_layernorm",
		qkv: QkvNames::PerHead("self_attention.query_key_value"),
		qk_norms: None,
		attention_out: "self_attention.dense",
		mlp_norm: "post_attention_layernorm",
		mlp: MlpNames::Gelu {
			up: "mlp.dense_h_to_4h",
			down: "mlp.dense_4h_to_h",
		},
		final_norm: "ln_f",
		head: "lm_head",
	},
	layout: WeightLayout::OutIn,
	default_targets: &["query_key_value"],
};

fn read(raw: &RawConfig) -> Result<DecoderConfig> {
	// Published files have the second name of each; where both are there, it counts.
	let either = |key: &str, older: &str| {
		let newer = raw.size_or_none(key)?;
		let older = raw.size_or_none(older)?;
		older.or(newer).ok_or_else(|| raw.error(key, "is missing"))
	};
	let hidden_size = either("hidden_size", "n_embed")?;
	let layers = either("n_layer", "num_hidden_layers")?;
	let heads = either("n_head", "num_attention_heads")?;
	if !hidden_size.is_multiple_of(heads) {
		return Err(raw.error("n_head", format!("{heads} does not divide hidden_size {hidden_size}")));
	}
	let head_dim = hidden_size / heads;
	raw.only_flag("apply_residual_connection_post_layernorm", false)?;
	// Of the framework that it was trained with; orders of computation.
	raw.pass_over(&[
		"attention_softmax_in_fp32",
		"bias_dropout_fusion",
		"masked_softmax_fusion",
		"offset_alibi",
		"skip_bias_add",
		"skip_bias_add_qkv",
		"slow_but_exact",
	]);
	Ok(DecoderConfig {
		family: &FAMILY,
		vocab_size: raw.size("vocab_size")?,
		hidden_size,
		layers,
		heads,
		kv_heads: heads,
		head_dim,
		value_dim: head_dim,
		score_scale: 1.0 / (head_dim as f32).sqrt(),
		windows: vec![None; layers],
		intermediate_size: 4 * hidden_size,
		max_positions: raw.size_or_none("seq_length")?.unwrap_or(2048),
		positions: Positions::Alibi,
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

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;
	use std::path::Path;

	#[test]
	fn sizes_should_be_read_in_both_spellings() {
		let read = |value| DecoderConfig::from_raw(&RawConfig::new(Path::new("m"), value));
		let new = json!({"model_type": "bloom", "vocab_size": 10, "hidden_size": 16, "n_layer": 2, "n_head": 4});
		let published = json!({"model_type": "bloom", "vocab_size": 10, "n_embed": 16, "num_hidden_layers": 2,
			"num_attention_heads": 4, "offset_alibi": 100, "n_inner": null, "masked_softmax_fusion": true, "seq_length": 64});
		for value in [new, published] {
			let config = read(value).unwrap();
			assert_eq!(
				(config.hidden_size, config.layers, config.heads, config.head_dim),
				(16, 2, 4, 4)
			);
		}
		for (extra, key) in [
			(json!({"n_head": 5}), "n_head"),
			(
				json!({"apply_residual_connection_post_layernorm": true}),
				"apply_residual_connection_post_layernorm",
			),
			(json!({"n_inner": 99}), "n_inner"),
		] {
			let mut value =
				json!({"model_type": "bloom", "vocab_size": 10, "hidden_size": 16, "n_layer": 2, "n_head": 4});
			if let (Some(map), Some(extra)) = (value.as_object_mut(), extra.as_object()) {
				map.extend(extra.clone());
			}
			let message = read(value).unwrap_err().to_string();
			assert!(message.contains(&format!("`{key}`")), "{message}");
		}
	}
}
