//! `openledger`: every role's commands, and the validator's daemon.

use std::process::ExitCode;

use clap::Parser;
use openledger_cli::{run, Cli};

#[tokio::main]
async fn main() -> ExitCode {
	run(Cli::parse()).await
}
