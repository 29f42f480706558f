//! Checks the invariants of the crate's documentation.

use crate::{Authorities, Config, LeftIn, Offenders, Pallet, SessionSlots, SlotMillis};
use openledger_primitives::traits::Sessions;

impl<T: Config> Pallet<T> {
	/// Checks what must hold after every block.
	pub fn check_state() -> Result<(), &'static str> {
		let list = Authorities::<T>::get();
		for (at, who) in list.iter().enumerate() {
			if list[..at].contains(who) {
				return Err("1: an authority is listed twice");
			}
		}
		if !SlotMillis::<T>::get().is_multiple_of(2) || SessionSlots::<T>::get() == 0 {
			return Err("2: slot duration must be even and sessions not empty");
		}
		if LeftIn::<T>::iter_keys().any(|who| list.contains(&who)) {
			return Err("3: an authority has left, and is listed");
		}
		let offenders = Offenders::<T>::get();
		let session = T::Sessions::current();
		for (at, offender) in offenders.iter().enumerate() {
			if offender.until > session.saturating_add(1) {
				return Err("4: an offender is remembered for longer than it has a place");
			}
			if offenders[..at].iter().any(|other| other.who == offender.who) {
				return Err("4: an offender is remembered twice");
			}
		}
		Ok(())
	}
}
