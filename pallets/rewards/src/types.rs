//! Records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{params::RewardParams, traits::Pool, ActiveBlock, Balance, DatanetId, EpochIndex};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

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
