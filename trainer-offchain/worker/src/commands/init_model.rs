//! `init-model`: a small model from nothing.

use crate::log::tell;
use crate::stop::{Stop, STOPPED};
use anyhow::Result;
use openledger_finetune::pretrain::{init_model, InitConfig, Progress};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Time between lines of progress.
const REPORT_EVERY: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub struct Args {
	/// Folders and files of text
	#[arg(long, value_name = "PATH", num_args = 1.., required = true)]
	corpus: Vec<PathBuf>,
	/// Folder to write
	#[arg(long, value_name = "DIR")]
	out: PathBuf,
	/// llama or gpt2
	#[arg(long, default_value = "llama")]
	family: String,
	/// Tokens of the tokenizer
	#[arg(long, default_value_t = 2048)]
	vocab_size: usize,
	/// Width
	#[arg(long, default_value_t = 192)]
	hidden: usize,
	/// Blocks
	#[arg(long, default_value_t = 4)]
	layers: usize,
	/// Heads
	#[arg(long, default_value_t = 6)]
	heads: usize,
	/// Positions
	#[arg(long, default_value_t = 256)]
	seq_len: usize,
	/// Most steps, of 8 sequences each
	#[arg(long, default_value_t = 400)]
	steps: usize,
	/// Most minutes of training; 0 for no limit
	#[arg(long, default_value_t = 3.0)]
	minutes: f64,
	/// Peak learning rate
	#[arg(long, default_value_t = 2e-3)]
	learning_rate: f64,
	/// Seed of weights and order
	#[arg(long, default_value_t = 42)]
	seed: u64,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let stop = Stop::listen()?;
	let config = InitConfig {
		corpus: args.corpus,
		out: args.out,
		family: args.family,
		vocab_size: args.vocab_size,
		hidden: args.hidden,
		layers: args.layers,
		heads: args.heads,
		seq_len: args.seq_len,
		steps: args.steps,
		minutes: (args.minutes > 0.0).then_some(args.minutes),
		learning_rate: args.learning_rate,
		seed: args.seed,
	};
	tell("training the tokenizer", json!({}));
	let mut reported = Instant::now();
	let report = init_model(&config, &mut |progress| {
		match progress {
			Progress::Ready {
				files,
				tokens,
				parameters,
			} => {
				let line = format!("{files} files, {tokens} tokens; {parameters} parameters");
				tell(
					&line,
					json!({ "files": files, "tokens": tokens, "parameters": parameters }),
				);
			}
			Progress::Step(m) if m.step == 1 || m.step == m.total_steps || reported.elapsed() > REPORT_EVERY => {
				reported = Instant::now();
				let line = format!(
					"step {}/{}  loss {:.3}  {:.0} tokens/s",
					m.step, m.total_steps, m.loss, m.tokens_per_s
				);
				tell(&line, json!(m));
			}
			Progress::Step(_) => {}
		}
		stop.asked()
	})?;
	if report.interrupted {
		let line = format!("stopped at step {}; nothing was written", report.steps);
		tell(&line, json!({ "step": report.steps }));
		return Ok(ExitCode::from(STOPPED));
	}
	super::print_json(&report)?;
	Ok(ExitCode::SUCCESS)
}
