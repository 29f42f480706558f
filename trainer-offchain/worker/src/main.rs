//! `openledger-trainer`: makes, fine-tunes, measures and talks to models.

mod allocator;
mod commands;
mod log;
mod stop;
mod worker;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::HugePages = allocator::HugePages;

/// Makes, fine-tunes, measures and talks to models.
#[derive(Parser)]
#[command(name = "openledger-trainer", version)]
struct Cli {
	/// How to log, on stderr
	#[arg(
		long,
		global = true,
		value_name = "FORMAT",
		default_value = "text",
		env = "OPENLEDGER_LOG_FORMAT"
	)]
	log_format: log::Format,
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Make a tokenizer and a small model from a corpus
	InitModel(commands::init_model::Args),
	/// Fine-tune a model as run.toml says
	Finetune(commands::finetune::Args),
	/// Repeat a run, or one segment of it, and compare what comes out
	Reproduce(commands::reproduce::Args),
	/// Write a model's logits of given token ids
	Logits(commands::logits::Args),
	/// Measure a model's loss on data
	Evaluate(commands::evaluate::Args),
	/// Add an adapter into its base and write a plain model
	Merge(commands::merge::Args),
	/// Write a model with the weights of its linear layers in four bits (NF4)
	Quantise(commands::quantise::Args),
	/// Models of the Hugging Face Hub
	Hub(commands::hub::Args),
	/// Let a model continue a text
	Chat(commands::chat::Args),
	/// Answer by OpenAI's chat API, with many adapters over one base model
	Serve(commands::serve::Args),
	/// Measure how fast a model trains or writes, and in how much memory
	Bench(commands::bench::Args),
	/// Take fine-tunes that the chain orders, train them, post the results
	Worker(worker::Args),
}

fn main() -> ExitCode {
	// In the process that reads a PDF this does not return.
	openledger_extract::isolate();
	prepare_process();
	let cli = Cli::parse();
	log::init(cli.log_format);
	let result = match cli.command {
		Command::InitModel(args) => commands::init_model::run(args),
		Command::Finetune(args) => commands::finetune::run(args),
		Command::Reproduce(args) => commands::reproduce::run(args),
		Command::Logits(args) => commands::logits::run(args),
		Command::Evaluate(args) => commands::evaluate::run(args),
		Command::Merge(args) => commands::merge::run(args),
		Command::Quantise(args) => commands::quantise::run(args),
		Command::Hub(args) => commands::hub::run(args),
		Command::Chat(args) => commands::chat::run(args),
		Command::Serve(args) => commands::serve::run(args),
		Command::Bench(args) => commands::bench::run(args),
		Command::Worker(args) => worker::run(args),
	};
	result.unwrap_or_else(|error| {
		match cli.log_format {
			log::Format::Text => eprintln!("error: {error:#}"),
			log::Format::Json => tracing::error!("{error:#}"),
		}
		ExitCode::FAILURE
	})
}

/// Settings of the whole process, made while it has one thread: the environment and the allocator must not change under
/// others.
fn prepare_process() {
	// candle's own threads wait by spinning, which takes the processor from whoever shares it; ours are rayon's.
	if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
		std::env::set_var("CANDLE_NUM_THREADS", "1");
	}
	// Every step allocates the same activations again. By default the C library returns each to the system and faults
	// its pages in anew, which took a fifth of a step's time.
	#[cfg(all(target_os = "linux", target_env = "gnu"))]
	// SAFETY: only numbers are passed, and no other thread allocates yet.
	unsafe {
		libc::mallopt(libc::M_MMAP_MAX, 0);
		libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
		libc::mallopt(libc::M_TOP_PAD, 64 << 20);
	}
}
