//! The OpenLedger node: BABE authors blocks, GRANDPA finalizes them, and the Wasm runtime decides everything else.

// The service's own error is large, and it is returned once in a process's life.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod inherents;
mod rpc;
mod seal;
mod service;

fn main() -> sc_cli::Result<()> {
	command::run()
}
