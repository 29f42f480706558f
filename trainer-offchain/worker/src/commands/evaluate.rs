//! `evaluate`: mean loss on data.

use super::ModelArgs;
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	#[command(flatten)]
	model: ModelArgs,
	/// Folder of text files, a text file, or a JSONL file
	#[arg(long, value_name = "PATH")]
	data: PathBuf,
	/// Tokens that are seen at once; longer texts are evaluated in pieces
	#[arg(long, default_value_t = 1024)]
	cutoff_length: usize,
	/// Print JSON
	#[arg(long)]
	json: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let device = openledger_finetune::run::device(&args.model.device)?;
	let adapter = args.model.adapter.as_deref();
	let found = openledger_finetune::evaluate(&args.model.model, adapter, &args.data, args.cutoff_length, &device)?;
	if args.json {
		super::print_json(&found)?;
	} else {
		println!("loss        {:.4} nats per token", found.loss);
		println!("perplexity  {:.2}", found.perplexity);
		println!("tokens      {}", found.tokens);
	}
	Ok(ExitCode::SUCCESS)
}
