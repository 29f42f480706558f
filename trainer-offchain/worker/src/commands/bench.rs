//! `bench`: how fast a model trains or writes here, and in how much memory; `tests/bench-trainer/peer.py` does the same
//! work by PyTorch and prints the same line.

use super::print_json;
use anyhow::{bail, Context, Result};
use candle_core::{DType, Tensor};
use clap::ValueEnum;
use openledger_finetune::run::{device, variables};
use openledger_finetune::trainer::{Batch, Trainer};
use openledger_model::ops::IGNORE;
use openledger_model::{cuda, lora, peft, Decoder, KvCache, LoraSettings};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{json, Value};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Method {
	/// Rank 8, alpha 16, around PEFT's default layers
	Lora,
	/// The same over linear layers in four bits
	Qlora,
	/// All parameters
	Full,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Dtype {
	F32,
	/// Frozen weights in bf16; adapters and sums in f32
	Bf16,
}

#[derive(clap::Args)]
pub struct Args {
	/// Folder of the model: config.json, safetensors
	#[arg(long, value_name = "DIR")]
	model: PathBuf,
	/// What is trained
	#[arg(long, value_enum, default_value = "lora")]
	method: Method,
	/// What weights are kept in
	#[arg(long, value_enum, default_value = "f32")]
	dtype: Dtype,
	/// Tokens of a row
	#[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(2..))]
	seq_len: u32,
	/// Rows of a step
	#[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
	batch: u32,
	/// Steps to measure
	#[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
	steps: u32,
	/// Steps before those
	#[arg(long, default_value_t = 2)]
	warmup: u32,
	/// cpu, cuda or cuda:N
	#[arg(long, default_value = "cpu")]
	device: String,
	/// Threads
	#[arg(long, default_value_t = 2)]
	threads: usize,
	/// JSON of {"input_ids": [[…]]}: a step takes the next rows; random ids otherwise
	#[arg(long, value_name = "FILE")]
	ids: Option<PathBuf>,
	/// Folder of a PEFT adapter to start from in place of a new one
	#[arg(long, value_name = "DIR")]
	adapter: Option<PathBuf>,
	/// Write N tokens after a prompt of --seq-len in place of training
	#[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
	generate: Option<u32>,
}

pub fn run(args: Args) -> Result<ExitCode> {
	rayon::ThreadPoolBuilder::new()
		.num_threads(args.threads)
		.build_global()
		.context("--threads")?;
	let device = device(&args.device)?;
	let full = args.method == Method::Full;
	let matrices = match args.dtype {
		Dtype::F32 => DType::F32,
		Dtype::Bf16 => DType::BF16,
	};
	let trainable = full && args.generate.is_none();
	let mut decoder = match args.method {
		Method::Qlora => Decoder::load_frozen(&args.model, &device, matrices, true)?,
		_ => Decoder::load_as(&args.model, &device, trainable, matrices)?,
	};
	if let Some(adapter) = &args.adapter {
		peft::load(&mut decoder, adapter, args.generate.is_none())?;
	} else if !full && args.generate.is_none() {
		let settings = LoraSettings {
			rank: 8,
			alpha: 16.0,
			dropout: 0.0,
			targets: lora::resolve_targets(&decoder, &[])?,
			use_rslora: false,
			use_dora: false,
		};
		lora::attach_new(&mut decoder, &settings, 0)?;
	}
	let rows = Rows::new(&args, &decoder)?;
	match args.generate {
		Some(tokens) => generate(&args, &decoder, &rows, tokens),
		None => train(&args, &decoder, &rows),
	}
}

fn train(args: &Args, decoder: &Decoder, rows: &Rows) -> Result<ExitCode> {
	let variables = variables(decoder, args.method != Method::Full);
	let trainable: usize = variables.iter().map(Tensor::elem_count).sum();
	// torch.optim.AdamW's default decay, and the peer's clipping.
	let mut trainer = Trainer::new(decoder, variables, 0.01, 1.0, None);
	let (mut times, mut cpu_times, mut losses) = (Vec::new(), Vec::new(), Vec::new());
	for step in 0..args.warmup + args.steps {
		let batch = batch(&rows.of_step(step, args.batch), decoder)?;
		let cpu = usage()?.cpu_s;
		let done = trainer.step(step as usize + 1, &[batch], 2e-4)?;
		if step >= args.warmup {
			times.push(done.elapsed.as_secs_f64());
			cpu_times.push(usage()?.cpu_s - cpu);
		}
		losses.push((done.loss * 1e6).round() / 1e6);
	}
	let median = median(times);
	let own = json!({
		"method": args.method.to_possible_value().map(|value| value.get_name().to_owned()),
		"weight_mb": decoder.weight_bytes() >> 20,
		"step_s_median": round(median, 4),
		"step_cpu_s_median": round(self::median(cpu_times), 4),
		"tokens_per_s": round(rows.len() as f64 * f64::from(args.batch) / median, 1),
		"trainable": trainable,
		"loss": losses.last(),
		"losses": losses,
	});
	print_report(args, decoder, rows, own)
}

fn generate(args: &Args, decoder: &Decoder, rows: &Rows, tokens: u32) -> Result<ExitCode> {
	let (mut times, mut cpu_times, mut written) = (Vec::new(), Vec::new(), Vec::new());
	for run in 0..args.warmup + args.steps {
		let prompt = rows.of_step(run, args.batch);
		let (started, cpu) = (Instant::now(), usage()?.cpu_s);
		let mut cache = KvCache::new();
		let mut input = Tensor::new(prompt, &decoder.device)?;
		written.clear();
		for _ in 0..tokens {
			let logits = decoder.last_logits(&input, Some(&mut cache))?;
			let likeliest = logits.argmax(1)?;
			written.push(likeliest.get(0)?.to_scalar::<u32>()?);
			input = likeliest.unsqueeze(1)?;
		}
		if run >= args.warmup {
			times.push(started.elapsed().as_secs_f64());
			cpu_times.push(usage()?.cpu_s - cpu);
		}
	}
	let median = median(times);
	let own = json!({
		"generate": tokens,
		"run_s_median": round(median, 4),
		"run_cpu_s_median": round(self::median(cpu_times), 4),
		"tokens_per_s": round(f64::from(tokens * args.batch) / median, 1),
		"written": written,
	});
	print_report(args, decoder, rows, own)
}

/// Prints what was measured, with what every measurement has.
fn print_report(args: &Args, decoder: &Decoder, rows: &Rows, own: Value) -> Result<ExitCode> {
	let mut report = json!({
		"engine": "openledger",
		"version": env!("CARGO_PKG_VERSION"),
		"model": args.model,
		"device": args.device,
		"dtype": if args.dtype == Dtype::F32 { "f32" } else { "bf16" },
		"seq_len": rows.len(),
		"batch": args.batch,
		"peak_rss_mb": usage()?.peak_rss_mb,
		// Of a card, what is in use after the last step; what a step has freed candle keeps for the next one.
		"device_mb": cuda::used_bytes(&decoder.device).map(|bytes| bytes >> 20),
	});
	if let (Value::Object(report), Value::Object(own)) = (&mut report, own) {
		report.extend(own);
	}
	print_json(&report)?;
	Ok(ExitCode::SUCCESS)
}

/// The rows that steps take in turn.
struct Rows(Vec<Vec<u32>>);

#[derive(serde::Deserialize)]
struct InputIds {
	input_ids: Vec<Vec<u32>>,
}

impl Rows {
	fn new(args: &Args, decoder: &Decoder) -> Result<Self> {
		let Some(path) = &args.ids else {
			let mut rng = ChaCha8Rng::seed_from_u64(0);
			let count = args.batch * (args.warmup + args.steps);
			let mut row = |_| {
				let id = |_| rng.random_range(3..decoder.config.vocab_size as u32);
				(0..args.seq_len).map(id).collect()
			};
			return Ok(Self((0..count).map(&mut row).collect()));
		};
		let file = super::show(path);
		let text = std::fs::read_to_string(path).with_context(|| file.clone())?;
		let rows = serde_json::from_str::<InputIds>(&text)
			.with_context(|| format!("{file}: key `input_ids`"))?
			.input_ids;
		let len = rows.first().map_or(0, Vec::len);
		if len < 2 || rows.iter().any(|row| row.len() != len) {
			bail!("{file}: key `input_ids`: expected rows of one length, at least 2");
		}
		rows.iter()
			.try_for_each(|row| decoder.check_ids(row))
			.with_context(|| file)?;
		Ok(Self(rows))
	}

	/// Tokens of a row.
	fn len(&self) -> usize {
		self.0[0].len()
	}

	fn of_step(&self, step: u32, batch: u32) -> Vec<Vec<u32>> {
		let row = |i| self.0[(step * batch + i) as usize % self.0.len()].clone();
		(0..batch).map(row).collect()
	}
}

/// All positions go through the model, the last one without a target, as in transformers' `labels=input_ids`.
fn batch(rows: &[Vec<u32>], decoder: &Decoder) -> Result<Batch> {
	let targets = rows.iter().flat_map(|row| row[1..].iter().copied().chain([IGNORE]));
	Ok(Batch {
		texts: Vec::new(),
		ids: Tensor::new(rows.to_vec(), &decoder.device)?,
		targets: Arc::new(targets.collect()),
		tokens: rows.iter().map(|row| row.len() - 1).sum(),
	})
}

fn median(mut values: Vec<f64>) -> f64 {
	values.sort_by(f64::total_cmp);
	let middle = values.len() / 2;
	match values.len() % 2 {
		1 => values[middle],
		_ => (values[middle - 1] + values[middle]) / 2.0,
	}
}

fn round(x: f64, digits: i32) -> f64 {
	let factor = 10f64.powi(digits);
	(x * factor).round() / factor
}

/// What the process has used so far.
struct Usage {
	/// Seconds of all threads.
	cpu_s: f64,
	/// Most memory that was resident.
	peak_rss_mb: i64,
}

fn usage() -> Result<Usage> {
	// SAFETY: `getrusage` fills the struct it is given, for which all zeros is a valid value.
	let usage = unsafe {
		let mut usage: libc::rusage = std::mem::zeroed();
		if libc::getrusage(libc::RUSAGE_SELF, &mut usage) != 0 {
			bail!("getrusage: {}", std::io::Error::last_os_error());
		}
		usage
	};
	let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
	Ok(Usage {
		cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
		peak_rss_mb: usage.ru_maxrss / 1024,
	})
}
