//! LLaMA 1 to 3: RMS norm, rotary positions, grouped queries, gated feed-forward.

use super::{Family, Names, QkvNames};
use crate::config::{DecoderConfig, FeedForward, NormKind, Positions, RawConfig};
use crate::error::Result;
use crate::ops::{Pairs, RotaryTable, WeightLayout};
use std::f64::consts::PI;

/// The family.
pub const FAMILY: Family = Family {
	model_type: "llama",
	architecture: "LlamaForCausalLM",
	read,
	names: Names {
		base: "model.",
		embedding: "embed_tokens",
		positions: None,
		blocks: "layers",
		attention_norm: "input_layernorm",
		qkv: QkvNames::Split(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
		attention_out: "self_attn.o_proj",
		mlp_norm: "post_attention_layernorm",
		gate: Some("mlp.gate_proj"),
		up: "mlp.up_proj",
		down: "mlp.down_proj",
		final_norm: "norm",
		head: "lm_head",
	},
	layout: WeightLayout::OutIn,
	default_targets: &["q_proj", "v_proj"],
};

fn read(raw: &RawConfig) -> Result<DecoderConfig> {
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
	if !head_dim.is_multiple_of(2) {
		return Err(raw.error("head_dim", format!("{head_dim} is odd: rotary positions need pairs")));
	}
	match raw.text("hidden_act")?.as_deref() {
		None | Some("silu" | "swish") => {}
		Some(other) => return Err(raw.error("hidden_act", format!("`{other}` is not supported; known: silu"))),
	}
	let attention_bias = raw.flag_or("attention_bias", false)?;
	Ok(DecoderConfig {
		family: &FAMILY,
		vocab_size: raw.size("vocab_size")?,
		hidden_size,
		layers: raw.size("num_hidden_layers")?,
		heads,
		kv_heads: raw.size_or_none("num_key_value_heads")?.unwrap_or(heads),
		head_dim,
		intermediate_size: raw.size("intermediate_size")?,
		max_positions: raw.size_or_none("max_position_embeddings")?.unwrap_or(2048),
		positions: Positions::Rotary(RotaryTable {
			frequencies: inverse_frequencies(raw, head_dim)?,
			factor: 1.0,
			pairs: Pairs::Halves,
		}),
		norm: NormKind::Rms,
		norm_eps: raw.number_or("rms_norm_eps", 1e-6)? as f32,
		feed_forward: FeedForward::SwiGlu,
		qkv_bias: attention_bias,
		attention_out_bias: attention_bias,
		mlp_bias: raw.flag_or("mlp_bias", false)?,
		tied: raw.flag_or("tie_word_embeddings", false)?,
		eos: raw.token_ids("eos_token_id")?,
		bos: raw.token_ids("bos_token_id")?,
	})
}

/// Angles per position. transformers 5 keeps them under `rope_parameters`; older files have `rope_theta` and `rope_scaling`.
fn inverse_frequencies(raw: &RawConfig, head_dim: usize) -> Result<Vec<f64>> {
	let section = raw.section("rope_parameters").or_else(|| raw.section("rope_scaling"));
	let theta = raw.number_or("rope_theta", 10_000.0)?;
	let theta = section
		.as_ref()
		.map_or(Ok(theta), |s| s.number_or("rope_theta", theta))?;
	let base: Vec<f64> = (0..head_dim / 2)
		.map(|i| theta.powf(-(2.0 * i as f64) / head_dim as f64))
		.collect();
	let Some(section) = section else { return Ok(base) };
	let kind = section.text("rope_type")?.or(section.text("type")?);
	match kind.as_deref().unwrap_or("default") {
		"default" => Ok(base),
		"linear" => {
			let factor = section.number("factor")?;
			Ok(base.into_iter().map(|f| f / factor).collect())
		}
		"llama3" => llama3(&section, base),
		other => Err(raw.error(
			"rope_type",
			format!("`{other}` is not supported; known: default, linear, llama3"),
		)),
	}
}

/// LLaMA 3.1's scaling: low frequencies are divided by the factor, high ones kept, those between interpolated.
fn llama3(section: &RawConfig, base: Vec<f64>) -> Result<Vec<f64>> {
	let factor = section.number("factor")?;
	let (low, high) = (section.number("low_freq_factor")?, section.number("high_freq_factor")?);
	let original = section.number("original_max_position_embeddings")?;
	let scale = |frequency: f64| {
		let wavelength = 2.0 * PI / frequency;
		if wavelength > original / low {
			frequency / factor
		} else if wavelength < original / high {
			frequency
		} else {
			let smooth = (original / wavelength - low) / (high - low);
			(1.0 - smooth) * frequency / factor + smooth * frequency
		}
	};
	Ok(base.into_iter().map(scale).collect())
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
	fn rope_should_be_read_in_both_spellings() {
		let old = config(json!({"rope_theta": 500.0})).unwrap();
		let new = config(json!({"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}})).unwrap();
		assert_eq!(old.positions, new.positions);
		let Positions::Rotary(table) = old.positions else {
			panic!()
		};
		assert_eq!(table.frequencies, [1.0, 500f64.powf(-0.5)]);
	}

	#[test]
	fn llama3_should_scale_low_frequencies_only() {
		let scaled = config(
			json!({"head_dim": 8, "rope_theta": 500_000.0, "rope_scaling": {"rope_type": "llama3",
			"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}),
		);
		let Positions::Rotary(scaled) = scaled.unwrap().positions else {
			panic!()
		};
		let base: Vec<f64> = (0..4).map(|i| 500_000f64.powf(-(2.0 * i as f64) / 8.0)).collect();
		assert_eq!(scaled.frequencies[0], base[0]);
		assert_eq!(scaled.frequencies[3], base[3] / 8.0);
	}

	#[test]
	fn key_should_be_named_when_it_cannot_be_used() {
		for (extra, key) in [
			(json!({"vocab_size": "many"}), "vocab_size"),
			(json!({"hidden_size": null}), "hidden_size"),
			(json!({"hidden_act": "relu"}), "hidden_act"),
			(json!({"num_key_value_heads": 3}), "num_key_value_heads"),
			(json!({"eos_token_id": 10}), "eos_token_id"),
			(json!({"rope_scaling": {"rope_type": "yarn"}}), "rope_type"),
			(json!({"model_type": "mamba"}), "model_type"),
		] {
			let message = config(extra).unwrap_err().to_string();
			assert!(
				message.contains("config.json") && message.contains(&format!("`{key}`")),
				"{message}"
			);
		}
	}
}
