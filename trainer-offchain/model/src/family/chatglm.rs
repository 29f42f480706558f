//! ChatGLM 2 and 3, and GLM-4 as first published: RMS norm, rotary positions on half of each head with neighbours turned
//! together, grouped queries, query, key and value in one layer, gate and up in another.

use super::{rope, Family, MlpNames, Names, QkvNames};
use crate::config::{DecoderConfig, NormKind, Positions, RawConfig};
use crate::error::Result;
use crate::ops::{Pairs, RotaryTable, WeightLayout};

/// The family.
pub const FAMILY: Family = Family {
	model_type: "chatglm",
	read,
	names: Names {
		base: "transformer.",
		embedding: "embedding.word_embeddings",
		embedding_norm: None,
		positions: None,
		blocks: "encoder.layers",
		attention_norm: "input_layernorm",
		qkv: QkvNames::Joined("self_attention.query_key_value"),
		qk_norms: None,
		attention_out: "self_attention.dense",
		mlp_norm: "post_attention_layernorm",
		mlp: MlpNames::Joined {
			gate_up: "dense_h_to_4h",
			down: "dense_4h_to_h",
		},
		experts: None,
		final_norm: "encoder.final_layernorm",
		head: "transformer.output_layer",
	},
	layout: WeightLayout::OutIn,
	default_targets: &["query_key_value"],
};

fn read(raw: &RawConfig) -> Result<DecoderConfig> {
	let hidden_size = raw.size("hidden_size")?;
	let heads = raw.size("num_attention_heads")?;
	// ChatGLM 1, of the same `model_type`, has no such key.
	let head_dim = raw.size("kv_channels")?;
	if !head_dim.is_multiple_of(4) {
		let reason = format!("{head_dim} is no multiple of 4: half of a head is turned, in pairs");
		return Err(raw.error("kv_channels", reason));
	}
	for (key, usual) in [
		("rmsnorm", true),
		("post_layer_norm", true),
		("apply_residual_connection_post_layernorm", false),
		("interleaved_qkv", false),
	] {
		raw.only_flag(key, usual)?;
	}
	raw.only_number("quantization_bit", 0.0)?;
	// Orders of computation; what other keys say too.
	raw.pass_over(&[
		"apply_query_key_layer_scaling",
		"attention_softmax_in_fp32",
		"bias_dropout_fusion",
		"fp32_residual_connection",
		"num_hidden_layers",
		"original_rope",
		"vocab_size",
	]);
	let layers = raw.size("num_layers")?;
	let kv_heads = match raw.flag_or("multi_query_attention", false)? {
		true => raw.size("multi_query_group_num")?,
		false => heads,
	};
	if !heads.is_multiple_of(kv_heads) {
		let reason = format!("{kv_heads} does not divide the {heads} query heads");
		return Err(raw.error("multi_query_group_num", reason));
	}
	let linear_bias = raw.flag_or("add_bias_linear", false)?;
	Ok(DecoderConfig {
		family: &FAMILY,
		vocab_size: raw.size("padded_vocab_size")?,
		hidden_size,
		layers,
		heads,
		kv_heads,
		head_dim,
		value_dim: head_dim,
		score_scale: 1.0 / (head_dim as f32).sqrt(),
		windows: vec![None; layers],
		latent: None,
		experts: None,
		intermediate_size: raw.size("ffn_hidden_size")?,
		max_positions: raw.size("seq_length")?,
		positions: Positions::Rotary(rotary(raw, head_dim / 2)?),
		norm: NormKind::Rms,
		norm_eps: raw.number_or("layernorm_epsilon", 1e-5)? as f32,
		qkv_bias: raw.flag_or("add_qkv_bias", false)? || linear_bias,
		attention_out_bias: linear_bias,
		mlp_bias: linear_bias,
		tied: raw.flag_or("tie_word_embeddings", false)?,
		eos: raw.token_ids("eos_token_id")?,
		bos: raw.token_ids("bos_token_id")?,
	})
}

/// `rope_ratio` multiplies theta, but in ChatGLM2-32k, whose code is older, it divides the positions; only the name tells.
fn rotary(raw: &RawConfig, width: usize) -> Result<RotaryTable> {
	let ratio = raw.number_or("rope_ratio", 1.0)?;
	let name = raw.text("_name_or_path")?.unwrap_or_default();
	let frequencies = if name.to_lowercase().contains("chatglm2") {
		let plain = rope::frequencies(10_000.0, width);
		plain.into_iter().map(|f| f / ratio).collect()
	} else {
		rope::frequencies(10_000.0 * ratio, width)
	};
	Ok(RotaryTable {
		frequencies,
		factor: 1.0,
		pairs: Pairs::Neighbours,
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;
	use std::path::Path;

	#[test]
	fn key_should_be_named_when_it_cannot_be_used() {
		for (change, key) in [
			// What ChatGLM 1 lacks.
			(json!({"kv_channels": null}), "kv_channels"),
			(json!({"kv_channels": 6}), "kv_channels"),
			(json!({"quantization_bit": 4}), "quantization_bit"),
			(json!({"rmsnorm": false}), "rmsnorm"),
			(json!({"pre_seq_len": 128}), "pre_seq_len"),
			(json!({"multi_query_group_num": null}), "multi_query_group_num"),
			(json!({"multi_query_group_num": 3}), "multi_query_group_num"),
		] {
			let mut value = json!({"model_type": "chatglm", "padded_vocab_size": 10, "vocab_size": 9, "hidden_size": 16,
				"num_layers": 1, "num_attention_heads": 4, "kv_channels": 4, "multi_query_attention": true,
				"multi_query_group_num": 2, "ffn_hidden_size": 8, "seq_length": 64, "quantization_bit": 0,
				"prefix_projection": false, "original_rope": true});
			let read = |value| DecoderConfig::from_raw(&RawConfig::new(Path::new("m"), value));
			assert_eq!(read(value.clone()).unwrap().kv_heads, 2);
			if let (Some(map), Some(change)) = (value.as_object_mut(), change.as_object()) {
				map.extend(change.clone());
			}
			let message = read(value).unwrap_err().to_string();
			assert!(message.contains(&format!("`{key}`")), "{message}");
		}
	}
}
