//! Command line of the node.

use sc_cli::RunCmd;
use std::path::PathBuf;

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

	/// Write the chain specification of a network of your own.
	NewNetwork(NewNetworkCmd),

	/// Remove a chain's database.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Show what a chain's database holds.
	ChainInfo(sc_cli::ChainInfoCmd),
}

/// Builds a chain specification without known keys and without sudo from a description of the network (docs/network.md).
#[derive(Debug, clap::Args)]
pub struct NewNetworkCmd {
	/// The description, JSON: names, authorities with their public keys, council, validators, endowments.
	pub network: PathBuf,

	/// Where to write the specification; standard output when left out.
	#[arg(long)]
	pub output: Option<PathBuf>,

	/// Write genesis as it was described, to be read, and not as the storage that all nodes must start from.
	#[arg(long)]
	pub plain: bool,
}
