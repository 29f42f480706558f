//! Qwen 2, 2.5 and 3: LLaMA with biases on query, key and value (2), or norms of their heads (3), and a window for some
//! layers.

use super::{llama, Family, Names};
use crate::config::{DecoderConfig, RawConfig};
use crate::error::Result;

/// Qwen 2 and 2.5.
pub const QWEN2: Family = Family {
	model_type: "qwen2",
	read: read_2,
	..llama::FAMILY
};

/// Qwen 3.
pub const QWEN3: Family = Family {
	model_type: "qwen3",
	read: read_3,
	names: Names {
		qk_norms: Some(["self_attn.q_norm", "self_attn.k_norm"]),
		..llama::NAMES
	},
	..llama::FAMILY
};

fn read_2(raw: &RawConfig) -> Result<DecoderConfig> {
	let config = llama::without_biases(raw, &QWEN2)?;
	Ok(DecoderConfig {
		windows: windows(raw, config.layers)?,
		qkv_bias: true,
		..config
	})
}

fn read_3(raw: &RawConfig) -> Result<DecoderConfig> {
	let attention_bias = raw.flag_or("attention_bias", false)?;
	let config = llama::without_biases(raw, &QWEN3)?;
	Ok(DecoderConfig {
		// Its width is no quotient of others: transformers' default of 128 fits the published sizes only.
		head_dim: raw.size("head_dim")?,
		windows: windows(raw, config.layers)?,
		qkv_bias: attention_bias,
		attention_out_bias: attention_bias,
		..config
	})
}

/// The window of each layer: by `layer_types` where they are listed, else of those from `max_window_layers` on.
fn windows(raw: &RawConfig, layers: usize) -> Result<Vec<Option<usize>>> {
	let used = raw.flag_or("use_sliding_window", false)?;
	let window = raw.size_or_none("sliding_window")?.filter(|_| used);
	let from = raw.number_or("max_window_layers", 28.0)? as usize;
	let Some(types) = raw.texts("layer_types")? else {
		return Ok((0..layers).map(|i| window.filter(|_| i >= from)).collect());
	};
	if types.len() != layers {
		return Err(raw.error("layer_types", format!("{} types for {layers} layers", types.len())));
	}
	let of = |kind: &String| match kind.as_str() {
		"full_attention" => Ok(None),
		"sliding_attention" if window.is_some() => Ok(window),
		"sliding_attention" => Err(raw.error("sliding_window", "is missing or unused, but a layer asks for it")),
		other => {
			let known = "full_attention, sliding_attention";
			Err(raw.error("layer_types", format!("`{other}` is not supported; known: {known}")))
		}
	};
	types.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;
	use std::path::Path;

	fn windows_of(value: serde_json::Value) -> Result<Vec<Option<usize>>> {
		windows(&RawConfig::new(Path::new("m"), value), 3)
	}

	#[test]
	fn window_should_be_of_the_upper_layers_when_it_is_used() {
		let value = json!({"use_sliding_window": true, "sliding_window": 4, "max_window_layers": 2});
		assert_eq!(windows_of(value).unwrap(), [None, None, Some(4)]);
		let unused = json!({"use_sliding_window": false, "sliding_window": 4, "max_window_layers": 0});
		assert_eq!(windows_of(unused).unwrap(), [None; 3]);
	}

	#[test]
	fn key_should_be_named_when_layer_types_cannot_be_used() {
		for (value, key) in [
			(json!({"layer_types": ["full_attention"]}), "layer_types"),
			(
				json!({"layer_types": ["full_attention", "full_attention", "linear_attention"]}),
				"layer_types",
			),
			(json!({"layer_types": ["full_attention", 1, 2]}), "layer_types"),
			(
				json!({"layer_types": ["full_attention", "full_attention", "sliding_attention"]}),
				"sliding_window",
			),
		] {
			let message = windows_of(value).unwrap_err().to_string();
			assert!(message.contains(&format!("`{key}`")), "{message}");
		}
	}
}
