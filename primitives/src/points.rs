//! What an item and a vote earn, in points. A pool's budget is shared by points, so only ratios within one pool
//! matter.

use crate::vote::{Verdict, MAX_SCORE};

/// Points with this many fractional parts: one whole point is a million.
pub const POINT: u64 = 1_000_000;

/// Text's units: bytes of the extracted text compressed by zstd at level 3. Padding and repetition compress away, and a
/// file cut in two earns what the whole one did.
pub fn text_units(compressed_bytes: usize) -> u32 {
	compressed_bytes.min(u32::MAX as usize) as u32
}

/// An image's units: thousands of pixels, up to 50 megapixels. The container and its compression do not matter.
pub fn image_units(width: u32, height: u32) -> u32 {
	(u64::from(width) * u64::from(height) / 1_000).min(50_000) as u32
}

/// Audio's units: hundredths of a second, up to an hour.
pub fn audio_units(millis: u64) -> u32 {
	(millis / 10).min(360_000) as u32
}

/// Points of an accepted item: quality times units.
pub fn item_points(score: u8, units: u32) -> u64 {
	u64::from(score.min(MAX_SCORE)) * u64::from(units) * (POINT / u64::from(MAX_SCORE))
}

/// Parts per million of a Datanet's recent outcomes that were acceptances, as an exponential moving average over
/// about the last 32. Starts even, so that a new Datanet favours neither verdict.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	codec::Encode,
	codec::Decode,
	codec::DecodeWithMemTracking,
	codec::MaxEncodedLen,
	scale_info::TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
pub struct AcceptShare(pub u32);

impl Default for AcceptShare {
	fn default() -> Self {
		Self(500_000)
	}
}

impl AcceptShare {
	pub fn after(self, accepted: bool) -> Self {
		let target = if accepted { 1_000_000 } else { 0 };
		Self((self.0 * 31 + target) / 32)
	}

	/// The share of a verdict like this one.
	fn of(self, accept: bool) -> u32 {
		if accept {
			self.0
		} else {
			1_000_000 - self.0
		}
	}
}

/// Points of a revealed vote of `weight`, which may be negative: `weight * ([with the outcome] - share of that
/// verdict in the recent outcomes)`, less for a score far from the median. Always saying what is usual earns
/// nothing; being right where it is unusual earns most.
pub fn vote_points(vote: &Verdict, outcome: &Verdict, weight: u32, recent: AcceptShare) -> i64 {
	let right = i64::from(vote.is_accept() == outcome.is_accept());
	let base = right * 1_000_000 - i64::from(recent.of(vote.is_accept()));
	let far = match (vote, outcome) {
		(Verdict::Accept { score, .. }, Verdict::Accept { score: median, .. }) => {
			i64::from(score.abs_diff(*median)) * 1_000_000 / i64::from(MAX_SCORE)
		}
		_ => 0,
	};
	(base - far) * i64::from(weight)
}

/// Points of a vote of `weight` that was committed and not revealed: what the worst reveal would cost, so that whoever
/// waits for the others' reveals and finds itself on the losing side gains nothing by holding back.
pub fn unrevealed_points(weight: u32) -> i64 {
	-(POINT as i64) * i64::from(weight)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::vote::Reason;
	use proptest::prelude::*;

	const ACCEPT: Verdict = Verdict::Accept { score: 80, units: 10 };
	const REJECT: Verdict = Verdict::Reject {
		reason: Reason::OffTopic,
	};

	#[test]
	fn splitting_a_file_earns_nothing_more() {
		assert_eq!(item_points(73, 500) + item_points(73, 700), item_points(73, 1_200));
		assert_eq!(item_points(100, 1), POINT);
		assert_eq!(item_points(0, 1_000), 0);
	}

	#[test]
	fn always_saying_yes_earns_nothing_where_yes_is_usual() {
		// 90 % of outcomes accept; the lazy voter says yes ten times and is right nine times.
		let recent = AcceptShare(900_000);
		let lazy = 9 * vote_points(&ACCEPT, &ACCEPT, 1, recent) + vote_points(&ACCEPT, &REJECT, 1, recent);
		let honest = 9 * vote_points(&ACCEPT, &ACCEPT, 1, recent) + vote_points(&REJECT, &REJECT, 1, recent);
		assert_eq!(lazy, 0);
		assert!(honest > 0);
	}

	#[test]
	fn a_score_far_from_the_median_earns_less() {
		let far = Verdict::Accept { score: 20, units: 10 };
		let recent = AcceptShare::default();
		assert!(vote_points(&far, &ACCEPT, 2, recent) < vote_points(&ACCEPT, &ACCEPT, 2, recent));
	}

	proptest! {
		#[test]
		fn no_reveal_costs_more_than_holding_back(accept: bool, won: bool, score in 0u8..=100, share in 0u32..=1_000_000, weight in 1u32..1_000) {
			let verdict = |accept, score| if accept { Verdict::Accept { score, units: 10 } } else { REJECT };
			let revealed = vote_points(&verdict(accept, score), &verdict(won, 80), weight, AcceptShare(share));
			prop_assert!(unrevealed_points(weight) <= revealed);
		}

		#[test]
		fn shares_stay_within_one(outcomes in prop::collection::vec(any::<bool>(), 0..400)) {
			let share = outcomes.iter().fold(AcceptShare::default(), |share, accepted| share.after(*accepted));
			prop_assert!(share.0 <= 1_000_000);
		}

		#[test]
		fn weight_only_scales(weight in 1u32..1_000, share in 0u32..=1_000_000) {
			let recent = AcceptShare(share);
			prop_assert_eq!(
				vote_points(&ACCEPT, &REJECT, weight, recent),
				vote_points(&ACCEPT, &REJECT, 1, recent) * i64::from(weight)
			);
		}
	}
}
