//! Generation on the fixtures' models.

use candle_core::{Device, Tensor};
use openledger_model::{peft, Decoder, ModelTokenizer};
use openledger_serve::{generate, FinishReason, GenerationOptions};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

fn load(name: &str) -> (Decoder, ModelTokenizer) {
	let dir = fixture(name).join("model");
	let decoder = Decoder::load(&dir, &Device::Cpu, false).unwrap();
	let tokenizer = ModelTokenizer::load(&dir, &decoder.config).unwrap();
	(decoder, tokenizer)
}

/// The likeliest continuation without a cache.
fn greedy(decoder: &Decoder, tokenizer: &ModelTokenizer, prompt: &str, tokens: usize) -> Vec<u32> {
	let mut ids = tokenizer.encode(prompt, true).unwrap();
	let start = ids.len();
	for _ in 0..tokens {
		let input = Tensor::new(ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
		let logits = decoder.last_logits(&input, None).unwrap().squeeze(0).unwrap();
		let next = logits.argmax(0).unwrap().to_scalar::<u32>().unwrap();
		if tokenizer.eos.contains(&next) {
			break;
		}
		ids.push(next);
	}
	ids[start..].to_vec()
}

#[test]
fn cached_generation_should_equal_uncached() {
	for name in ["tiny-llama", "tiny-gpt2"] {
		let (decoder, tokenizer) = load(name);
		let options = GenerationOptions {
			max_new_tokens: 20,
			temperature: 0.0,
			..Default::default()
		};
		let mut streamed = String::new();
		let made = generate(&decoder, &tokenizer, "the open ledger", options, &mut |text| {
			streamed.push_str(text);
			ControlFlow::Continue(())
		});
		let made = made.unwrap();
		assert_eq!(made.ids, greedy(&decoder, &tokenizer, "the open ledger", 20), "{name}");
		assert_eq!(streamed, made.text);
	}
}

#[test]
fn generation_should_repeat_with_its_seed_and_differ_with_another() {
	let (decoder, tokenizer) = load("tiny-llama");
	let make = |seed| {
		let options = GenerationOptions {
			max_new_tokens: 30,
			temperature: 1.5,
			seed,
			top_p: Some(0.95),
		};
		generate(&decoder, &tokenizer, "the", options, &mut |_| ControlFlow::Continue(()))
			.unwrap()
			.ids
	};
	assert_eq!(make(1), make(1));
	assert_ne!(make(1), make(2));
}

#[test]
fn generation_should_stop_when_told_and_when_the_context_is_full() {
	let (mut decoder, mut tokenizer) = load("tiny-llama");
	tokenizer.eos.clear();
	let options = GenerationOptions {
		max_new_tokens: 500,
		temperature: 0.0,
		..Default::default()
	};
	let whole = generate(&decoder, &tokenizer, &"the ".repeat(100), options, &mut |_| {
		ControlFlow::Continue(())
	})
	.unwrap();
	assert_eq!(whole.finish, FinishReason::ContextFull);
	assert_eq!(whole.ids.len(), 64 / 2 + 1);
	let stopped = generate(&decoder, &tokenizer, "the", options, &mut |_| ControlFlow::Break(())).unwrap();
	assert_eq!((stopped.finish, stopped.ids.len()), (FinishReason::Stopped, 1));
	// An adapter around a clone leaves the original as it is.
	let original = greedy(&decoder, &tokenizer, "the", 10);
	let mut tuned = decoder.clone();
	peft::load(&mut tuned, &fixture("tiny-llama/adapter_init"), false).unwrap();
	assert_eq!(greedy(&decoder, &tokenizer, "the", 10), original);
	decoder = tuned;
	let empty = generate(&decoder, &tokenizer, "", options, &mut |_| ControlFlow::Break(())).unwrap();
	assert_eq!(empty.ids.len(), 1);
}
