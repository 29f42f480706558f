//! `openledger`: every role's commands, and the validator's daemon.

use std::process::ExitCode;

use clap::Parser;
use openledger_cli::{failure, run, Cli};

#[tokio::main]
async fn main() -> ExitCode {
	match Cli::try_parse() {
		Ok(cli) => run(cli).await,
		Err(error) => failure::report_arguments(&error),
	}
}
