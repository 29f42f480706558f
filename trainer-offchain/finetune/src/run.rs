//! One run: from a configuration to an adapter or a model, with metrics, checkpoints and a manifest.

use crate::checkpoints::Checkpoints;
use crate::config::{Method, RunConfig};
use crate::error::{FinetuneError, Result};
use crate::evaluate::evaluate_sequences;
use crate::manifest::{self, folder_of, Inputs, Manifest};
use crate::trainer::StepMetrics;
use crate::training::{on_threads, Setup, Training};
use candle_core::{Device, Tensor};
use openledger_model::files::{write_file, write_json};
use openledger_model::{checkpoint, cuda, lora, peft, Decoder, ModelError};
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The record of a run, in its folder.
pub const MANIFEST: &str = "manifest.json";

/// What a run made.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunReport {
	/// `output/adapter`, where an adapter was trained to its end.
	pub adapter_dir: Option<PathBuf>,
	/// `output/model`, where a whole model was.
	pub model_dir: Option<PathBuf>,
	/// `output/manifest.json`, where the run came to its end.
	pub manifest_path: Option<PathBuf>,
	/// The checkpoint written last.
	pub last_checkpoint: Option<PathBuf>,
	/// Whether `on_step` stopped it early.
	pub interrupted: bool,
	/// Steps made.
	pub steps: usize,
	/// Target tokens trained on.
	pub tokens: usize,
	/// Loss of the last step, nats.
	pub final_loss: f64,
	/// Mean loss over the steps.
	pub train_loss: f64,
	/// Loss on the validation documents.
	pub eval_loss: Option<f64>,
	/// sha256 of `adapter_model.safetensors`.
	pub adapter_sha256: Option<String>,
	/// Seconds of training.
	pub train_seconds: f64,
}

/// The device that a configuration names.
pub fn device(name: &str) -> Result<Device> {
	let unknown = || FinetuneError::config("device", format!("`{name}` is not known; known: cpu, cuda, cuda:N"));
	let ordinal = match name.split_once(':') {
		None if name == "cpu" => return Ok(Device::Cpu),
		None if name == "cuda" => 0,
		Some(("cuda", n)) => n.parse().map_err(|_| unknown())?,
		_ => return Err(unknown()),
	};
	let unusable = |reason| FinetuneError::config("device", format!("`{name}` cannot be used: {reason}; take `cpu`"));
	cuda::open(ordinal).map_err(unusable)
}

/// What is called after every step; it breaks a run off.
pub type OnStep<'a> = &'a mut (dyn FnMut(StepMetrics) -> ControlFlow<()> + Send);

/// Runs `config` to its end, or until `on_step` breaks; a broken run keeps a checkpoint of its last step. The same
/// configuration, files and number of threads give the same bytes on the CPU.
pub fn run(config: RunConfig, on_step: OnStep) -> Result<RunReport> {
	config.validate()?;
	on_threads(config.threads, || begin(config, false, on_step))
}

/// Goes on from the last intact checkpoint in the run's folder, on the threads that it was begun on; without one it
/// begins. What it writes is what the run would have written without the interruption.
pub fn resume(mut config: RunConfig, on_step: OnStep) -> Result<RunReport> {
	config.validate()?;
	if config.threads == 0 {
		config.threads = Checkpoints::threads(&config.output).unwrap_or_default();
	}
	on_threads(config.threads, || begin(config, true, on_step))
}

fn begin(config: RunConfig, resume: bool, on_step: OnStep) -> Result<RunReport> {
	let setup = Setup::load(config)?;
	let inputs = setup.inputs()?;
	let mut training = Training::new(&setup)?;
	let mut output = Output::open(&setup, &inputs, &mut training, resume)?;
	let started = Instant::now();
	let interrupted = train(&setup, &mut training, &mut output, on_step)?;
	let position = training.position;
	let mut report = RunReport {
		adapter_dir: None,
		model_dir: None,
		manifest_path: None,
		last_checkpoint: output.checkpoints.last(),
		interrupted,
		steps: position.step,
		tokens: position.tokens,
		final_loss: position.last_loss,
		train_loss: position.loss_sum / position.step.max(1) as f64,
		eval_loss: None,
		adapter_sha256: None,
		train_seconds: started.elapsed().as_secs_f64(),
	};
	if report.interrupted {
		return Ok(report);
	}
	training.finish()?;
	let config = &setup.config;
	report.eval_loss = evaluate_sequences(&setup.decoder, &setup.sequences.validation)?.map(|e| e.loss);
	let folder = config.output.join(inputs.result_folder());
	save(&setup, &folder)?;
	let output_files = manifest::folder_files(&folder)?;
	report.adapter_sha256 = output_files
		.iter()
		.find(|f| f.name == peft::TENSORS)
		.map(|f| f.sha256.clone());
	match config.method {
		Method::Lora | Method::Qlora => report.adapter_dir = Some(folder),
		Method::Full => report.model_dir = Some(folder),
	}
	let manifest = Manifest {
		manifest_version: 1,
		inputs,
		steps: report.steps,
		tokens: report.tokens,
		checkpoints: output.checkpoints.into_records(),
		output_files,
		adapter_sha256: report.adapter_sha256.clone(),
		train_loss: report.train_loss,
		final_loss: report.final_loss,
		eval_loss: report.eval_loss,
		train_seconds: report.train_seconds,
	};
	let path = config.output.join(MANIFEST);
	write_json(&path, &manifest)?;
	report.manifest_path = Some(path);
	Ok(report)
}

/// Makes the steps that are left. Whether `on_step` broke them off.
fn train(setup: &Setup, training: &mut Training, output: &mut Output, on_step: OnStep) -> Result<bool> {
	while !training.is_over() {
		let metrics = training.step()?;
		let (step, last) = (metrics.step, training.is_over());
		if last || step.is_multiple_of(setup.config.logging_steps) {
			output.log(&metrics)?;
		}
		if let Some(loss) = metrics.eval_loss {
			output.write(&serde_json::json!({ "step": step, "eval_loss": loss }))?;
		}
		let interrupted = on_step(metrics).is_break() && !last;
		if output.checkpoints.is_due(step, last) || interrupted {
			let name = folder_of(setup.settings.is_some());
			let state = training.state()?;
			output.checkpoints.write(&state, |dir| save(setup, &dir.join(name)))?;
		}
		if interrupted {
			return Ok(true);
		}
	}
	Ok(false)
}

/// What is trained: the adapters' tensors, or the model's.
pub fn variables(decoder: &Decoder, lora: bool) -> Vec<Tensor> {
	let tensors = if lora {
		lora::tensors(decoder)
	} else {
		decoder.parameters.clone()
	};
	tensors.into_iter().map(|(_, tensor)| tensor).collect()
}

/// Writes what was trained to the folder `dir`.
fn save(setup: &Setup, dir: &Path) -> Result<()> {
	let (config, decoder) = (&setup.config, &setup.decoder);
	match &setup.settings {
		Some(settings) => {
			// Only the folder's name: a path of this machine would mean nothing on another.
			let name = config.model.canonicalize().unwrap_or_else(|_| config.model.clone());
			let name = name
				.file_name()
				.map(|n| n.to_string_lossy().into_owned())
				.unwrap_or_default();
			peft::save(decoder, settings, &name, dir)?;
		}
		None => {
			let mut raw = decoder.raw_config.value().clone();
			// Computed and written in f32, whatever the file was in.
			if let Some(map) = raw.as_object_mut() {
				for key in ["dtype", "torch_dtype"] {
					if map.contains_key(key) {
						map.insert(key.to_owned(), "float32".into());
					}
				}
				map.remove("quantization_config");
			}
			checkpoint::save(dir, &raw, &decoder.parameters, Some(&config.model))?;
		}
	}
	Ok(())
}

/// The run's folder.
struct Output {
	metrics: File,
	path: PathBuf,
	checkpoints: Checkpoints,
}

impl Output {
	/// Makes the folder, or goes on with it. The manifest of an earlier run goes first, so that none ever stands beside
	/// another run's files.
	fn open(setup: &Setup, inputs: &Inputs, training: &mut Training, resume: bool) -> Result<Self> {
		let config = &setup.config;
		let dir = &config.output;
		let keep_all = config.max_checkpoints > 0;
		std::fs::create_dir_all(dir).map_err(ModelError::io(dir))?;
		let checkpoints = if resume {
			let (checkpoints, state) = Checkpoints::resume(dir, inputs, keep_all)?;
			match state {
				Some(state) => training.restore(state)?,
				None => tracing::info!("{}: no checkpoint to go on from; starting", dir.display()),
			}
			checkpoints
		} else {
			Checkpoints::start(dir, inputs, keep_all)?
		};
		let manifest = dir.join(MANIFEST);
		if manifest.exists() {
			std::fs::remove_file(&manifest).map_err(ModelError::io(&manifest))?;
		}
		let path = dir.join("metrics.jsonl");
		let kept = lines_until(&path, training.position.step);
		write_file(&path, kept.as_bytes())?;
		let metrics = File::options().append(true).open(&path);
		Ok(Self {
			metrics: metrics.map_err(ModelError::io(&path))?,
			path,
			checkpoints,
		})
	}

	/// The line of a step.
	fn log(&mut self, metrics: &StepMetrics) -> Result<()> {
		let line = serde_json::json!({
			"step": metrics.step,
			"loss": metrics.loss,
			"learning_rate": metrics.learning_rate,
			"grad_norm": metrics.grad_norm,
			"tokens_per_s": metrics.tokens_per_s,
		});
		self.write(&line)
	}

	/// One line, written whole.
	fn write(&mut self, line: &serde_json::Value) -> Result<()> {
		self.metrics
			.write_all(format!("{line}\n").as_bytes())
			.map_err(FinetuneError::io(&self.path))
	}
}

/// The lines of metrics.jsonl up to a step, as they are.
fn lines_until(path: &Path, step: usize) -> String {
	let text = std::fs::read_to_string(path).unwrap_or_default();
	let is_kept = |line: &&str| {
		let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
		let of = value.and_then(|value| value.get("step")?.as_u64());
		of.is_some_and(|of| of as usize <= step)
	};
	let lines = text.lines().take_while(is_kept);
	lines.flat_map(|line| [line, "\n"]).collect()
}
