//! `evaluate`: mean loss on data.

use super::ModelArgs;
use anyhow::Result;
use openledger_finetune::evaluate;
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
	/// Of each document only the first so many tokens
	#[arg(long, value_name = "TOKENS")]
	max_tokens: Option<usize>,
	/// Print JSON
	#[arg(long)]
	json: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let found = evaluate(
		&args.model.base.chosen()?,
		args.model.adapter.as_deref(),
		&args.data,
		args.cutoff_length,
		args.max_tokens.unwrap_or(usize::MAX),
	)?;
	if args.json {
		super::print_json(&found)?;
	} else {
		println!("loss        {:.4} nats per token", found.loss);
		println!("perplexity  {:.2}", found.perplexity);
		println!("tokens      {}", found.tokens);
	}
	Ok(ExitCode::SUCCESS)
}
