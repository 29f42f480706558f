//! Values that change two sessions later.
//!
//! Stake that is added or removed in session `s` counts from `s + 2`, so that nobody can move stake after a
//! round's seed is known. A round names the session it was opened in; looking that session up must still work
//! while the round runs into the next one, hence one value of the past is kept.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::SessionIndex;

/// A change made in session `s` counts from session `s + CHANGE_DELAY`.
pub const CHANGE_DELAY: SessionIndex = 2;

/// The values of four sessions: the one before `session`, `session`, and the two after it; the last one holds
/// until changed.
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
pub struct Schedule<V> {
	session: SessionIndex,
	values: [V; 4],
}

impl<V: Copy> Schedule<V> {
	/// `value` in every session.
	pub fn constant(value: V) -> Self {
		Self {
			session: 0,
			values: [value; 4],
		}
	}

	/// The value in `session`; `None` where it is too long ago to be known.
	pub fn at(&self, session: SessionIndex) -> Option<V> {
		let index = (u64::from(session) + 1).checked_sub(u64::from(self.session))?;
		Some(self.values[index.min(3) as usize])
	}

	/// The newest value, which may not count yet.
	pub fn latest(&self) -> V {
		self.values[3]
	}

	/// Sets the value from session `now + CHANGE_DELAY` on. `now` never goes back.
	pub fn set(&mut self, now: SessionIndex, value: V) {
		self.advance(now);
		self.values[3] = value;
	}

	fn advance(&mut self, now: SessionIndex) {
		let steps = now.saturating_sub(self.session).min(3) as usize;
		for _ in 0..steps {
			self.values.copy_within(1.., 0);
		}
		self.session = self.session.max(now);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn a_change_counts_two_sessions_later() {
		let mut stake = Schedule::constant(5u32);
		stake.set(10, 7);
		assert_eq!(
			[9, 10, 11, 12, 99].map(|s| stake.at(s)),
			[Some(5), Some(5), Some(5), Some(7), Some(7)]
		);
		assert_eq!(stake.at(8), None);
		stake.set(11, 8);
		assert_eq!(
			[10, 11, 12, 13].map(|s| stake.at(s)),
			[Some(5), Some(5), Some(7), Some(8)]
		);
		stake.set(11, 9);
		assert_eq!(stake.at(12), Some(7));
		assert_eq!(stake.at(13), Some(9));
	}

	proptest! {
		#[test]
		fn equals_a_full_history(changes in prop::collection::vec((0u32..4, 0u32..100), 1..40)) {
			let mut schedule = Schedule::constant(0u32);
			// history[s] is the value in session s, by the definition.
			let mut history = vec![0u32; 300];
			let mut now = 0;
			for (step, value) in changes {
				now += step;
				schedule.set(now, value);
				for entry in history.iter_mut().skip((now + CHANGE_DELAY) as usize) {
					*entry = value;
				}
				for session in now.saturating_sub(1)..now + 10 {
					prop_assert_eq!(schedule.at(session), Some(history[session as usize]));
				}
			}
		}
	}
}
