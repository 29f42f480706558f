//! Every family against transformers: logits, also under variants of config.json; the cache and batches against none; and
//! which layers PEFT adapts.

mod common;

use candle_core::Tensor;
use common::{copy, edit, fixture, ids, json, load, relative_error, tensor};
use openledger_model::{lora, Decoder, KvCache};
use serde_json::Value;

const FAMILIES: &[&str] = &[
	"tiny-llama-long",
	"tiny-mistral",
	"tiny-qwen2",
	"tiny-qwen3",
	"tiny-bloom",
	"tiny-chatglm",
];

fn input_ids() -> Tensor {
	ids(&json(&fixture("tiny-llama/input_ids.json")))
}

/// A model, ids, and the logits that transformers gives for the last of them.
struct Case {
	name: String,
	decoder: Decoder,
	ids: Tensor,
	logits: Tensor,
}

/// Each family as it is and in its variants: the same tensors under another config.json.
fn cases() -> impl Iterator<Item = Case> {
	FAMILIES.iter().flat_map(|name| {
		let dir = fixture(name);
		let plain = Case {
			name: (*name).to_owned(),
			decoder: load(&dir.join("model")),
			ids: input_ids(),
			logits: tensor(&dir.join("logits.safetensors"), "logits"),
		};
		let Value::Object(variants) = json(&dir.join("variants.json")) else {
			panic!("{name}: no variants")
		};
		let variants = variants.into_iter().map(move |(variant, value)| {
			let model = copy(&format!("{name}/model"));
			edit(model.path(), "config.json", |config| {
				for (key, value) in value["config"].as_object().unwrap() {
					config[key] = value.clone();
				}
			});
			Case {
				name: format!("{name}/{variant}"),
				decoder: load(model.path()),
				ids: ids(&value),
				logits: tensor(&dir.join("variants.safetensors"), &variant),
			}
		});
		std::iter::once(plain).chain(variants)
	})
}

#[test]
fn logits_should_equal_those_of_transformers() {
	for case in cases() {
		let all = case.decoder.logits(&case.ids, None).unwrap();
		let (seen, kept) = (all.dim(1).unwrap(), case.logits.dim(1).unwrap());
		let error = relative_error(&all.narrow(1, seen - kept, kept).unwrap(), &case.logits);
		println!("{}: {error:.1e}", case.name);
		assert!(error < 1e-5, "{}: {error}", case.name);
	}
}

#[test]
fn cached_logits_should_equal_uncached_ones() {
	for case in cases() {
		let whole = case.decoder.logits(&case.ids, None).unwrap();
		let len = whole.dim(1).unwrap();
		let mut cache = KvCache::new();
		let mut read = |start, len| {
			let ids = case.ids.narrow(1, start, len).unwrap();
			case.decoder.logits(&ids, Some(&mut cache)).unwrap()
		};
		let mut parts = vec![read(0, 5), read(5, 3)];
		parts.extend((8..len).map(|i| read(i, 1)));
		let error = relative_error(&Tensor::cat(&parts, 1).unwrap(), &whole);
		assert!(error < 1e-5, "{}: {error}", case.name);
	}
}

#[test]
fn batch_should_equal_single() {
	for name in FAMILIES {
		let decoder = load(&fixture(name).join("model"));
		let both = decoder.logits(&input_ids(), None).unwrap();
		for row in 0..2 {
			let single = decoder.logits(&input_ids().narrow(0, row, 1).unwrap(), None).unwrap();
			let error = relative_error(&single, &both.narrow(0, row, 1).unwrap());
			assert!(error < 1e-5, "{name}: {error}");
		}
	}
}

#[test]
fn targets_should_be_those_of_peft() {
	for name in FAMILIES {
		let decoder = load(&fixture(name).join("model"));
		let strings = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
		let adapter = json(&fixture(name).join("adapter_init/adapter_config.json"));
		let default = lora::resolve_targets(&decoder, &[]).unwrap();
		assert_eq!(default, strings(&adapter["target_modules"]), "{name}");
		let all = lora::resolve_targets(&decoder, &[lora::ALL_LINEAR.to_owned()]).unwrap();
		let train = json(&fixture(name).join("train.json"));
		assert_eq!(all, strings(&train["all_linear"]), "{name}");
	}
}
