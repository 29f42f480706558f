//! BLOOM: layer norm, also after the embedding; ALiBi in place of positions; one layer for query, key and value of each head.

use super::{gpt2, Family, MlpNames, Names, QkvNames};
use crate::config::{DecoderConfig, Positions, RawConfig};
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
			up: "dense_h_to_4h",
			down: "dense_4h_to_h",
		},
		experts: None,
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
	gpt2::common(
		raw,
		&FAMILY,
		[hidden_size, layers, heads],
		Positions::Alibi,
		("seq_length", 2048),
	)
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
