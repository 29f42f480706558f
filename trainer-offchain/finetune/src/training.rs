//! A training as it goes: what it starts from, and one step after the other, from the first or from a checkpoint.

use crate::adapter::adapter;
use crate::checkpoints;
use crate::config::{Method, RunConfig};
use crate::data::{self, Dataset};
use crate::encode::{encode, Encoder};
use crate::error::{FinetuneError, Result};
use crate::evaluate::evaluate_sequences;
use crate::hash::FileHash;
use crate::kernel::kernel_path;
use crate::manifest::{self, Code, Inputs};
use crate::plan::{self, Plan, Sizes};
use crate::run::{device, variables};
use crate::schedule;
use crate::sequence::{pack, windows, Sequence};
use crate::state::{Evaluated, Position, State, Tensors, BEST};
use crate::trainer::{Batch, StepMetrics, Trainer};
use openledger_model::{lora, Decoder, LoraSettings};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a training starts from.
pub(crate) struct Setup {
	pub config: RunConfig,
	pub decoder: Decoder,
	/// Of the adapter, where one is trained.
	pub settings: Option<LoraSettings>,
	pub sequences: Sequences,
	data_files: Vec<FileHash>,
}

/// Sequences to train on and to validate on.
pub(crate) struct Sequences {
	pub train: Vec<Sequence>,
	pub validation: Vec<Sequence>,
	documents: usize,
	validation_documents: usize,
	cutoff: usize,
}

impl Setup {
	/// Reads model, adapter and data.
	pub fn load(config: RunConfig) -> Result<Self> {
		let device = device(&config.device)?;
		let dtype = config.dtype.of_tensors();
		let mut decoder = match config.method {
			Method::Full => Decoder::load_as(&config.model, &device, true, dtype)?,
			method => Decoder::load_frozen(&config.model, &device, dtype, method == Method::Qlora)?,
		};
		let dataset = data::read(&config.data)?;
		let sequences = sequences(&config, &decoder, &dataset)?;
		let settings = match config.method {
			Method::Lora | Method::Qlora => Some(adapter(&config, &mut decoder)?),
			Method::Full => None,
		};
		Ok(Self {
			config,
			decoder,
			settings,
			sequences,
			data_files: dataset.files,
		})
	}

	fn plan(&self) -> Plan {
		let config = &self.config;
		let sizes = Sizes {
			batch_size: config.batch_size,
			accumulation: config.gradient_accumulation,
			max_steps: config.max_steps,
			epochs: config.epochs,
		};
		let train = &self.sequences.train;
		let plan = Plan::new(train.len(), sizes, config.shuffle.then_some(config.seed));
		match config.group_by_length {
			true => plan.grouped(train.iter().map(Sequence::len).collect()),
			false => plan,
		}
	}

	/// Steps of the run.
	pub fn total_steps(&self) -> usize {
		self.plan().total_steps()
	}

	/// Steps between its checkpoints; 0 for none.
	pub fn checkpoint_every(&self) -> usize {
		checkpoints::every(self.config.save_steps, self.config.max_checkpoints, self.total_steps())
	}

	/// The record of all this.
	pub fn inputs(&self) -> Result<Inputs> {
		let config = &self.config;
		Ok(Inputs {
			code: Code::current(),
			family: self.decoder.config.family.model_type.to_owned(),
			base_files: manifest::base_files(&config.model)?,
			init_adapter_files: match &config.init_adapter {
				Some(dir) => manifest::folder_files(dir)?,
				None => Vec::new(),
			},
			data_files: self.data_files.clone(),
			config: manifest::hyperparameters(config),
			lora: self.settings.as_ref().map(Into::into),
			effective_cutoff_length: self.sequences.cutoff,
			documents: self.sequences.documents,
			validation_documents: self.sequences.validation_documents,
			sequences: self.sequences.train.len(),
			total_steps: self.total_steps(),
			checkpoint_every: self.checkpoint_every(),
			device: config.device.clone(),
			dtype: config.dtype.name().into(),
			kernel_path: kernel_path(&self.decoder.device, config.dtype)?,
			threads: rayon::current_num_threads(),
		})
	}
}

/// Tokenizes, splits by documents, and cuts or packs.
fn sequences(config: &RunConfig, decoder: &Decoder, dataset: &Dataset) -> Result<Sequences> {
	let encoder = Encoder::load(&config.model, &decoder.config, &dataset.documents)?;
	let texts = encode(&dataset.documents, encoder.as_ref())?;
	texts.iter().try_for_each(|text| text.check(decoder))?;
	// A sequence's last id is only a target: one more than the positions fits.
	let limit = decoder.config.max_positions + 1;
	if config.cutoff_length > limit {
		tracing::info!(
			"cutoff_length {} is above what the model takes: {limit} is used",
			config.cutoff_length
		);
	}
	let cutoff = config.cutoff_length.min(limit);
	let held_out = plan::validation(texts.len(), config.validation_split, config.seed);
	let part = |held: bool| -> Vec<Sequence> {
		let texts = texts.iter().zip(&held_out);
		texts
			.filter(|(_, h)| **h == held)
			.map(|(text, _)| text.clone())
			.collect()
	};
	let (train, validation) = (part(false), part(true));
	let sequences = Sequences {
		documents: train.len(),
		validation_documents: validation.len(),
		train: match windows(&train, cutoff) {
			sequences if config.packing => pack(sequences, cutoff),
			sequences => sequences,
		},
		validation: windows(&validation, cutoff),
		cutoff,
	};
	if sequences.train.is_empty() {
		let reason = "no document has a token to predict".into();
		return Err(FinetuneError::NoData {
			path: config.data.clone(),
			reason,
		});
	}
	Ok(sequences)
}

/// A training under way.
pub(crate) struct Training<'a> {
	setup: &'a Setup,
	plan: Plan,
	trainer: Trainer<'a>,
	/// Of the variables, in their order.
	names: Vec<String>,
	/// What had the lowest loss in an evaluation, where it is kept.
	best: Option<Tensors>,
	pub total_steps: usize,
	pub position: Position,
}

impl<'a> Training<'a> {
	/// Before its first step.
	pub fn new(setup: &'a Setup) -> Result<Self> {
		let config = &setup.config;
		let is_lora = setup.settings.is_some();
		let named = if is_lora {
			lora::tensors(&setup.decoder)
		} else {
			setup.decoder.parameters.clone()
		};
		let trainer = Trainer::new(
			&setup.decoder,
			variables(&setup.decoder, is_lora),
			config.weight_decay,
			config.max_grad_norm,
			Some(ChaCha8Rng::seed_from_u64(config.seed ^ 0x6472_6f70)),
		);
		let names: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
		let best = match config.keep_best {
			true => Some(trainer.values(&names)?),
			false => None,
		};
		Ok(Self {
			plan: setup.plan(),
			total_steps: setup.total_steps(),
			names,
			best,
			trainer,
			position: Position::default(),
			setup,
		})
	}

	/// Goes on from a checkpoint.
	pub fn restore(&mut self, mut state: State) -> Result<()> {
		let position = state.position;
		if let Some(best) = &mut self.best {
			for (name, values) in best {
				let kept = state.tensors.remove(&format!("{name}{BEST}"));
				let kept = kept.filter(|kept| kept.shape == values.shape);
				*values = kept.ok_or_else(|| FinetuneError::OtherState { name: name.clone() })?;
			}
		}
		self.trainer.restore(&self.names, state)?;
		self.position = position;
		Ok(())
	}

	/// Where it stands.
	pub fn state(&self) -> Result<State> {
		let mut state = self.trainer.state(&self.names, self.position)?;
		let best = self.best.iter().flatten();
		let best = best.map(|(name, values)| (format!("{name}{BEST}"), values.clone()));
		state.tensors.extend(best);
		Ok(state)
	}

	/// Whether all steps are made, or the loss on the documents kept out has not become lower for long enough.
	pub fn is_over(&self) -> bool {
		let patience = self.setup.config.early_stop_patience;
		let is_stopped = |evaluated: Evaluated| patience > 0 && evaluated.since >= patience;
		self.position.step >= self.total_steps || self.position.evaluated.is_some_and(is_stopped)
	}

	/// Makes what is trained the run's result: the best, where it is kept.
	pub fn finish(&self) -> Result<()> {
		match &self.best {
			Some(best) => self.trainer.set(&self.names, best),
			None => Ok(()),
		}
	}

	/// Evaluates on the documents kept out, where that is due after the step just made.
	fn evaluate(&mut self) -> Result<Option<f64>> {
		let (every, step) = (self.setup.config.eval_steps, self.position.step);
		if every == 0 || !(step.is_multiple_of(every) || step == self.total_steps) {
			return Ok(None);
		}
		let Some(found) = evaluate_sequences(&self.setup.decoder, &self.setup.sequences.validation)? else {
			return Ok(None);
		};
		if self.position.evaluate(found.loss) {
			if let Some(best) = &mut self.best {
				*best = self.trainer.values(&self.names)?;
			}
		}
		Ok(Some(found.loss))
	}

	/// Makes the next step.
	pub fn step(&mut self) -> Result<StepMetrics> {
		let (config, decoder) = (&self.setup.config, &self.setup.decoder);
		let step = self.position.step + 1;
		let factor = schedule::factor(config.scheduler, step - 1, config.warmup_steps, self.total_steps);
		let learning_rate = config.learning_rate * factor;
		let sequences = &self.setup.sequences.train;
		let batches = self
			.plan
			.step(step - 1)
			.iter()
			.map(|batch| Batch::new(batch.iter().map(|i| &sequences[*i]), &decoder.device))
			.collect::<Result<Vec<_>>>()?;
		let done = self.trainer.step(step, &batches, learning_rate)?;
		self.position.advance(done.loss, done.tokens);
		let eval_loss = self.evaluate()?;
		Ok(StepMetrics {
			step,
			total_steps: self.total_steps,
			loss: done.loss,
			learning_rate,
			grad_norm: done.grad_norm,
			tokens_per_s: done.tokens as f64 / done.elapsed.as_secs_f64().max(1e-9),
			tokens: done.tokens,
			eval_loss,
		})
	}
}

/// Does the work on so many threads; 0 for those that there are.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
	if threads == 0 || threads == rayon::current_num_threads() {
		return work();
	}
	let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
	let pool = pool.map_err(|error| FinetuneError::Threads {
		threads,
		reason: error.to_string(),
	})?;
	pool.install(work)
}
