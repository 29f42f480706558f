//! What the pallet answers views with.

use codec::{Decode, Encode};
use openledger_primitives::{
	epoch::{EpochState, PoolBook},
	traits::Pool,
	Balance, EpochIndex,
};
use scale_info::TypeInfo;

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
