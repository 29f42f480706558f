//! The states of a job.

use crate::*;
use frame_support::{
	ensure,
	pallet_prelude::{ConstU32, DispatchResult},
	BoundedVec,
};
use openledger_primitives::{
	evaluation::EvaluationOfResult,
	format::Modality,
	training::{Method, SpecError, MAX_DATASETS},
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_request_job(requester: T::AccountId, spec: TrainingSpec, price: Balance) -> DispatchResult {
		spec.validate().map_err(|error| match error {
			SpecError::Datasets => Error::<T>::InvalidDatasets,
			SpecError::Hyperparameters => Error::<T>::InvalidHyperparameters,
		})?;
		let params = Params::<T>::get();
		ensure!(price >= params.min_price, Error::<T>::PriceTooLow);
		let base = Self::base_of(spec.parent)?;
		Self::ensure_continuable(&spec)?;
		let roots = Self::roots_of(&spec, &requester)?;

		let id = NextJob::<T>::get();
		NextJob::<T>::put(id.checked_add(1).ok_or(Error::<T>::IdsExhausted)?);
		Self::hold_price(&requester, price)?;
		BaseModelUses::<T>::mutate(base, |uses| *uses = uses.saturating_add(1));
		let created_at = T::ActiveBlocks::now();
		let digest = spec.digest();
		Jobs::<T>::insert(
			id,
			Job {
				requester: requester.clone(),
				spec,
				price,
				created_at,
				bids_until: created_at.saturating_add(params.bid_blocks),
				expires_at: created_at.saturating_add(params.open_blocks),
				failures: 0,
				paused_blocks: 0,
				status: JobStatus::Open,
			},
		);
		JobTerms::<T>::insert(id, Terms { params, roots });
		Self::deposit_event(Event::JobRequested {
			job: id,
			requester,
			price,
			spec: digest,
		});
		Ok(())
	}

	pub(crate) fn do_accept_result(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Submitted {
			worker,
			accept_at,
			result,
			evaluation,
		} = job.status.clone()
		else {
			return Err(Error::<T>::JobNotSubmitted.into());
		};
		if who != job.requester {
			ensure!(T::ActiveBlocks::now() >= accept_at, Error::<T>::ResultNotAcceptableYet);
			ensure!(evaluation.reported().is_some(), Error::<T>::EvaluationNotReported);
		}

		let split = Self::split_escrow(&job, &worker)?;
		Self::unbind(&worker)?;
		let model = Self::register_model(id, &job, worker, result, evaluation.reported().cloned())?;
		job.status = JobStatus::Accepted { model };
		Self::end(id, job);
		Self::deposit_event(Event::ResultAccepted { job: id, model, split });
		Ok(())
	}

	pub(crate) fn do_cancel_job(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(who == job.requester, Error::<T>::NotTheRequester);
		let paid = match &job.status {
			JobStatus::Open => {
				Self::drop_bids(id)?;
				0
			}
			JobStatus::Paused { worker, progress, .. } => {
				Self::unbind(worker)?;
				Self::pay_steps(&job, worker, *progress)?
			}
			_ => return Err(Error::<T>::JobNotCancellable.into()),
		};
		Self::refund(&job, job.price.saturating_sub(paid))?;
		job.status = JobStatus::Cancelled;
		Self::end_without_model(id, job)?;
		Self::deposit_event(Event::JobCancelled { job: id, paid });
		Ok(())
	}

	pub(crate) fn do_report_missed(id: JobId) -> DispatchResult {
		let job = Self::job(id)?;
		let (worker, due_by, waiting) = match job.status.clone() {
			JobStatus::Claimed {
				worker, heartbeat_by, ..
			} => (worker, Some(heartbeat_by), None),
			JobStatus::Submitted {
				worker,
				result,
				evaluation,
				..
			} => (worker, evaluation.evaluate_by(), Some(result.adapter.sha256)),
			_ => return Err(Error::<T>::JobNotClaimed.into()),
		};
		let is_missed = due_by.is_some_and(|due_by| T::ActiveBlocks::now() > due_by);
		ensure!(is_missed, Error::<T>::HeartbeatNotMissed);

		if let Some(adapter) = waiting {
			JobByAdapter::<T>::remove(adapter);
		}
		let params = Self::terms(id)?.params;
		Self::unbind(&worker)?;
		let penalty = Self::take_bond(&worker, &T::Rewards::pot(), params.missed_penalty)?;
		Self::deposit_event(Event::HeartbeatMissed {
			job: id,
			worker,
			penalty,
		});
		Self::lose(id, job, &params)
	}

	pub(crate) fn do_expire_job(id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(job.status == JobStatus::Open, Error::<T>::JobNotOpen);
		ensure!(T::ActiveBlocks::now() > job.expires_at, Error::<T>::JobNotExpiredYet);
		Self::drop_bids(id)?;
		Self::refund(&job, job.price)?;
		job.status = JobStatus::Expired;
		Self::end_without_model(id, job)?;
		Self::deposit_event(Event::JobExpired { job: id });
		Ok(())
	}

	pub(crate) fn do_prune_job(id: JobId) -> DispatchResult {
		let status = Self::job(id)?.status;
		let is_provenance = matches!(status, JobStatus::Accepted { .. });
		ensure!(status.has_ended() && !is_provenance, Error::<T>::JobNotPrunable);
		Jobs::<T>::remove(id);
		Self::deposit_event(Event::JobPruned { job: id });
		Ok(())
	}

	/// A worker has lost the job: it opens again, or fails and is refunded.
	pub(crate) fn lose(id: JobId, mut job: Job<T::AccountId>, params: &ModelParams) -> DispatchResult {
		job.failures = job.failures.saturating_add(1);
		if job.failures < params.max_failures {
			let now = T::ActiveBlocks::now();
			job.status = JobStatus::Open;
			job.bids_until = now.saturating_add(params.bid_blocks);
			// Anew, or a job that was taken late could not be taken again.
			job.expires_at = now.saturating_add(params.open_blocks);
			Jobs::<T>::insert(id, job);
			return Ok(());
		}
		Self::refund(&job, job.price)?;
		job.status = JobStatus::Failed;
		Self::end_without_model(id, job)?;
		Self::deposit_event(Event::JobFailed { job: id });
		Ok(())
	}

	/// Stores a job that has ended without a model; its base model is not needed for it any more.
	pub(crate) fn end_without_model(id: JobId, job: Job<T::AccountId>) -> DispatchResult {
		let base = Self::base_of(job.spec.parent)?;
		BaseModelUses::<T>::mutate_exists(base, |uses| {
			*uses = uses.unwrap_or(0).checked_sub(1).filter(|left| *left > 0);
		});
		Self::end(id, job);
		Ok(())
	}

	pub(crate) fn job(id: JobId) -> Result<Job<T::AccountId>, Error<T>> {
		Jobs::<T>::get(id).ok_or(Error::<T>::JobNotFound)
	}

	pub(crate) fn terms(id: JobId) -> Result<Terms, Error<T>> {
		JobTerms::<T>::get(id).ok_or(Error::<T>::JobNotFound)
	}

	/// Stores a job that has reached its last state.
	fn end(id: JobId, job: Job<T::AccountId>) {
		JobTerms::<T>::remove(id);
		Jobs::<T>::insert(id, job);
	}

	/// The base model under a parent.
	pub(crate) fn base_of(parent: Parent) -> Result<BaseModelId, Error<T>> {
		match parent {
			Parent::Base(id) if BaseModels::<T>::contains_key(id) => Ok(id),
			Parent::Base(_) => Err(Error::<T>::BaseModelNotFound),
			Parent::Model(id) => Ok(Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?.base),
		}
	}

	/// An earlier result is continued as the adapter it is.
	fn ensure_continuable(spec: &TrainingSpec) -> DispatchResult {
		if let Parent::Model(id) = spec.parent {
			let earlier = Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?.spec.method;
			let adapters = earlier != Method::Full && spec.method != Method::Full;
			// The magnitudes of a DoRA are trained on, or there are none.
			let alike = (earlier == Method::Dora) == (spec.method == Method::Dora);
			ensure!(adapters && alike, Error::<T>::ParentNotContinuable);
		}
		Ok(())
	}

	/// The roots of the order's datasets, all of them text and open to `who`.
	fn roots_of(
		spec: &TrainingSpec,
		who: &T::AccountId,
	) -> Result<BoundedVec<[u8; 32], ConstU32<MAX_DATASETS>>, DispatchError> {
		let mut roots = BoundedVec::new();
		for dataset in &spec.datasets {
			let found = T::Datasets::dataset(*dataset, who)?;
			ensure!(found.modality == Modality::Text, Error::<T>::ModalityNotTrainable);
			roots.try_push(found.root).map_err(|_| Error::<T>::InvalidDatasets)?;
		}
		Ok(roots)
	}

	/// The job's use of the base model becomes the model's.
	fn register_model(
		id: JobId,
		job: &Job<T::AccountId>,
		worker: T::AccountId,
		result: JobResult,
		evaluation: Option<EvaluationOfResult>,
	) -> Result<ModelId, Error<T>> {
		let model = NextModel::<T>::get();
		NextModel::<T>::put(model.checked_add(1).ok_or(Error::<T>::IdsExhausted)?);
		JobByAdapter::<T>::remove(result.adapter.sha256);
		ModelByAdapter::<T>::insert(result.adapter.sha256, model);
		Models::<T>::insert(
			model,
			Model {
				owner: job.requester.clone(),
				worker,
				base: Self::base_of(job.spec.parent)?,
				job: id,
				spec: job.spec.clone(),
				roots: Self::terms(id)?.roots,
				result,
				evaluation,
			},
		);
		Ok(model)
	}
}
