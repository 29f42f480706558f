//! Texts of one step do not feel one another.

use candle_core::{Device, Tensor};
use openledger_model::{peft, AdapterSet, Decoder, KvCache, Segment};
use std::path::{Path, PathBuf};

const FAMILIES: [&str; 7] = [
	"tiny-llama-long",
	"tiny-mistral",
	"tiny-qwen2",
	"tiny-qwen3",
	"tiny-bloom",
	"tiny-chatglm",
	"tiny-deepseek3",
];

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

fn base(name: &str) -> Decoder {
	Decoder::load(&fixture(name).join("model"), &Device::Cpu, false).unwrap()
}

fn adapter(base: &Decoder, name: &str, folder: &str) -> AdapterSet {
	let mut decoder = base.clone();
	peft::load(&mut decoder, &fixture(name).join(folder), false).unwrap();
	decoder.detach_adapter()
}

/// Logits after `ids`, by the path that trains.
fn alone(base: &Decoder, adapter: Option<&Path>, ids: &[u32]) -> Vec<f32> {
	let mut decoder = base.clone();
	if let Some(dir) = adapter {
		peft::load(&mut decoder, dir, false).unwrap();
	}
	let ids = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
	let logits = decoder.last_logits(&ids, None).unwrap();
	logits.squeeze(0).unwrap().to_vec1().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
	let worst = found
		.iter()
		.zip(expected)
		.map(|(a, b)| (a - b).abs())
		.fold(0.0, f32::max);
	assert!(worst < 1e-5, "{what}: {worst}");
}

#[test]
fn a_step_should_give_each_text_what_it_gets_alone() {
	let plain = FAMILIES.map(|name| (name, ["adapter_init", "adapter_trained"]));
	// Texts of a LoRA beside those of a DoRA.
	let mixed =
		["tiny-llama", "tiny-gpt2", "tiny-deepseek2"].map(|name| (name, ["adapter_init", "dora/adapter_trained"]));
	for (name, [first, second]) in plain.into_iter().chain(mixed) {
		let base = base(name);
		let (one, two) = (adapter(&base, name, first), adapter(&base, name, second));
		assert!(one.bytes() > 0);
		let folders = [None, Some(first), Some(second), Some(second)];
		let sets = [None, Some(&one), Some(&two), Some(&two)];
		let texts: [&[u32]; 4] = [&[5, 6, 7], &[9, 8, 7, 6, 5], &[3], &[4, 4, 9, 11]];
		let mut caches: Vec<KvCache> = (0..4).map(|_| KvCache::new()).collect();
		// Read in two steps of different lengths, the second of one token, as while generating.
		for part in [false, true] {
			let mut segments: Vec<Segment<'_>> = texts
				.iter()
				.zip(&mut caches)
				.zip(sets)
				.filter(|((ids, _), _)| part || ids.len() > 1)
				.map(|((ids, cache), adapter)| Segment {
					ids: if part {
						&ids[ids.len() - 1..]
					} else {
						&ids[..ids.len() - 1]
					},
					cache,
					adapter,
				})
				.collect();
			let logits: Vec<Vec<f32>> = base.step(&mut segments).unwrap().to_vec2().unwrap();
			if part {
				for (at, found) in logits.iter().enumerate() {
					let dir = folders[at].map(|folder| fixture(name).join(folder));
					let expected = alone(&base, dir.as_deref(), texts[at]);
					assert_close(found, &expected, &format!("{name}, text {at}"));
				}
			}
		}
	}
}

#[test]
fn a_text_beyond_the_positions_should_be_refused() {
	let base = base("tiny-llama");
	let ids = vec![3; base.config.max_positions + 1];
	let (mut cache, adapter) = (KvCache::new(), None);
	let segment = Segment {
		ids: &ids,
		cache: &mut cache,
		adapter,
	};
	let error = base.step(&mut [segment]).unwrap_err().to_string();
	assert!(error.contains("positions are more"), "{error}");
	assert!(cache.is_empty());
}
