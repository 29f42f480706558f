//! Workers and their bonds.

use crate::*;
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision, Restriction},
	},
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register_worker(who: T::AccountId, bond: Balance, endpoint: Text<MAX_ENDPOINT>) -> DispatchResult {
		ensure!(!Workers::<T>::contains_key(&who), Error::<T>::WorkerAlreadyRegistered);
		ensure!(bond >= Params::<T>::get().min_bond, Error::<T>::BondTooSmall);
		Self::ensure_utf8(&endpoint)?;
		T::Currency::hold(&HoldReason::WorkerBond.into(), &who, bond)?;
		Workers::<T>::insert(
			&who,
			Worker {
				bond,
				endpoint,
				active_jobs: 0,
			},
		);
		Self::deposit_event(Event::WorkerRegistered { worker: who, bond });
		Ok(())
	}

	pub(crate) fn do_update_worker(
		who: T::AccountId,
		endpoint: Option<Text<MAX_ENDPOINT>>,
		more_bond: Balance,
	) -> DispatchResult {
		let mut worker = Workers::<T>::get(&who).ok_or(Error::<T>::WorkerNotRegistered)?;
		if let Some(endpoint) = endpoint {
			Self::ensure_utf8(&endpoint)?;
			worker.endpoint = endpoint;
		}
		T::Currency::hold(&HoldReason::WorkerBond.into(), &who, more_bond)?;
		worker.bond = worker.bond.saturating_add(more_bond);
		let bond = worker.bond;
		Workers::<T>::insert(&who, worker);
		Self::deposit_event(Event::WorkerUpdated { worker: who, bond });
		Ok(())
	}

	pub(crate) fn do_deregister_worker(who: T::AccountId) -> DispatchResult {
		let worker = Workers::<T>::get(&who).ok_or(Error::<T>::WorkerNotRegistered)?;
		ensure!(worker.active_jobs == 0, Error::<T>::WorkerBusy);
		T::Currency::release(&HoldReason::WorkerBond.into(), &who, worker.bond, Precision::Exact)?;
		Workers::<T>::remove(&who);
		Self::deposit_event(Event::WorkerDeregistered {
			worker: who,
			bond: worker.bond,
		});
		Ok(())
	}

	/// How many more jobs the bond covers.
	pub(crate) fn free_jobs(worker: &Worker) -> u32 {
		Params::<T>::get()
			.capacity(worker.bond)
			.saturating_sub(worker.active_jobs)
	}

	/// One more job of `who`, if its bond covers it.
	pub(crate) fn take_job(who: &T::AccountId) -> DispatchResult {
		Workers::<T>::try_mutate(who, |worker| {
			let worker = worker.as_mut().ok_or(Error::<T>::WorkerNotRegistered)?;
			ensure!(Self::free_jobs(worker) > 0, Error::<T>::NoFreeCapacity);
			worker.active_jobs = worker.active_jobs.saturating_add(1);
			Ok(())
		})
	}

	/// One job less of `who`, and up to `penalty` of its bond to the pot. Returns what was taken, plancks.
	pub(crate) fn drop_job(who: &T::AccountId, penalty: Balance) -> Result<Balance, DispatchError> {
		let mut worker = Workers::<T>::get(who).ok_or(Error::<T>::WorkerNotRegistered)?;
		let penalty = penalty.min(worker.bond);
		if penalty > 0 {
			T::Currency::transfer_on_hold(
				&HoldReason::WorkerBond.into(),
				who,
				&T::Rewards::pot(),
				penalty,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)?;
		}
		worker.bond = worker.bond.saturating_sub(penalty);
		worker.active_jobs = worker.active_jobs.saturating_sub(1);
		Workers::<T>::insert(who, worker);
		Ok(penalty)
	}
}
