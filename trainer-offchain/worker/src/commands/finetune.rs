//! `finetune`: one run as run.toml says.

use crate::log::tell;
use crate::stop::{Stop, STOPPED};
use anyhow::Result;
use openledger_finetune::RunConfig;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	/// The run's configuration
	#[arg(long, value_name = "FILE")]
	config: PathBuf,
	/// Go on from the last checkpoint in the run's folder
	#[arg(long)]
	resume: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let config = RunConfig::read(&args.config)?;
	let stop = Stop::listen()?;
	let every = config.logging_steps;
	let output = config.output.clone();
	let run = if args.resume {
		openledger_finetune::resume
	} else {
		openledger_finetune::run
	};
	let report = run(config, &mut |m| {
		if m.step % every == 0 || m.step == m.total_steps {
			let line = format!(
				"step {}/{}  loss {:.4}  lr {:.2e}  norm {:.3}  {:.0} tokens/s",
				m.step, m.total_steps, m.loss, m.learning_rate, m.grad_norm, m.tokens_per_s
			);
			tell(&line, json!(m));
		}
		stop.asked()
	})?;
	super::print_json(&report)?;
	if report.interrupted {
		let checkpoint = report.last_checkpoint.as_deref().map(super::show).unwrap_or_default();
		let line = format!(
			"stopped at step {}; go on with --resume, or use {checkpoint}",
			report.steps
		);
		tell(&line, json!({ "step": report.steps, "checkpoint": checkpoint }));
		return Ok(ExitCode::from(STOPPED));
	}
	let output = super::show(&output);
	tell(&format!("done: {output}"), json!({ "output": output }));
	Ok(ExitCode::SUCCESS)
}
