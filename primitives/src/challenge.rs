//! What a challenge of a provisional verdict costs, what its round decides, and whom that costs stake.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
	fee::share,
	tally::{Decision, Tally, Width},
	vote::Verdict,
	Balance, RoundIndex,
};

/// What a challenge's round asks for: the widest ordinary panel, by majority.
pub const CHALLENGE_WIDTH: Width = Width {
	panel: 151,
	threshold: 50,
};
/// Percent of a vote's reserve that whoever reports its preimage gets.
pub const REPORT_PERCENT: u8 = 50;
/// A score that differs from the wider panel's by more than this was far off.
pub const SCORE_TOLERANCE: u8 = 25;

/// The bond of a challenge after `earlier` ones of the same case: each doubles it.
pub fn challenge_bond(first: Balance, earlier: u8) -> Balance {
	first.saturating_mul(1 << earlier.min(100))
}

/// The width of the round that a challenge or a plant calls after `earlier` challenges: each doubles the panel.
pub fn trial_width(first: Width, earlier: u8) -> Width {
	Width {
		panel: first.panel.saturating_mul(1 << earlier.min(31)),
		..first
	}
}

/// What a challenge's round makes of the verdict it was called on.
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
pub enum Ruling {
	/// The verdict stands, also where the round decided nothing.
	Upheld,
	/// The acceptance stands, but its score or units were far off. The challenge was right, and nobody's side was wrong.
	Corrected { verdict: Verdict },
	/// The other side won.
	Overturned {
		verdict: Verdict,
		/// Whether by two thirds of the revealed weight, which costs the losing side its reserves.
		by_two_thirds: bool,
	},
}

/// Rules on a challenge of `standing` by its round.
pub fn rule(tally: &Tally, width: Width, standing: &Verdict) -> Ruling {
	let Decision::Decided(verdict) = tally.decide(width) else {
		return Ruling::Upheld;
	};
	if verdict.is_accept() != standing.is_accept() {
		let by_two_thirds = tally.has_two_thirds(verdict.is_accept());
		return Ruling::Overturned { verdict, by_two_thirds };
	}
	if is_far_off(standing, &verdict) {
		Ruling::Corrected { verdict }
	} else {
		Ruling::Upheld
	}
}

/// Whether the numbers of an acceptance differ too much from those of a wider panel: units by more than a factor of two, or
/// the score by more than [`SCORE_TOLERANCE`]. Points are their product, so a captured panel could print them otherwise.
fn is_far_off(standing: &Verdict, wider: &Verdict) -> bool {
	let (
		Verdict::Accept { score, units },
		Verdict::Accept {
			score: wide,
			units: most,
		},
	) = (standing, wider)
	else {
		return false;
	};
	let (less, more) = (u64::from(*units.min(most)), u64::from(*units.max(most)));
	score.abs_diff(*wide) > SCORE_TOLERANCE || more > 2 * less
}

/// Which votes of a case lose their reserve, and who is rewarded for that.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Penalty<AccountId> {
	/// The side that was wrong: acceptances or rejections.
	pub accept: bool,
	/// Only votes of rounds before this one.
	pub before: RoundIndex,
	/// Whose challenge showed it.
	pub informant: Option<AccountId>,
	/// What the informant gets of each slash, percent.
	pub percent: u8,
}

impl<AccountId> Penalty<AccountId> {
	/// Whether a revealed vote of this round is punished.
	pub fn hits(&self, round: RoundIndex, verdict: &Verdict) -> bool {
		round < self.before && verdict.is_accept() == self.accept
	}
}

/// A challenge's round that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial<AccountId> {
	pub challenger: AccountId,
	/// What the challenger gets of each slash, percent.
	pub percent: u8,
	pub round: RoundIndex,
	/// Whether its verdict cannot be challenged any more.
	pub is_last: bool,
}

/// Which votes are punished after a challenge's round. `earlier`: what earlier rulings left; `clear`: whether two thirds of
/// the round's weight, with the quorum, were for the side that stands now.
///
/// Two thirds against a verdict cost whoever had given it in earlier rounds; fewer than two thirds for it lift an earlier
/// penalty. From the last challenge nobody can appeal, so that nothing else would put its own votes at risk, and a verdict
/// would cost no more than they: there, whoever loses to two thirds pays as well.
pub fn penalty<AccountId>(
	earlier: Option<Penalty<AccountId>>,
	trial: Trial<AccountId>,
	standing: &Verdict,
	ruling: Ruling,
	clear: bool,
) -> Option<Penalty<AccountId>> {
	let before = trial.round.saturating_add(u8::from(trial.is_last));
	match ruling {
		// An earlier penalty was for the side that has won now.
		Ruling::Overturned { .. } => clear.then_some(Penalty {
			accept: standing.is_accept(),
			before,
			informant: Some(trial.challenger),
			percent: trial.percent,
		}),
		_ if clear && trial.is_last => {
			let (informant, percent) = earlier.map_or((None, 0), |penalty| (penalty.informant, penalty.percent));
			Some(Penalty {
				accept: !standing.is_accept(),
				before,
				informant,
				percent,
			})
		}
		_ => earlier,
	}
}

/// What an informant gets of a slash; the rest goes to the pot.
pub fn reward(slashed: Balance, percent: u8) -> Balance {
	share(slashed, percent.into(), 100)
}

/// The bond behind the round that a challenge or a plant called.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize,
)]
pub struct TrialBond<AccountId> {
	/// The challenger, or who planted the item. May not vote in that round.
	pub who: AccountId,
	/// Plancks.
	pub amount: Balance,
	/// What it gets of each slash that the round brings, percent.
	pub percent: u8,
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::vote::Reason;
	use proptest::prelude::*;

	const GOOD: Verdict = Verdict::Accept { score: 80, units: 10 };
	const BAD: Verdict = Verdict::Reject {
		reason: Reason::LowQuality,
	};

	fn tally(accept: u32, reject: u32) -> Tally {
		let mut tally = Tally::default();
		tally.commit(accept + reject);
		tally.reveal(&GOOD, accept);
		tally.reveal(&BAD, reject);
		tally
	}

	fn ruling(accept: u32, reject: u32, standing: Verdict) -> Ruling {
		rule(&tally(accept, reject), CHALLENGE_WIDTH, &standing)
	}

	fn overturned(verdict: Verdict, by_two_thirds: bool) -> Ruling {
		Ruling::Overturned { verdict, by_two_thirds }
	}

	#[test]
	fn a_majority_overturns_and_two_thirds_punish_in_both_directions() {
		assert_eq!(ruling(76, 75, BAD), overturned(GOOD, false));
		assert_eq!(ruling(75, 76, GOOD), overturned(BAD, false));
		assert_eq!(ruling(99, 51, BAD), overturned(GOOD, false));
		assert_eq!(ruling(100, 50, BAD), overturned(GOOD, true));
		assert_eq!(ruling(50, 100, GOOD), overturned(BAD, true));
		assert_eq!(ruling(76, 75, GOOD), Ruling::Upheld);
		assert_eq!(ruling(75, 76, BAD), Ruling::Upheld);
	}

	#[test]
	fn without_a_decision_the_verdict_stands() {
		assert_eq!(ruling(0, 0, GOOD), Ruling::Upheld);
		assert_eq!(ruling(75, 75, GOOD), Ruling::Upheld);
		// Under half of the expected panel.
		assert_eq!(ruling(0, 75, GOOD), Ruling::Upheld);
		assert_eq!(ruling(0, 76, GOOD), overturned(BAD, true));
	}

	#[test]
	fn numbers_far_from_the_wider_panels_are_corrected() {
		let standing = |score, units| ruling(151, 0, Verdict::Accept { score, units });
		assert_eq!(standing(80, 20), Ruling::Upheld);
		assert_eq!(standing(55, 5), Ruling::Upheld);
		assert_eq!(standing(80, 21), Ruling::Corrected { verdict: GOOD });
		assert_eq!(standing(80, 4), Ruling::Corrected { verdict: GOOD });
		assert_eq!(standing(54, 10), Ruling::Corrected { verdict: GOOD });
		assert_eq!(standing(80, u32::MAX), Ruling::Corrected { verdict: GOOD });
	}

	#[test]
	fn bond_and_panel_double_with_each_challenge() {
		assert_eq!([0, 1, 2].map(|earlier| challenge_bond(5, earlier)), [5, 10, 20]);
		assert_eq!(
			[0, 1].map(|earlier| trial_width(CHALLENGE_WIDTH, earlier).panel),
			[151, 302]
		);
		assert_eq!(challenge_bond(Balance::MAX, 200), Balance::MAX);
		assert_eq!(trial_width(CHALLENGE_WIDTH, u8::MAX).panel, u32::MAX);
	}

	#[test]
	fn only_the_losing_side_of_earlier_rounds_is_punished() {
		let penalty = Penalty {
			accept: true,
			before: 2,
			informant: Some(7u64),
			percent: 50,
		};
		assert!(penalty.hits(0, &GOOD) && penalty.hits(1, &GOOD));
		assert!(!penalty.hits(2, &GOOD) && !penalty.hits(0, &BAD));
	}

	#[test]
	fn two_thirds_punish_earlier_rounds_and_in_the_last_challenge_that_round_too() {
		let ruled = |earlier, is_last, standing: Verdict, ruling, clear| {
			let trial = Trial {
				challenger: 7u64,
				percent: 50,
				round: 3,
				is_last,
			};
			let penalty = penalty(earlier, trial, &standing, ruling, clear)?;
			Some((penalty.accept, penalty.before, penalty.informant, penalty.percent))
		};
		let earlier = Some(Penalty {
			accept: true,
			before: 1,
			informant: Some(9),
			percent: 40,
		});
		// Overturned.
		assert_eq!(
			ruled(None, false, GOOD, overturned(BAD, true), true),
			Some((true, 3, Some(7), 50))
		);
		assert_eq!(
			ruled(None, true, GOOD, overturned(BAD, true), true),
			Some((true, 4, Some(7), 50))
		);
		for is_last in [false, true] {
			let lifted = ruled(earlier.clone(), is_last, BAD, overturned(GOOD, false), false);
			assert_eq!(lifted, None);
		}
		// Upheld: the rejection stands, and who had accepted was punished already.
		let upheld = |earlier, is_last, clear| ruled(earlier, is_last, BAD, Ruling::Upheld, clear);
		assert_eq!(upheld(None, false, true), None);
		assert_eq!(upheld(None, true, false), None);
		assert_eq!(upheld(None, true, true), Some((true, 4, None, 0)));
		assert_eq!(upheld(earlier.clone(), false, true), Some((true, 1, Some(9), 40)));
		assert_eq!(upheld(earlier.clone(), true, false), Some((true, 1, Some(9), 40)));
		assert_eq!(upheld(earlier, true, true), Some((true, 4, Some(9), 40)));
	}

	proptest! {
		#[test]
		fn a_reward_is_a_part_of_the_slash(slashed: u128, percent in 0u8..=100) {
			prop_assert!(reward(slashed, percent) <= slashed);
			prop_assert_eq!(reward(slashed, 100), slashed);
		}

		#[test]
		fn who_is_punished_was_outvoted_two_to_one(accept in 0u32..400, reject in 0u32..400) {
			for standing in [GOOD, BAD] {
				if let Ruling::Overturned { verdict, by_two_thirds } = ruling(accept, reject, standing) {
					let (won, lost) = if verdict.is_accept() { (accept, reject) } else { (reject, accept) };
					prop_assert!(won > lost);
					prop_assert_eq!(by_two_thirds, won >= 2 * lost);
				}
			}
		}
	}
}
