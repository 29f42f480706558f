//! From an order on chain to run.toml.

use super::error::{Result, WorkerError};
use openledger_finetune::config::{Dtype, Targets};
use openledger_finetune::{Method, RunConfig, Scheduler};
use openledger_primitives::training::{
	Dtype as OrderedDtype, LoraTargets, Method as Ordered, Scheduler as OrderedScheduler, TrainingSpec,
};
use std::path::{Path, PathBuf};

const MICRO: f64 = 1e6;
/// Steps between checkpoints: judges repeat no less than this, and a model's loading takes them longer than few steps.
const SAVE_STEPS: usize = 20;
/// Most checkpoints of a job, of those that the chain allows. Each is three times its adapter, and a judge repeats one part
/// of so many.
pub const MAX_CHECKPOINTS: usize = 16;

/// Where a run's files are.
#[derive(Clone, Debug)]
pub struct Paths {
	pub model: PathBuf,
	pub data: PathBuf,
	pub output: PathBuf,
	/// The adapter that is continued.
	pub init_adapter: Option<PathBuf>,
}

/// What an order trains; a DoRA is a LoRA with magnitudes.
pub fn method(ordered: Ordered) -> Method {
	match ordered {
		Ordered::Lora | Ordered::Dora => Method::Lora,
		Ordered::Qlora => Method::Qlora,
		Ordered::Full => Method::Full,
	}
}

/// What an order keeps the base's weights in.
pub fn dtype(ordered: OrderedDtype) -> Dtype {
	match ordered {
		OrderedDtype::F32 => Dtype::F32,
		OrderedDtype::Bf16 => Dtype::Bf16,
	}
}

/// The run that an order describes.
pub fn run_config(spec: &TrainingSpec, paths: &Paths, device: &str) -> Result<RunConfig> {
	let h = &spec.hyperparameters;
	let mut config = RunConfig::new(&paths.model, &paths.data, &paths.output);
	config.method = method(spec.method);
	config.dtype = dtype(spec.dtype);
	config.learning_rate = h.learning_rate_nano as f64 / 1e9;
	config.scheduler = match h.scheduler {
		OrderedScheduler::Constant => Scheduler::Constant,
		OrderedScheduler::Linear => Scheduler::Linear,
		OrderedScheduler::Cosine => Scheduler::Cosine,
	};
	config.warmup_steps = h.warmup_steps as usize;
	config.weight_decay = f64::from(h.weight_decay_micro) / MICRO;
	config.max_grad_norm = f64::from(h.max_grad_norm_micro) / MICRO;
	config.batch_size = h.batch_size.into();
	config.gradient_accumulation = h.gradient_accumulation.into();
	config.epochs = h.epochs.into();
	config.max_steps = h.max_steps as usize;
	config.cutoff_length = h.cutoff_length as usize;
	config.packing = h.packing;
	// TOML's integers have a sign: the highest bit of a seed is left out.
	config.seed = h.seed & i64::MAX as u64;
	config.logging_steps = 1;
	config.save_steps = SAVE_STEPS;
	config.max_checkpoints = MAX_CHECKPOINTS;
	config.device = device.into();
	if config.method != Method::Full {
		adapter_keys(&mut config, spec, paths.init_adapter.clone());
	}
	config.validate()?;
	Ok(config)
}

/// An adapter that is continued brings everything but its dropout.
fn adapter_keys(config: &mut RunConfig, spec: &TrainingSpec, init_adapter: Option<PathBuf>) {
	let h = &spec.hyperparameters;
	config.lora_dropout = Some(f64::from(h.lora_dropout_milli) / 1e3);
	if init_adapter.is_none() {
		config.lora_rank = Some(h.lora_rank.into());
		config.lora_alpha = Some(h.lora_alpha.into());
		config.use_rslora = Some(h.use_rslora);
		config.dora = Some(spec.method == Ordered::Dora);
		config.lora_targets = match h.lora_targets {
			LoraTargets::Default => None,
			LoraTargets::AllLinear => Some(Targets::One("all-linear".into())),
		};
	}
	config.init_adapter = init_adapter;
}

/// Writes run.toml and reads it again, so that what runs is what stands in the file.
pub fn write(config: &RunConfig, path: &Path) -> Result<RunConfig> {
	let malformed = |reason: String| WorkerError::Malformed {
		path: path.to_owned(),
		reason,
	};
	let text = toml::to_string(config).map_err(|error| malformed(error.to_string()))?;
	std::fs::write(path, text).map_err(WorkerError::io(path))?;
	Ok(RunConfig::read(path)?)
}
