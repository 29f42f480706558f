//! Command line of the node.

use sc_cli::RunCmd;

/// Arguments of the node.
#[derive(Debug, clap::Parser)]
pub struct Cli {
	/// What to do instead of running a node.
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	/// Arguments of a running node.
	#[clap(flatten)]
	pub run: RunCmd,
}

/// What the node's program does beside running a node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)] // One value per process.
pub enum Subcommand {
	/// Generate, inspect and insert keys.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Write a chain specification to a file or to standard output.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Remove a chain's database.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Show what a chain's database holds.
	ChainInfo(sc_cli::ChainInfoCmd),
}
