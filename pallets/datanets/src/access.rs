//! Who may train on a restricted Datanet. A gate for the licence: the payloads themselves are not secret.

use frame_support::{
	ensure,
	traits::{fungible::MutateHold as _, tokens::Precision},
};
use openledger_primitives::{item::Datanet, traits::ActiveBlocks, ActiveBlock, DatanetId};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{Access, AccessStatus, Accesses, Config, Datanets, Deposit, Error, Event, HoldReason, Pallet, Params};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_request_access(who: T::AccountId, id: DatanetId) -> DispatchResult {
		let datanet = Datanets::<T>::get(id).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(!datanet.closed, Error::<T>::DatanetClosed);
		ensure!(datanet.policy.restricted, Error::<T>::NotRestricted);
		let deposit = match Accesses::<T>::get(id, &who) {
			None => Self::hold_for_access(&who)?,
			Some(Access { until: None, .. }) => return Err(Error::<T>::AlreadyRequested.into()),
			Some(Access { until: Some(until), .. }) if Self::is_valid_until(until) => {
				return Err(Error::<T>::AlreadyGranted.into())
			}
			Some(Access { deposit, .. }) => deposit,
		};
		Accesses::<T>::insert(id, &who, Access { until: None, deposit });
		Self::deposit_event(Event::AccessRequested { datanet: id, who });
		Ok(())
	}

	pub(crate) fn do_grant(
		owner: T::AccountId,
		id: DatanetId,
		who: T::AccountId,
		until: ActiveBlock,
	) -> DispatchResult {
		let datanet = Self::owned(&owner, id)?;
		ensure!(!datanet.closed, Error::<T>::DatanetClosed);
		ensure!(until > T::ActiveBlocks::now(), Error::<T>::GrantInPast);
		let deposit = match Accesses::<T>::get(id, &who) {
			Some(access) => access.deposit,
			None => Self::hold_for_access(&owner)?,
		};
		let access = Access {
			until: Some(until),
			deposit,
		};
		Accesses::<T>::insert(id, &who, access);
		Self::deposit_event(Event::AccessGranted {
			datanet: id,
			who,
			until,
		});
		Ok(())
	}

	pub(crate) fn do_revoke(caller: T::AccountId, id: DatanetId, who: T::AccountId) -> DispatchResult {
		let Access { until, deposit } = Accesses::<T>::get(id, &who).ok_or(Error::<T>::AccessNotFound)?;
		let has_expired = until.is_some_and(|until| !Self::is_valid_until(until));
		let is_owner = Datanets::<T>::get(id).is_none_or(|datanet| datanet.owner == caller);
		ensure!(has_expired || is_owner || caller == who, Error::<T>::NotOwner);
		T::Currency::release(
			&HoldReason::Access.into(),
			&deposit.who,
			deposit.amount,
			Precision::Exact,
		)?;
		Accesses::<T>::remove(id, &who);
		Self::deposit_event(Event::AccessRevoked { datanet: id, who });
		Ok(())
	}

	/// Whether `who` may train on a Datanet now.
	pub(crate) fn ensure_access(
		id: DatanetId,
		datanet: &Datanet<T::AccountId>,
		who: &T::AccountId,
	) -> Result<(), Error<T>> {
		match Self::status(id, datanet, who) {
			AccessStatus::Closed => Err(Error::<T>::DatanetClosed),
			AccessStatus::Open | AccessStatus::Owner | AccessStatus::Granted { .. } => Ok(()),
			AccessStatus::Denied | AccessStatus::Requested => Err(Error::<T>::AccessDenied),
			AccessStatus::Expired { .. } => Err(Error::<T>::GrantExpired),
		}
	}

	pub(crate) fn access_status(id: DatanetId, who: &T::AccountId) -> Option<AccessStatus> {
		Datanets::<T>::get(id).map(|datanet| Self::status(id, &datanet, who))
	}

	fn status(id: DatanetId, datanet: &Datanet<T::AccountId>, who: &T::AccountId) -> AccessStatus {
		if datanet.closed {
			return AccessStatus::Closed;
		}
		if datanet.owner == *who {
			return AccessStatus::Owner;
		}
		if !datanet.policy.restricted {
			return AccessStatus::Open;
		}
		match Accesses::<T>::get(id, who).map(|access| access.until) {
			None => AccessStatus::Denied,
			Some(None) => AccessStatus::Requested,
			Some(Some(until)) if Self::is_valid_until(until) => AccessStatus::Granted { until },
			Some(Some(until)) => AccessStatus::Expired { until },
		}
	}

	fn is_valid_until(until: ActiveBlock) -> bool {
		T::ActiveBlocks::now() <= until
	}

	fn hold_for_access(who: &T::AccountId) -> Result<Deposit<T::AccountId>, DispatchError> {
		let amount = Params::<T>::get().access_deposit;
		T::Currency::hold(&HoldReason::Access.into(), who, amount)?;
		Ok(Deposit {
			who: who.clone(),
			amount,
		})
	}
}
