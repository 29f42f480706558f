//! `openledger`: every role's commands, and the validator's daemon.

use std::process::ExitCode;

use clap::Parser;
use openledger_cli::{failure, run, Cli};

fn main() -> ExitCode {
	// Before there is a second thread: in the process that reads a PDF this does not return.
	openledger_extract::isolate();
	go()
}

#[tokio::main]
async fn go() -> ExitCode {
	match Cli::try_parse() {
		Ok(cli) => run(cli).await,
		Err(error) => failure::report_arguments(&error),
	}
}
