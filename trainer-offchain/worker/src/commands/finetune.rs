//! `finetune`: one run as run.toml says.

use crate::stop::{Stop, STOPPED};
use anyhow::Result;
use openledger_finetune::RunConfig;
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
			eprintln!(
				"step {}/{}  loss {:.4}  lr {:.2e}  norm {:.3}  {:.0} tokens/s",
				m.step, m.total_steps, m.loss, m.learning_rate, m.grad_norm, m.tokens_per_s
			);
		}
		stop.asked()
	})?;
	super::print_json(&report)?;
	if report.interrupted {
		let checkpoint = report.last_checkpoint.as_deref().map(super::show).unwrap_or_default();
		eprintln!(
			"stopped at step {}; go on with --resume, or use {checkpoint}",
			report.steps
		);
		return Ok(ExitCode::from(STOPPED));
	}
	eprintln!("done: {}", super::show(&output));
	Ok(ExitCode::SUCCESS)
}
