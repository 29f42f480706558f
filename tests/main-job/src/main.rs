//! The main job: from a contributed file to a model that answers, across real processes.
//!
//! Starts a dev chain, a gateway, five validators and a worker from the product's own binaries, lets an owner, four
//! contributors and a requester use them through the command line, verifies the outcome from outside, and prints a table
//! and a line of JSON. `scripts/run.sh` calls it.

mod corpus;
mod faults;
mod job;
mod network;
#[cfg(test)]
mod node_test;
mod report;
mod tools;
mod verify;
mod view;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use openledger_test_support::processes;

/// Runs the main job on a fresh dev chain, then leaves the network up until Ctrl-C.
#[derive(Parser)]
pub struct Args {
	/// The checkout, whose dependencies' documentation is the sample.
	#[arg(long, default_value = ".")]
	workspace: PathBuf,
	/// Contribute the .md and .txt files of this folder instead of the sample.
	#[arg(long)]
	data: Option<PathBuf>,
	/// Stop everything and exit after the job.
	#[arg(long)]
	once: bool,
	/// Fewer files and a smaller model.
	#[arg(long)]
	small: bool,
	/// Where base models are kept between runs.
	#[arg(long, env = "OPENLEDGER_CACHE")]
	cache: Option<PathBuf>,
}

fn main() -> ExitCode {
	let args = Args::parse();
	processes::catch_signals();
	match run(&args) {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => ExitCode::FAILURE,
		Err(_) if processes::stop_requested() => {
			eprintln!("stopped; nothing is left running");
			ExitCode::from(130)
		}
		Err(error) => {
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		}
	}
}

/// Whether everything came out as it should.
fn run(args: &Args) -> Result<bool> {
	let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/openledger"));
	let cache = args
		.cache
		.clone()
		.or_else(home)
		.context("neither --cache nor HOME is set")?;
	let data = args.data.as_ref().map(|folder| {
		folder
			.canonicalize()
			.with_context(|| format!("open {}", folder.display()))
	});
	let folder = tempfile::Builder::new()
		.prefix("openledger-")
		.tempdir()
		.context("make a working folder")?;
	let plan = job::Plan {
		workspace: args.workspace.clone(),
		data: data.transpose()?,
		small: args.small,
		cache,
		folder: folder.path().to_path_buf(),
	};
	let (report, mut network) = match job::run(&plan) {
		Err(error) if !processes::stop_requested() => {
			// What happened is in the logs: they stay.
			eprintln!(
				"the logs of this run are kept in {}",
				folder.keep().join("logs").display()
			);
			return Err(error);
		}
		done => done?,
	};
	report.print();
	println!("{}", serde_json::to_string(&report)?);
	if !args.once {
		network.serve_until_stopped(&plan, &report)?;
	}
	network.processes.stop_all();
	Ok(report.problems.is_empty())
}
