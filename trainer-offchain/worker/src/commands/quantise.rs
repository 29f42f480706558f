//! `quantise`: a model in four bits.

use anyhow::Result;
use openledger_model::merge::SHARD_BYTES;
use openledger_model::quantise::quantise;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	/// Folder of the model
	#[arg(long, value_name = "DIR")]
	model: PathBuf,
	/// Folder to write, as transformers and bitsandbytes read it; one that is there already is refused
	#[arg(long, value_name = "DIR")]
	out: PathBuf,
}

pub fn run(args: Args) -> Result<ExitCode> {
	super::ensure_new(&args.out)?;
	quantise(&args.model, &args.out, SHARD_BYTES)?;
	println!("{}", args.out.display());
	Ok(ExitCode::SUCCESS)
}
