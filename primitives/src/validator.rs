//! An account that votes on items: its stake, what of it is at risk, and what is on its way out.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{
	format::{Modality, ModalitySet},
	item::Phase,
	schedule::Schedule,
	Balance, SessionIndex,
};

/// Withdrawals of one validator that wait at the same time: enough for one a day of a week.
pub const MAX_UNBONDING: u32 = 8;

/// Stake that is on its way out. It is still held, and still slashable.
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
pub struct Unbonding {
	/// Plancks.
	pub amount: Balance,
	/// The first session in which it can be withdrawn.
	pub from_session: SessionIndex,
}

/// An account that votes on items.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize)]
pub struct Validator {
	/// Bonded and on hold, plancks. `at_risk` is a part of it, `unbonding` is not.
	pub stake: Balance,
	/// What it judges.
	pub modalities: ModalitySet,
	/// Stake and modalities by the session from which they count.
	pub schedule: Schedule<(Balance, ModalitySet)>,
	/// Reserves of its unsettled votes, plancks.
	pub at_risk: Balance,
	/// Stake on its way out, oldest first.
	pub unbonding: BoundedVec<Unbonding, ConstU32<MAX_UNBONDING>>,
	/// Points carried from one vote to the next: zero or a deficit.
	pub credit: i64,
	/// Everything that was ever slashed, plancks.
	pub slashed: Balance,
}

impl Validator {
	/// A record without stake.
	pub fn new() -> Self {
		Self {
			stake: 0,
			modalities: ModalitySet::default(),
			schedule: Schedule::constant((0, ModalitySet::default())),
			at_risk: 0,
			unbonding: BoundedVec::new(),
			credit: 0,
			slashed: 0,
		}
	}

	/// The stake for `modality` that counts in `session`; zero where that is not known any more.
	pub fn stake_in(&self, session: SessionIndex, modality: Modality) -> Balance {
		self.schedule
			.at(session)
			.filter(|(_, modalities)| modalities.contains(modality))
			.map_or(0, |(stake, _)| stake)
	}

	/// What can be unbonded, and put at risk by votes on challenges.
	pub fn free_stake(&self) -> Balance {
		self.stake.saturating_sub(self.at_risk)
	}

	/// What a new vote can put at risk. Half of the stake is kept for challenges: whoever bought a verdict could else keep all
	/// stake busy with large files until nobody is left to overturn it.
	pub fn free_for(&self, phase: &Phase) -> Balance {
		match phase {
			Phase::Challenged { .. } => self.free_stake(),
			_ => self.free_stake().saturating_sub(self.stake / 2),
		}
	}

	/// All that is on hold.
	pub fn held(&self) -> Balance {
		self.unbonding
			.iter()
			.fold(self.stake, |sum, chunk| sum.saturating_add(chunk.amount))
	}

	/// Whether nothing is left that the record is needed for: nothing on hold, nothing that counts in `session` or later,
	/// and no deficit, which would be shed by coming back.
	pub fn is_gone(&self, session: SessionIndex) -> bool {
		let counts = |session| self.schedule.at(session).is_some_and(|(stake, _)| stake > 0);
		self.held() == 0 && self.credit == 0 && !counts(session) && !counts(session.saturating_add(1))
	}

	/// Adds a chunk to what is on its way out, or to the chunk that can leave in the same session. `false` if there are
	/// as many chunks as can wait.
	pub fn push_unbonding(&mut self, amount: Balance, from_session: SessionIndex) -> bool {
		match self.unbonding.last_mut() {
			Some(last) if last.from_session == from_session => {
				last.amount = last.amount.saturating_add(amount);
				true
			}
			_ => self.unbonding.try_push(Unbonding { amount, from_session }).is_ok(),
		}
	}

	/// Removes the chunks that can leave in `session` and returns their sum.
	pub fn take_unbonded(&mut self, session: SessionIndex) -> Balance {
		let mut sum: Balance = 0;
		self.unbonding.retain(|chunk| {
			let leaves = chunk.from_session <= session;
			if leaves {
				sum = sum.saturating_add(chunk.amount);
			}
			!leaves
		});
		sum
	}

	/// Takes up to `amount`, from the stake first, then from what is on its way out, newest first. Returns what was taken.
	pub fn take(&mut self, amount: Balance) -> Balance {
		let mut missing = amount;
		let mut take_from = |sum: &mut Balance| {
			let part = missing.min(*sum);
			*sum -= part;
			missing -= part;
		};
		take_from(&mut self.stake);
		self.unbonding
			.iter_mut()
			.rev()
			.for_each(|chunk| take_from(&mut chunk.amount));
		self.unbonding.retain(|chunk| chunk.amount > 0);
		let taken = amount - missing;
		self.slashed = self.slashed.saturating_add(taken);
		taken
	}
}

impl Default for Validator {
	fn default() -> Self {
		Self::new()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn slashing_reaches_what_is_unbonding_after_the_stake() {
		let mut validator = Validator {
			stake: 10,
			..Validator::new()
		};
		assert!(validator.push_unbonding(5, 3) && validator.push_unbonding(4, 4));
		assert_eq!(validator.take(12), 12);
		assert_eq!((validator.stake, validator.held(), validator.slashed), (0, 7, 12));
		assert_eq!(
			validator.unbonding.last(),
			Some(&Unbonding {
				amount: 2,
				from_session: 4
			})
		);
		assert_eq!(validator.take(100), 7);
		assert!(validator.is_gone(0));
	}

	#[test]
	fn chunks_of_one_session_are_one() {
		let mut validator = Validator::new();
		assert!(validator.push_unbonding(5, 3) && validator.push_unbonding(6, 3));
		assert_eq!(validator.unbonding.len(), 1);
		assert_eq!(validator.take_unbonded(2), 0);
		assert_eq!(validator.take_unbonded(3), 11);
	}

	#[test]
	fn a_record_with_a_deficit_is_kept() {
		let mut validator = Validator::new();
		assert!(validator.is_gone(0));
		validator.credit = -1;
		assert!(!validator.is_gone(0));
	}
}
