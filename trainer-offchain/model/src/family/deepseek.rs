//! DeepSeek V2 and V3: multi-head latent attention, experts in all but the first blocks, and a router of each.

use super::llama;
use super::rope;
use super::{ExpertNames, Family, LatentNames, Names, QkvNames};
use crate::config::{DecoderConfig, ExpertSettings, LatentSizes, RawConfig, Scoring};
use crate::error::Result;
use crate::ops::Pairs;

/// V2.
pub const V2: Family = Family {
	model_type: "deepseek_v2",
	read: read_2,
	names: NAMES,
	default_targets: &[],
	..llama::FAMILY
};

/// V3 and R1.
pub const V3: Family = Family {
	model_type: "deepseek_v3",
	read: read_3,
	names: NAMES,
	default_targets: &[],
	..llama::FAMILY
};

const NAMES: Names = Names {
	qkv: QkvNames::Latent(LatentNames {
		q: "self_attn.q_proj",
		q_a: "self_attn.q_a_proj",
		q_a_norm: "self_attn.q_a_layernorm",
		q_b: "self_attn.q_b_proj",
		kv_a: "self_attn.kv_a_proj_with_mqa",
		kv_a_norm: "self_attn.kv_a_layernorm",
		kv_b: "self_attn.kv_b_proj",
	}),
	experts: Some(ExpertNames {
		router: "mlp.gate",
		correction: "mlp.gate.e_score_correction_bias",
		list: "mlp.experts",
		shared: "mlp.shared_experts",
	}),
	..llama::NAMES
};

fn read_2(raw: &RawConfig) -> Result<DecoderConfig> {
	raw.only_text("scoring_func", &["softmax"])?;
	raw.only_text("topk_method", &["greedy", "group_limited_greedy"])?;
	// transformers does not divide by the sum here, whatever this says.
	raw.only_flag("norm_topk_prob", false)?;
	raw.only_flag("mlp_bias", false)?;
	let groups = if raw.text("topk_method")?.as_deref() == Some("group_limited_greedy") {
		(raw.size("n_group")?, raw.size("topk_group")?)
	} else {
		raw.pass_over(&["n_group", "topk_group"]);
		(1, 1)
	};
	let experts = ExpertSettings {
		first_block: raw.count_or("first_k_dense_replace", 0)?,
		factor: raw.number_or("routed_scaling_factor", 1.0)?,
		..experts(raw, Scoring::Softmax, groups)?
	};
	read(raw, &V2, Pairs::Neighbours, experts)
}

fn read_3(raw: &RawConfig) -> Result<DecoderConfig> {
	raw.only_text("scoring_func", &["sigmoid"])?;
	raw.only_text("topk_method", &["noaux_tc"])?;
	let groups = (raw.size("n_group")?, raw.size("topk_group")?);
	let experts = ExpertSettings {
		first_block: raw.count_or("first_k_dense_replace", 3)?,
		normalised: raw.flag_or("norm_topk_prob", true)?,
		factor: raw.number_or("routed_scaling_factor", 2.5)?,
		..experts(raw, Scoring::Sigmoid, groups)?
	};
	let pairs = match raw.flag_or("rope_interleave", true)? {
		true => Pairs::Neighbours,
		false => Pairs::Halves,
	};
	read(raw, &V3, pairs, experts)
}

fn experts(raw: &RawConfig, scoring: Scoring, (groups, chosen_groups): (usize, usize)) -> Result<ExpertSettings> {
	let (count, chosen) = (raw.size("n_routed_experts")?, raw.size("num_experts_per_tok")?);
	if !count.is_multiple_of(groups) {
		return Err(raw.error("n_group", format!("{groups} does not divide the {count} experts")));
	}
	if chosen_groups > groups {
		return Err(raw.error("topk_group", format!("{chosen_groups} of {groups} groups")));
	}
	let open = chosen_groups * (count / groups);
	if chosen > open {
		return Err(raw.error("num_experts_per_tok", format!("{chosen} of {open} experts")));
	}
	raw.only_number("moe_layer_freq", 1.0)?;
	// Losses of pre-training and its layout; the blocks that predict further tokens, which serve to draft only.
	raw.pass_over(&[
		"aux_loss_alpha",
		"ep_size",
		"num_mtp_layers",
		"num_nextn_predict_layers",
		"output_router_logits",
		"seq_aux",
	]);
	Ok(ExpertSettings {
		first_block: 0,
		count,
		chosen,
		groups,
		chosen_groups,
		width: raw.size("moe_intermediate_size")?,
		shared: raw.size_or_none("n_shared_experts")?,
		scoring,
		normalised: false,
		factor: 1.0,
	})
}

fn read(raw: &RawConfig, family: &'static Family, pairs: Pairs, experts: ExpertSettings) -> Result<DecoderConfig> {
	let latent = LatentSizes {
		q_rank: raw.size_or_none("q_lora_rank")?,
		kv_rank: raw.size("kv_lora_rank")?,
		rope_dim: raw.size("qk_rope_head_dim")?,
	};
	// transformers derives these two, and writes them.
	raw.pass_over(&["head_dim", "qk_head_dim"]);
	let head_dim = raw.size("qk_nope_head_dim")? + latent.rope_dim;
	let rope = rope::read(raw, latent.rope_dim, pairs)?;
	let score_factor = rope.score_factor;
	let attention_bias = raw.flag_or("attention_bias", false)?;
	let config = llama::common(raw, family, head_dim, rope)?;
	if config.kv_heads != config.heads {
		let reason = format!(
			"{} for {} query heads: latent attention has as many",
			config.kv_heads, config.heads
		);
		return Err(raw.error("num_key_value_heads", reason));
	}
	Ok(DecoderConfig {
		value_dim: raw.size("v_head_dim")?,
		score_scale: (score_factor / (head_dim as f64).sqrt()) as f32,
		latent: Some(latent),
		experts: Some(experts),
		qkv_bias: attention_bias,
		attention_out_bias: attention_bias,
		..config
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::config::Quantisation;
	use serde_json::json;
	use std::path::Path;

	fn config(change: serde_json::Value) -> Result<DecoderConfig> {
		let mut value = json!({"model_type": "deepseek_v2", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 4,
			"moe_intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
			"n_routed_experts": 6, "num_experts_per_tok": 2, "n_shared_experts": 1, "kv_lora_rank": 4, "q_lora_rank": null,
			"qk_rope_head_dim": 2, "qk_nope_head_dim": 2, "v_head_dim": 3, "topk_method": "group_limited_greedy",
			"n_group": 3, "topk_group": 2, "aux_loss_alpha": 0.001, "num_nextn_predict_layers": 1, "scoring_func": "softmax"});
		if let (Some(map), Some(change)) = (value.as_object_mut(), change.as_object()) {
			map.extend(change.clone());
		}
		DecoderConfig::from_raw(&RawConfig::new(Path::new("m"), value))
	}

	#[test]
	fn groups_should_count_only_when_the_method_says_so() {
		let groups = |change| {
			let experts = config(change).unwrap().experts.unwrap();
			(experts.groups, experts.chosen_groups)
		};
		assert_eq!(groups(json!({})), (3, 2));
		assert_eq!(groups(json!({"topk_method": "greedy", "n_group": 4})), (1, 1));
	}

	#[test]
	fn released_quantisation_should_be_read() {
		let released = json!({"quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
			"weight_block_size": [128, 128]}});
		let raw = RawConfig::new(Path::new("m"), released.clone());
		assert_eq!(raw.quantisation().unwrap(), Some(Quantisation::Fp8([128, 128])));
		assert!(config(released).is_ok());
	}

	#[test]
	fn key_should_be_named_when_it_cannot_be_used() {
		for (change, key) in [
			(json!({"scoring_func": "sigmoid"}), "scoring_func"),
			(json!({"topk_method": "noaux_tc"}), "topk_method"),
			(json!({"norm_topk_prob": true}), "norm_topk_prob"),
			(json!({"mlp_bias": true}), "mlp_bias"),
			(json!({"n_group": 4}), "n_group"),
			(json!({"topk_group": 4}), "topk_group"),
			(json!({"num_experts_per_tok": 5}), "num_experts_per_tok"),
			(json!({"moe_layer_freq": 2}), "moe_layer_freq"),
			(json!({"num_key_value_heads": 1}), "num_key_value_heads"),
			(json!({"first_k_dense_replace": -1}), "first_k_dense_replace"),
			(json!({"n_shared_experts": 0}), "n_shared_experts"),
			(json!({"model_type": "deepseek_v3"}), "scoring_func"),
			(
				json!({"quantization_config": {"quant_method": "awq"}}),
				"quantization_config",
			),
			(
				json!({"quantization_config": {"quant_method": "fp8"}}),
				"weight_block_size",
			),
			(
				json!({"quantization_config": {"quant_method": "fp8", "fmt": "e5m2", "weight_block_size": [128, 128]}}),
				"fmt",
			),
			(
				json!({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128], "bits": 4}}),
				"bits",
			),
		] {
			let message = config(change).unwrap_err().to_string();
			assert!(message.contains(&format!("`{key}`")), "{message}");
		}
	}
}
