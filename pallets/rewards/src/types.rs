//! Parameters and records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{
	fee::share, points::POINT, traits::Pool, ActiveBlock, Balance, DatanetId, EpochIndex, OPEN,
};
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
	/// Epochs after closing during which an epoch's pay can be claimed; after its own epoch, in which a fee of use can; after
	/// the last sponsorship or award, in which a Datanet's sponsorship waits for an item.
	pub expire_epochs: u32,
	/// A sponsored Datanet's pool gets this part of what its sponsors have left, in each epoch in which it earns points. The
	/// rate is nobody's to choose: who sponsors a little more makes every payout larger, and none slower or faster.
	pub sponsor_epochs: u32,
	/// The least sponsorship, and the least that a sponsored pool gets (or the rest): each such pool is an entry on chain.
	pub min_sponsorship: Balance,
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
			sponsor_epochs: 30,
			min_sponsorship: 10 * OPEN,
		}
	}
}

impl RewardParams {
	/// The part of an epoch's `budget` that `pool` may pay for `points`.
	pub fn payout(&self, pool: Pool, budget: Balance, points: u128) -> Balance {
		let (percent, parts, max_pay) = match pool {
			Pool::Contributors(_) => (self.shares.contributors, 3, self.max_pay_per_point.contributors),
			Pool::Validators => (self.shares.validators, 1, self.max_pay_per_point.validators),
			Pool::Owners => (self.shares.owners, 1, self.max_pay_per_point.owners),
			// Its sponsors pay it, not the budget.
			Pool::Datanet(_) => return 0,
		};
		let pool_budget = share(budget, percent.into(), 100) / parts;
		// Where the product would overflow, a 10^6th of the largest number still is more than any budget.
		let cap = points.saturating_mul(max_pay) / u128::from(POINT);
		pool_budget.min(cap)
	}

	/// What a Datanet's own pool gets of what its sponsors have left.
	pub fn sponsored(&self, balance: Balance) -> Balance {
		let part = balance / Balance::from(self.sponsor_epochs.max(1));
		part.max(self.min_sponsorship).min(balance)
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
		if self.expire_epochs == 0 {
			return Err("expire_epochs must be above zero");
		}
		if self.sponsor_epochs == 0 {
			return Err("sponsor_epochs must be above zero");
		}
		if self.min_sponsorship == 0 {
			return Err("min_sponsorship must be above zero");
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
	/// What it started under and stays under.
	pub params: RewardParams,
}

impl Epoch {
	/// The epoch that ends the time to claim from epoch `index`, this one.
	pub fn expires_in(&self, index: EpochIndex) -> EpochIndex {
		index.saturating_add(2).saturating_add(self.params.expire_epochs)
	}
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
	/// What they are paid, plancks. Fixed when the epoch closes, and zero until then; of a Datanet's own pool, with its first
	/// points.
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
	/// The epoch in which it came in.
	pub epoch: EpochIndex,
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

/// What sponsors have left in a Datanet's own pool.
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
pub struct Sponsorship {
	/// Not awarded yet, plancks.
	pub balance: Balance,
	/// The last epoch in which somebody sponsored it or an item was paid from it.
	pub touched: EpochIndex,
}

/// An epoch as a page shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct EpochStatus {
	pub epoch: EpochIndex,
	/// Unix time in milliseconds.
	pub start_millis: u64,
	/// When the next one begins, unless the clock stands; Unix time in milliseconds.
	pub end_millis: u64,
	/// Plancks.
	pub budget: Balance,
	pub state: EpochState,
	/// The epoch that ends the time to claim.
	pub expires_in: EpochIndex,
	/// The pools that the budget pays; empty ones once the epoch was swept.
	pub pools: [(Pool, PoolBook); 5],
}

/// A Datanet's sponsorship as a page shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct SponsorshipStatus {
	/// Not awarded yet, plancks.
	pub balance: Balance,
	/// What the next epoch with an accepted item gets, plancks.
	pub next_payout: Balance,
	/// The epoch from which on the pot may take it, unless it is sponsored or awarded before.
	pub expires_in: EpochIndex,
}

#[cfg(test)]
mod tests;
