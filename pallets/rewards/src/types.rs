//! Parameters and records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{fee::share, points::POINT, traits::Pool, ActiveBlock, Balance, DatanetId, OPEN};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A value for each kind of pool.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct PerKind<V> {
	pub contributors: V,
	pub validators: V,
	pub owners: V,
}

impl<V: Copy> PerKind<V> {
	/// The value for the kind that `pool` is of.
	pub fn of(&self, pool: Pool) -> V {
		match pool {
			Pool::Contributors(_) => self.contributors,
			Pool::Validators => self.validators,
			Pool::Owners => self.owners,
		}
	}
}

/// What an epoch pays. Amounts in plancks.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(default, deny_unknown_fields)]
pub struct RewardParams {
	/// Length of an epoch in milliseconds. Epochs begin at multiples of it since the Unix epoch.
	pub epoch_millis: u64,
	/// An epoch's budget in millionths of what the pot has and does not owe.
	pub budget_ppm: u32,
	/// Percent of the budget for each kind of pool; 100 together. The contributors' part is split evenly among the
	/// modalities.
	pub shares: PerKind<u32>,
	/// The most that a million points ([`POINT`], one whole point) earn, so that a quiet epoch does not empty the pot. Each
	/// kind has its own, because kinds count points by different measures.
	pub max_pay_per_point: PerKind<Balance>,
	/// Epochs after closing during which an epoch's pay can be claimed.
	pub expire_epochs: u32,
}

impl Default for RewardParams {
	fn default() -> Self {
		Self {
			epoch_millis: 86_400_000,
			budget_ppm: 500,
			shares: PerKind {
				contributors: 70,
				validators: 20,
				owners: 10,
			},
			// A file of text that compresses to 10 kB earns at most 50 OPEN at full quality, its Datanet's owner a seventh
			// of it; a right vote of weight one at most about one OPEN.
			max_pay_per_point: PerKind {
				contributors: OPEN / 200,
				validators: 2 * OPEN,
				owners: OPEN / 1_400,
			},
			expire_epochs: 90,
		}
	}
}

impl RewardParams {
	/// The part of an epoch's `budget` that `pool` may pay for `points`.
	pub fn payout(&self, pool: Pool, budget: Balance, points: u128) -> Balance {
		let kind = share(budget, self.shares.of(pool).into(), 100);
		let pool_budget = match pool {
			Pool::Contributors(_) => kind / 3,
			Pool::Validators | Pool::Owners => kind,
		};
		// Where the product would overflow, a 10^6th of the largest number still is more than any budget.
		let cap = points.saturating_mul(self.max_pay_per_point.of(pool)) / u128::from(POINT);
		pool_budget.min(cap)
	}

	/// Whether the numbers make sense together; what is wrong otherwise.
	pub fn check(&self) -> Result<(), &'static str> {
		let PerKind {
			contributors,
			validators,
			owners,
		} = self.shares;
		if self.epoch_millis == 0 {
			return Err("epoch_millis must be above zero");
		}
		if self.budget_ppm > 1_000_000 {
			return Err("budget_ppm must be at most 1,000,000");
		}
		if contributors.saturating_add(validators).saturating_add(owners) != 100 {
			return Err("shares must be 100 percent together");
		}
		Ok(())
	}
}

/// How far an epoch is.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum EpochState {
	/// Takes points.
	Open,
	/// What its pools pay is fixed, and owed.
	Closed,
	/// What was not claimed went back.
	Swept,
}

/// An epoch.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Epoch {
	/// Unix time in milliseconds, a multiple of [`RewardParams::epoch_millis`].
	pub start_millis: u64,
	/// Its first active block.
	pub start_block: ActiveBlock,
	/// Plancks.
	pub budget: Balance,
	pub state: EpochState,
}

/// The account book of one pool in one epoch.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct PoolBook {
	/// All points earned.
	pub points: u128,
	/// What they are paid, plancks; zero until the epoch closes.
	pub payout: Balance,
	/// Points whose pay was claimed.
	pub claimed_points: u128,
	/// What was claimed, plancks.
	pub claimed: Balance,
}

/// A fee of use, shared among a version's contributors.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Fee {
	pub datanet: DatanetId,
	pub version: u32,
	/// Plancks.
	pub amount: Balance,
	/// All points at that version.
	pub points: u128,
	/// Points whose share was claimed.
	pub claimed_points: u128,
	/// What was claimed, plancks.
	pub claimed: Balance,
}

impl Fee {
	/// What the pot still owes for it: nothing once the last contributor has claimed, what rounding left is the pot's.
	pub fn owed(&self) -> Balance {
		if self.claimed_points >= self.points {
			0
		} else {
			self.amount.saturating_sub(self.claimed)
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_primitives::format::Modality;
	use proptest::prelude::*;

	const TEXT: Pool = Pool::Contributors(Modality::Text);

	#[test]
	fn payout_should_be_the_pools_part_when_there_are_points_enough() {
		let params = RewardParams::default();
		let points = u128::MAX;
		assert_eq!(params.payout(TEXT, 3_000, points), 700);
		assert_eq!(params.payout(Pool::Validators, 3_000, points), 600);
		assert_eq!(params.payout(Pool::Owners, 3_000, points), 300);
	}

	#[test]
	fn payout_should_be_capped_by_points_when_they_are_few() {
		let params = RewardParams::default();
		assert_eq!(params.payout(TEXT, u128::MAX, 3 * u128::from(POINT)), 3 * OPEN / 200);
		assert_eq!(params.payout(TEXT, u128::MAX, 0), 0);
	}

	#[test]
	fn check_should_name_what_is_wrong() {
		let good = RewardParams::default();
		assert_eq!(good.check(), Ok(()));
		assert!(RewardParams {
			epoch_millis: 0,
			..good
		}
		.check()
		.is_err());
		assert!(RewardParams {
			budget_ppm: 1_000_001,
			..good
		}
		.check()
		.is_err());
		let shares = PerKind {
			contributors: 70,
			validators: 20,
			owners: 11,
		};
		assert!(RewardParams { shares, ..good }.check().is_err());
	}

	proptest! {
		#[test]
		fn payouts_should_never_exceed_the_budget(budget: u128, points: [u128; 5]) {
			let params = RewardParams::default();
			let budget = budget / 2;
			let paid: u128 = Pool::ALL.into_iter().zip(points).map(|(pool, points)| params.payout(pool, budget, points)).sum();
			prop_assert!(paid <= budget);
		}
	}
}
