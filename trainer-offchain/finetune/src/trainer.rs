//! The loop: micro-batches, accumulation by tokens, clipping, schedule, optimiser.

use crate::adamw::{clip_factor, global_norm, AdamW};
use crate::error::{FinetuneError, Result};
use crate::sequence::Sequence;
use crate::state::{Position, State, Tensors, Values, FIRST, SECOND};
use candle_core::{Device, Tensor, Var};
use openledger_model::decoder::StepInput;
use openledger_model::linear::DropoutRng;
use openledger_model::ops::IGNORE;
use openledger_model::Decoder;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sequences padded on the right to one length; packed ones as one row, one after the other.
pub struct Batch {
	/// `[rows, len]`, u32.
	pub ids: Tensor,
	/// Lengths of the texts in the one row of packed sequences; otherwise empty, and each row is a text.
	pub texts: Vec<usize>,
	/// Each position's next id, row after row; [`IGNORE`] where there is none.
	pub targets: Arc<Vec<u32>>,
	/// Targets that count.
	pub tokens: usize,
}

impl Batch {
	/// Of sequences on a device.
	pub fn new<'a>(sequences: impl Iterator<Item = &'a Sequence> + Clone, device: &Device) -> Result<Self> {
		let packed = sequences.clone().any(|sequence| sequence.texts.len() > 1);
		let longest = sequences.clone().map(Sequence::len).max().unwrap_or(0).max(1);
		let (mut ids, mut targets, mut texts, mut rows) = (Vec::new(), Vec::new(), Vec::new(), 0);
		for sequence in sequences {
			ids.extend(&sequence.ids);
			targets.extend(&sequence.targets);
			rows += 1;
			if packed {
				texts.extend(&sequence.texts);
			} else {
				ids.resize(rows * longest, 0);
				targets.resize(rows * longest, IGNORE);
			}
		}
		let shape = if packed { (1, ids.len()) } else { (rows, longest) };
		Ok(Self {
			ids: Tensor::from_vec(ids, shape, device)?,
			texts,
			tokens: count(&targets),
			targets: Arc::new(targets),
		})
	}
}

/// Targets that count.
fn count(targets: &[u32]) -> usize {
	targets.iter().filter(|target| **target != IGNORE).count()
}

/// One step, as it is reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
	/// From 1.
	pub step: usize,
	/// Steps of the run.
	pub total_steps: usize,
	/// Mean cross-entropy of the step's targets before the update, nats.
	pub loss: f64,
	/// Learning rate of the update.
	pub learning_rate: f64,
	/// Norm of the gradients before clipping.
	pub grad_norm: f64,
	/// Target tokens per second.
	pub tokens_per_s: f64,
	/// Target tokens of the step.
	pub tokens: usize,
	/// Loss on the documents kept out, where they were evaluated after this step.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub eval_loss: Option<f64>,
}

/// Trains a decoder's variables.
pub struct Trainer<'a> {
	decoder: &'a Decoder,
	variables: Vec<Tensor>,
	optimiser: AdamW,
	max_grad_norm: f64,
	dropout: DropoutRng,
}

/// What one step did.
pub struct StepOutcome {
	/// Mean loss before the update.
	pub loss: f64,
	/// Norm before clipping.
	pub grad_norm: f64,
	/// Target tokens.
	pub tokens: usize,
	/// Time it took.
	pub elapsed: Duration,
}

impl<'a> Trainer<'a> {
	/// `variables` are trained; `dropout` is the generator of dropout's masks: every step draws from a stream of its
	/// own, so that it can be repeated without those before it.
	pub fn new(
		decoder: &'a Decoder,
		variables: Vec<Tensor>,
		weight_decay: f64,
		max_grad_norm: f64,
		dropout: DropoutRng,
	) -> Self {
		let optimiser = AdamW::new(variables.clone(), weight_decay);
		Self {
			decoder,
			variables,
			optimiser,
			max_grad_norm,
			dropout,
		}
	}

	/// One update from the micro-batches of `step` (from 1). The loss is the sum of all their token losses over the
	/// number of all their targets, so that accumulating equals one large batch.
	pub fn step(&mut self, step: usize, batches: &[Batch], learning_rate: f64) -> Result<StepOutcome> {
		let started = Instant::now();
		let mut dropout = self.dropout.clone();
		if let Some(generator) = &mut dropout {
			generator.set_stream(step as u64);
		}
		let tokens: usize = batches.iter().map(|b| b.tokens).sum();
		let mut total = Gradients {
			loss_sum: 0.0,
			grads: vec![None; self.variables.len()],
		};
		for batch in batches {
			let seed = dropout.as_mut().map(|r| r.random());
			total.add(self.gradients(batch, seed, tokens)?)?;
		}
		let Gradients { loss_sum: sum, grads } = total;
		let loss = sum / tokens.max(1) as f64;
		let grad_norm = global_norm(&grads)?;
		if !loss.is_finite() || !grad_norm.is_finite() {
			return Err(FinetuneError::NotFinite { step, loss });
		}
		self.optimiser
			.update(&grads, clip_factor(grad_norm, self.max_grad_norm), learning_rate)?;
		Ok(StepOutcome {
			loss,
			grad_norm,
			tokens,
			elapsed: started.elapsed(),
		})
	}

	/// What is trained, as it is; `names` are those of the variables, in their order.
	pub fn values(&self, names: &[String]) -> Result<Tensors> {
		let one = |(name, variable): (&String, &Tensor)| {
			let (shape, values) = (variable.dims().to_vec(), variable.flatten_all()?.to_vec1::<f32>()?);
			Ok((name.clone(), Values { shape, values }))
		};
		names.iter().zip(&self.variables).map(one).collect()
	}

	/// Makes what is trained these values, which are of these variables or refused.
	pub fn set(&self, names: &[String], values: &Tensors) -> Result<()> {
		for (name, variable) in names.iter().zip(&self.variables) {
			let found = values.get(name).filter(|found| found.shape == variable.dims());
			let found = found.ok_or_else(|| FinetuneError::OtherState { name: name.clone() })?;
			let value = Tensor::from_slice(&found.values, variable.shape(), variable.device())?;
			Var::from_tensor(variable)?.set(&value)?;
		}
		Ok(())
	}

	/// The state after a step; `names` are those of the variables, in their order.
	pub fn state(&self, names: &[String], position: Position) -> Result<State> {
		let mut tensors = self.values(names)?;
		for (index, (name, variable)) in names.iter().zip(&self.variables).enumerate() {
			let (first, second) = self.optimiser.moments(index);
			for (mark, values) in [(FIRST, first.to_vec()), (SECOND, second.to_vec())] {
				let shape = variable.dims().to_vec();
				tensors.insert(format!("{name}{mark}"), Values { shape, values });
			}
		}
		Ok(State { position, tensors })
	}

	/// Goes on from a state, which is of these variables or refused.
	pub fn restore(&mut self, names: &[String], mut state: State) -> Result<()> {
		self.set(names, &state.tensors)?;
		let mut moments = Vec::new();
		for (name, variable) in names.iter().zip(&self.variables) {
			let mut take = |mark: &str| {
				let tensor = state.tensors.remove(&format!("{name}{mark}"));
				let tensor = tensor.filter(|tensor| tensor.shape == variable.dims());
				tensor.ok_or_else(|| FinetuneError::OtherState { name: name.clone() })
			};
			take("")?;
			moments.push((take(FIRST)?.values, take(SECOND)?.values));
		}
		if let Some(name) = state.tensors.into_keys().next() {
			return Err(FinetuneError::OtherState { name });
		}
		let step = i32::try_from(state.position.step).unwrap_or(i32::MAX);
		self.optimiser.restore(step, moments);
		Ok(())
	}

	/// Gradients of the token losses' sum over `tokens`.
	fn gradients(&self, batch: &Batch, dropout: Option<u64>, tokens: usize) -> Result<Gradients> {
		let mut dropout = dropout.map(ChaCha8Rng::seed_from_u64);
		let decoder = self.decoder;
		let ids = batch.ids.flatten_all()?.to_vec1::<u32>()?;
		let input = StepInput {
			ids: &ids,
			seq: batch.ids.dim(1)?,
			texts: &batch.texts,
			targets: &batch.targets,
			factor: 1.0 / tokens.max(1) as f32,
			activations: decoder.activations(ids.len(), available_memory())?,
		};
		let (loss_sum, mut gradients) = decoder.loss_and_gradients(&input, &mut dropout)?;
		let take = |v: &Tensor| gradients.take(v);
		let grads = self
			.variables
			.iter()
			.map(take)
			.collect::<openledger_model::Result<_>>()?;
		Ok(Gradients { loss_sum, grads })
	}
}

/// Bytes that a process can still have without swapping, where the system tells.
fn available_memory() -> Option<u64> {
	let text = std::fs::read_to_string("/proc/meminfo").ok()?;
	let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
	let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
	Some(kib * 1024)
}

/// Of a batch.
struct Gradients {
	loss_sum: f64,
	grads: Vec<Option<Tensor>>,
}

impl Gradients {
	fn add(&mut self, other: Self) -> Result<()> {
		self.loss_sum += other.loss_sum;
		for (total, new) in self.grads.iter_mut().zip(other.grads) {
			*total = match (total.take(), new) {
				(Some(old), Some(new)) => Some((old + new)?),
				(old, new) => old.or(new),
			};
		}
		Ok(())
	}
}
