//! What must hold after every block.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::traits::fungible::InspectHold;
use openledger_primitives::{
	evaluation::{later, EvaluatedOn, MIN_LATER},
	model::MAX_EVALUATIONS,
};

impl<T: Config> Pallet<T> {
	/// Checks the invariants that the crate's documentation numbers.
	pub fn check_state() -> Result<(), &'static str> {
		Self::check_escrow()?;
		Self::check_bonds()?;
		Self::check_deposits()?;
		Self::check_active_jobs()?;
		Self::check_terms()?;
		Self::check_models()?;
		Self::check_base_models()?;
		Self::check_disputes()?;
		Self::check_evaluations()?;
		Self::check_bids()?;
		Self::check_results()
	}

	fn check_escrow() -> Result<(), &'static str> {
		let mut due = BTreeMap::<T::AccountId, Balance>::new();
		for job in Jobs::<T>::iter_values() {
			let price = if job.status.has_ended() { 0 } else { job.price };
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
			if let Some(worker) = job.status.worker() {
				*active.entry(worker.clone()).or_default() += 1;
			}
		}
		for bid in Bids::<T>::iter_values().flatten() {
			*active.entry(bid.worker).or_default() += 1;
		}
		for seat in Disputes::<T>::iter_values().flat_map(|dispute| dispute.seats) {
			*active.entry(seat.judge).or_default() += 1;
		}
		for (who, worker) in Workers::<T>::iter() {
			if worker.active_jobs != active.remove(&who).unwrap_or(0) {
				return Err("4: active jobs must be jobs that name the worker, its bids and its seats");
			}
		}
		active
			.is_empty()
			.then_some(())
			.ok_or("4: a job, a bid and a seat must name a registered worker")
	}

	fn check_terms() -> Result<(), &'static str> {
		let unfinished = Jobs::<T>::iter().filter(|(_, job)| !job.status.has_ended()).count();
		let of_unfinished = JobTerms::<T>::iter_keys()
			.filter(|id| Jobs::<T>::get(id).is_some_and(|job| !job.status.has_ended()))
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
			if let JobStatus::Submitted { result, .. } | JobStatus::Disputed { result, .. } = job.status {
				submitted += 1;
				if JobByAdapter::<T>::get(result.adapter.sha256) != Some(id) {
					return Err("6: a submitted adapter must lead to its job");
				}
			}
		}
		(JobByAdapter::<T>::iter().count() == submitted)
			.then_some(())
			.ok_or("6: submitted adapters must be those of submitted and disputed jobs")
	}

	fn check_base_models() -> Result<(), &'static str> {
		let models = BaseModels::<T>::iter_keys().count();
		let named = BaseModelByDigest::<T>::iter_values()
			.filter(|id| BaseModels::<T>::contains_key(id))
			.count();
		if models != named
			|| BaseModelByDigest::<T>::iter().count() != models
			|| BaseModelDeposits::<T>::iter().count() != models
			|| BaseModels::<T>::iter_keys().any(|id| id >= NextBaseModel::<T>::get())
		{
			return Err("7: every base model must have one digest, one id and one deposit");
		}
		let mut uses = BTreeMap::<BaseModelId, u32>::new();
		for job in Jobs::<T>::iter_values().filter(|job| !job.status.has_ended()) {
			let base = Self::base_of(job.spec.parent).map_err(|_| "7: a job must have a base model")?;
			*uses.entry(base).or_default() += 1;
		}
		for model in Models::<T>::iter_values() {
			*uses.entry(model.base).or_default() += 1;
		}
		let counted: BTreeMap<_, _> = BaseModelUses::<T>::iter().collect();
		(uses == counted && uses.keys().all(BaseModels::<T>::contains_key))
			.then_some(())
			.ok_or("7: a base model must count the unfinished jobs and the models built on it")
	}

	fn check_disputes() -> Result<(), &'static str> {
		let mut due = BTreeMap::<T::AccountId, Balance>::new();
		let mut disputes = 0;
		for (id, dispute) in Disputes::<T>::iter() {
			disputes += 1;
			let is_disputed = Jobs::<T>::get(id).is_some_and(|job| matches!(job.status, JobStatus::Disputed { .. }));
			if !is_disputed || (dispute.split_at.is_some() && !dispute.seats.is_empty()) {
				return Err("8: a dispute must be about a disputed job, and have no judges once it is closed");
			}
			*due.entry(dispute.disputer).or_default() += dispute.bond;
		}
		let disputed = Jobs::<T>::iter_values().filter(|job| matches!(job.status, JobStatus::Disputed { .. }));
		if disputed.count() != disputes {
			return Err("8: a disputed job must have a dispute");
		}
		Self::check_held(
			HoldReason::DisputeBond,
			due,
			"8: disputers' bonds held must be those of disputes",
		)
	}

	fn check_evaluations() -> Result<(), &'static str> {
		let mut due = BTreeMap::<T::AccountId, Balance>::new();
		let mut counts = BTreeMap::<ModelId, u32>::new();
		for (model, who, evaluation) in Evaluations::<T>::iter() {
			*due.entry(who).or_default() += evaluation.bond;
			*counts.entry(model).or_default() += 1;
		}
		let counted: BTreeMap<_, _> = EvaluationCount::<T>::iter().collect();
		if counts != counted || counts.values().any(|count| *count > MAX_EVALUATIONS) {
			return Err("9: a model must count its evaluations");
		}
		Self::check_held(
			HoldReason::EvaluationBond,
			due,
			"9: evaluators' bonds held must be those of evaluations",
		)
	}

	fn check_bids() -> Result<(), &'static str> {
		for (id, bids) in Bids::<T>::iter() {
			let distinct: BTreeSet<_> = bids.iter().map(|bid| &bid.worker).collect();
			let is_open = Jobs::<T>::get(id).is_some_and(|job| job.status == JobStatus::Open);
			if !is_open || bids.is_empty() || distinct.len() != bids.len() {
				return Err("10: only open jobs must have bids, of distinct workers");
			}
		}
		Ok(())
	}

	fn check_results() -> Result<(), &'static str> {
		for job in Jobs::<T>::iter_values() {
			let (JobStatus::Submitted {
				accept_at, evaluation, ..
			}
			| JobStatus::Disputed {
				accept_at, evaluation, ..
			}) = job.status
			else {
				continue;
			};
			if evaluation
				.evaluate_by()
				.is_some_and(|evaluate_by| evaluate_by >= accept_at)
			{
				return Err("11: an evaluation must be due before anybody can accept the result");
			}
			Self::check_reported(&job.spec, evaluation.reported())?;
		}
		for model in Models::<T>::iter_values() {
			Self::check_reported(&model.spec, model.evaluation.as_ref())?;
		}
		Ok(())
	}

	fn check_reported(spec: &TrainingSpec, reported: Option<&EvaluationOfResult>) -> Result<(), &'static str> {
		let is_right = match reported.map(|evaluation| &evaluation.on) {
			Some(EvaluatedOn::Later { until, .. }) => later(&spec.datasets, until) >= MIN_LATER,
			Some(EvaluatedOn::Split) | None => true,
		};
		is_right
			.then_some(())
			.ok_or("11: an evaluation of later items must have enough of them")
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
