//! Epochs of rewards: a day's budget, what each pool pays, and what sponsors add.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{params::RewardParams, ActiveBlock, Balance, EpochIndex};

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

#[cfg(test)]
mod tests;
