//! Mistral: LLaMA with a sliding window, or with none.

use super::{llama, Family};
use crate::config::{DecoderConfig, RawConfig};
use crate::error::Result;

/// The window where config.json leaves it out, as transformers has it; null means none.
const DEFAULT_WINDOW: usize = 4096;

/// The family.
pub const FAMILY: Family = Family {
	model_type: "mistral",
	read,
	..llama::FAMILY
};

fn read(raw: &RawConfig) -> Result<DecoderConfig> {
	let window = match raw.states("sliding_window") {
		true => raw.size_or_none("sliding_window")?,
		false => Some(DEFAULT_WINDOW),
	};
	let config = llama::without_biases(raw, &FAMILY)?;
	Ok(DecoderConfig {
		// transformers' default of 8 fits one size only: asking for it is safer.
		kv_heads: raw.size("num_key_value_heads")?,
		windows: vec![window; config.layers],
		..config
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;
	use std::path::Path;

	fn config(window: serde_json::Value) -> Result<DecoderConfig> {
		let mut value = json!({"model_type": "mistral", "vocab_size": 10, "hidden_size": 16, "num_attention_heads": 4,
			"num_key_value_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8});
		if let (Some(map), Some(window)) = (value.as_object_mut(), window.as_object()) {
			map.extend(window.clone());
		}
		DecoderConfig::from_raw(&RawConfig::new(Path::new("m"), value))
	}

	#[test]
	fn window_should_be_the_default_when_absent_and_none_when_null() {
		assert_eq!(config(json!({})).unwrap().windows, [Some(DEFAULT_WINDOW)]);
		assert_eq!(config(json!({"sliding_window": null})).unwrap().windows, [None]);
		assert_eq!(config(json!({"sliding_window": 7})).unwrap().windows, [Some(7)]);
		let message = config(json!({"sliding_window": 0})).unwrap_err().to_string();
		assert!(message.contains("`sliding_window`"), "{message}");
	}
}
