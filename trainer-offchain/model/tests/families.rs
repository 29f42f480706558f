//! Every family against transformers: logits, also under variants of config.json; the cache and batches against none; and
//! which layers PEFT adapts.

mod common;

use candle_core::{DType, Device, Tensor};
use common::{copy, edit, fixture, ids, json, load, relative_error, tensor};
use openledger_model::checkpoint::Checkpoint;
use openledger_model::ops::reference::everywhere;
use openledger_model::{lora, Decoder, KvCache};
use serde_json::Value;

const FAMILIES: &[&str] = &[
	"tiny-llama-long",
	"tiny-mistral",
	"tiny-qwen2",
	"tiny-qwen3",
	"tiny-bloom",
	"tiny-chatglm",
	"tiny-deepseek2",
	"tiny-deepseek3",
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

/// What other devices compute.
#[test]
fn compositions_should_give_the_logits_of_transformers_with_and_without_cache() {
	for case in cases() {
		let (all, parts) = everywhere(|| {
			let mut cache = KvCache::new();
			let len = case.ids.dim(1).unwrap();
			let mut read = |start, len| {
				let ids = case.ids.narrow(1, start, len).unwrap();
				case.decoder.logits(&ids, Some(&mut cache)).unwrap()
			};
			let mut parts = vec![read(0, 5)];
			parts.extend((5..len).map(|i| read(i, 1)));
			(
				case.decoder.logits(&case.ids, None).unwrap(),
				Tensor::cat(&parts, 1).unwrap(),
			)
		});
		for found in [all, parts] {
			let (seen, kept) = (found.dim(1).unwrap(), case.logits.dim(1).unwrap());
			let error = relative_error(&found.narrow(1, seen - kept, kept).unwrap(), &case.logits);
			assert!(error < 1e-5, "{}: {error}", case.name);
		}
	}
}

#[test]
fn generation_should_be_the_same_with_and_without_cache() {
	for name in FAMILIES {
		let decoder = load(&fixture(name).join("model"));
		let best = |logits: Tensor| logits.argmax(1).unwrap().to_vec1::<u32>().unwrap()[0];
		let row = |ids: &[u32]| Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
		let prompt = [5u32, 17, 99, 3];
		let (mut cached, mut uncached) = (prompt.to_vec(), prompt.to_vec());
		let (mut cache, mut step) = (KvCache::new(), row(&prompt));
		for _ in 0..20 {
			let id = best(decoder.last_logits(&step, Some(&mut cache)).unwrap());
			cached.push(id);
			step = row(&[id]);
			uncached.push(best(decoder.last_logits(&row(&uncached), None).unwrap()));
		}
		assert_eq!(cached, uncached, "{name}");
	}
}

#[test]
fn further_tensors_should_be_passed_over_only_when_they_change_nothing() {
	let add = |fixture: &str, name: &str| {
		let model = copy(&format!("{fixture}/model"));
		let path = model.path().join("model.safetensors");
		let file = Checkpoint::open_file(&path).unwrap();
		let mut tensors: Vec<(String, Tensor)> = file
			.names()
			.into_iter()
			.map(|n| (n.to_owned(), tensor(&path, n)))
			.collect();
		tensors.push((name.to_owned(), Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap()));
		let bytes = openledger_model::checkpoint::to_bytes(&tensors).unwrap();
		std::fs::write(&path, bytes).unwrap();
		Decoder::load(model.path(), &Device::Cpu, false).map(|_| ())
	};
	add("tiny-qwen2", "lm_head.weight").unwrap();
	add("tiny-chatglm", "transformer.rotary_pos_emb.inv_freq").unwrap();
	add("tiny-deepseek3", "model.layers.2.eh_proj.weight").unwrap();
	for (fixture, name) in [
		("tiny-qwen2", "model.layers.0.self_attn.o_proj.bias"),
		("tiny-mistral", "model.layers.2.mlp.up_proj.weight"),
		("tiny-deepseek3", "model.layers.1.mlp.experts.8.up_proj.weight"),
	] {
		let message = add(fixture, name).unwrap_err().to_string();
		assert!(
			message.contains("model.safetensors") && message.contains(name),
			"{message}"
		);
	}
}

/// Rounds a weight to fp8 by blocks of 16, as DeepSeek V3 is released: (what is stored, its scales, what they stand for).
fn to_fp8(weight: &Tensor) -> (Tensor, Tensor, Tensor) {
	const BLOCK: usize = 16;
	let (rows, cols) = weight.dims2().unwrap();
	let blocks = [rows.div_ceil(BLOCK), cols.div_ceil(BLOCK)];
	let values = weight.to_vec2::<f32>().unwrap();
	let mut scales = vec![vec![0f32; blocks[1]]; blocks[0]];
	for (i, row) in values.iter().enumerate() {
		for (j, x) in row.iter().enumerate() {
			let scale = &mut scales[i / BLOCK][j / BLOCK];
			*scale = scale.max(x.abs() / 448.0);
		}
	}
	let by_scale = |values: Vec<Vec<f32>>, apply: fn(f32, f32) -> f32| -> Tensor {
		let of = |(i, row): (usize, Vec<f32>)| -> Vec<f32> {
			let scaled = row
				.iter()
				.enumerate()
				.map(|(j, x)| apply(*x, scales[i / BLOCK][j / BLOCK]));
			scaled.collect()
		};
		let rows: Vec<Vec<f32>> = values.into_iter().enumerate().map(of).collect();
		Tensor::new(rows, &Device::Cpu).unwrap()
	};
	let stored = by_scale(values, |x, scale| x / scale).to_dtype(DType::F8E4M3).unwrap();
	let rounded = stored.to_dtype(DType::F32).unwrap().to_vec2().unwrap();
	let meant = by_scale(rounded, |x, scale| x * scale);
	(stored, Tensor::new(scales.clone(), &Device::Cpu).unwrap(), meant)
}

#[test]
fn fp8_weights_should_give_the_logits_of_what_they_stand_for() {
	let path = fixture("tiny-deepseek3/model/model.safetensors");
	let (mut plain, mut fp8) = (Vec::new(), Vec::new());
	for name in Checkpoint::open_file(&path).unwrap().names() {
		let weight = tensor(&path, name);
		// Norms, embedding, head, router and biases stay as they are.
		if !name.contains("_proj") || name.ends_with("bias") {
			plain.push((name.to_owned(), weight.clone()));
			fp8.push((name.to_owned(), weight));
			continue;
		}
		let (stored, scales, meant) = to_fp8(&weight);
		plain.push((name.to_owned(), meant));
		fp8.push((name.to_owned(), stored));
		fp8.push((format!("{name}_scale_inv"), scales));
	}
	let logits = |tensors: &[(String, Tensor)], quantisation: Value| {
		let model = copy("tiny-deepseek3/model");
		let bytes = openledger_model::checkpoint::to_bytes(tensors).unwrap();
		std::fs::write(model.path().join("model.safetensors"), bytes).unwrap();
		edit(model.path(), "config.json", |c| c["quantization_config"] = quantisation);
		load(model.path()).logits(&input_ids(), None).unwrap()
	};
	let plain = logits(&plain, Value::Null);
	let quantisation = serde_json::json!({"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [16, 16]});
	assert_eq!(relative_error(&logits(&fp8, quantisation), &plain), 0.0);
	let error = relative_error(&plain, &tensor(&fixture("tiny-deepseek3/logits.safetensors"), "logits"));
	assert!((1e-3..0.3).contains(&error), "rounding changes the logits by {error}");
}

#[test]
fn weights_kept_in_bf16_should_give_nearly_the_same_logits() {
	for name in FAMILIES {
		let dir = fixture(name).join("model");
		let wide = load(&dir).logits(&input_ids(), None).unwrap();
		let narrow = Decoder::load_as(&dir, &Device::Cpu, false, DType::BF16).unwrap();
		let error = relative_error(&narrow.logits(&input_ids(), None).unwrap(), &wide);
		println!("{name} in bf16: {error:.1e}");
		assert!(error < 0.05, "{name}: {error}");
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
		let default = lora::resolve_targets(&decoder, &[]);
		match name.starts_with("tiny-deepseek") {
			// PEFT has none either.
			true => assert!(default.unwrap_err().to_string().contains("kv_b_proj")),
			false => assert_eq!(default.unwrap(), strings(&adapter["target_modules"]), "{name}"),
		}
		let all = lora::resolve_targets(&decoder, &[lora::ALL_LINEAR.to_owned()]).unwrap();
		let train = json(&fixture(name).join("train.json"));
		assert_eq!(all, strings(&train["all_linear"]), "{name}");
	}
}
