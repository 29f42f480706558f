//! What owners do with their Datanets.

use frame_support::{
	ensure,
	traits::{fungible::MutateHold as _, tokens::Precision},
};
use openledger_primitives::{
	format::Modality,
	item::{Datanet, Policy, Text, MAX_DESCRIPTION, MAX_NAME},
	DatanetId,
};
use sp_runtime::{ArithmeticError, DispatchResult};

use crate::{Config, Datanets, Deposit, Deposits, Error, Event, HoldReason, NextDatanet, Offers, Pallet, Params};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_create_datanet(
		owner: T::AccountId,
		modality: Modality,
		name: Text<MAX_NAME>,
		description: Text<MAX_DESCRIPTION>,
		policy: Policy,
	) -> DispatchResult {
		Self::check_metadata(&name, &description)?;
		Self::check_policy(&policy, modality)?;
		let amount = Params::<T>::get().datanet_deposit;
		T::Currency::hold(&HoldReason::Datanet.into(), &owner, amount)?;
		let datanet = NextDatanet::<T>::get();
		NextDatanet::<T>::put(datanet.checked_add(1).ok_or(ArithmeticError::Overflow)?);
		Deposits::<T>::insert(
			datanet,
			Deposit {
				who: owner.clone(),
				amount,
			},
		);
		let record = Datanet {
			owner: owner.clone(),
			modality,
			name,
			description,
			policy,
			closed: false,
			version: 0,
			root: [0; 32],
			points: 0,
			rejected: 0,
			in_review: 0,
			exclusions: 0,
		};
		Datanets::<T>::insert(datanet, record);
		Self::deposit_event(Event::DatanetCreated {
			datanet,
			owner,
			modality,
		});
		Ok(())
	}

	pub(crate) fn do_set_metadata(
		who: T::AccountId,
		id: DatanetId,
		name: Text<MAX_NAME>,
		description: Text<MAX_DESCRIPTION>,
	) -> DispatchResult {
		let datanet = Self::owned(&who, id)?;
		Self::check_metadata(&name, &description)?;
		Datanets::<T>::insert(
			id,
			Datanet {
				name,
				description,
				..datanet
			},
		);
		Self::deposit_event(Event::MetadataSet { datanet: id });
		Ok(())
	}

	pub(crate) fn do_set_policy(who: T::AccountId, id: DatanetId, policy: Policy) -> DispatchResult {
		let datanet = Self::owned(&who, id)?;
		Self::check_policy(&policy, datanet.modality)?;
		Datanets::<T>::insert(id, Datanet { policy, ..datanet });
		Self::deposit_event(Event::PolicySet { datanet: id });
		Ok(())
	}

	pub(crate) fn do_transfer(who: T::AccountId, datanet: DatanetId, to: T::AccountId) -> DispatchResult {
		Self::owned(&who, datanet)?;
		if to == who {
			Offers::<T>::take(datanet).ok_or(Error::<T>::NotOffered)?;
			Self::deposit_event(Event::OfferWithdrawn { datanet });
		} else {
			Offers::<T>::insert(datanet, &to);
			Self::deposit_event(Event::TransferOffered { datanet, to });
		}
		Ok(())
	}

	pub(crate) fn do_accept_transfer(to: T::AccountId, id: DatanetId) -> DispatchResult {
		let mut datanet = Datanets::<T>::get(id).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(Offers::<T>::take(id).as_ref() == Some(&to), Error::<T>::NotOffered);
		let from = core::mem::replace(&mut datanet.owner, to.clone());
		Self::release_deposit(id)?;
		// What a deposit is today: the new owner is asked no more and no less than for a Datanet of its own.
		let amount = Params::<T>::get().datanet_deposit;
		T::Currency::hold(&HoldReason::Datanet.into(), &to, amount)?;
		Deposits::<T>::insert(
			id,
			Deposit {
				who: to.clone(),
				amount,
			},
		);
		Datanets::<T>::insert(id, datanet);
		Self::deposit_event(Event::DatanetTransferred { datanet: id, from, to });
		Ok(())
	}

	pub(crate) fn do_close(who: T::AccountId, id: DatanetId) -> DispatchResult {
		let datanet = Self::owned(&who, id)?;
		let is_empty = datanet.version == 0 && datanet.in_review == 0;
		ensure!(!datanet.closed || is_empty, Error::<T>::DatanetClosed);
		if !datanet.closed {
			Self::deposit_event(Event::DatanetClosed { datanet: id });
		}
		if is_empty {
			Self::release_deposit(id)?;
			Offers::<T>::remove(id);
			Datanets::<T>::remove(id);
			Self::deposit_event(Event::DatanetRemoved { datanet: id });
		} else {
			Datanets::<T>::insert(
				id,
				Datanet {
					closed: true,
					..datanet
				},
			);
		}
		Ok(())
	}

	/// A Datanet that is `who`'s own.
	pub(crate) fn owned(who: &T::AccountId, datanet: DatanetId) -> Result<Datanet<T::AccountId>, Error<T>> {
		let datanet = Datanets::<T>::get(datanet).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(datanet.owner == *who, Error::<T>::NotOwner);
		Ok(datanet)
	}

	fn release_deposit(datanet: DatanetId) -> DispatchResult {
		if let Some(Deposit { who, amount }) = Deposits::<T>::take(datanet) {
			T::Currency::release(&HoldReason::Datanet.into(), &who, amount, Precision::Exact)?;
		}
		Ok(())
	}

	fn check_metadata(name: &[u8], description: &[u8]) -> Result<(), Error<T>> {
		ensure!(!name.is_empty(), Error::<T>::EmptyName);
		ensure!(is_utf8(name) && is_utf8(description), Error::<T>::NotUtf8);
		Ok(())
	}

	fn check_policy(policy: &Policy, modality: Modality) -> Result<(), Error<T>> {
		let cap = Params::<T>::get().limits.file_bytes;
		ensure!(policy.has_valid_sizes(cap), Error::<T>::InvalidFileBytes);
		ensure!(policy.formats.is_within(modality), Error::<T>::InvalidFormats);
		ensure!(is_utf8(&policy.licence), Error::<T>::NotUtf8);
		Ok(())
	}
}

fn is_utf8(bytes: &[u8]) -> bool {
	core::str::from_utf8(bytes).is_ok()
}
