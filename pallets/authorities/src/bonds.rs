//! What authorities put up, and lose.

use crate::{
	types::{AuthorityStatus, Offender},
	Authorities, Balance, Config, Error, Event, HoldReason, LeftIn, Offenders, Pallet, Params, Perbill, SessionIndex,
};
use frame_support::{
	ensure,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::{Fortitude, Precision, Restriction},
		Get,
	},
};
use openledger_primitives::traits::Sessions;
use sp_runtime::{DispatchError, DispatchResult};

/// Sessions from leaving the list to having no place in the set.
const SESSIONS_TO_LEAVE: SessionIndex = 2;

impl<T: Config> Pallet<T> {
	/// What `who` has put up.
	pub fn bond_of(who: &T::AccountId) -> Balance {
		T::Currency::balance_on_hold(&HoldReason::Authority.into(), who)
	}

	pub(crate) fn hold_bond(who: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::Authority.into(), who, amount)
	}

	/// The session from which nothing that `who` signed can be proved; zero for who never was an authority.
	fn withdrawable_in(who: &T::AccountId) -> SessionIndex {
		let Some(left) = LeftIn::<T>::get(who) else { return 0 };
		// The last session with a place in the set is proved as long as any, and forgotten when the one after these ends.
		left.saturating_add(SESSIONS_TO_LEAVE)
			.saturating_add(T::ProvableSessions::get())
			.saturating_add(1)
	}

	pub(crate) fn release_bond(who: &T::AccountId) -> Result<Balance, DispatchError> {
		ensure!(!Authorities::<T>::get().contains(who), Error::<T>::StillAuthority);
		let bond = Self::bond_of(who);
		ensure!(bond > 0, Error::<T>::NotBonded);
		ensure!(
			T::Sessions::current() >= Self::withdrawable_in(who),
			Error::<T>::StillSlashable
		);
		LeftIn::<T>::remove(who);
		T::Currency::release(&HoldReason::Authority.into(), who, bond, Precision::Exact)
	}

	/// Removes an authority that is not the last from the list, and notes when.
	pub(crate) fn take_off_the_list(who: &T::AccountId) -> Result<(), Error<T>> {
		Authorities::<T>::try_mutate(|list| {
			let at = list
				.iter()
				.position(|authority| authority == who)
				.ok_or(Error::<T>::NotAuthority)?;
			ensure!(list.len() > 1, Error::<T>::LastAuthority);
			list.remove(at);
			Ok(())
		})?;
		LeftIn::<T>::insert(who, T::Sessions::current());
		Self::deposit_event(Event::AuthorityRemoved { who: who.clone() });
		Ok(())
	}

	/// Takes `fraction` of the bond of who equivocated, and at least the least slash, to the treasury, and removes it from
	/// the list unless it is the last one there.
	pub fn punish(who: &T::AccountId, fraction: Perbill) {
		let fraction = fraction.max(Params::<T>::get().min_slash);
		Self::slash(who, fraction);
		// It may have left already, or be the last: both are no reason to do more.
		let _ = Self::take_off_the_list(who);
		let current = T::Sessions::current();
		if let Some(until) = LeftIn::<T>::get(who).map(|left| left.saturating_add(SESSIONS_TO_LEAVE - 1)) {
			if until >= current {
				Self::note_offender(Offender {
					who: who.clone(),
					severity: fraction,
					until,
				});
			}
		}
	}

	fn slash(who: &T::AccountId, fraction: Perbill) {
		let amount = fraction.mul_ceil(Self::bond_of(who));
		if amount == 0 {
			return;
		}
		let moved = T::Currency::transfer_on_hold(
			&HoldReason::Authority.into(),
			who,
			&T::Treasury::get(),
			amount,
			Precision::BestEffort,
			Restriction::Free,
			Fortitude::Force,
		);
		match moved {
			Ok(amount) => Self::deposit_event(Event::Slashed {
				who: who.clone(),
				amount,
			}),
			Err(error) => {
				frame_support::defensive!("the treasury takes what is on hold", error);
			}
		}
	}

	/// Remembers an offender until it has no place in the set. More offenders than places cannot be of use: the oldest goes.
	fn note_offender(offender: Offender<T::AccountId>) {
		Offenders::<T>::mutate(|offenders| {
			offenders.retain(|other| other.who != offender.who);
			if offenders.is_full() {
				offenders.remove(0);
			}
			offenders.force_push(offender);
		});
	}

	pub(crate) fn status(who: &T::AccountId) -> AuthorityStatus {
		let listed = Authorities::<T>::get().contains(who);
		AuthorityStatus {
			listed,
			bond: Self::bond_of(who),
			withdrawable_in: (!listed).then(|| Self::withdrawable_in(who)),
		}
	}
}
