//! Everything together, as a table for people and one line of JSON for scripts.

use std::{
	fmt::Write,
	thread::{self, ScopedJoinHandle},
};

use openledger_primitives::OPEN;
use serde_json::{json, Map, Value};

use crate::{
	bribe::{Bribe, SIZES},
	contributors::{Contributors, Way},
	court::Watch,
	files::{inflation, Texts},
	population::Mind,
	stats::{rate_at_least, Ratio},
	validators::{lies, pay_of, pay_of_grinding, pay_of_splitting, Lies, Run},
};

/// Percent of the stake that lies.
pub const LIES: [u32; 5] = [0, 10, 20, 33, 40];
/// Tricks with votes.
const MINDS: [(&str, Mind); 6] = [
	("vote_copier", Mind::Copier),
	("lazy_accepter", Mind::Lazy),
	("never_revealer", Mind::NeverRevealer),
	("last_revealer", Mind::LastRevealer),
	("withholder", Mind::Withholder),
	("hedger", Mind::Hedger),
];
/// Tricks with files.
const WAYS: [(&str, Way); 5] = [
	("panel_shopper", Way::PanelShopper),
	("disguised_shopper", Way::DisguisedShopper),
	("quota_spammer", Way::QuotaSpammer),
	("many_accounts", Way::ManyAccounts),
	("duplicate_farmer", Way::DuplicateFarmer),
];
/// Files of a trick with files: fewer than items, since some are submitted twenty times.
const ITEMS_PER_FILE: u64 = 20;

/// Tricks that change nothing if the rules are right: who plays them does an honest one's work.
const NEUTRAL: [&str; 5] = [
	"stake_splitter",
	"account_grinder",
	"file_splitter",
	"withholder",
	"many_accounts",
];
/// What these may earn over honest pay.
const MOST_NEUTRAL: f64 = 1.01;
/// Wrong final verdicts with a third of the stake lying, as a share.
const MOST_WRONG: f64 = 1e-3;
/// Votes an item with a tenth lying.
const MOST_VOTES: f64 = 15.;
/// A few bytes of a compressor's framing are no gain.
const MOST_INFLATED: f64 = 1.0025;

/// What the game shows.
pub struct Report {
	/// By percent of stake that lies.
	pub lies: Vec<(u32, Lies)>,
	/// A third lies and also challenges every right verdict.
	pub hostile: Lies,
	pub pay: Vec<(&'static str, Ratio)>,
	pub inflation: Vec<(&'static str, f64)>,
}

impl Report {
	pub fn of(run: Run) -> Self {
		let lies_of = move |percent: u32, watch| lies(run, f64::from(percent) / 100., watch);
		let files = Run {
			items: run.items / ITEMS_PER_FILE,
			..run
		};
		thread::scope(|scope| {
			let lies = LIES.map(|percent| (percent, scope.spawn(move || lies_of(percent, Watch::Watcher))));
			let hostile = scope.spawn(move || lies_of(33, Watch::WatcherAndLiars));
			let minds = MINDS.map(|(name, mind)| (name, scope.spawn(move || pay_of(run, mind))));
			let neutral = [
				("stake_splitter", scope.spawn(move || pay_of_splitting(run))),
				("account_grinder", scope.spawn(move || pay_of_grinding(run))),
			];
			let ways = WAYS.map(|(name, way)| (name, scope.spawn(move || Contributors::new(files, 0.).pay_of(way))));
			let bribed = scope.spawn(move || Contributors::new(files, 0.33).pay_of(Way::DisguisedShopper));
			let parts = scope.spawn(move || Contributors::new(files, 0.).pay_of_splitting(&Texts::new()));
			let pay = minds.into_iter().chain(neutral).chain(ways);
			let pay = pay.chain([("shopper_among_liars", bribed), ("file_splitter", parts)]);
			Self {
				pay: pay.map(|(name, run)| (name, joined(run))).collect(),
				lies: lies.into_iter().map(|(percent, run)| (percent, joined(run))).collect(),
				hostile: joined(hostile),
				inflation: inflation(),
			}
		})
	}

	/// The most that inflating a file multiplies its points by.
	pub fn most_inflated(&self) -> f64 {
		self.inflation.iter().map(|(_, ratio)| *ratio).fold(0., f64::max)
	}

	/// Which targets are missed by more than chance explains.
	pub fn missed(&self) -> Vec<String> {
		let mut missed = vec![];
		let mut expect = |holds: bool, what: String| {
			if !holds {
				missed.push(what);
			}
		};
		let at = |percent| {
			self.lies
				.iter()
				.find(|(at, _)| *at == percent)
				.map(|(_, lies)| lies)
				.copied()
				.unwrap_or_default()
		};
		for (name, lies) in [("a third", at(33)), ("a third that challenges", self.hostile)] {
			let wrong = rate_at_least(lies.wrong, lies.items);
			expect(
				wrong < MOST_WRONG,
				format!("{name} of the stake lying: {wrong:.1e} of the verdicts are wrong"),
			);
		}
		let votes = at(10).weight;
		expect(votes <= MOST_VOTES, format!("a tenth lying: {votes:.1} votes an item"));
		for (name, ratio) in &self.pay {
			let most = if NEUTRAL.contains(name) { MOST_NEUTRAL } else { 1. };
			expect(
				ratio.at_least() <= most,
				format!("{name} earns {:.3} of honest pay", ratio.value),
			);
		}
		for (name, bytes) in SIZES {
			let Bribe { cost, earns, .. } = Bribe::at_defaults(bytes);
			expect(
				cost > earns,
				format!("buying a verdict on {name} pays: {cost} plancks for {earns}"),
			);
		}
		for (name, ratio) in &self.inflation {
			expect(
				*ratio <= MOST_INFLATED,
				format!("{name} counts {ratio:.3} of the plain file"),
			);
		}
		missed
	}

	pub fn table(&self) -> String {
		let mut table = String::new();
		let mut line = |text: String| {
			let _ = writeln!(table, "{text}");
		};
		line(
			"lying  wrong final verdicts      expired   votes  weight  with challenges  slashed/item  liar's pay"
				.into(),
		);
		let hostile = ("33 % and challenging".to_owned(), &self.hostile);
		let rows = self.lies.iter().map(|(percent, lies)| (format!("{percent} %"), lies));
		for (name, lies) in rows.chain([hostile]) {
			line(format!(
				"{name:>5}  {:>8} ({:.2e})  {:>10.1e}  {:>6.1}  {:>6.1}  {:>15.1}  {:>7.2} OPEN  {}",
				lies.wrong,
				lies.wrong_share(),
				lies.no_verdict as f64 / lies.items as f64,
				lies.votes,
				lies.weight,
				lies.weight + lies.challenge_weight,
				lies.slashed,
				lies.pay.map_or(String::new(), |pay| format!("{:+.2}", pay.value)),
			));
		}
		line("\nstrategy            earns over honest  (standard error)".into());
		for (name, ratio) in &self.pay {
			line(format!("{name:<18}  {:>17.4}  ({:.4})", ratio.value, ratio.error));
		}
		line("\ninflating           points over plain".into());
		for (name, ratio) in &self.inflation {
			line(format!("{name:<24}  {ratio:>10.4}"));
		}
		line("\nfile      risk of a unit of weight   bribe        earns at most".into());
		for (name, bytes) in SIZES {
			let Bribe { risk, cost, earns } = Bribe::at_defaults(bytes);
			let [risk, cost, earns] = [risk, cost, earns].map(|plancks| plancks as f64 / OPEN as f64);
			line(format!(
				"{name:<8}  {risk:>15.2} OPEN  {cost:>10.0} OPEN  {earns:>8.0} OPEN"
			));
		}
		table
	}

	/// `votes` are revealed weight an item in the rounds that lead to its verdict; a vote of weight two counts twice.
	/// `bribe_over_earning`: what the cheapest bribe costs over the most that it earns.
	pub fn json(&self) -> Value {
		let mut values = Map::new();
		for (percent, lies) in &self.lies {
			values.insert(format!("wrong_at_{percent}"), json!(lies.wrong_share()));
			values.insert(format!("votes_at_{percent}"), json!(round(lies.weight)));
			values.insert(
				format!("votes_with_challenges_at_{percent}"),
				json!(round(lies.weight + lies.challenge_weight)),
			);
		}
		let mut pay: Map<String, Value> = self
			.pay
			.iter()
			.map(|(name, ratio)| ((*name).to_owned(), json!(round(ratio.value))))
			.collect();
		pay.insert("format_inflater".into(), json!(round(self.most_inflated())));
		let bribe: Map<String, Value> = SIZES
			.iter()
			.map(|(name, bytes)| {
				let bribe = Bribe::at_defaults(*bytes);
				((*name).to_owned(), json!(round(bribe.cost as f64 / bribe.earns as f64)))
			})
			.collect();
		values.insert("pay".into(), pay.into());
		values.insert("bribe_over_earning".into(), bribe.into());
		values.into()
	}
}

fn joined<T>(run: ScopedJoinHandle<'_, T>) -> T {
	run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn round(value: f64) -> f64 {
	(value * 1e4).round() / 1e4
}
