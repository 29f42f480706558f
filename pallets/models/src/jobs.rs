//! The states of a job.

use crate::{base_models::is_consistent, *};
use frame_support::{
	ensure,
	pallet_prelude::{ConstU32, DispatchResult},
	BoundedVec,
};
use openledger_primitives::{
	format::Modality,
	training::{Method, Parent, SpecError, MAX_DATASETS},
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
		Self::base_of(spec.parent)?;
		Self::ensure_continuable(&spec)?;
		let roots = Self::roots_of(&spec, &requester)?;

		let id = NextJob::<T>::get();
		NextJob::<T>::put(id.checked_add(1).ok_or(Error::<T>::IdsExhausted)?);
		Self::hold_price(&requester, price)?;
		let created_at = T::ActiveBlocks::now();
		let digest = spec.digest();
		Jobs::<T>::insert(
			id,
			Job {
				requester: requester.clone(),
				spec,
				price,
				created_at,
				expires_at: created_at.saturating_add(params.open_blocks),
				failures: 0,
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

	pub(crate) fn do_bid(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(job.status == JobStatus::Open, Error::<T>::JobNotOpen);
		let now = T::ActiveBlocks::now();
		ensure!(now <= job.expires_at, Error::<T>::JobHasExpired);
		ensure!(who != job.requester, Error::<T>::OwnJob);
		Self::take_job(&who)?;
		let params = Self::terms(id)?.params;
		let train_until = now.saturating_add(params.max_train_blocks);
		let heartbeat_by = now.saturating_add(params.heartbeat_blocks).min(train_until);
		job.status = JobStatus::Claimed {
			worker: who.clone(),
			heartbeat_by,
			train_until,
			progress: Progress::default(),
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::JobClaimed {
			job: id,
			worker: who,
			heartbeat_by,
		});
		Ok(())
	}

	pub(crate) fn do_heartbeat(who: T::AccountId, id: JobId, progress: Progress) -> DispatchResult {
		let mut job = Self::job(id)?;
		let (before, train_until) = Self::ensure_held_by(&job, &who)?;
		ensure!(
			progress.step >= before.step && progress.step <= progress.steps,
			Error::<T>::InvalidProgress
		);
		let heartbeat_by = T::ActiveBlocks::now()
			.saturating_add(Self::terms(id)?.params.heartbeat_blocks)
			.min(train_until);
		job.status = JobStatus::Claimed {
			worker: who,
			heartbeat_by,
			train_until,
			progress,
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::Heartbeat {
			job: id,
			progress,
			heartbeat_by,
		});
		Ok(())
	}

	pub(crate) fn do_submit_result(who: T::AccountId, id: JobId, result: JobResult) -> DispatchResult {
		let mut job = Self::job(id)?;
		let (progress, _) = Self::ensure_held_by(&job, &who)?;
		ensure!(progress.step > 0, Error::<T>::ProgressMissing);
		ensure!(result.steps >= progress.step, Error::<T>::InvalidResult);
		let artifacts = [&result.adapter, &result.adapter_config, &result.manifest];
		ensure!(artifacts.into_iter().all(is_consistent), Error::<T>::InvalidArtifact);
		let adapter = result.adapter.sha256;
		let taken = ModelByAdapter::<T>::contains_key(adapter) || JobByAdapter::<T>::contains_key(adapter);
		ensure!(!taken, Error::<T>::AdapterAlreadyRegistered);

		let accept_at = T::ActiveBlocks::now().saturating_add(Self::terms(id)?.params.accept_blocks);
		JobByAdapter::<T>::insert(adapter, id);
		job.status = JobStatus::Submitted {
			worker: who.clone(),
			accept_at,
			result,
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::ResultSubmitted {
			job: id,
			worker: who,
			adapter,
			accept_at,
		});
		Ok(())
	}

	pub(crate) fn do_accept_result(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Submitted {
			worker,
			accept_at,
			result,
		} = job.status.clone()
		else {
			return Err(Error::<T>::JobNotSubmitted.into());
		};
		let may = who == job.requester || T::ActiveBlocks::now() >= accept_at;
		ensure!(may, Error::<T>::ResultNotAcceptableYet);

		let split = Self::split_escrow(&job, &worker)?;
		Self::drop_job(&worker, 0)?;
		let model = Self::register_model(id, &job, worker, result)?;
		job.status = JobStatus::Accepted { model };
		Self::end(id, job);
		Self::deposit_event(Event::ResultAccepted { job: id, model, split });
		Ok(())
	}

	pub(crate) fn do_cancel_job(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(who == job.requester, Error::<T>::NotTheRequester);
		ensure!(job.status == JobStatus::Open, Error::<T>::JobNotOpen);
		Self::refund(&job)?;
		job.status = JobStatus::Cancelled;
		Self::end(id, job);
		Self::deposit_event(Event::JobCancelled { job: id });
		Ok(())
	}

	pub(crate) fn do_report_missed(id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Claimed {
			worker, heartbeat_by, ..
		} = job.status.clone()
		else {
			return Err(Error::<T>::JobNotClaimed.into());
		};
		let now = T::ActiveBlocks::now();
		ensure!(now > heartbeat_by, Error::<T>::HeartbeatNotMissed);

		let params = Self::terms(id)?.params;
		let penalty = Self::drop_job(&worker, params.missed_penalty)?;
		Self::deposit_event(Event::HeartbeatMissed {
			job: id,
			worker,
			penalty,
		});
		job.failures = job.failures.saturating_add(1);
		if job.failures < params.max_failures {
			job.status = JobStatus::Open;
			// Anew, or a job that was taken late could not be taken again.
			job.expires_at = now.saturating_add(params.open_blocks);
			Jobs::<T>::insert(id, job);
		} else {
			Self::refund(&job)?;
			job.status = JobStatus::Failed;
			Self::end(id, job);
			Self::deposit_event(Event::JobFailed { job: id });
		}
		Ok(())
	}

	pub(crate) fn do_expire_job(id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(job.status == JobStatus::Open, Error::<T>::JobNotOpen);
		ensure!(T::ActiveBlocks::now() > job.expires_at, Error::<T>::JobNotExpiredYet);
		Self::refund(&job)?;
		job.status = JobStatus::Expired;
		Self::end(id, job);
		Self::deposit_event(Event::JobExpired { job: id });
		Ok(())
	}

	fn job(id: JobId) -> Result<Job<T::AccountId>, Error<T>> {
		Jobs::<T>::get(id).ok_or(Error::<T>::JobNotFound)
	}

	fn terms(id: JobId) -> Result<Terms, Error<T>> {
		JobTerms::<T>::get(id).ok_or(Error::<T>::JobNotFound)
	}

	/// Stores a job that has reached its last state.
	fn end(id: JobId, job: Job<T::AccountId>) {
		JobTerms::<T>::remove(id);
		Jobs::<T>::insert(id, job);
	}

	/// The base model under a parent.
	fn base_of(parent: Parent) -> Result<BaseModelId, Error<T>> {
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
			ensure!(adapters, Error::<T>::ParentNotContinuable);
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

	/// Progress so far and last block of a job that `who` holds and has not missed the deadline of.
	fn ensure_held_by(job: &Job<T::AccountId>, who: &T::AccountId) -> Result<(Progress, ActiveBlock), Error<T>> {
		let JobStatus::Claimed {
			worker,
			heartbeat_by,
			train_until,
			progress,
		} = &job.status
		else {
			return Err(Error::<T>::JobNotClaimed);
		};
		ensure!(worker == who, Error::<T>::NotTheWorker);
		ensure!(T::ActiveBlocks::now() <= *heartbeat_by, Error::<T>::HeartbeatOverdue);
		Ok((*progress, *train_until))
	}

	fn register_model(
		id: JobId,
		job: &Job<T::AccountId>,
		worker: T::AccountId,
		result: JobResult,
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
			},
		);
		Ok(model)
	}
}
