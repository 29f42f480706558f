//! Generation on the fixtures' models.

use candle_core::{Device, Tensor};
use openledger_model::{Decoder, ModelTokenizer};
use openledger_serve::{generate, FinishReason, Generation, GenerationOptions};
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
			max_tokens: 20,
			temperature: 0.0,
			..Default::default()
		};
		let mut streamed = String::new();
		let made = generate(&decoder, None, &tokenizer, "the open ledger", options, &mut |text| {
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
			max_tokens: 30,
			temperature: 1.5,
			seed,
			top_p: Some(0.95),
			..Default::default()
		};
		generate(&decoder, None, &tokenizer, "the", options, &mut |_| {
			ControlFlow::Continue(())
		})
		.unwrap()
		.ids
	};
	assert_eq!(make(1), make(1));
	assert_ne!(make(1), make(2));
}

#[test]
fn generation_should_stop_when_told_and_when_the_context_is_full() {
	let (decoder, mut tokenizer) = load("tiny-llama");
	tokenizer.eos.clear();
	let options = GenerationOptions {
		max_tokens: 500,
		temperature: 0.0,
		..Default::default()
	};
	let whole = generate(
		&decoder,
		None,
		&tokenizer,
		&"the ".repeat(100),
		options.clone(),
		&mut |_| ControlFlow::Continue(()),
	)
	.unwrap();
	assert_eq!(whole.finish, FinishReason::ContextFull);
	assert_eq!(whole.ids.len(), 64 / 2 + 1);
	let stopped = generate(&decoder, None, &tokenizer, "the", options.clone(), &mut |_| {
		ControlFlow::Break(())
	})
	.unwrap();
	assert_eq!((stopped.finish, stopped.ids.len()), (FinishReason::Stopped, 1));
	let empty = generate(&decoder, None, &tokenizer, "", options, &mut |_| ControlFlow::Break(())).unwrap();
	assert_eq!(empty.ids.len(), 1);
}

/// A continuation of 30 tokens of the tiny LLaMA, its likeliest.
fn answer(options: GenerationOptions) -> Generation {
	let (decoder, mut tokenizer) = load("tiny-llama");
	tokenizer.eos.clear();
	let options = GenerationOptions {
		max_tokens: 30,
		..options
	};
	generate(&decoder, None, &tokenizer, "the open", options, &mut |_| {
		ControlFlow::Continue(())
	})
	.unwrap()
}

fn greedy_options() -> GenerationOptions {
	GenerationOptions {
		temperature: 0.0,
		..Default::default()
	}
}

#[test]
fn a_stop_text_should_end_the_answer_before_it() {
	let whole = answer(greedy_options());
	// Across the borders of tokens: from the middle of the text, as many bytes as there may be in one and a half.
	let middle = (whole.text.len() / 2..)
		.find(|at| whole.text.is_char_boundary(*at))
		.unwrap();
	let end = (middle + 3..).find(|at| whole.text.is_char_boundary(*at)).unwrap();
	let stop = whole.text[middle..end].to_owned();
	let first = whole.text.find(&stop).unwrap();
	let stopped = answer(GenerationOptions {
		stop: vec!["never there".into(), stop],
		..greedy_options()
	});
	assert_eq!(stopped.finish, FinishReason::StopText);
	assert_eq!(stopped.text, whole.text[..first]);
}

#[test]
fn a_repetition_penalty_and_top_k_should_change_the_draw() {
	let whole = answer(greedy_options());
	let penalised = answer(GenerationOptions {
		repetition_penalty: 5.0,
		..greedy_options()
	});
	let distinct = |ids: &[u32]| ids.iter().collect::<std::collections::BTreeSet<_>>().len();
	assert!(
		distinct(&penalised.ids) > distinct(&whole.ids),
		"{:?} {:?}",
		penalised.ids,
		whole.ids
	);
	// Of the likeliest one only, at any temperature.
	let first = answer(GenerationOptions {
		top_k: Some(1),
		temperature: 3.0,
		..Default::default()
	});
	assert_eq!(first.ids, whole.ids);
}

#[test]
fn options_that_cannot_be_used_should_be_named() {
	let fault = |options: GenerationOptions| options.fault().map(|(name, _)| name);
	let default = GenerationOptions::default;
	assert_eq!(fault(default()), None);
	assert_eq!(
		fault(GenerationOptions {
			max_tokens: 0,
			..default()
		}),
		Some("max_tokens")
	);
	assert_eq!(
		fault(GenerationOptions {
			temperature: f64::NAN,
			..default()
		}),
		Some("temperature")
	);
	assert_eq!(
		fault(GenerationOptions {
			top_p: Some(0.0),
			..default()
		}),
		Some("top_p")
	);
	assert_eq!(
		fault(GenerationOptions {
			top_k: Some(0),
			..default()
		}),
		Some("top_k")
	);
	assert_eq!(
		fault(GenerationOptions {
			repetition_penalty: 0.0,
			..default()
		}),
		Some("repetition_penalty")
	);
	assert_eq!(
		fault(GenerationOptions {
			stop: vec!["".into()],
			..default()
		}),
		Some("stop")
	);
}
