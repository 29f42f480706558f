//! Fuzzes the native runtime for as long as one likes: one chain after the other, each of a seed of its own.

use std::{
	process::ExitCode,
	time::{Duration, Instant, SystemTime},
};

use clap::Parser;
use openledger_fuzz::{run, stats::Stats, CALLS};

#[derive(Parser)]
#[command(name = "fuzz", about = "Random calls and random bytes against the native runtime")]
struct Arguments {
	/// How long; the chain that is being made then is finished. 0: until something fails or you stop it
	#[arg(long, default_value_t = 600)]
	seconds: u64,
	/// Seed of the first chain, those after it count up; by default the time
	#[arg(long)]
	seed: Option<u64>,
}

fn main() -> ExitCode {
	let Arguments { seconds, seed } = Arguments::parse();
	let now = || SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
	let first = seed.unwrap_or_else(now);
	let started = Instant::now();
	let mut sum = Stats::default();
	for seed in first.. {
		match run(seed, CALLS) {
			Ok(stats) => sum.add(stats),
			Err(failure) => {
				println!("{sum}");
				println!("FAILED: {failure}");
				println!("again: scripts/fuzz.sh --seed {} --seconds 1", failure.seed);
				return ExitCode::FAILURE;
			}
		}
		eprintln!(
			"fuzz: seed {seed} passed, {} calls in {:?}",
			sum.made(),
			started.elapsed()
		);
		if seconds > 0 && started.elapsed() >= Duration::from_secs(seconds) {
			break;
		}
	}
	println!("{sum}");
	println!("passed, from seed {first}");
	ExitCode::SUCCESS
}
