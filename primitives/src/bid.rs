//! Which worker gets a job.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_128;

use crate::{ActiveBlock, Balance, JobId};

const DRAW_DOMAIN: &[u8] = b"openledger/draw/1";

/// Bids that one job keeps: the heaviest stay. A draw reads and writes the record of each bidder.
pub const MAX_BIDS: u32 = 16;

/// Active blocks between a bidding's end, or a dispute, and the block whose randomness draws for it: one honest author
/// among these blinds the draw.
pub const SEED_DELAY: ActiveBlock = 4;

/// An offer to train a job.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct Bid<AccountId> {
	pub worker: AccountId,
	/// What of the worker's bond nothing else bound when it bid, plancks: splitting a bond among accounts gains nothing.
	pub weight: Balance,
}

/// Which of these weights `seed` draws for `job`, each with a chance in proportion to it; nothing where all are zero.
pub fn drawn(seed: &[u8; 32], job: JobId, weights: &[Balance]) -> Option<usize> {
	let total = weights
		.iter()
		.fold(0, |sum: Balance, weight| sum.saturating_add(*weight));
	let random = u128::from_le_bytes(blake2_128(&(DRAW_DOMAIN, seed, job).encode()));
	// The remainder's bias is below 2^-50: all OPEN are fewer than 2^70 plancks.
	let mut left = random.checked_rem(total)?;
	weights.iter().position(|weight| match left.checked_sub(*weight) {
		Some(rest) => {
			left = rest;
			false
		}
		None => true,
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn each_is_drawn_in_proportion_to_its_weight() {
		let weights = [100, 0, 300, 600];
		let mut times = [0u32; 4];
		for n in 0..10_000u32 {
			let mut seed = [0; 32];
			seed[..4].copy_from_slice(&n.to_le_bytes());
			times[drawn(&seed, 7, &weights).unwrap()] += 1;
		}
		assert_eq!(times[1], 0);
		for (times, weight) in times.into_iter().zip(weights) {
			// Six standard deviations of the widest of these binomials.
			assert!(u128::from(times).abs_diff(10 * weight) < 300, "{times} of {weight}");
		}
	}

	#[test]
	fn nothing_is_drawn_of_nothing() {
		assert_eq!(drawn(&[1; 32], 0, &[]), None);
		assert_eq!(drawn(&[1; 32], 0, &[0, 0]), None);
	}

	proptest! {
		#[test]
		fn what_is_drawn_has_a_weight(seed: [u8; 32], job: u32, weights in prop::collection::vec(0u128..1_000, 0..16)) {
			match drawn(&seed, job, &weights) {
				Some(at) => prop_assert!(weights[at] > 0),
				None => prop_assert!(weights.iter().all(|weight| *weight == 0)),
			}
		}
	}
}
