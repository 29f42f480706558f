//! Logits against transformers and PEFT, on the checkpoints that they wrote, and what is said of broken ones.

mod common;

use candle_core::{Device, Tensor};
use common::{copy, edit, fixture, load, relative_error, values};
use openledger_model::checkpoint::{Checkpoint, INDEX};
use openledger_model::merge::{self, SHARD_BYTES};
use openledger_model::{lora, peft, Decoder, KvCache, ModelTokenizer};
use std::path::Path;

/// The fixtures with an adapter of DoRA.
const DORA: [&str; 3] = ["tiny-llama", "tiny-gpt2", "tiny-deepseek2"];

fn input_ids(name: &str) -> Tensor {
	let ids = fixture(name).join("input_ids.json");
	let shared = fixture("tiny-llama/input_ids.json");
	common::ids(&common::json(if ids.exists() { &ids } else { &shared }))
}

fn expected(name: &str, file: &str) -> Tensor {
	common::tensor(&fixture(name).join(file), "logits")
}

#[test]
fn logits_should_equal_those_of_transformers() {
	for (name, model) in [
		("tiny-llama", "model"),
		("tiny-llama", "model-sharded"),
		("tiny-llama-odd", "model"),
		("tiny-gpt2", "model"),
		("tiny-gpt2", "model-noprefix"),
	] {
		let decoder = load(&fixture(name).join(model));
		let logits = decoder.logits(&input_ids(name), None).unwrap();
		let error = relative_error(&logits, &expected(name, "logits.safetensors"));
		assert!(error < 1e-5, "{name}/{model}: {error}");
	}
}

#[test]
fn adapter_logits_should_equal_those_of_peft() {
	for (name, targets) in [("tiny-llama", vec!["q_proj", "v_proj"]), ("tiny-gpt2", vec!["c_attn"])] {
		let mut decoder = load(&fixture(name).join("model"));
		let settings = peft::load(&mut decoder, &fixture(name).join("adapter_init"), false).unwrap();
		assert_eq!(
			(settings.rank, settings.alpha, settings.targets),
			(4, 8.0, targets.iter().map(|t| (*t).to_owned()).collect())
		);
		let logits = decoder.logits(&input_ids(name), None).unwrap();
		let error = relative_error(&logits, &expected(name, "adapter_logits.safetensors"));
		assert!(error < 1e-5, "{name}: {error}");
	}
}

#[test]
fn dora_logits_should_equal_those_of_peft() {
	for name in DORA {
		for trainable in [false, true] {
			let mut decoder = load(&fixture(name).join("model"));
			let settings = peft::load(&mut decoder, &fixture(name).join("dora/adapter_init"), trainable).unwrap();
			assert!(settings.use_dora);
			let logits = decoder.logits(&input_ids(name), None).unwrap();
			let error = relative_error(&logits, &expected(name, "dora/logits.safetensors"));
			assert!(error < 1e-5, "{name}: {error}");
		}
	}
}

#[test]
fn merged_model_should_give_the_logits_of_base_and_adapter() {
	let dir = tempfile::tempdir().unwrap();
	let (lora, dora) = (
		("adapter_init", "adapter_logits.safetensors"),
		("dora/adapter_init", "dora/logits.safetensors"),
	);
	// One file or shards, weights out-in and in-out, with and without the prefix of the causal model.
	for (name, model, shard_bytes, (adapter, logits)) in [
		("tiny-llama", "model", SHARD_BYTES, lora),
		("tiny-llama", "model-sharded", 20_000, lora),
		("tiny-llama", "model-sharded", 20_000, dora),
		("tiny-gpt2", "model", 20_000, lora),
		("tiny-gpt2", "model-noprefix", SHARD_BYTES, lora),
		("tiny-gpt2", "model-noprefix", SHARD_BYTES, dora),
	] {
		let (base, out) = (fixture(name).join(model), dir.path().join("out"));
		merge::merge(&base, &fixture(name).join(adapter), &out, shard_bytes).unwrap();
		let found = load(&out).logits(&input_ids(name), None).unwrap();
		let error = relative_error(&found, &expected(name, logits));
		assert!(error < 1e-5, "{name}/{model}, {adapter}: {error}");
		assert_eq!(out.join(INDEX).exists(), shard_bytes < SHARD_BYTES);
		assert!(out.join("tokenizer.json").exists() == base.join("tokenizer.json").exists());
		// A tensor keeps its name and shape.
		let (before, after) = (Checkpoint::open(&base).unwrap(), Checkpoint::open(&out).unwrap());
		assert_eq!(before.names(), after.names());
	}
}

#[test]
fn merge_should_refuse_what_is_not_of_this_model() {
	let dir = tempfile::tempdir().unwrap();
	let out = dir.path().join("out");
	let complaint = |base: &Path, adapter: &Path| {
		let error = merge::merge(base, adapter, &out, SHARD_BYTES).unwrap_err();
		assert!(!out.exists());
		error.to_string()
	};
	let llama = fixture("tiny-llama/model");
	let message = complaint(&llama, &fixture("tiny-gpt2/adapter_init"));
	assert!(message.contains("no linear layer of this model"), "{message}");
	let adapter = copy("tiny-llama/adapter_init");
	edit(adapter.path(), peft::CONFIG, |config| config["r"] = 5.into());
	let message = complaint(&llama, adapter.path());
	assert!(message.contains("[5, 32]"), "{message}");
	// Tensors of the base are no adapter.
	std::fs::copy(llama.join("model.safetensors"), adapter.path().join(peft::TENSORS)).unwrap();
	let message = complaint(&llama, adapter.path());
	assert!(message.contains("no part of a LoRA"), "{message}");
}

#[test]
fn adapter_should_be_written_as_peft_writes_it() {
	let plain = ["tiny-llama", "tiny-gpt2"].map(|name| (name, "adapter_init"));
	for (name, folder) in plain.into_iter().chain(DORA.map(|name| (name, "dora/adapter_init"))) {
		let original = fixture(name).join(folder);
		let mut decoder = load(&fixture(name).join("model"));
		let settings = peft::load(&mut decoder, &original, true).unwrap();
		let dir = tempfile::tempdir().unwrap();
		let written = dir.path().join("adapter");
		peft::save(&decoder, &settings, name, &written).unwrap();
		for file in [peft::TENSORS, peft::CONFIG] {
			let parse = |dir: &Path| std::fs::read(dir.join(file)).unwrap();
			if file == peft::CONFIG {
				let json = |bytes: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
				assert_eq!(json(parse(&written)), json(parse(&original)));
			} else {
				assert_eq!(parse(&written), parse(&original), "{name}: bytes of {file}");
			}
		}
	}
}

#[test]
fn cached_logits_should_equal_uncached_ones() {
	for name in ["tiny-llama", "tiny-gpt2", "tiny-llama-odd"] {
		let decoder = load(&fixture(name).join("model"));
		let ids = input_ids(name);
		let whole = decoder.logits(&ids, None).unwrap();
		let mut cache = KvCache::new();
		let mut parts = vec![decoder.logits(&ids.narrow(1, 0, 5).unwrap(), Some(&mut cache)).unwrap()];
		for i in 5..16 {
			parts.push(decoder.logits(&ids.narrow(1, i, 1).unwrap(), Some(&mut cache)).unwrap());
		}
		assert_eq!(cache.len(), 16);
		let error = relative_error(&Tensor::cat(&parts, 1).unwrap(), &whole);
		assert!(error < 1e-5, "{name}: {error}");
		let last = decoder.last_logits(&ids, None).unwrap();
		assert!(relative_error(&last, &whole.narrow(1, 15, 1).unwrap().squeeze(1).unwrap()) < 1e-6);
	}
}

#[test]
fn batch_should_equal_single() {
	let decoder = load(&fixture("tiny-llama/model"));
	let ids = input_ids("tiny-llama");
	let both = decoder.logits(&ids, None).unwrap();
	for row in 0..2 {
		let single = decoder.logits(&ids.narrow(0, row, 1).unwrap(), None).unwrap();
		assert!(relative_error(&single, &both.narrow(0, row, 1).unwrap()) < 1e-5);
	}
}

#[test]
fn new_adapter_should_change_nothing_before_training() {
	let mut decoder = load(&fixture("tiny-llama/model"));
	let ids = input_ids("tiny-llama");
	let before = decoder.logits(&ids, None).unwrap();
	let targets = lora::resolve_targets(&decoder, &["all-linear".to_owned()]).unwrap();
	assert_eq!(
		targets,
		[
			"down_proj",
			"gate_proj",
			"k_proj",
			"o_proj",
			"q_proj",
			"up_proj",
			"v_proj"
		]
	);
	let mut settings = openledger_model::LoraSettings {
		rank: 3,
		alpha: 6.0,
		dropout: 0.0,
		targets,
		use_rslora: true,
		use_dora: false,
	};
	assert!((settings.scale() - 6.0 / 3f32.sqrt()).abs() < 1e-6);
	for (use_dora, tensors) in [(false, 2), (true, 3)] {
		settings.use_dora = use_dora;
		lora::attach_new(&mut decoder, &settings, 1).unwrap();
		assert_eq!(lora::tensors(&decoder).len(), 2 * 7 * tensors);
		assert_eq!(values(&decoder.logits(&ids, None).unwrap()), values(&before));
	}
	assert!(lora::resolve_targets(&decoder, &["c_attn".to_owned()])
		.unwrap_err()
		.to_string()
		.contains("q_proj"));
}

fn complaint(dir: &Path) -> String {
	match Decoder::load(dir, &Device::Cpu, false) {
		Ok(_) => panic!("a broken checkpoint was loaded"),
		Err(error) => error.to_string(),
	}
}

#[test]
fn complaint_should_name_file_and_key_when_a_checkpoint_is_broken() {
	let dir = copy("tiny-llama/model");
	edit(dir.path(), "config.json", |c| c["model_type"] = "mamba".into());
	let message = complaint(dir.path());
	assert!(
		message.contains("config.json") && message.contains("`mamba`") && message.contains("gpt2"),
		"{message}"
	);

	let dir = copy("tiny-llama/model");
	edit(dir.path(), "config.json", |c| c["num_hidden_layers"] = 3.into());
	let message = complaint(dir.path());
	assert!(
		message.contains("`model.layers.2.input_layernorm.weight` is missing"),
		"{message}"
	);

	let dir = copy("tiny-llama/model");
	edit(dir.path(), "config.json", |c| c["intermediate_size"] = 65.into());
	let message = complaint(dir.path());
	let wanted = ["model.safetensors", "mlp.gate_proj.weight", "[64, 32]", "[65, 32]"];
	assert!(wanted.iter().all(|w| message.contains(w)), "{message}");

	let dir = copy("tiny-llama-odd/model");
	edit(dir.path(), "config.json", |c| c["attention_bias"] = false.into());
	let message = complaint(dir.path());
	assert!(
		message.contains("`model.layers.0.self_attn.k_proj.bias` belongs to no part"),
		"{message}"
	);

	let dir = copy("tiny-llama/model");
	let path = dir.path().join("model.safetensors");
	let bytes = std::fs::read(&path).unwrap();
	for keep in [bytes.len() - 100, 40, 4, 0] {
		std::fs::write(&path, &bytes[..keep]).unwrap();
		let message = complaint(dir.path());
		assert!(
			message.contains("model.safetensors: not a complete safetensors file"),
			"{keep}: {message}"
		);
	}
	std::fs::remove_file(&path).unwrap();
	assert!(complaint(dir.path()).contains("neither model.safetensors nor model.safetensors.index.json"));

	let dir = copy("tiny-llama/model-sharded");
	std::fs::remove_file(dir.path().join("model-00002-of-00003.safetensors")).unwrap();
	assert!(complaint(dir.path()).contains("model-00002-of-00003.safetensors"));
	let dir = copy("tiny-llama/model-sharded");
	edit(dir.path(), "model.safetensors.index.json", |c| {
		c["weight_map"]["lm_head.weight"] = "../x".into()
	});
	assert!(complaint(dir.path()).contains("`lm_head.weight`"));

	let dir = copy("tiny-llama/model");
	std::fs::write(dir.path().join("config.json"), "{").unwrap();
	assert!(complaint(dir.path()).contains("config.json: not valid JSON"));
}

#[test]
fn tokenizer_should_be_refused_when_larger_than_the_model() {
	let dir = copy("tiny-llama/model");
	let decoder = load(dir.path());
	let tokenizer = ModelTokenizer::load(dir.path(), &decoder.config).unwrap();
	let ids = tokenizer.encode("the open ledger", true).unwrap();
	assert_eq!(tokenizer.decode(&ids).unwrap(), "the open ledger");
	assert_eq!(tokenizer.encode_document("the").unwrap().last(), Some(&0));
	let mut config = decoder.config.clone();
	config.vocab_size = 100;
	let message = ModelTokenizer::load(dir.path(), &config).err().unwrap().to_string();
	assert!(
		message.contains("tokenizer.json") && message.contains("100"),
		"{message}"
	);
	std::fs::write(dir.path().join("tokenizer.json"), "{}").unwrap();
	let message = ModelTokenizer::load(dir.path(), &decoder.config)
		.err()
		.unwrap()
		.to_string();
	assert!(message.contains("tokenizer.json"), "{message}");
}

#[test]
fn adapter_should_be_refused_when_it_cannot_be_applied_whole() {
	let refuse = |file: &str, change: &dyn Fn(&mut serde_json::Value), wanted: &str| {
		let dir = copy("tiny-llama/adapter_init");
		edit(dir.path(), file, change);
		let mut decoder = load(&fixture("tiny-llama/model"));
		let message = peft::load(&mut decoder, dir.path(), false).unwrap_err().to_string();
		assert!(message.contains("adapter_") && message.contains(wanted), "{message}");
	};
	let magnitude = "`base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector` is missing";
	refuse(peft::CONFIG, &|c| c["use_dora"] = true.into(), magnitude);
	refuse(peft::CONFIG, &|c| c["peft_type"] = "IA3".into(), "`peft_type`");
	refuse(
		peft::CONFIG,
		&|c| c["modules_to_save"] = vec!["lm_head"].into(),
		"`modules_to_save`",
	);
	refuse(peft::CONFIG, &|c| c["r"] = "four".into(), "`r`");
	refuse(peft::CONFIG, &|c| c["r"] = 5.into(), "[4, 32]");
	let mut decoder = load(&fixture("tiny-gpt2/model"));
	let message = peft::load(&mut decoder, &fixture("tiny-llama/adapter_init"), false)
		.unwrap_err()
		.to_string();
	assert!(message.contains("belongs to no linear layer"), "{message}");
}

#[test]
fn input_should_be_refused_when_longer_than_the_model() {
	let decoder = load(&fixture("tiny-gpt2/model"));
	let ids = Tensor::zeros((1, 65), candle_core::DType::U32, &Device::Cpu).unwrap();
	assert!(decoder
		.logits(&ids, None)
		.unwrap_err()
		.to_string()
		.contains("65 positions"));
	assert!(decoder.check_ids(&[128]).is_err() && decoder.check_ids(&[127]).is_ok());
}
