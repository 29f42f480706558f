//! The OpenLedger node: BABE authors blocks, GRANDPA finalizes them, and the Wasm runtime decides everything else.

mod chain_spec;
mod cli;
mod command;
mod inherents;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
	command::run()
}
