//! A card against the CPU: logits with and without a cache, losses and gradients of every family, in f32, bf16 and four bits.
//! `scripts/build-cuda.sh --test` runs it; without a card it says so and compares nothing.
#![cfg(feature = "cuda")]

mod common;

use candle_core::{DType, Device, Tensor, Var};
use common::{fixture, relative_error, values};
use openledger_model::decoder::{Activations, StepInput};
use openledger_model::{cuda, lora, Decoder, KvCache, LoraSettings};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FAMILIES: [&str; 9] = [
	"tiny-llama",
	"tiny-gpt2",
	"tiny-mistral",
	"tiny-qwen2",
	"tiny-qwen3",
	"tiny-bloom",
	"tiny-chatglm",
	"tiny-deepseek2",
	"tiny-deepseek3",
];

/// The first card, where there is one.
fn card() -> Option<Device> {
	cuda::open(0).map_err(|reason| println!("not compared: {reason}")).ok()
}

fn ids(decoder: &Decoder) -> Vec<u32> {
	(0..42).map(|i| (i * 11 % decoder.config.vocab_size) as u32).collect()
}

fn logits(decoder: &Decoder, cached: bool) -> Tensor {
	let ids = Tensor::from_vec(ids(decoder), (2, 21), &decoder.device).unwrap();
	let logits = match cached {
		false => decoder.logits(&ids, None).unwrap(),
		true => {
			let mut cache = KvCache::new();
			let mut read = |at, len| {
				decoder
					.logits(&ids.narrow(1, at, len).unwrap(), Some(&mut cache))
					.unwrap()
			};
			let mut parts = vec![read(0, 9)];
			parts.extend((9..21).map(|at| read(at, 1)));
			Tensor::cat(&parts, 1).unwrap()
		}
	};
	logits.to_device(&Device::Cpu).unwrap()
}

#[test]
fn logits_of_a_card_should_be_those_of_the_cpu() {
	let Some(card) = card() else { return };
	for name in FAMILIES {
		for (matrices, nf4, tolerance) in [
			(DType::F32, false, 1e-4),
			(DType::F32, true, 1e-4),
			(DType::BF16, false, 5e-2),
			(DType::BF16, true, 5e-2),
		] {
			let dir = fixture(name).join("model");
			let load = |device| Decoder::load_frozen(&dir, device, matrices, nf4);
			let (Ok(there), Ok(here)) = (load(&card), load(&Device::Cpu)) else {
				// Layers that stay wide beside others in four bits are read in f32 only.
				assert!(nf4 && matrices == DType::BF16, "{name}");
				continue;
			};
			for cached in [false, true] {
				let error = relative_error(&logits(&there, cached), &logits(&here, cached));
				println!("{name}, {matrices:?}, in four bits {nf4}, cached {cached}: {error:.1e}");
				assert!(error < tolerance, "{name}, {matrices:?}, {nf4}, {cached}: {error}");
			}
		}
	}
}

/// With adapters around all layers, none of them zero.
fn adapted(name: &str, device: &Device, matrices: DType, nf4: bool) -> Decoder {
	let dir = fixture(name).join("model");
	let mut decoder = Decoder::load_frozen(&dir, device, matrices, nf4).unwrap();
	let settings = LoraSettings {
		rank: 3,
		alpha: 6.0,
		dropout: 0.4,
		targets: lora::resolve_targets(&decoder, &[lora::ALL_LINEAR.to_owned()]).unwrap(),
		use_rslora: false,
		use_dora: true,
	};
	lora::attach_new(&mut decoder, &settings, 1).unwrap();
	let mut rng = ChaCha8Rng::seed_from_u64(2);
	for (name, tensor) in lora::tensors(&decoder) {
		if name.ends_with("lora_B.weight") {
			let drawn: Vec<f32> = (0..tensor.elem_count()).map(|_| rng.random_range(-0.1..0.1)).collect();
			let drawn = Tensor::from_vec(drawn, tensor.shape(), device).unwrap();
			Var::from_tensor(&tensor).unwrap().set(&drawn).unwrap();
		}
	}
	decoder
}

/// Loss and gradients, by variable.
fn step(decoder: &Decoder, variables: Vec<(String, Tensor)>) -> (f64, Vec<(String, Vec<f32>)>) {
	let ids = ids(decoder);
	let targets: Vec<u32> = ids.iter().rev().copied().collect();
	let input = StepInput {
		ids: &ids,
		seq: 21,
		texts: &[],
		targets: &targets,
		factor: 1.0,
		activations: Activations::Recompute,
	};
	let mut dropout = Some(ChaCha8Rng::seed_from_u64(3));
	let (loss, mut gradients) = decoder.loss_and_gradients(&input, &mut dropout).unwrap();
	let take = |(name, variable): (String, Tensor)| {
		let gradient = gradients.take(&variable).unwrap();
		(name, gradient.map_or_else(Vec::new, |gradient| values(&gradient)))
	};
	(loss, variables.into_iter().map(take).collect())
}

fn compare(case: &str, there: (f64, Vec<(String, Vec<f32>)>), here: (f64, Vec<(String, Vec<f32>)>), tolerance: f32) {
	assert!(
		(there.0 - here.0).abs() < f64::from(tolerance) * here.0,
		"{case}: {} {}",
		there.0,
		here.0
	);
	for ((name, there), (_, here)) in there.1.iter().zip(&here.1) {
		let largest = here.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
		// An expert without tokens has a gradient of zeros on the CPU, and none on a card.
		let of = |i: usize| there.get(i).copied().unwrap_or_default();
		let worst = here.iter().enumerate().fold(0f32, |m, (i, e)| m.max((of(i) - e).abs()));
		assert!(worst < tolerance * largest, "{case}, {name}: {worst} of {largest}");
	}
	println!("{case}: losses {} and {}", there.0, here.0);
}

#[test]
fn gradients_of_a_card_should_be_those_of_the_cpu() {
	let Some(card) = card() else { return };
	for name in FAMILIES {
		for (matrices, nf4, tolerance) in [
			(DType::F32, false, 1e-3),
			(DType::F32, true, 1e-3),
			(DType::BF16, false, 0.15),
		] {
			let [there, here] = [&card, &Device::Cpu].map(|device| {
				let decoder = adapted(name, device, matrices, nf4);
				step(&decoder, lora::tensors(&decoder))
			});
			compare(
				&format!("{name}, {matrices:?}, in four bits {nf4}"),
				there,
				here,
				tolerance,
			);
		}
		let [there, here] = [&card, &Device::Cpu].map(|device| {
			let decoder = Decoder::load(&fixture(name).join("model"), device, true).unwrap();
			step(&decoder, decoder.parameters.clone())
		});
		compare(&format!("{name}, all trained"), there, here, 1e-3);
	}
}
