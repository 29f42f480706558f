//! How much memory a training takes at most, estimated before anything but config.json is fetched.
//!
//! Every number that comes from what the trainer keeps stands in [`STEP`] and, of families that train through candle's
//! graph, in [`GRAPH`]; `worker/tests/memory.rs` compares with real processes. Measured are dense models in f32; what is
//! said of experts and of latent attention follows from the code.

use crate::config::{Dtype, Method};
use crate::evaluate;
use openledger_model::config::{DecoderConfig, Quantisation};
use openledger_model::family::{MlpNames, QkvNames};
use openledger_model::lora::ALL_LINEAR;
use openledger_model::ops::loss_rows;
use openledger_model::{RawConfig, Result};

/// What the trainer keeps.
struct Kept {
	/// The program, its tokenizer and its threads, in bytes.
	program: f64,
	/// Bytes of a number that is computed with, and of one of a matrix in bf16.
	number: f64,
	narrow: f64,
	/// Residual widths that a block keeps of a token beside attention's parts and the feed-forward part's.
	hidden: f64,
	/// How often query and key are kept: as the layer put them out, and turned or cut out of a joint output.
	turned: f64,
	/// Feed-forward widths of a gated part and of a plain one.
	gated: f64,
	plain: f64,
	/// Numbers that a mask takes for each element that dropout looks at.
	mask: f64,
	/// Results of an adapted layer that DoRA keeps beside its own.
	rescaled: f64,
	/// The backward pass's own gradients, and what the allocator cannot fill, over what is kept.
	slack: f64,
	/// Copies of all trained numbers: values and two moments, at rest and in a state.
	trained: f64,
	/// A checkpoint's copies of those and its bytes, for which what the step freed is used again.
	checkpoint: f64,
	/// Gradients of all trained numbers, and their sums.
	gradients: f64,
}

/// Forward and backward written out: the stream before each part, query, key, value, gate and up, and attention's result,
/// which only what trains the layer after it keeps.
const STEP: Kept = Kept {
	program: 30.0 * MIB,
	number: 4.0,
	narrow: 2.0,
	hidden: 3.0,
	turned: 1.0,
	gated: 2.0,
	plain: 1.0,
	mask: 1.0,
	rescaled: 0.0,
	slack: 1.1,
	trained: 3.0,
	checkpoint: 7.0,
	gradients: 1.0,
};

/// Every intermediate: norms, attention's output before and after its layer, products, sums.
const GRAPH: Kept = Kept {
	hidden: 7.0,
	turned: 2.0,
	gated: 3.0,
	plain: 2.0,
	rescaled: 2.0,
	slack: 1.17,
	gradients: 3.0,
	..STEP
};

const MIB: f64 = 1_048_576.0;
/// Bytes of a number in four bits: with the byte of its block of 64, and four for 256 of those.
const NF4: f64 = 0.5 + 1.0 / 64.0 + 4.0 / (64.0 * 256.0);

/// A training whose memory is asked for.
#[derive(Clone, Debug)]
pub struct Footprint<'a> {
	/// The base model.
	pub config: &'a DecoderConfig,
	/// Its numbers, of [`numbers_in`].
	pub weights: u64,
	/// Whether the linear layers' weights are in four bits: by the method, or in the files ([`in_four_bits`]).
	pub four_bits: bool,
	/// What the matrices of a frozen model are kept in that are not in four bits.
	pub dtype: Dtype,
	/// What is trained.
	pub method: Method,
	/// Numbers of the adapter, of [`adapter_numbers`] or of the file that is continued; not used where all are trained.
	pub adapter: u64,
	/// Whether adapters drop a part of their input.
	pub dropout: bool,
	/// Whether they rescale the rows that they adapt.
	pub dora: bool,
	/// Sequences of a micro-batch.
	pub batch: u64,
	/// Tokens of a sequence.
	pub sequence: u64,
}

impl Footprint<'_> {
	/// Most bytes at once: while the model is read, or while it is trained and its state is written.
	pub fn peak_bytes(&self) -> u64 {
		let writing = self.trained_bytes() * self.kept().checkpoint;
		let training = self.at_rest() + self.step_bytes().max(writing);
		self.reading_peak().max(training).ceil() as u64
	}

	/// Most bytes at once while a part of it is made again and judged. The states before and after it, and what was published,
	/// are held together only where the training has gone.
	pub fn judging_bytes(&self) -> u64 {
		let state = self.trained_bytes() * self.kept().trained;
		let training = self.at_rest() + self.step_bytes().max(state);
		let comparing = self.kept().program + 3.0 * state;
		let peak = (self.reading_peak() + state).max(training).max(comparing);
		peak.ceil() as u64
	}

	fn reading_peak(&self) -> f64 {
		self.kept().program + self.model_bytes(self.dtype) + self.reading_bytes()
	}

	/// Between two steps.
	fn at_rest(&self) -> f64 {
		let kept = self.kept();
		let frozen = match self.method {
			// The model's own weights are the values.
			Method::Full => 0.0,
			Method::Lora | Method::Qlora => self.model_bytes(self.dtype),
		};
		kept.program + frozen + self.trained_bytes() * kept.trained
	}

	/// What a step takes beside that.
	fn step_bytes(&self) -> f64 {
		self.activations() + self.trained_bytes() * self.kept().gradients
	}

	fn trained_bytes(&self) -> f64 {
		self.result_bytes() as f64
	}

	/// Most bytes at once while the result is evaluated on so many threads: over f32, whatever it was trained over.
	pub fn evaluating_bytes(&self, threads: usize) -> u64 {
		let (config, kept) = (self.config, self.kept());
		let result = match self.method {
			Method::Full => 0.0,
			Method::Lora | Method::Qlora => self.result_bytes() as f64,
		};
		let tokens = (threads * evaluate::BATCH) as f64 * self.sequence as f64;
		let plain = Self {
			dropout: false,
			dora: false,
			..self.clone()
		};
		let widest = (0..config.layers)
			.map(|block| plain.of_block(block))
			.fold(0.0, f64::max);
		let logits = tokens.min((threads * loss_rows(config.vocab_size)) as f64) * config.vocab_size as f64;
		let computing = kept.number * (tokens * widest * kept.slack + logits);
		// What reading freed lies in pieces too small for what is computed.
		let bytes = kept.program + self.model_bytes(Dtype::F32) + result + computing + self.reading_bytes();
		bytes.ceil() as u64
	}

	/// Of the adapter, or of the model where all of it is trained: the size of the result's file.
	pub fn result_bytes(&self) -> u64 {
		let numbers = match self.method {
			Method::Full => self.weights,
			Method::Lora | Method::Qlora => self.adapter,
		};
		numbers * size_of::<f32>() as u64
	}

	/// Of the weights, the matrices that are not in four bits kept in `dtype`.
	fn model_bytes(&self, dtype: Dtype) -> f64 {
		let kept = self.kept();
		let in_nf4 = match self.four_bits {
			true => linear_numbers(self.config).min(self.weights) as f64,
			false => 0.0,
		};
		let number = match dtype {
			Dtype::F32 => kept.number,
			Dtype::Bf16 => kept.narrow,
		};
		(self.weights as f64 - in_nf4) * number + in_nf4 * NF4
	}

	/// What reading the weights takes beside them: the largest, as it is in the file, widened, and laid out to be quantised.
	/// What was read of a mapped file is given back.
	fn reading_bytes(&self) -> f64 {
		let config = self.config;
		let largest = config.hidden_size * config.vocab_size.max(config.intermediate_size);
		3.0 * self.kept().number * largest as f64
	}

	/// What is kept of this family.
	fn kept(&self) -> &'static Kept {
		let config = self.config;
		let plain = config.latent.is_none() && config.experts.is_none() && config.family.names.qk_norms.is_none();
		match plain {
			true => &STEP,
			false => &GRAPH,
		}
	}

	/// Bytes that a micro-batch keeps for the backward pass.
	fn activations(&self) -> f64 {
		let config = self.config;
		let tokens = (self.batch * self.sequence) as f64;
		let blocks: f64 = (0..config.layers).map(|block| self.of_block(block)).sum();
		// Embedding, last norm, and the gradient that the loss makes at once.
		let ends = 3.0 * config.hidden_size as f64;
		// Rescaled gradients of two layers that share their input, and one's result again.
		let widest = linears(config).iter().map(|(_, _, out)| *out).max().unwrap_or(0);
		let rescaled = if self.dora { 3.0 * widest as f64 } else { 0.0 };
		let kept = self.kept();
		let logits = tokens.min(loss_rows(config.vocab_size) as f64) * config.vocab_size as f64;
		kept.number * (tokens * ((blocks + ends) * kept.slack + rescaled) + logits)
	}

	/// Numbers of a token that a block keeps.
	fn of_block(&self, block: usize) -> f64 {
		let (config, kept) = (self.config, self.kept());
		let hidden = config.hidden_size as f64;
		let inputs: usize = match self.dropout {
			// A mask for each adapted input; at most those of all layers.
			true => linears(config).iter().map(|(_, inp, _)| inp).sum(),
			false => 0,
		};
		let outputs: usize = match self.dora {
			true => linears(config).iter().map(|(_, _, out)| out).sum(),
			false => 0,
		};
		let (q, k, v) = widths(config);
		let attention = match &config.latent {
			// Parts are cut out, turned and joined again.
			Some(latent) => {
				let rank = latent.q_rank.unwrap_or(0) + 2 * latent.kv_rank;
				3.0 * (q + k) + 2.0 * v + rank as f64
			}
			None => kept.turned * (q + k) + v,
		};
		let mlp = match config.family.names.mlp {
			MlpNames::Gated { .. } => kept.gated,
			MlpNames::Joined { .. } => kept.gated,
			MlpNames::Gelu { .. } => kept.plain,
		};
		let wide = match config.experts {
			Some(experts) if block >= experts.first_block => {
				let chosen = experts.chosen + experts.shared.unwrap_or(0);
				mlp * (chosen * experts.width) as f64 + 3.0 * experts.chosen as f64 * hidden
			}
			_ => mlp * config.intermediate_size as f64,
		};
		kept.hidden * hidden + attention + wide + kept.mask * inputs as f64 + kept.rescaled * outputs as f64
	}
}

/// Widths of all queries, keys and values.
fn widths(config: &DecoderConfig) -> (f64, f64, f64) {
	let kv_heads = config.kv_heads as f64;
	(
		(config.heads * config.head_dim) as f64,
		kv_heads * config.head_dim as f64,
		kv_heads * config.value_dim as f64,
	)
}

/// Whether linear layers are in four bits, by what is trained or in the files.
pub fn in_four_bits(raw: &RawConfig, method: Method) -> Result<bool> {
	Ok(method == Method::Qlora || raw.quantisation()? == Some(Quantisation::Nf4))
}

/// Numbers in a model's safetensors files of so many bytes: by the type that its configuration names.
pub fn numbers_in(raw: &RawConfig, config: &DecoderConfig, file_bytes: u64) -> Result<u64> {
	let of = |key| raw.value().get(key).and_then(|name| name.as_str());
	let bytes = match of("dtype").or_else(|| of("torch_dtype")) {
		Some("bfloat16" | "float16") => 2,
		_ => 4,
	};
	Ok(match raw.quantisation()? {
		None => file_bytes / bytes,
		Some(Quantisation::Fp8(_)) => file_bytes,
		Some(Quantisation::Nf4) => {
			let narrow = linear_numbers(config);
			narrow + file_bytes.saturating_sub((narrow as f64 * NF4) as u64) / bytes
		}
	})
}

/// Numbers of the linear layers' weights, without the head's.
fn linear_numbers(config: &DecoderConfig) -> u64 {
	let count = |layers: Vec<(&str, usize, usize)>| layers.iter().map(|(_, inp, out)| inp * out).sum::<usize>();
	let of_block = |block| {
		let mlp = match config.experts {
			Some(experts) if block >= experts.first_block => {
				(experts.count + experts.shared.unwrap_or(0)) * count(mlp_linears(config, experts.width))
			}
			_ => count(mlp_linears(config, config.intermediate_size)),
		};
		count(attention_linears(config)) + mlp
	};
	(0..config.layers).map(of_block).sum::<usize>() as u64
}

/// Numbers of an adapter of this rank around `targets`, empty for the family's own; with DoRA a magnitude for each row too.
pub fn adapter_numbers(config: &DecoderConfig, rank: u64, targets: &[String], dora: bool) -> u64 {
	let defaults = config.family.default_targets;
	let is_target = |name: &str| match targets {
		[] => defaults.contains(&name),
		targets => targets.iter().any(|target| target == ALL_LINEAR || target == name),
	};
	let linears = linears(config);
	let adapted = linears.iter().filter(|(name, _, _)| is_target(name));
	let each = adapted.map(|(_, inp, out)| rank * (inp + out) as u64 + if dora { *out as u64 } else { 0 });
	each.sum::<u64>() * config.layers as u64
}

/// A layer: last part of the name, width in, width out.
type Layer = (&'static str, usize, usize);

fn last(name: &'static str) -> &'static str {
	name.rsplit('.').next().unwrap_or(name)
}

/// The layers of a block that adapters can wrap.
fn linears(config: &DecoderConfig) -> Vec<Layer> {
	let mut found = attention_linears(config);
	if config.experts.is_none() {
		found.extend(mlp_linears(config, config.intermediate_size));
	}
	found
}

fn attention_linears(config: &DecoderConfig) -> Vec<Layer> {
	let names = &config.family.names;
	let hidden = config.hidden_size;
	let (q, k, v) = (
		config.heads * config.head_dim,
		config.kv_heads * config.head_dim,
		config.kv_heads * config.value_dim,
	);
	let mut found = match (&names.qkv, &config.latent) {
		(QkvNames::Split(split), _) => vec![
			(last(split[0]), hidden, q),
			(last(split[1]), hidden, k),
			(last(split[2]), hidden, v),
		],
		(QkvNames::Joined(name) | QkvNames::PerHead(name), _) => vec![(last(name), hidden, q + k + v)],
		(QkvNames::Latent(names), Some(latent)) => {
			let kept = config.head_dim - latent.rope_dim;
			let up = config.heads * (kept + config.value_dim);
			let mut layers = vec![
				(last(names.kv_a), hidden, latent.kv_rank + latent.rope_dim),
				(last(names.kv_b), latent.kv_rank, up),
			];
			match latent.q_rank {
				Some(rank) => layers.extend([(last(names.q_a), hidden, rank), (last(names.q_b), rank, q)]),
				None => layers.push((last(names.q), hidden, q)),
			}
			layers
		}
		(QkvNames::Latent(_), None) => Vec::new(),
	};
	found.push((last(names.attention_out), config.heads * config.value_dim, hidden));
	found
}

/// Those of a feed-forward part of this width.
fn mlp_linears(config: &DecoderConfig, wide: usize) -> Vec<Layer> {
	let hidden = config.hidden_size;
	match config.family.names.mlp {
		MlpNames::Gated { gate, up, down } => vec![
			(last(gate), hidden, wide),
			(last(up), hidden, wide),
			(last(down), wide, hidden),
		],
		MlpNames::Joined { gate_up, down } => vec![(last(gate_up), hidden, 2 * wide), (last(down), wide, hidden)],
		MlpNames::Gelu { up, down } => vec![(last(up), hidden, wide), (last(down), wide, hidden)],
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use candle_core::{DType, Device};
	use openledger_model::{checkpoint::Checkpoint, lora, Decoder};
	use std::path::{Path, PathBuf};

	fn fixture(name: &str) -> PathBuf {
		Path::new(env!("CARGO_MANIFEST_DIR"))
			.join("../../tests/fixtures")
			.join(name)
			.join("model")
	}

	#[test]
	fn weights_and_adapters_should_be_counted_as_the_decoder_has_them() {
		for name in [
			"tiny-llama",
			"tiny-gpt2",
			"tiny-bloom",
			"tiny-chatglm",
			"tiny-qwen2",
			"tiny-deepseek2",
			"tiny-llama-nf4",
		] {
			let dir = fixture(name);
			let decoder = Decoder::load_frozen(&dir, &Device::Cpu, DType::F32, true).unwrap();
			let narrow: usize = decoder.quantised.iter().map(|(_, packed)| packed.len()).sum();
			assert_eq!(linear_numbers(&decoder.config), narrow as u64, "{name}");
			let files: u64 = Checkpoint::open(&dir)
				.unwrap()
				.files()
				.map(|file| file.metadata().unwrap().len())
				.sum();
			let (found, expected) = (
				numbers_in(&decoder.raw_config, &decoder.config, files).unwrap() as f64,
				decoder.parameter_count() as f64,
			);
			// The files' headers are much of so small a model.
			assert!(
				(expected..expected * 1.5).contains(&found),
				"{name}: {found} for {expected}"
			);
			let all = [ALL_LINEAR.to_owned()];
			let usual = if name == "tiny-deepseek2" { &all[..] } else { &[] };
			for targets in [usual, &all[..]] {
				let named = lora::resolve_targets(&decoder, targets).unwrap();
				let wrapped = decoder
					.linears()
					.filter(|layer| named.iter().any(|t| t == layer.short_name()));
				let sizes: Vec<_> = wrapped.map(|layer| layer.weight.out_in().unwrap()).collect();
				for dora in [false, true] {
					let each = sizes.iter().map(|(out, inp)| 4 * (out + inp) + usize::from(dora) * out);
					let numbers = adapter_numbers(&decoder.config, 4, targets, dora);
					assert_eq!(numbers, each.sum::<usize>() as u64, "{name} {targets:?}");
				}
			}
		}
	}

	#[test]
	fn estimate_should_grow_with_what_takes_memory() {
		let decoder = Decoder::load(&fixture("tiny-llama"), &Device::Cpu, false).unwrap();
		let base = Footprint {
			config: &decoder.config,
			weights: 1 << 24,
			four_bits: false,
			dtype: Dtype::F32,
			method: Method::Lora,
			adapter: 1 << 20,
			dropout: false,
			dora: false,
			batch: 8,
			sequence: 4_096,
		};
		let larger = [
			Footprint {
				batch: 16,
				..base.clone()
			},
			Footprint {
				sequence: 8_192,
				..base.clone()
			},
			Footprint {
				adapter: 1 << 22,
				..base.clone()
			},
			Footprint {
				dropout: true,
				..base.clone()
			},
			Footprint {
				dora: true,
				..base.clone()
			},
			Footprint {
				weights: 1 << 26,
				..base.clone()
			},
			Footprint {
				method: Method::Full,
				..base.clone()
			},
		];
		for other in larger {
			assert!(other.peak_bytes() > base.peak_bytes(), "{other:?}");
		}
		let narrow = Footprint {
			four_bits: true,
			..base.clone()
		};
		let in_bf16 = Footprint {
			dtype: Dtype::Bf16,
			..base.clone()
		};
		for other in [narrow, in_bf16.clone()] {
			assert!(other.peak_bytes() < base.peak_bytes(), "{other:?}");
		}
		assert_eq!(in_bf16.evaluating_bytes(2), base.evaluating_bytes(2), "over f32");
		assert!(base.evaluating_bytes(4) > base.evaluating_bytes(2));
	}
}
