//! Runs of many items: how often lies win, and what a way of voting earns.

use openledger_primitives::{vote::MAX_SCORE, Balance};
use pallet_datanets::DatanetParams;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
	court::{Court, File, Judged, Watch},
	population::{Mind, Population},
	stats::Ratio,
};

/// Share of the stake that plays a trick on honest others.
pub const TRICK_SHARE: f64 = 0.05;
/// Scores of files that look good.
const SCORES: std::ops::RangeInclusive<u8> = 60..=90;
/// By how much people's scores differ.
const SCORE_NOISE: u8 = 5;
/// A text of 25 kB, and what it compresses to.
pub const FILE_BYTES: u32 = 25_000;
pub const FILE_UNITS: u32 = 10_000;
/// Batches of a run, for errors of ratios.
const BATCHES: u64 = 50;

/// How long a run is, what it is seeded by, and how many of the files are good.
#[derive(Clone, Copy, Debug)]
pub struct Run {
	pub items: u64,
	pub seed: u64,
	pub good: f64,
}

/// What contributing costs.
pub fn review_fee(bytes: u32, earlier_attempts: u16) -> Balance {
	DatanetParams::default().review_fee(bytes, earlier_attempts)
}

/// A file of the usual size.
pub fn file(rng: &mut impl Rng, good: bool) -> File {
	File {
		good,
		score: rng.random_range(SCORES).min(MAX_SCORE),
		noise: SCORE_NOISE,
		units: FILE_UNITS,
		bytes: FILE_BYTES,
		fee: review_fee(FILE_BYTES, 0),
	}
}

/// What a share of the stake that lies together achieves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lies {
	pub items: u64,
	/// Final verdicts on the wrong side.
	pub wrong: u64,
	/// No round decided.
	pub no_verdict: u64,
	/// Votes an item, one for each account and round.
	pub votes: f64,
	/// Revealed weight an item in the rounds that lead to the first verdict, and in challenges.
	pub weight: f64,
	pub challenge_weight: f64,
	/// What liars lost to slashes for each item, OPEN.
	pub slashed: f64,
	/// What a liar earned over an honest validator with the same stake.
	pub pay: Option<Ratio>,
}

impl Lies {
	pub fn wrong_share(&self) -> f64 {
		self.wrong as f64 / self.items as f64
	}
}

/// `share` of the stake lies; `watch` challenges.
pub fn lies(run: Run, share: f64, watch: Watch) -> Lies {
	let population = Population::honest(run.seed).with(Mind::Liar, share);
	let mut result = Lies {
		items: run.items,
		..Lies::default()
	};
	let pay = play(run, population, watch, |file, judged| {
		match judged.verdict {
			Some(verdict) => result.wrong += u64::from(verdict.is_accept() != file.good),
			None => result.no_verdict += 1,
		}
		result.votes += f64::from(judged.votes);
		result.weight += f64::from(judged.weight);
		result.challenge_weight += f64::from(judged.challenge_weight);
		result.slashed += judged.slashed as f64 / openledger_primitives::OPEN as f64;
	});
	let items = run.items as f64;
	for sum in [
		&mut result.votes,
		&mut result.weight,
		&mut result.challenge_weight,
		&mut result.slashed,
	] {
		*sum /= items;
	}
	result.pay = (share > 0.).then_some(pay);
	result
}

/// What a way of voting earns over honesty, by stake.
pub fn pay_of(run: Run, mind: Mind) -> Ratio {
	play(
		run,
		Population::honest(run.seed).with(mind, TRICK_SHARE),
		Watch::Watcher,
		|_, _| {},
	)
}

/// What splitting a stake over accounts earns.
pub fn pay_of_splitting(run: Run) -> Ratio {
	play(
		run,
		Population::honest(run.seed).with_splitters(),
		Watch::Watcher,
		|_, _| {},
	)
}

/// What choosing keys by past draws earns.
pub fn pay_of_grinding(run: Run) -> Ratio {
	let mut past = ChaCha8Rng::seed_from_u64(run.seed ^ 0x9e37);
	let seeds: Vec<[u8; 32]> = (0..1 << 10).map(|_| past.random()).collect();
	let population = Population::honest(run.seed).with_grinders(|item| seeds[item as usize]);
	play(run, population, Watch::Watcher, |_, _| {})
}

/// Judges the run's items and returns pay by stake of the measured parties over that of the others.
fn play(run: Run, population: Population, watch: Watch, mut see: impl FnMut(&File, &Judged)) -> Ratio {
	let mut rng = ChaCha8Rng::seed_from_u64(run.seed ^ 0x517c_c1b7_2722_0a95);
	let mut court = Court::new(population, watch, rng.next_u64());
	let (tricky_stake, honest_stake) = court.population.stakes();
	let mut batches = vec![];
	let mut before = court.pay();
	for batch in 0..BATCHES {
		let items = run.items * (batch + 1) / BATCHES - run.items * batch / BATCHES;
		for _ in 0..items {
			let good = rng.random_bool(run.good);
			let file = file(&mut rng, good);
			let judged = court.judge(&file);
			see(&file, &judged);
		}
		let after = court.pay();
		batches.push(((after.0 - before.0) / tricky_stake, (after.1 - before.1) / honest_stake));
		before = after;
	}
	Ratio::of(&batches)
}
