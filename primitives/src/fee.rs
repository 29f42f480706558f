//! How a price is split, to the last planck.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{Balance, DatanetId, EpochIndex};

/// Who gets what of an accepted job's escrow.
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
pub struct EscrowSplit {
	pub worker: Balance,
	/// Shared by the contributors of the Datanet versions used.
	pub contributors: Balance,
	/// The owner of the parent model.
	pub parent: Balance,
	pub treasury: Balance,
}

impl EscrowSplit {
	/// 70 % to the worker, 20 % to contributors, 5 % each to the parent's owner and the treasury; what rounding leaves
	/// goes to the worker.
	pub fn of(price: Balance) -> Self {
		// Divided first: no price overflows.
		let percent = |n: Balance| price / 100 * n + price % 100 * n / 100;
		let (contributors, parent, treasury) = (percent(20), percent(5), percent(5));
		Self {
			worker: price - contributors - parent - treasury,
			contributors,
			parent,
			treasury,
		}
	}
}

/// `floor(amount * part / whole)` without overflow; zero of nothing.
pub fn share(amount: Balance, part: u128, whole: u128) -> Balance {
	if whole == 0 {
		return 0;
	}
	sp_runtime::helpers_128bit::multiply_by_rational_with_rounding(
		amount,
		part.min(whole),
		whole,
		sp_runtime::Rounding::Down,
	)
	.unwrap_or(amount)
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

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn a_hundred_splits_evenly() {
		assert_eq!(
			EscrowSplit::of(100),
			EscrowSplit {
				worker: 70,
				contributors: 20,
				parent: 5,
				treasury: 5
			}
		);
		assert_eq!(
			EscrowSplit::of(1),
			EscrowSplit {
				worker: 1,
				..Default::default()
			}
		);
	}

	proptest! {
		#[test]
		fn nothing_is_lost_or_made(price: u128) {
			let split = EscrowSplit::of(price);
			prop_assert_eq!(split.worker + split.contributors + split.parent + split.treasury, price);
			prop_assert!(split.worker >= price / 100 * 70);
		}

		#[test]
		fn shares_never_exceed_the_amount(amount: u128, parts in prop::collection::vec(0u64..1_000_000, 1..20)) {
			let whole: u128 = parts.iter().map(|part| u128::from(*part)).sum();
			let paid: u128 = parts.iter().map(|part| share(amount, u128::from(*part), whole)).sum();
			prop_assert!(paid <= amount);
			if whole > 0 {
				prop_assert!(amount - paid < parts.len() as u128);
			}
		}
	}
}
