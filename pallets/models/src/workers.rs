//! Workers and their bonds.

use crate::*;
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision},
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register_worker(
		who: T::AccountId,
		bond: Balance,
		endpoint: Text<MAX_ENDPOINT>,
		capability: Capability,
	) -> DispatchResult {
		ensure!(!Workers::<T>::contains_key(&who), Error::<T>::WorkerAlreadyRegistered);
		ensure!(bond >= Params::<T>::get().min_bond, Error::<T>::BondTooSmall);
		Self::ensure_utf8(&endpoint)?;
		ensure!(capability.is_valid(), Error::<T>::InvalidCapability);
		T::Currency::hold(&HoldReason::WorkerBond.into(), &who, bond)?;
		Workers::<T>::insert(
			&who,
			Worker {
				bond,
				endpoint,
				capability,
				registered_at: T::ActiveBlocks::now(),
				active_jobs: 0,
			},
		);
		Self::deposit_event(Event::WorkerRegistered { worker: who, bond });
		Ok(())
	}

	pub(crate) fn do_update_worker(
		who: T::AccountId,
		endpoint: Option<Text<MAX_ENDPOINT>>,
		capability: Option<Capability>,
		more_bond: Balance,
	) -> DispatchResult {
		let mut worker = Workers::<T>::get(&who).ok_or(Error::<T>::WorkerNotRegistered)?;
		if let Some(endpoint) = endpoint {
			Self::ensure_utf8(&endpoint)?;
			worker.endpoint = endpoint;
		}
		if let Some(capability) = capability {
			ensure!(capability.is_valid(), Error::<T>::InvalidCapability);
			worker.capability = capability;
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

	/// What of the bond nothing binds, plancks.
	pub(crate) fn free_bond(worker: &Worker) -> Balance {
		let bound = Params::<T>::get()
			.bond_per_job
			.saturating_mul(worker.active_jobs.into());
		worker.bond.saturating_sub(bound)
	}

	/// Binds the bond of one job, if it is there.
	pub(crate) fn bind(who: &T::AccountId) -> DispatchResult {
		Workers::<T>::try_mutate(who, |worker| {
			let worker = worker.as_mut().ok_or(Error::<T>::WorkerNotRegistered)?;
			ensure!(Self::free_jobs(worker) > 0, Error::<T>::NoFreeCapacity);
			worker.active_jobs = worker.active_jobs.saturating_add(1);
			Ok(())
		})
	}

	/// Frees the bond of one job.
	pub(crate) fn unbind(who: &T::AccountId) -> DispatchResult {
		Workers::<T>::try_mutate(who, |worker| {
			let worker = worker.as_mut().ok_or(Error::<T>::WorkerNotRegistered)?;
			worker.active_jobs = worker.active_jobs.saturating_sub(1);
			Ok(())
		})
	}

	/// Up to `amount` of a worker's bond to somebody else. Returns what was taken, plancks.
	pub(crate) fn take_bond(who: &T::AccountId, to: &T::AccountId, amount: Balance) -> Result<Balance, DispatchError> {
		let mut worker = Workers::<T>::get(who).ok_or(Error::<T>::WorkerNotRegistered)?;
		let amount = amount.min(worker.bond);
		Self::move_held(HoldReason::WorkerBond, who, to, amount)?;
		worker.bond = worker.bond.saturating_sub(amount);
		Workers::<T>::insert(who, worker);
		Ok(amount)
	}
}
