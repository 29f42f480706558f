//! How much the chain carries.
//!
//! Twice the same: a state is written by the pallets themselves ([`state`]), put into a database as block 0
//! ([`database`]), and a node is started on it ([`node`]) that makes 6 s blocks as on a real chain. Blocks are filled with
//! signed extrinsics of one call after the other ([`phases`]); what the node says of its full blocks is the measure. The
//! first state has a thousand items, the second a million: what that changes is growth. Reads and writes of each call are
//! counted in memory ([`accesses`]).
//!
//! The last line is JSON; it fails if a target is missed.

mod accesses;
mod database;
mod node;
mod phases;
mod report;
mod sender;
mod state;

use std::{
	path::{Path, PathBuf},
	process::Command,
	time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{ensure, Context, Result};
use clap::Parser;
use sp_storage::well_known_keys::CODE;

use crate::{
	node::Node,
	phases::Load,
	report::{Report, Run},
	state::Size,
};

/// Measure how many extrinsics the chain carries, and what a million items change.
#[derive(Parser)]
struct Args {
	/// The node's program, built from the same sources
	#[arg(long)]
	node: PathBuf,
	/// Items of the large state
	#[arg(long, default_value_t = 1_000_000)]
	items: u32,
	/// Contributors of the large state
	#[arg(long, default_value_t = 100_000)]
	contributors: u32,
	/// Where databases are written; a temporary folder if not given
	#[arg(long)]
	folder: Option<PathBuf>,
}

/// What growth is measured against.
const SMALL: Size = Size {
	items: 1_000,
	contributors: 100,
};

#[tokio::main]
async fn main() -> Result<()> {
	let args = Args::parse();
	let large = Size {
		items: args.items,
		contributors: args.contributors,
	};
	ensure!(
		large.items > SMALL.items && large.contributors > 0,
		"--items must be above {}",
		SMALL.items
	);
	let temporary = tempfile::tempdir()?;
	let folder = args.folder.as_deref().unwrap_or(temporary.path());
	let spec = folder.join("spec.json");
	let (id, code) = export_spec(&args.node, &spec)?;
	let accesses = accesses::count()?;
	let small = run(SMALL, &args.node, &spec, &id, &code, &folder.join("small")).await?;
	let large = run(large, &args.node, &spec, &id, &code, &folder.join("large")).await?;
	let report = Report { accesses, small, large };
	println!("{}", report.table());
	println!("{}", report.json());
	let missed = report.missed();
	ensure!(missed.is_empty(), "missed: {}", missed.join("; "));
	Ok(())
}

/// Writes the node's dev specification; returns the chain's id and its runtime.
fn export_spec(node: &Path, to: &Path) -> Result<(String, Vec<u8>)> {
	std::fs::create_dir_all(to.parent().context("the specification is in a folder")?)?;
	let status = Command::new(node)
		.args(["export-chain-spec", "--chain", "dev", "--raw", "--output"])
		.arg(to)
		.status()?;
	ensure!(status.success(), "the node writes no specification: {status}");
	let spec: serde_json::Value = serde_json::from_slice(&std::fs::read(to)?)?;
	let id = spec["id"].as_str().context("a specification has an id")?.to_owned();
	let code = &spec["genesis"]["raw"]["top"][format!("0x{}", hex::encode(CODE))];
	let code = code.as_str().context("a specification has a runtime")?;
	Ok((id, hex::decode(code.trim_start_matches("0x"))?))
}

async fn run(size: Size, node: &Path, spec: &Path, id: &str, code: &[u8], folder: &Path) -> Result<Run> {
	eprintln!(
		"bench-chain: writing {} items of {} contributors",
		size.items, size.contributors
	);
	let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
	let mut storage = state::build(size, now)?;
	storage.top.insert(CODE.to_vec(), code.to_vec());
	let bytes = state::bytes_by_map(&storage);
	let keys = storage.top.len();
	eprintln!("bench-chain: {keys} keys into the database");
	let genesis = database::write(folder, id, storage)?;
	let node = Node::start(node, spec, folder).await?;
	let measured = Load::new(node, genesis).measure().await?;
	Ok(Run {
		size,
		keys,
		bytes,
		measured,
	})
}
