//! Names the authorities of each session to pallet-session.

use crate::{Authorities, Config, Offender, Offenders, Pallet, SessionIndex};
use alloc::vec::Vec;
use frame_support::traits::ValidatorRegistration;

impl<T: Config> Pallet<T> {
	/// Those who have a place in the set that now begins, but left for an offence: pallet-session has forgotten that they
	/// are disabled. Forgets those without a place.
	pub fn offenders_in(session: SessionIndex) -> Vec<Offender<T::AccountId>> {
		Offenders::<T>::mutate(|offenders| {
			offenders.retain(|offender| offender.until >= session);
			offenders.to_vec()
		})
	}
}

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
	/// Names the authorities of a coming session that have keys; `None` when none has. pallet-session then takes the set of
	/// before, again without who has no keys, and finality halts: the runtime must not let everybody purge their keys.
	fn new_session(_: SessionIndex) -> Option<Vec<T::AccountId>> {
		let mut list = Authorities::<T>::get().into_inner();
		list.retain(T::SessionKeys::is_registered);
		(!list.is_empty()).then_some(list)
	}

	fn new_session_genesis(_: SessionIndex) -> Option<Vec<T::AccountId>> {
		let list = Authorities::<T>::get().into_inner();
		(!list.is_empty()).then_some(list)
	}

	fn end_session(_: SessionIndex) {}

	fn start_session(_: SessionIndex) {}
}

/// Historical sessions keep who was an authority and nothing else of them.
impl<T: Config> pallet_session::historical::SessionManager<T::AccountId, ()> for Pallet<T> {
	fn new_session(index: SessionIndex) -> Option<Vec<(T::AccountId, ())>> {
		<Self as pallet_session::SessionManager<_>>::new_session(index)
			.map(|list| list.into_iter().map(|who| (who, ())).collect())
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<(T::AccountId, ())>> {
		<Self as pallet_session::SessionManager<_>>::new_session_genesis(index)
			.map(|list| list.into_iter().map(|who| (who, ())).collect())
	}

	fn end_session(_: SessionIndex) {}

	fn start_session(_: SessionIndex) {}
}
