//! Models in four bits against transformers and bitsandbytes.

mod common;

use candle_core::{DType, Device, Tensor};
use common::{copy, edit, fixture, ids, json, load, relative_error, tensor};
use openledger_model::checkpoint::Checkpoint;
use openledger_model::merge::SHARD_BYTES;
use openledger_model::nf4::Magnitudes;
use openledger_model::quantise::quantise;
use openledger_model::{Decoder, KvCache};
use std::collections::HashMap;
use std::path::Path;

/// The second has rows and matrices that do not end with a block, and weights that are turned.
const FIXTURES: [&str; 2] = ["tiny-llama-nf4", "tiny-gpt2-nf4"];
/// Quantised twice, and once.
const FORMS: [&str; 2] = ["model", "model-single"];

fn input_ids() -> Tensor {
	ids(&json(&fixture("tiny-llama/input_ids.json")))
}

fn complaint(dir: &Path) -> String {
	Decoder::load(dir, &Device::Cpu, false).err().unwrap().to_string()
}

/// A model's tensors, as they are in its files.
fn raw(dir: &Path) -> HashMap<String, Tensor> {
	candle_core::safetensors::load(dir.join("model.safetensors"), &Device::Cpu).unwrap()
}

#[test]
fn logits_should_equal_those_of_bitsandbytes() {
	for (name, form) in FIXTURES.iter().flat_map(|name| FORMS.map(|form| (name, form))) {
		let decoder = load(&fixture(name).join(form));
		assert!(!decoder.quantised.is_empty());
		let expected = tensor(&fixture(name).join("logits.safetensors"), form);
		let whole = decoder.logits(&input_ids(), None).unwrap();
		let error = relative_error(&whole, &expected);
		println!("{name}/{form}: {error:.1e}");
		assert!(error < 1e-5, "{name}/{form}: {error}");
		// Token by token, as texts are written: products of few rows go another way.
		let mut cache = KvCache::new();
		let parts: Vec<Tensor> = (0..whole.dim(1).unwrap())
			.map(|at| {
				let ids = input_ids().narrow(1, at, 1).unwrap();
				decoder.logits(&ids, Some(&mut cache)).unwrap()
			})
			.collect();
		let error = relative_error(&Tensor::cat(&parts, 1).unwrap(), &expected);
		assert!(error < 1e-5, "{name}/{form}, token by token: {error}");
	}
}

#[test]
fn quantising_a_model_should_write_what_bitsandbytes_writes() {
	for name in FIXTURES {
		let out = tempfile::tempdir().unwrap();
		let out = out.path().join("quantised");
		quantise(&fixture(name).join("plain"), &out, SHARD_BYTES).unwrap();
		let theirs = fixture(name).join("model");
		let key = "quantization_config";
		assert_eq!(
			json(&out.join("config.json"))[key],
			json(&theirs.join("config.json"))[key]
		);
		assert!(out.join("tokenizer.json").exists());
		let (found, expected) = (raw(&out), raw(&theirs));
		let names = |tensors: &HashMap<String, Tensor>| {
			let mut names: Vec<String> = tensors.keys().cloned().collect();
			names.sort_unstable();
			names
		};
		assert_eq!(names(&found), names(&expected));
		for (tensor, expected) in &expected {
			let found = &found[tensor];
			assert_eq!(
				(found.dtype(), found.dims()),
				(expected.dtype(), expected.dims()),
				"{tensor}"
			);
			if expected.dtype() == DType::U8 && !tensor.contains("quant_state") {
				let bytes = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<u8>().unwrap();
				assert_eq!(bytes(found), bytes(expected), "{tensor}");
			} else if tensor.contains("quant_state") {
				// The magnitudes' mean differs in the last digits: torch adds up in an order of its own.
				let text = |t: &Tensor| String::from_utf8(t.to_vec1::<u8>().unwrap()).unwrap();
				let split = |text: String| {
					let (head, offset) = text.split_once("\"nested_offset\": ").unwrap();
					let offset: f64 = offset.trim_end_matches('}').parse().unwrap();
					(head.to_owned(), offset)
				};
				let ((found, a), (expected, b)) = (split(text(found)), split(text(expected)));
				assert_eq!(found, expected);
				assert!((a - b).abs() < 2e-7 * b, "{tensor}: {a}, expected {b}");
			} else if tensor.ends_with(".nested_absmax") {
				let error = relative_error(found, expected);
				assert!(error < 1e-6, "{tensor}: {error}");
			} else {
				assert_eq!(common::values(found), common::values(expected), "{tensor}");
			}
		}
		// What was written is read as what is quantised while it is read.
		let (written, on_load) = (
			load(&out),
			Decoder::load_frozen(&fixture(name).join("plain"), &Device::Cpu, DType::F32, true),
		);
		assert_eq!(written.quantised, on_load.unwrap().quantised);
	}
}

#[test]
fn shards_should_hold_the_same() {
	let out = tempfile::tempdir().unwrap();
	let out = out.path().join("quantised");
	quantise(&fixture("tiny-llama-nf4/plain"), &out, 40_000).unwrap();
	assert!(Checkpoint::open(&out).unwrap().files().count() > 2);
	let one = load(&fixture("tiny-llama-nf4/model"))
		.logits(&input_ids(), None)
		.unwrap();
	assert!(relative_error(&load(&out).logits(&input_ids(), None).unwrap(), &one) < 1e-6);
}

#[test]
fn linear_layers_should_take_less_than_4_2_bits_a_parameter_and_never_be_wide() {
	for name in [
		"tiny-llama-nf4",
		"tiny-gpt2-nf4",
		"tiny-deepseek2",
		"tiny-chatglm",
		"tiny-bloom",
	] {
		let plain = fixture(name).join(if name.ends_with("nf4") { "plain" } else { "model" });
		let (wide, narrow) = (
			load(&plain),
			Decoder::load_frozen(&plain, &Device::Cpu, DType::F32, true).unwrap(),
		);
		assert_eq!(narrow.parameter_count(), wide.parameter_count());
		let elements: usize = narrow.quantised.iter().map(|(_, packed)| packed.len()).sum();
		let bytes: usize = narrow.quantised.iter().map(|(_, packed)| packed.bytes()).sum();
		let bits = bytes as f64 * 8.0 / elements as f64;
		println!("{name}: {bits:.3} bits");
		// In the others a matrix has so few elements that the eight bytes of its own count.
		assert!(bits < 4.2 || !name.ends_with("nf4"), "{name}: {bits}");
		// Every linear layer is among them, and nothing else is kept of it.
		let layers: usize = narrow
			.linears()
			.map(|l| l.weight.out_in().unwrap())
			.map(|(o, i)| o * i)
			.sum();
		assert!(layers <= elements && narrow.linears().all(|l| l.weight.matrix.plain().is_none()));
		let saved = wide.weight_bytes() - narrow.weight_bytes();
		assert_eq!(saved, 4 * elements - bytes, "{name}");
		// Nor does computing with it leave anything.
		narrow.logits(&input_ids(), None).unwrap();
		assert_eq!(wide.weight_bytes() - narrow.weight_bytes(), saved);
	}
}

#[test]
fn what_is_not_nf4_should_be_refused_by_name() {
	let change = |key: &'static str, value: serde_json::Value| {
		let dir = copy("tiny-llama-nf4/model");
		edit(dir.path(), "config.json", |config| {
			config["quantization_config"][key] = value
		});
		complaint(dir.path())
	};
	for (key, value, part) in [
		("bnb_4bit_quant_type", "fp4".into(), "`fp4` is not supported"),
		("load_in_8bit", true.into(), "load_in_8bit"),
		("quant_method", "gptq".into(), "`gptq` is not supported"),
		("bnb_4bit_new", 3.into(), "bnb_4bit_new"),
	] {
		let message = change(key, value);
		assert!(message.contains(part) && message.contains("config.json"), "{message}");
	}
}

#[test]
fn tensors_that_do_not_fit_should_be_refused() {
	let part = "model.layers.0.mlp.up_proj.weight";
	let change = |edit: &dyn Fn(&mut HashMap<String, Tensor>)| {
		let dir = copy("tiny-llama-nf4/model");
		let mut tensors = raw(dir.path());
		edit(&mut tensors);
		candle_core::safetensors::save(&tensors, dir.path().join("model.safetensors")).unwrap();
		complaint(dir.path())
	};
	let name = |suffix: &str| format!("{part}{suffix}");
	let cut = |suffix: &'static str| {
		change(&|tensors: &mut HashMap<String, Tensor>| {
			let tensor = &tensors[&name(suffix)];
			let shorter = tensor.narrow(0, 0, tensor.dim(0).unwrap() - 1).unwrap();
			tensors.insert(name(suffix), shorter);
		})
	};
	for suffix in ["", ".absmax", ".nested_absmax", ".nested_quant_map", ".quant_map"] {
		let message = cut(suffix);
		assert!(message.contains(&name(suffix)), "{suffix}: {message}");
	}
	assert!(cut(".quant_state.bitsandbytes__nf4").contains("unreadable"));
	let message = change(&|tensors| {
		let state = tensors.remove(&name(".quant_state.bitsandbytes__nf4")).unwrap();
		tensors.insert(name(".quant_state.bitsandbytes__fp4"), state);
	});
	assert!(message.contains(part) && message.contains("FP4"), "{message}");
	let message = change(&|tensors| drop(tensors.remove(&name(".quant_state.bitsandbytes__nf4"))));
	assert!(message.contains(part), "{message}");
	let message = change(&|tensors| {
		let map = (&tensors[&name(".quant_map")] * 1.5).unwrap();
		tensors.insert(name(".quant_map"), map);
	});
	assert!(message.contains("16"), "{message}");
}

#[test]
fn four_bits_should_be_refused_for_what_they_cannot_do() {
	let dir = fixture("tiny-llama-nf4/model");
	let message = Decoder::load(&dir, &Device::Cpu, true).err().unwrap().to_string();
	assert!(message.contains("train an adapter"), "{message}");
	let out = tempfile::tempdir().unwrap();
	let message = quantise(&dir, &out.path().join("again"), SHARD_BYTES)
		.unwrap_err()
		.to_string();
	assert!(message.contains("already"), "{message}");
	assert!(!out.path().join("again").exists());
}

#[test]
fn embeddings_in_bf16_should_give_nearly_the_same() {
	let dir = fixture("tiny-llama-nf4/model");
	let narrow = Decoder::load_as(&dir, &Device::Cpu, false, DType::BF16).unwrap();
	let wide = load(&dir);
	assert_eq!(narrow.quantised, wide.quantised);
	// Embedding and head.
	assert_eq!(wide.weight_bytes() - narrow.weight_bytes(), 2 * 2 * 128 * 64);
	let error = relative_error(
		&narrow.logits(&input_ids(), None).unwrap(),
		&wide.logits(&input_ids(), None).unwrap(),
	);
	assert!(error > 1e-6 && error < 3e-2, "{error}");
}

#[test]
fn the_form_of_the_magnitudes_should_be_the_file_s() {
	let nested = |form: &str| {
		let decoder = load(&fixture("tiny-llama-nf4").join(form));
		let is_nested = |magnitudes: &Magnitudes| matches!(magnitudes, Magnitudes::Nested { .. });
		decoder
			.quantised
			.iter()
			.all(|(_, packed)| is_nested(&packed.magnitudes))
	};
	assert!(nested("model") && !nested("model-single"));
}
