//! `merge`: an adapter added into its base.

use anyhow::Result;
use openledger_model::merge::{merge, SHARD_BYTES};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	/// Folder of the base model
	#[arg(long, value_name = "DIR")]
	model: PathBuf,
	/// Folder of a PEFT adapter
	#[arg(long, value_name = "DIR")]
	adapter: PathBuf,
	/// Folder to write, in the dtypes of the base; one that is there already is refused
	#[arg(long, value_name = "DIR")]
	out: PathBuf,
}

pub fn run(args: Args) -> Result<ExitCode> {
	super::ensure_new(&args.out)?;
	merge(&args.model, &args.adapter, &args.out, SHARD_BYTES)?;
	println!("{}", args.out.display());
	Ok(ExitCode::SUCCESS)
}
