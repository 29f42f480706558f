//! `openledger-trainer`: makes, fine-tunes, measures and talks to models.

mod commands;
mod stop;
mod worker;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Makes, fine-tunes, measures and talks to models.
#[derive(Parser)]
#[command(name = "openledger-trainer", version)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Make a tokenizer and a small model from a corpus
	InitModel(commands::init_model::Args),
	/// Fine-tune a model as run.toml says
	Finetune(commands::finetune::Args),
	/// Write a model's logits of given token ids
	Logits(commands::logits::Args),
	/// Measure a model's loss on data
	Evaluate(commands::evaluate::Args),
	/// Let a model continue a text
	Chat(commands::chat::Args),
	/// Take fine-tunes that the chain orders, train them, post the results
	Worker(worker::Args),
}

fn main() -> ExitCode {
	// candle's own threads wait by spinning, which takes the processor from whoever shares it; ours are rayon's. Set
	// before anything else runs: the environment must not change under other threads.
	if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
		std::env::set_var("CANDLE_NUM_THREADS", "1");
	}
	let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
	tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(std::io::stderr)
		.with_target(false)
		.init();
	let result = match Cli::parse().command {
		Command::InitModel(args) => commands::init_model::run(args),
		Command::Finetune(args) => commands::finetune::run(args),
		Command::Logits(args) => commands::logits::run(args),
		Command::Evaluate(args) => commands::evaluate::run(args),
		Command::Chat(args) => commands::chat::run(args),
		Command::Worker(args) => worker::run(args),
	};
	result.unwrap_or_else(|error| {
		eprintln!("error: {error:#}");
		ExitCode::FAILURE
	})
}
