//! One run: from a configuration to an adapter or a model, with metrics, checkpoints and a manifest.

use crate::config::{Method, RunConfig, DEFAULT_ALPHA, DEFAULT_RANK};
use crate::data::{self, Dataset, Document};
use crate::error::{FinetuneError, Result};
use crate::evaluate::evaluate_sequences;
use crate::manifest::{self, Code, Manifest};
use crate::plan::{self, Plan, Sizes};
use crate::schedule;
use crate::trainer::{Batch, StepMetrics, Trainer};
use candle_core::{Device, Tensor};
use openledger_model::files::write_json;
use openledger_model::{checkpoint, lora, peft, Decoder, LoraSettings, ModelError, ModelTokenizer};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Checkpoints kept; older ones go.
const CHECKPOINTS_KEPT: usize = 2;

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
	Device::new_cuda(ordinal).map_err(|e| {
		let reason = e.to_string().lines().next().unwrap_or_default().to_owned();
		FinetuneError::config("device", format!("`{name}` cannot be used: {reason}; take `cpu`"))
	})
}

/// Sequences to train on and to validate on.
struct Sequences {
	train: Vec<Vec<u32>>,
	validation: Vec<Vec<u32>>,
	documents: usize,
	validation_documents: usize,
	cutoff: usize,
}

/// Runs `config` to its end, or until `on_step`, called after every step, breaks; a broken run keeps a checkpoint of its
/// last step. The same configuration, files and number of threads give the same bytes on the CPU.
pub fn run(config: RunConfig, on_step: &mut dyn FnMut(StepMetrics) -> ControlFlow<()>) -> Result<RunReport> {
	config.validate()?;
	let device = device(&config.device)?;
	let mut decoder = Decoder::load(&config.model, &device, config.method == Method::Full)?;
	let dataset = data::read(&config.data)?;
	let sequences = sequences(&config, &decoder, &dataset)?;
	let settings = match config.method {
		Method::Lora => Some(adapter(&config, &mut decoder)?),
		Method::Full => None,
	};
	let mut output = Output::start(&config)?;
	let trained = train(
		&config,
		&decoder,
		settings.as_ref(),
		&sequences.train,
		&mut output,
		on_step,
	)?;
	let mut report = RunReport {
		adapter_dir: None,
		model_dir: None,
		manifest_path: None,
		last_checkpoint: output.checkpoints.last().cloned(),
		interrupted: trained.interrupted,
		steps: trained.losses.len(),
		tokens: trained.tokens,
		final_loss: trained.losses.last().copied().unwrap_or(f64::NAN),
		train_loss: trained.losses.iter().sum::<f64>() / trained.losses.len().max(1) as f64,
		eval_loss: None,
		adapter_sha256: None,
		train_seconds: trained.seconds,
	};
	if report.interrupted {
		return Ok(report);
	}
	report.eval_loss = evaluate_sequences(&decoder, &sequences.validation)?.map(|e| e.loss);
	let folder = output.folder(&config);
	save(&config, &decoder, settings.as_ref(), &folder)?;
	let output_files = manifest::folder_files(&folder)?;
	report.adapter_sha256 = output_files
		.iter()
		.find(|f| f.name == peft::TENSORS)
		.map(|f| f.sha256.clone());
	match config.method {
		Method::Lora => report.adapter_dir = Some(folder),
		Method::Full => report.model_dir = Some(folder),
	}
	let manifest = Manifest {
		manifest_version: 1,
		code: Code::current(),
		family: decoder.config.family.model_type.to_owned(),
		base_files: manifest::base_files(&config.model)?,
		init_adapter_files: match &config.init_adapter {
			Some(dir) => manifest::folder_files(dir)?,
			None => Vec::new(),
		},
		data_files: dataset.files,
		config: manifest::hyperparameters(&config),
		lora: settings.as_ref().map(Into::into),
		effective_cutoff_length: sequences.cutoff,
		documents: sequences.documents,
		validation_documents: sequences.validation_documents,
		sequences: sequences.train.len(),
		steps: report.steps,
		tokens: report.tokens,
		device: config.device.clone(),
		dtype: "float32".into(),
		threads: rayon::current_num_threads(),
		output_files,
		adapter_sha256: report.adapter_sha256.clone(),
		train_loss: report.train_loss,
		final_loss: report.final_loss,
		eval_loss: report.eval_loss,
		train_seconds: report.train_seconds,
	};
	let path = config.output.join("manifest.json");
	write_json(&path, &manifest)?;
	report.manifest_path = Some(path);
	Ok(report)
}

/// Tokenizes, splits by documents, and cuts or packs.
fn sequences(config: &RunConfig, decoder: &Decoder, dataset: &Dataset) -> Result<Sequences> {
	let text = dataset.documents.iter().any(|d| matches!(d, Document::Text(_)));
	let tokenizer = if text {
		Some(ModelTokenizer::load(&config.model, &decoder.config)?)
	} else {
		None
	};
	let documents = data::tokenize(&dataset.documents, tokenizer.as_ref())?;
	documents.iter().try_for_each(|ids| decoder.check_ids(ids))?;
	// A sequence's last id is only a target: one more than the positions fits.
	let limit = decoder.config.max_positions + 1;
	if config.cutoff_length > limit {
		tracing::info!(
			"cutoff_length {} is above what the model takes: {limit} is used",
			config.cutoff_length
		);
	}
	let cutoff = config.cutoff_length.min(limit);
	let held_out = plan::validation(documents.len(), config.validation_split, config.seed);
	let part = |held: bool| -> Vec<Vec<u32>> {
		documents
			.iter()
			.zip(&held_out)
			.filter(|(_, h)| **h == held)
			.map(|(ids, _)| ids.clone())
			.collect()
	};
	let (train, validation) = (part(false), part(true));
	let cut = if config.packing { data::pack } else { data::windows };
	let sequences = Sequences {
		documents: train.len(),
		validation_documents: validation.len(),
		train: cut(&train, cutoff),
		validation: data::windows(&validation, cutoff),
		cutoff,
	};
	if sequences.train.is_empty() {
		let reason = "no document is longer than one token".into();
		return Err(FinetuneError::NoData {
			path: config.data.clone(),
			reason,
		});
	}
	Ok(sequences)
}

/// Puts the adapter to train around the decoder's layers: a new one, or the one to continue.
fn adapter(config: &RunConfig, decoder: &mut Decoder) -> Result<LoraSettings> {
	let dropout = config.lora_dropout;
	let Some(dir) = &config.init_adapter else {
		let wanted = config.lora_targets.as_ref().map(|t| t.names()).unwrap_or_default();
		let settings = LoraSettings {
			rank: config.lora_rank.unwrap_or(DEFAULT_RANK),
			alpha: config.lora_alpha.unwrap_or(DEFAULT_ALPHA),
			dropout: dropout.unwrap_or(0.0),
			targets: lora::resolve_targets(decoder, &wanted)?,
			use_rslora: config.use_rslora.unwrap_or(false),
		};
		lora::attach_new(decoder, &settings, config.seed)?;
		return Ok(settings);
	};
	let mut settings = peft::load(decoder, dir, true)?;
	if let Some(dropout) = dropout {
		settings.dropout = dropout;
		decoder
			.linears_mut()
			.filter_map(|l| l.adapter.as_mut())
			.for_each(|a| a.dropout = dropout as f32);
	}
	let targets = match &config.lora_targets {
		Some(wanted) => Some(lora::resolve_targets(decoder, &wanted.names())?),
		None => None,
	};
	let contradicts = [
		(
			"lora_rank",
			config.lora_rank.is_some_and(|r| r != settings.rank),
			settings.rank.to_string(),
		),
		(
			"lora_alpha",
			config.lora_alpha.is_some_and(|a| a != settings.alpha),
			settings.alpha.to_string(),
		),
		(
			"lora_targets",
			targets.is_some_and(|t| t != settings.targets),
			settings.targets.join(", "),
		),
		(
			"use_rslora",
			config.use_rslora.is_some_and(|r| r != settings.use_rslora),
			settings.use_rslora.to_string(),
		),
	];
	match contradicts.into_iter().find(|(_, contradicts, _)| *contradicts) {
		Some((key, _, has)) => {
			let reason = format!(
				"contradicts init_adapter {}, which has {has}; leave the key out",
				dir.display()
			);
			Err(FinetuneError::config(key, reason))
		}
		None => Ok(settings),
	}
}

struct Trained {
	losses: Vec<f64>,
	tokens: usize,
	interrupted: bool,
	seconds: f64,
}

fn train(
	config: &RunConfig,
	decoder: &Decoder,
	settings: Option<&LoraSettings>,
	sequences: &[Vec<u32>],
	output: &mut Output,
	on_step: &mut dyn FnMut(StepMetrics) -> ControlFlow<()>,
) -> Result<Trained> {
	let sizes = Sizes {
		batch_size: config.batch_size,
		accumulation: config.gradient_accumulation,
		max_steps: config.max_steps,
		epochs: config.epochs,
	};
	let mut plan = Plan::new(sequences.len(), sizes, config.shuffle.then_some(config.seed));
	let total_steps = plan.total_steps();
	let mut trainer = Trainer::new(
		decoder,
		variables(decoder, settings.is_some()),
		config.weight_decay,
		config.max_grad_norm,
		Some(ChaCha8Rng::seed_from_u64(config.seed ^ 0x6472_6f70)),
	);
	let started = Instant::now();
	let mut trained = Trained {
		losses: Vec::new(),
		tokens: 0,
		interrupted: false,
		seconds: 0.0,
	};
	for step in 1..=total_steps {
		let factor = schedule::factor(config.scheduler, step - 1, config.warmup_steps, total_steps);
		let learning_rate = config.learning_rate * factor;
		let batches = plan
			.step(step - 1)
			.iter()
			.map(|batch| Batch::new(batch.iter().map(|i| sequences[*i].as_slice()), &decoder.device))
			.collect::<Result<Vec<_>>>()?;
		let done = trainer.step(step, &batches, learning_rate)?;
		trained.losses.push(done.loss);
		trained.tokens += done.tokens;
		let metrics = StepMetrics {
			step,
			total_steps,
			loss: done.loss,
			learning_rate,
			grad_norm: done.grad_norm,
			tokens_per_s: done.tokens as f64 / done.elapsed.as_secs_f64().max(1e-9),
			tokens: done.tokens,
		};
		let last = step == total_steps;
		if last || step.is_multiple_of(config.logging_steps) {
			output.log(&metrics)?;
		}
		trained.interrupted = on_step(metrics).is_break() && !last;
		let due = config.save_steps > 0 && step.is_multiple_of(config.save_steps) && !last;
		if due || trained.interrupted {
			output.checkpoint(config, decoder, settings, step)?;
		}
		if trained.interrupted {
			break;
		}
	}
	trained.seconds = started.elapsed().as_secs_f64();
	Ok(trained)
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
fn save(config: &RunConfig, decoder: &Decoder, settings: Option<&LoraSettings>, dir: &Path) -> Result<()> {
	match settings {
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
	dir: PathBuf,
	metrics: File,
	checkpoints: Vec<PathBuf>,
}

impl Output {
	/// Makes the folder; the manifest of an earlier run goes first, so that none ever stands beside another run's files.
	fn start(config: &RunConfig) -> Result<Self> {
		let dir = config.output.clone();
		std::fs::create_dir_all(&dir).map_err(ModelError::io(&dir))?;
		let manifest = dir.join("manifest.json");
		if manifest.exists() {
			std::fs::remove_file(&manifest).map_err(ModelError::io(&manifest))?;
		}
		let checkpoints = dir.join("checkpoints");
		if checkpoints.exists() {
			std::fs::remove_dir_all(&checkpoints).map_err(ModelError::io(&checkpoints))?;
		}
		let path = dir.join("metrics.jsonl");
		let metrics = File::create(&path).map_err(ModelError::io(&path))?;
		Ok(Self {
			dir,
			metrics,
			checkpoints: Vec::new(),
		})
	}

	/// Where the result goes.
	fn folder(&self, config: &RunConfig) -> PathBuf {
		self.dir.join(match config.method {
			Method::Lora => "adapter",
			Method::Full => "model",
		})
	}

	/// One line, written whole.
	fn log(&mut self, metrics: &StepMetrics) -> Result<()> {
		let line = serde_json::json!({
			"step": metrics.step,
			"loss": metrics.loss,
			"learning_rate": metrics.learning_rate,
			"grad_norm": metrics.grad_norm,
			"tokens_per_s": metrics.tokens_per_s,
		});
		let path = self.dir.join("metrics.jsonl");
		self.metrics
			.write_all(format!("{line}\n").as_bytes())
			.map_err(FinetuneError::io(&path))
	}

	/// Writes `checkpoints/step-N`, whole or not at all, and drops all but the newest.
	fn checkpoint(
		&mut self,
		config: &RunConfig,
		decoder: &Decoder,
		settings: Option<&LoraSettings>,
		step: usize,
	) -> Result<()> {
		let dir = self.dir.join("checkpoints").join(format!("step-{step}"));
		std::fs::create_dir_all(self.dir.join("checkpoints")).map_err(ModelError::io(&dir))?;
		save(config, decoder, settings, &dir)?;
		self.checkpoints.push(dir);
		while self.checkpoints.len() > CHECKPOINTS_KEPT {
			let oldest = self.checkpoints.remove(0);
			std::fs::remove_dir_all(&oldest).map_err(ModelError::io(&oldest))?;
		}
		Ok(())
	}
}
