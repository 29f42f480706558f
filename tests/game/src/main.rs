//! Plays the game in full and prints what it shows; the last line is JSON. Fails if a target is missed.

use anyhow::{ensure, Result};
use clap::Parser;
use openledger_game::{report::Report, validators::Run};

/// Simulate the chain's rules with populations of agents.
#[derive(Parser)]
struct Args {
	/// Items a run
	#[arg(long, default_value_t = 100_000)]
	items: u64,
	/// Seed of everything random
	#[arg(long, default_value_t = 1)]
	seed: u64,
	/// Percent of submitted items that are good
	#[arg(long, default_value_t = 80)]
	good: u8,
}

fn main() -> Result<()> {
	let Args { items, seed, good } = Args::parse();
	ensure!((1..100).contains(&good), "--good is a percentage between 1 and 99");
	let run = Run {
		items,
		seed,
		good: f64::from(good) / 100.,
	};
	let report = Report::of(run);
	println!(
		"{items} items, {good} % of them good, seed {seed}\n\n{}",
		report.table()
	);
	println!("{}", report.json());
	let missed = report.missed();
	ensure!(missed.is_empty(), "missed: {}", missed.join("; "));
	Ok(())
}
