//! The targets in a small version of the game, with the margins that chance needs; and that the game can show the opposite.

use openledger_game::{
	court::Watch,
	population::{first_draw, Mind, Population},
	report::Report,
	validators::{lies, pay_of, Run},
};

const RUN: Run = Run {
	items: 2_000,
	seed: 1,
	good: 0.8,
};

#[test]
fn every_target_should_be_met() {
	let report = Report::of(RUN);
	let missed = report.missed();
	assert!(missed.is_empty(), "{missed:#?}\n{}", report.table());
	// All that scripts read is there.
	let json = report.json();
	for key in [
		"wrong_at_10",
		"wrong_at_20",
		"wrong_at_33",
		"wrong_at_40",
		"votes_at_0",
		"votes_at_10",
		"votes_at_33",
	] {
		assert!(json[key].is_number(), "{key}");
	}
	assert!(json["pay"]
		.as_object()
		.is_some_and(|pay| pay.values().all(|value| value.is_number())));
}

#[test]
fn targets_should_be_met_where_half_of_the_files_are_bad() {
	let report = Report::of(Run {
		good: 0.5,
		seed: 2,
		..RUN
	});
	let missed = report.missed();
	assert!(missed.is_empty(), "{missed:#?}\n{}", report.table());
}

#[test]
fn without_a_watcher_a_third_should_win_too_often() {
	let watched = lies(RUN, 0.33, Watch::Watcher);
	let alone = lies(RUN, 0.33, Watch::Nobody);
	assert!(alone.wrong_share() > 5e-3 && alone.wrong > 4 * watched.wrong);
}

#[test]
fn a_majority_should_win_whatever_anybody_does() {
	let majority = lies(RUN, 0.6, Watch::Watcher);
	assert!(majority.wrong_share() > 0.5, "{}", majority.wrong_share());
}

#[test]
fn lying_should_cost_more_the_more_lies_there_are() {
	let widths = [0., 0.1, 0.2, 0.33].map(|share| lies(RUN, share, Watch::Watcher).weight);
	assert!(widths.windows(2).all(|pair| pair[1] > 1.2 * pair[0]), "{widths:?}");
}

#[test]
fn who_knew_the_seeds_could_grind_keys_and_who_does_not_cannot() {
	let known = |item: u64| [item as u8; 32];
	let unknown = |item: u64| [item as u8 + 100; 32];
	let population = Population::honest(3).with_grinders(known);
	let drawn = |seed: fn(u64) -> [u8; 32]| {
		let mut weights = (0., 0.);
		for account in &population.accounts {
			let tricky = population.parties[account.party].tricky;
			let weight: u32 = (0..50)
				.map(|item| first_draw(item, seed(item), population.total).weight(&account.key, account.stake))
				.sum();
			let sum = if tricky { &mut weights.0 } else { &mut weights.1 };
			*sum += f64::from(weight);
		}
		let stakes = population.stakes();
		(weights.0 / stakes.0) / (weights.1 / stakes.1)
	};
	assert!(drawn(known) > 1.5, "{}", drawn(known));
	assert!(drawn(unknown) < 1.25, "{}", drawn(unknown));
}

#[test]
fn a_larger_share_of_withholders_should_still_earn_no_more() {
	let ratio = pay_of(Run { items: 6_000, ..RUN }, Mind::Withholder);
	assert!(ratio.at_least() <= 1.01, "{ratio:?}");
}
