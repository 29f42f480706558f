//! Measures the weights of the runtime's own pallets and writes them as Rust, one file a pallet.
//!
//! It runs the benchmarks that a runtime built with `runtime-benchmarks` has, in Wasm, over a trie in a database, as a
//! node runs calls. `frame-omni-bencher` does the same for every chain there is; this one is a file, and builds in
//! a minute from what the node needs anyway. `scripts/weights.sh` calls it.

mod measure;
mod write;

use std::{fs, path::PathBuf};

use anyhow::{ensure, Context, Result};
use clap::Parser;

/// Measure the weights of the runtime's own pallets.
#[derive(Parser)]
struct Args {
	/// The runtime, built with the feature `runtime-benchmarks`.
	#[arg(long)]
	runtime: PathBuf,
	/// Where the weights go, a file a pallet.
	#[arg(long)]
	out: PathBuf,
	/// Pallets to measure, as the runtime names their crates: `pallet_datanets`.
	#[arg(long, value_delimiter = ',', required = true)]
	pallets: Vec<String>,
	/// Values of each component, from its least to its greatest.
	#[arg(long, default_value_t = 8)]
	steps: u32,
	/// Runs at each of these values.
	#[arg(long, default_value_t = 50)]
	repeat: u32,
}

fn main() -> Result<()> {
	let args = Args::parse();
	let code = fs::read(&args.runtime).with_context(|| format!("cannot read {}", args.runtime.display()))?;
	let bench = measure::Bench::new(&code)?;
	let lists = bench.list()?;
	for pallet in &args.pallets {
		let list = lists.iter().find(|list| list.pallet == pallet.as_bytes());
		let list = list.with_context(|| format!("the runtime has no benchmarks of {pallet}"))?;
		let mut measured = Vec::new();
		for benchmark in &list.benchmarks {
			let cost = bench.measure(list, benchmark, args.steps, args.repeat)?;
			println!("{pallet}::{cost}");
			measured.push(cost);
		}
		ensure!(!measured.is_empty(), "{pallet} has no benchmarks");
		let path = args.out.join(format!("{pallet}.rs"));
		fs::write(&path, write::file(pallet, &measured)).with_context(|| format!("cannot write {}", path.display()))?;
	}
	Ok(())
}
