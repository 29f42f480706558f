//! What must hold after every block.

use crate::*;
use alloc::collections::BTreeMap;
use frame_support::traits::fungible::InspectHold;

impl<T: Config> Pallet<T> {
	/// Checks the invariants that the crate's documentation numbers.
	pub fn check_state() -> Result<(), &'static str> {
		Self::check_escrow()?;
		Self::check_bonds()?;
		Self::check_deposits()?;
		Self::check_active_jobs()?;
		Self::check_terms()?;
		Self::check_models()?;
		Self::check_base_models()
	}

	fn check_escrow() -> Result<(), &'static str> {
		let mut due = BTreeMap::<T::AccountId, Balance>::new();
		for job in Jobs::<T>::iter_values() {
			let price = if is_unfinished(&job.status) { job.price } else { 0 };
			*due.entry(job.requester).or_default() += price;
		}
		Self::check_held(
			HoldReason::Escrow,
			due,
			"1: escrow must be the prices of unfinished jobs",
		)
	}

	fn check_bonds() -> Result<(), &'static str> {
		let due = Workers::<T>::iter().map(|(who, worker)| (who, worker.bond)).collect();
		Self::check_held(
			HoldReason::WorkerBond,
			due,
			"2: bonds held must be those of the records",
		)
	}

	fn check_deposits() -> Result<(), &'static str> {
		let mut due = BTreeMap::<T::AccountId, Balance>::new();
		for (id, model) in BaseModels::<T>::iter() {
			*due.entry(model.owner).or_default() += BaseModelDeposits::<T>::get(id);
		}
		Self::check_held(
			HoldReason::BaseModelDeposit,
			due,
			"3: deposits held must be those of the base models",
		)
	}

	fn check_active_jobs() -> Result<(), &'static str> {
		let mut active = BTreeMap::<T::AccountId, u32>::new();
		for job in Jobs::<T>::iter_values() {
			if let JobStatus::Claimed { worker, .. } | JobStatus::Submitted { worker, .. } = job.status {
				*active.entry(worker).or_default() += 1;
			}
		}
		for (who, worker) in Workers::<T>::iter() {
			if worker.active_jobs != active.remove(&who).unwrap_or(0) {
				return Err("4: active jobs must be those that name the worker");
			}
		}
		active
			.is_empty()
			.then_some(())
			.ok_or("4: a job must name a registered worker")
	}

	fn check_terms() -> Result<(), &'static str> {
		let unfinished = Jobs::<T>::iter().filter(|(_, job)| is_unfinished(&job.status)).count();
		let of_unfinished = JobTerms::<T>::iter_keys()
			.filter(|id| Jobs::<T>::get(id).is_some_and(|job| is_unfinished(&job.status)))
			.count();
		let all = JobTerms::<T>::iter_keys().count();
		(unfinished == all && unfinished == of_unfinished)
			.then_some(())
			.ok_or("5: exactly unfinished jobs must have terms")
	}

	fn check_models() -> Result<(), &'static str> {
		let mut models = 0;
		for (id, model) in Models::<T>::iter() {
			models += 1;
			let job = Jobs::<T>::get(model.job).ok_or("6: a model must come from a job")?;
			if job.status != (JobStatus::Accepted { model: id }) {
				return Err("6: a model's job must name it");
			}
			if ModelByAdapter::<T>::get(model.result.adapter.sha256) != Some(id) {
				return Err("6: an adapter must lead to its model");
			}
		}
		if ModelByAdapter::<T>::iter().count() != models || NextModel::<T>::get() as usize != models {
			return Err("6: adapters and ids must be those of the models");
		}
		let mut submitted = 0;
		for (id, job) in Jobs::<T>::iter() {
			if let JobStatus::Submitted { result, .. } = job.status {
				submitted += 1;
				if JobByAdapter::<T>::get(result.adapter.sha256) != Some(id) {
					return Err("6: a submitted adapter must lead to its job");
				}
			}
		}
		(JobByAdapter::<T>::iter().count() == submitted)
			.then_some(())
			.ok_or("6: submitted adapters must be those of submitted jobs")
	}

	fn check_base_models() -> Result<(), &'static str> {
		let models = BaseModels::<T>::iter().count();
		let named = BaseModelByDigest::<T>::iter_values()
			.filter(|id| BaseModels::<T>::contains_key(id))
			.count();
		(models == named
			&& NextBaseModel::<T>::get() as usize == models
			&& BaseModelDeposits::<T>::iter().count() == models)
			.then_some(())
			.ok_or("7: every base model must have one digest, one id and one deposit")
	}

	fn check_held(
		reason: HoldReason,
		due: BTreeMap<T::AccountId, Balance>,
		otherwise: &'static str,
	) -> Result<(), &'static str> {
		let reason = reason.into();
		due.into_iter()
			.all(|(who, amount)| T::Currency::balance_on_hold(&reason, &who) == amount)
			.then_some(())
			.ok_or(otherwise)
	}
}

/// Whether the price is still held.
fn is_unfinished<AccountId>(status: &JobStatus<AccountId>) -> bool {
	matches!(
		status,
		JobStatus::Open | JobStatus::Claimed { .. } | JobStatus::Submitted { .. }
	)
}
