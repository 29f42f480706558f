//! An account's standing in a Datanet.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Prior verdicts of quality one half: failing once is no ruin, and a fresh account gains nothing by being fresh.
const PRIOR: u64 = 20;
/// Ranks are in millionths.
pub const ONE: u64 = 1_000_000;

/// What an account's rank is computed from.
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
pub struct Standing {
	pub accepted: u32,
	pub rejected: u32,
	/// Sum of the accepted items' scores, each 0 to 100.
	pub score_sum: u64,
}

impl Standing {
	/// `(sum of quality + k/2) / (accepted + rejected + k) * log2(1 + accepted)` with quality in 0..1 and k = 20, in
	/// millionths.
	pub fn rank(&self) -> u64 {
		let quality = u128::from(self.score_sum) * u128::from(ONE) / 100 + u128::from(ONE * PRIOR / 2);
		let verdicts = u128::from(self.accepted) + u128::from(self.rejected) + u128::from(PRIOR);
		(quality / verdicts * u128::from(log2(u64::from(self.accepted) + 1)) / u128::from(ONE)) as u64
	}
}

/// `log2(x)` in millionths, rounded down, for x > 0; by squaring the mantissa, exact to 2^-24 before scaling.
fn log2(x: u64) -> u64 {
	const FRACTION_BITS: u32 = 24;
	let whole = x.ilog2();
	// The mantissa in [1, 2) as a fixed-point number with 32 fractional bits.
	let mut mantissa = (u128::from(x) << 32) >> whole;
	let mut fraction = 0u64;
	for _ in 0..FRACTION_BITS {
		mantissa = (mantissa * mantissa) >> 32;
		fraction <<= 1;
		if mantissa >= 2 << 32 {
			mantissa >>= 1;
			fraction |= 1;
		}
	}
	u64::from(whole) * ONE + ((fraction * ONE) >> FRACTION_BITS)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn a_fresh_account_has_rank_zero_and_volume_alone_hardly_pays() {
		assert_eq!(Standing::default().rank(), 0);
		let few_good = Standing {
			accepted: 50,
			rejected: 0,
			score_sum: 50 * 90,
		};
		let many_poor = Standing {
			accepted: 100,
			rejected: 400,
			score_sum: 100 * 60,
		};
		assert!(few_good.rank() > 3 * many_poor.rank());
	}

	proptest! {
		#[test]
		fn agrees_with_floating_point(accepted in 0u32..1_000_000, rejected in 0u32..1_000_000, score in 0u64..=100) {
			let standing = Standing { accepted, rejected, score_sum: score * u64::from(accepted) };
			let n = f64::from(accepted);
			let expected = (n * score as f64 / 100. + 10.) / (n + f64::from(rejected) + 20.) * (n + 1.).log2();
			prop_assert!((standing.rank() as f64 / 1e6 - expected).abs() < 1e-4);
		}

		#[test]
		fn a_rejection_never_raises_a_rank(accepted in 0u32..1_000, rejected in 0u32..1_000) {
			let before = Standing { accepted, rejected, score_sum: 70 * u64::from(accepted) };
			let after = Standing { rejected: rejected + 1, ..before };
			prop_assert!(after.rank() <= before.rank());
		}
	}
}
