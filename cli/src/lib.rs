//! The commands of `openledger`, as a library, so that tests reach them.
//!
//! | module | what it does |
//! |---|---|
//! | [`commands`] | a module for each group of commands: arguments, work, output |
//! | [`validator`] | the daemon behind `openledger validate` |
//! | [`checks`] | what a validator thinks of a file, as a pure function |
//! | [`units`] | how much there is of a file, by its format's measure |
//! | [`context`] | what every command needs: the chain, the gateway, the key, the way to print |
//! | [`failure`] | exit codes, and errors with a next step |

pub mod amount;
pub mod checks;
pub mod commands;
pub mod context;
pub mod failure;
pub mod key;
pub mod output;
pub mod time;
pub mod units;
pub mod validator;

use std::{io::IsTerminal, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{
	commands::{
		account, contribute, council, datanet, item, job, model, params, plant, rewards, stake, upgrade, validate,
		vote, worker,
	},
	context::{Context, Global},
};

/// Contribute data, judge it, train on it, and earn OPEN.
#[derive(Parser)]
#[command(name = "openledger", version, after_help = failure::EXIT_CODES, propagate_version = true)]
pub struct Cli {
	#[command(flatten)]
	pub global: Global,
	#[command(subcommand)]
	pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
	/// Keys, balances, transfers
	#[command(subcommand)]
	Account(account::Command),
	/// Collections of files: create, list, show, edit, access, take down
	#[command(subcommand)]
	Datanet(datanet::Command),
	/// Contribute files to a Datanet
	Contribute(contribute::Args),
	/// Contributions and what became of them
	#[command(subcommand)]
	Item(item::Command),
	/// Run the validator's daemon: judge items, reveal, close rounds, settle
	Validate(validate::Args),
	/// Vote on an item by hand
	Vote(vote::Args),
	/// A validator's stake
	#[command(subcommand)]
	Stake(stake::Command),
	/// What was earned, and claiming it
	#[command(subcommand)]
	Rewards(rewards::Command),
	/// Base models and fine-tuned models
	#[command(subcommand)]
	Model(model::Command),
	/// Accounts that train
	#[command(subcommand)]
	Worker(worker::Command),
	/// Fine-tuning jobs
	#[command(subcommand)]
	Job(job::Command),
	/// Known-answer items in an own Datanet, which test its panels
	#[command(subcommand)]
	Plant(plant::Command),
	/// The pallets' parameters
	#[command(subcommand)]
	Params(params::Command),
	/// Motions of the council
	#[command(subcommand)]
	Council(council::Command),
	/// The runtime's next version
	#[command(subcommand)]
	Upgrade(upgrade::Command),
}

/// Runs one command to its exit code.
pub async fn run(cli: Cli) -> ExitCode {
	init_logging();
	let json = cli.global.json;
	let context = Context::new(cli.global);
	let result = match cli.command {
		Command::Account(command) => account::run(&context, command).await,
		Command::Datanet(command) => datanet::run(&context, command).await,
		Command::Contribute(args) => contribute::run(&context, args).await,
		Command::Item(command) => item::run(&context, command).await,
		Command::Validate(args) => validate::run(&context, args).await,
		Command::Vote(args) => vote::run(&context, args).await,
		Command::Stake(command) => stake::run(&context, command).await,
		Command::Rewards(command) => rewards::run(&context, command).await,
		Command::Model(command) => model::run(&context, command).await,
		Command::Worker(command) => worker::run(&context, command).await,
		Command::Job(command) => job::run(&context, command).await,
		Command::Plant(command) => plant::run(&context, command).await,
		Command::Params(command) => params::run(&context, command).await,
		Command::Council(command) => council::run(&context, command).await,
		Command::Upgrade(command) => upgrade::run(&context, command).await,
	};
	match result {
		Ok(code) => code,
		Err(error) => failure::report(&error, json),
	}
}

fn init_logging() {
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,openledger_cli=info"));
	tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_target(false)
		.with_ansi(std::io::stderr().is_terminal())
		.with_writer(std::io::stderr)
		.init();
}
