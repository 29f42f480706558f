//! What it takes to buy a wrong acceptance of one file from judges who sell, beside what that can earn.
//!
//! Calculated, not played: everybody who is drawn has a price, the whole of what the vote can lose, and somebody challenges
//! what is wrong. The draw is public once the seed is known, so that the briber buys no more than decides.

use openledger_primitives::{
	challenge::trial_width,
	points::{item_points, unrevealed_points, POINT},
	tally::Width,
	vote::MAX_SCORE,
	Balance,
};
use pallet_rewards::RewardParams;
use pallet_validation::CourtParams;

/// Sizes of files that the table shows, bytes; the last is the largest that there can be.
pub const SIZES: [(&str, u32); 3] = [("10 kB", 10_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000)];

/// A file's price and worth, plancks.
#[derive(Clone, Copy, Debug)]
pub struct Bribe {
	/// What each unit of weight puts at risk.
	pub risk: Balance,
	/// What the cheapest way to a final acceptance costs.
	pub cost: Balance,
	/// The most that contributor and owner of the Datanet earn by it.
	pub earns: Balance,
}

impl Bribe {
	pub fn of(bytes: u32, court: &CourtParams, rewards: &RewardParams) -> Self {
		let points = |points: u64, per_point: Balance| Balance::from(points) * per_point / Balance::from(POINT);
		// At the worst a vote loses a point of a unit of weight, and its reserve.
		let point = points(
			unrevealed_points(1).unsigned_abs(),
			rewards.max_pay_per_point.validators,
		);
		let risk = court.risk(bytes);
		let buy = |width: Width| Balance::from(decides(width)) * (risk + point);
		let trials: Vec<Width> = (0..court.max_challenges)
			.map(|earlier| trial_width(court.challenge_width, earlier))
			.collect();
		let first = buy(court.widths[0]);
		let cost = trials.last().map_or(first, |last| {
			// Every panel could be bought in its turn, but the first and the last are enough, or the last alone after an honest
			// rejection that is challenged in vain until then. The last bond comes back with the verdict that was bought.
			let lost_bonds: Balance = (1..court.max_challenges).map(|nth| court.bond(bytes, nth - 1)).sum();
			buy(*last) + first.min(lost_bonds)
		});
		let pay = rewards.max_pay_per_point;
		// No file has more units than bytes.
		let earned = item_points(MAX_SCORE, bytes);
		Self {
			risk,
			cost,
			earns: points(earned, pay.contributors) + points(earned, pay.owners),
		}
	}

	/// At the chain's default parameters.
	pub fn at_defaults(bytes: u32) -> Self {
		Self::of(bytes, &CourtParams::default(), &RewardParams::default())
	}
}

/// The least weight of an expected panel that decides alone against the rest of it.
fn decides(width: Width) -> u32 {
	(width.panel * u32::from(width.threshold))
		.div_ceil(100)
		.max(width.panel / 2 + 1)
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_primitives::{quota::Limits, OPEN};

	#[test]
	fn bribing_should_never_pay_at_the_defaults() {
		let limit = Limits::default().file_bytes;
		assert_eq!(SIZES[2].1, limit);
		let steps = (0..=limit).step_by(997).chain(SIZES.map(|(_, bytes)| bytes));
		for bytes in steps {
			let bribe = Bribe::at_defaults(bytes);
			assert!(bribe.cost > bribe.earns, "{bytes} bytes: {bribe:?}");
		}
	}

	#[test]
	fn bribing_should_pay_where_large_files_risk_no_more_than_small_ones() {
		let flat = CourtParams {
			risk_per_kib: 0,
			..CourtParams::default()
		};
		let pays = SIZES.map(|(_, bytes)| {
			let bribe = Bribe::of(bytes, &flat, &RewardParams::default());
			bribe.earns > bribe.cost
		});
		assert_eq!(pays, [false, true, true]);
	}

	#[test]
	fn the_cheapest_way_should_be_the_one_counted() {
		let of = |court: &CourtParams| Bribe::of(0, court, &RewardParams::default()).cost / OPEN;
		// Six of the first seven and 152 of the last 302 at a reserve of 1 and a point of 2, or a bond of 10 for the first.
		let court = CourtParams::default();
		assert_eq!(of(&court), 10 + 152 * 3);
		let dear_bonds = CourtParams {
			challenge_weight: 1_000,
			..court.clone()
		};
		assert_eq!(of(&dear_bonds), (6 + 152) * 3);
		// Where nobody can challenge, the first panel is all there is.
		let no_appeal = CourtParams {
			max_challenges: 0,
			..court
		};
		assert_eq!(of(&no_appeal), 6 * 3);
	}
}
