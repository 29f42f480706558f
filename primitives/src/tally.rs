//! What a round of votes decides.
//!
//! Everything is by weight and is kept as running sums, so that closing a round costs the same however many
//! voted. The medians keep at most [`MAX_DISTINCT`] distinct values; honest validators compute the same number, so
//! merging happens only to somebody who reveals dozens of different ones, and then towards the lower value.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::vote::{Reason, Verdict};

/// Distinct values that a [`WeightedMedian`] tells apart: more than any honest panel produces, few enough to
/// keep a round's record under a kilobyte.
pub const MAX_DISTINCT: u32 = 32;

/// A running weighted median of `u32` values.
#[derive(
	Clone,
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
pub struct WeightedMedian(BoundedVec<(u32, u32), ConstU32<MAX_DISTINCT>>);

impl WeightedMedian {
	/// Adds `value` with `weight`.
	pub fn add(&mut self, value: u32, weight: u32) {
		match self.0.binary_search_by_key(&value, |(v, _)| *v) {
			Ok(index) => self.add_at(index, weight),
			Err(index) => {
				if self.0.try_insert(index, (value, weight)).is_err() {
					self.add_at(index.saturating_sub(1), weight);
				}
			}
		}
	}

	fn add_at(&mut self, index: usize, weight: u32) {
		if let Some((_, sum)) = self.0.get_mut(index) {
			*sum = sum.saturating_add(weight);
		}
	}

	/// The lower median: the least value that at least half of the weight does not exceed. `None` without weight.
	pub fn median(&self) -> Option<u32> {
		let total: u64 = self.0.iter().map(|(_, weight)| u64::from(*weight)).sum();
		let mut below = 0;
		self.0.iter().find_map(|(value, weight)| {
			below += u64::from(*weight);
			(below > 0 && below * 2 >= total).then_some(*value)
		})
	}
}

/// What panel a round asks for, and which share of the revealed weight decides it.
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
pub struct Width {
	/// Expected weight of the panel.
	pub panel: u32,
	/// Percent of the revealed weight that the winning side needs.
	pub threshold: u8,
}

/// The rounds of an item, each wider and with a lower threshold: peace is cheap, an attack buys width.
pub const WIDTHS: [Width; 4] = [
	Width {
		panel: 7,
		threshold: 80,
	},
	Width {
		panel: 21,
		threshold: 70,
	},
	Width {
		panel: 63,
		threshold: 60,
	},
	Width {
		panel: 151,
		threshold: 50,
	},
];

/// Running sums of one round's votes, by weight.
#[derive(
	Clone,
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
pub struct Tally {
	/// Weight of all commitments.
	pub committed: u32,
	pub accept: u32,
	pub reject: u32,
	/// Weight by [`Reason`], in its order.
	pub reasons: [u32; Reason::COUNT],
	pub score: WeightedMedian,
	pub units: WeightedMedian,
}

/// What the votes say of an item.
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
pub enum Decision {
	Decided(Verdict),
	Undecided,
}

impl Tally {
	pub fn commit(&mut self, weight: u32) {
		self.committed = self.committed.saturating_add(weight);
	}

	/// Takes back a commitment that was found void.
	pub fn void(&mut self, weight: u32) {
		self.committed = self.committed.saturating_sub(weight);
	}

	/// Counts a revealed verdict. Its weight was committed before.
	pub fn reveal(&mut self, verdict: &Verdict, weight: u32) {
		match verdict {
			Verdict::Accept { score, units } => {
				self.accept = self.accept.saturating_add(weight);
				self.score.add(u32::from(*score), weight);
				self.units.add(*units, weight);
			}
			Verdict::Reject { reason } => {
				self.reject = self.reject.saturating_add(weight);
				let sum = &mut self.reasons[*reason as usize];
				*sum = sum.saturating_add(weight);
			}
		}
	}

	pub fn revealed(&self) -> u32 {
		self.accept.saturating_add(self.reject)
	}

	/// A round decides only if at least half of the expected panel revealed, the margin exceeds what was committed
	/// and not revealed (so that holding a vote back cannot turn it), and the winner has the width's share.
	pub fn decide(&self, width: Width) -> Decision {
		let (revealed, winner) = (u64::from(self.revealed()), u64::from(self.accept.max(self.reject)));
		let unrevealed = u64::from(self.committed).saturating_sub(revealed);
		let quorum = revealed * 2 >= u64::from(width.panel);
		let clear = u64::from(self.accept.abs_diff(self.reject)) > unrevealed;
		let enough = winner * 100 >= revealed * u64::from(width.threshold);
		if !(quorum && clear && enough) {
			return Decision::Undecided;
		}
		Decision::Decided(if self.accept > self.reject {
			self.accepted()
		} else {
			self.rejected()
		})
	}

	/// Whether two thirds of the revealed weight, and any at all, are on this side.
	pub fn has_two_thirds(&self, accept: bool) -> bool {
		let side = if accept { self.accept } else { self.reject };
		side > 0 && u64::from(side) * 3 >= u64::from(self.revealed()) * 2
	}

	fn accepted(&self) -> Verdict {
		let score = self.score.median().unwrap_or(0).min(u32::from(u8::MAX)) as u8;
		Verdict::Accept {
			score,
			units: self.units.median().unwrap_or(0),
		}
	}

	/// The reason with the most weight; of equals, the first in [`Reason::ALL`].
	fn rejected(&self) -> Verdict {
		let most = self.reasons.iter().max().copied().unwrap_or(0);
		let index = self.reasons.iter().position(|weight| *weight == most).unwrap_or(0);
		Verdict::Reject {
			reason: Reason::ALL[index],
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const GOOD: Verdict = Verdict::Accept { score: 80, units: 10 };
	const BAD: Verdict = Verdict::Reject {
		reason: Reason::LowQuality,
	};

	fn tally(accept: u32, reject: u32, unrevealed: u32) -> Tally {
		let mut tally = Tally::default();
		tally.commit(accept + reject + unrevealed);
		tally.reveal(&GOOD, accept);
		tally.reveal(&BAD, reject);
		tally
	}

	#[test]
	fn decides_by_quorum_margin_and_threshold() {
		let width = WIDTHS[0];
		assert_eq!(tally(7, 0, 0).decide(width), Decision::Decided(GOOD));
		assert_eq!(tally(0, 7, 0).decide(width), Decision::Decided(BAD));
		// Three of an expected seven are no quorum, four are.
		assert_eq!(tally(3, 0, 0).decide(width), Decision::Undecided);
		assert_eq!(tally(4, 0, 0).decide(width), Decision::Decided(GOOD));
		// 5 of 7 are 71 %, under the first round's 80 %, over the second's 70 % (with a quorum of 11).
		assert_eq!(tally(5, 2, 0).decide(width), Decision::Undecided);
		assert_eq!(tally(10, 4, 0).decide(WIDTHS[1]), Decision::Decided(GOOD));
		// Whoever held back could have turned it.
		assert_eq!(tally(5, 0, 5).decide(width), Decision::Undecided);
		assert_eq!(tally(5, 0, 4).decide(width), Decision::Decided(GOOD));
		assert_eq!(Tally::default().decide(WIDTHS[3]), Decision::Undecided);
		// Half against half decides nothing, even at a threshold of one half.
		assert_eq!(tally(80, 80, 0).decide(WIDTHS[3]), Decision::Undecided);
	}

	#[test]
	fn two_thirds_are_of_the_revealed_weight() {
		assert!(tally(4, 2, 9).has_two_thirds(true) && !tally(4, 2, 9).has_two_thirds(false));
		assert!(!tally(7, 4, 0).has_two_thirds(true));
		assert!(!tally(0, 0, 3).has_two_thirds(true) && !tally(0, 0, 3).has_two_thirds(false));
	}

	#[test]
	fn a_void_commitment_is_not_unrevealed_weight() {
		let mut tally = tally(5, 0, 5);
		tally.void(5);
		assert_eq!(tally.decide(WIDTHS[0]), Decision::Decided(GOOD));
	}

	#[test]
	fn medians_are_by_weight() {
		let mut median = WeightedMedian::default();
		assert_eq!(median.median(), None);
		median.add(10, 1);
		median.add(90, 3);
		median.add(20, 1);
		assert_eq!(median.median(), Some(90));
		median.add(5, 9);
		assert_eq!(median.median(), Some(5));
	}

	#[test]
	fn the_heaviest_reason_wins() {
		let mut tally = Tally::default();
		tally.commit(7);
		tally.reveal(
			&Verdict::Reject {
				reason: Reason::OffTopic,
			},
			3,
		);
		tally.reveal(
			&Verdict::Reject {
				reason: Reason::Duplicate,
			},
			4,
		);
		assert_eq!(
			tally.decide(WIDTHS[0]),
			Decision::Decided(Verdict::Reject {
				reason: Reason::Duplicate
			})
		);
	}

	proptest! {
		#[test]
		fn median_equals_the_sorted_one(values in prop::collection::vec((0u32..25, 1u32..9), 1..60)) {
			let mut median = WeightedMedian::default();
			let mut all = vec![];
			for (value, weight) in values {
				median.add(value, weight);
				all.extend(std::iter::repeat_n(value, weight as usize));
			}
			all.sort();
			prop_assert_eq!(median.median(), Some(all[(all.len() - 1) / 2]));
		}

		#[test]
		fn order_of_votes_changes_nothing(mut votes in prop::collection::vec((any::<bool>(), 0u8..=100, 1u32..9), 1..20)) {
			let count = |votes: &[(bool, u8, u32)]| {
				let mut tally = Tally::default();
				for (accept, score, weight) in votes {
					tally.commit(*weight);
					let verdict = if *accept { Verdict::Accept { score: *score, units: u32::from(*score) } } else { BAD };
					tally.reveal(&verdict, *weight);
				}
				tally
			};
			let forward = count(&votes);
			votes.reverse();
			prop_assert_eq!(forward.decide(WIDTHS[0]), count(&votes).decide(WIDTHS[0]));
		}

		#[test]
		fn the_unrevealed_cannot_have_turned_a_decision(accept in 0u32..200, reject in 0u32..200, unrevealed in 0u32..200) {
			for width in WIDTHS {
				if let Decision::Decided(verdict) = tally(accept, reject, unrevealed).decide(width) {
					let (won, lost) = if verdict.is_accept() { (accept, reject) } else { (reject, accept) };
					prop_assert!(won > lost + unrevealed);
				}
			}
		}
	}
}
