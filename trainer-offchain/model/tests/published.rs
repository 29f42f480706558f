//! config.json with the keys that the families' publishers write: each is known, and the sizes come out right.

use openledger_model::{DecoderConfig, RawConfig};
use std::path::Path;

fn read(json: &str) -> DecoderConfig {
	let value = serde_json::from_str(json).unwrap();
	DecoderConfig::from_raw(&RawConfig::new(Path::new("m"), value)).unwrap()
}

/// (layers, query heads, key heads, width of a query head, positions).
fn sizes(c: &DecoderConfig) -> (usize, usize, usize, usize, usize) {
	(c.layers, c.heads, c.kv_heads, c.head_dim, c.max_positions)
}

#[test]
fn llama_should_be_read() {
	let llama3 = read(
		r#"{"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
		"eos_token_id": [128001, 128008, 128009], "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048,
		"initializer_range": 0.02, "intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": false,
		"model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8,
		"pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0,
		"low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0,
		"tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.45.0.dev0", "use_cache": true,
		"vocab_size": 128256}"#,
	);
	assert_eq!(sizes(&llama3), (16, 32, 8, 64, 131_072));
	assert!(llama3.tied && llama3.eos.len() == 3);
	let small = read(
		r#"{"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 0,
		"eos_token_id": 0, "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664,
		"intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192, "mlp_bias": false,
		"model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
		"pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000,
		"tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers.js_config": {"kv_cache_dtype": {"q4f16":
		"float16"}}, "transformers_version": "4.40.1", "use_cache": true, "vocab_size": 49152}"#,
	);
	assert_eq!(sizes(&small), (30, 9, 3, 64, 8192));
}

#[test]
fn mistral_and_qwen_should_be_read() {
	let mistral = read(
		r#"{"architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
		"hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
		"max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32, "num_hidden_layers": 32,
		"num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null,
		"tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.42.0.dev0", "use_cache": true,
		"vocab_size": 32768}"#,
	);
	assert_eq!(sizes(&mistral), (32, 32, 8, 128, 32_768));
	let qwen2 = read(
		r#"{"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
		"hidden_act": "silu", "hidden_size": 896, "initializer_range": 0.02, "intermediate_size": 4864,
		"max_position_embeddings": 32768, "max_window_layers": 21, "model_type": "qwen2", "num_attention_heads": 14,
		"num_hidden_layers": 24, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
		"sliding_window": 32768, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.43.1",
		"use_cache": true, "use_sliding_window": false, "vocab_size": 151936}"#,
	);
	assert_eq!(sizes(&qwen2), (24, 14, 2, 64, 32_768));
	assert!(qwen2.qkv_bias && qwen2.windows.iter().all(Option::is_none));
	let qwen3 = read(
		r#"{"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643,
		"eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024, "initializer_range": 0.02,
		"intermediate_size": 3072, "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
		"num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
		"rope_scaling": null, "rope_theta": 1000000, "sliding_window": null, "tie_word_embeddings": true,
		"torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": true, "use_sliding_window": false,
		"vocab_size": 151936}"#,
	);
	assert_eq!(sizes(&qwen3), (28, 16, 8, 128, 40_960));
}

#[test]
fn gpt2_bloom_and_chatglm_should_be_read() {
	let gpt2 = read(
		r#"{"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256,
		"embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
		"model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
		"resid_pdrop": 0.1, "summary_activation": null, "summary_first_dropout": 0.1, "summary_proj_to_labels": true,
		"summary_type": "cls_index", "summary_use_proj": true, "task_specific_params": {"text-generation":
		{"do_sample": true, "max_length": 50}}, "vocab_size": 50257}"#,
	);
	assert_eq!(sizes(&gpt2), (12, 12, 12, 64, 1024));
	let bloom = read(
		r#"{"apply_residual_connection_post_layernorm": false, "attention_dropout": 0.0, "attention_softmax_in_fp32": true,
		"bias_dropout_fusion": true, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3, "unk_token_id": 0,
		"hidden_dropout": 0.0, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "masked_softmax_fusion": true,
		"model_type": "bloom", "n_embed": 1024, "n_inner": null, "n_layer": 24, "num_attention_heads": 16,
		"offset_alibi": 100, "pretraining_tp": 1, "seq_length": 2048, "skip_bias_add": true, "skip_bias_add_qkv": false,
		"transformers_version": "4.20.0", "use_cache": true, "vocab_size": 250880}"#,
	);
	assert_eq!(sizes(&bloom), (24, 16, 16, 64, 2048));
	let chatglm3 = read(
		r#"{"_name_or_path": "THUDM/chatglm3-6b", "add_bias_linear": false, "add_qkv_bias": true,
		"apply_query_key_layer_scaling": true, "apply_residual_connection_post_layernorm": false,
		"architectures": ["ChatGLMModel"], "attention_dropout": 0.0, "attention_softmax_in_fp32": true,
		"auto_map": {"AutoConfig": "configuration_chatglm.ChatGLMConfig"}, "bias_dropout_fusion": true,
		"eos_token_id": 2, "ffn_hidden_size": 13696, "fp32_residual_connection": false, "hidden_dropout": 0.0,
		"hidden_size": 4096, "kv_channels": 128, "layernorm_epsilon": 1e-05, "model_type": "chatglm",
		"multi_query_attention": true, "multi_query_group_num": 2, "num_attention_heads": 32, "num_layers": 28,
		"original_rope": true, "pad_token_id": 0, "padded_vocab_size": 65024, "post_layer_norm": true,
		"pre_seq_len": null, "prefix_projection": false, "quantization_bit": 0, "rmsnorm": true, "seq_length": 8192,
		"tie_word_embeddings": false, "torch_dtype": "float16", "transformers_version": "4.30.2", "use_cache": true,
		"vocab_size": 65024}"#,
	);
	assert_eq!(sizes(&chatglm3), (28, 32, 2, 128, 8192));
	assert!(chatglm3.qkv_bias && !chatglm3.mlp_bias);
}

#[test]
fn deepseek_should_be_read() {
	let lite = read(
		r#"{"architectures": ["DeepseekV2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
		"auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV2Config"}, "aux_loss_alpha": 0.001,
		"bos_token_id": 100000, "eos_token_id": 100001, "first_k_dense_replace": 1, "hidden_act": "silu",
		"hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 10944, "kv_lora_rank": 512,
		"max_position_embeddings": 163840, "model_type": "deepseek_v2", "moe_intermediate_size": 1408,
		"moe_layer_freq": 1, "n_group": 1, "n_routed_experts": 64, "n_shared_experts": 2, "norm_topk_prob": false,
		"num_attention_heads": 16, "num_experts_per_tok": 6, "num_hidden_layers": 27, "num_key_value_heads": 16,
		"pretraining_tp": 1, "q_lora_rank": null, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06,
		"rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
		"original_max_position_embeddings": 4096, "type": "yarn"}, "rope_theta": 10000, "routed_scaling_factor": 1.0,
		"scoring_func": "softmax", "seq_aux": true, "tie_word_embeddings": false, "topk_group": 1, "topk_method": "greedy",
		"torch_dtype": "bfloat16", "transformers_version": "4.33.1", "use_cache": true, "v_head_dim": 128,
		"vocab_size": 102400}"#,
	);
	assert_eq!(sizes(&lite), (27, 16, 16, 192, 163_840));
	let v3 = read(
		r#"{"architectures": ["DeepseekV3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
		"auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}, "aux_loss_alpha": 0.001, "bos_token_id": 0,
		"eos_token_id": 1, "ep_size": 1, "first_k_dense_replace": 3, "hidden_act": "silu", "hidden_size": 7168,
		"initializer_range": 0.02, "intermediate_size": 18432, "kv_lora_rank": 512, "max_position_embeddings": 163840,
		"model_type": "deepseek_v3", "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8,
		"n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true, "num_attention_heads": 128,
		"num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1,
		"pretraining_tp": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
		"quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
		"weight_block_size": [128, 128]}, "rms_norm_eps": 1e-06, "rope_scaling": {"beta_fast": 32, "beta_slow": 1,
		"factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096, "type": "yarn"},
		"rope_theta": 10000, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid", "seq_aux": true,
		"tie_word_embeddings": false, "topk_group": 4, "topk_method": "noaux_tc", "torch_dtype": "bfloat16",
		"transformers_version": "4.33.1", "use_cache": true, "v_head_dim": 128, "vocab_size": 129280}"#,
	);
	assert_eq!(sizes(&v3), (61, 128, 128, 192, 163_840));
	// transformers: 192^-0.5 times (0.1 ln 40 + 1)^2.
	assert!((f64::from(v3.score_scale) - (0.1 * 40f64.ln() + 1.0).powi(2) / 192f64.sqrt()).abs() < 1e-7);
}
