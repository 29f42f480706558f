//! From the claim to the result: heartbeats, pauses.

use crate::{base_models::is_consistent, *};
use frame_support::{ensure, pallet_prelude::DispatchResult};

impl<T: Config> Pallet<T> {
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
		ensure!(result.checkpoints.fits(result.steps), Error::<T>::InvalidResult);
		let artifacts = [&result.adapter, &result.adapter_config, &result.manifest];
		ensure!(artifacts.into_iter().all(is_consistent), Error::<T>::InvalidArtifact);
		let adapter = result.adapter.sha256;
		let taken = ModelByAdapter::<T>::contains_key(adapter) || JobByAdapter::<T>::contains_key(adapter);
		ensure!(!taken, Error::<T>::AdapterAlreadyRegistered);

		let params = Self::terms(id)?.params;
		let accept_at = T::ActiveBlocks::now().saturating_add(params.accept_blocks);
		let (evaluation, evaluate_by) = Self::evaluation_due(&job.spec, &params);
		JobByAdapter::<T>::insert(adapter, id);
		job.status = JobStatus::Submitted {
			worker: who.clone(),
			accept_at,
			result,
			evaluation,
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::ResultSubmitted {
			job: id,
			worker: who,
			adapter,
			accept_at,
			evaluate_by,
		});
		Ok(())
	}

	pub(crate) fn do_pause(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(who == job.requester, Error::<T>::NotTheRequester);
		let JobStatus::Claimed { worker, .. } = &job.status else {
			return Err(Error::<T>::JobNotClaimed.into());
		};
		let worker = worker.clone();
		let (progress, train_until) = Self::ensure_held_by(&job, &worker)?;
		let left = Self::terms(id)?
			.params
			.max_pause_blocks
			.saturating_sub(job.paused_blocks);
		ensure!(left > 0, Error::<T>::PauseExhausted);
		let since = T::ActiveBlocks::now();
		let until = since.saturating_add(left);
		job.status = JobStatus::Paused {
			worker,
			since,
			until,
			train_until,
			progress,
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::JobPaused { job: id, until });
		Ok(())
	}

	pub(crate) fn do_resume(who: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Paused {
			worker,
			since,
			until,
			train_until,
			progress,
		} = job.status
		else {
			return Err(Error::<T>::JobNotPaused.into());
		};
		let now = T::ActiveBlocks::now();
		ensure!(who == job.requester || now >= until, Error::<T>::PauseNotOver);
		// What passes after the longest pause is the worker's: it can resume the job itself.
		let paused = now.min(until).saturating_sub(since);
		let train_until = train_until.saturating_add(paused);
		let heartbeat_by = now
			.saturating_add(Self::terms(id)?.params.heartbeat_blocks)
			.min(train_until);
		job.paused_blocks = job.paused_blocks.saturating_add(paused);
		job.status = JobStatus::Claimed {
			worker,
			heartbeat_by,
			train_until,
			progress,
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::JobResumed { job: id, heartbeat_by });
		Ok(())
	}

	/// Progress so far and last block of a job that `who` holds and has not missed the deadline of.
	fn ensure_held_by(job: &Job<T::AccountId>, who: &T::AccountId) -> Result<(Progress, ActiveBlock), Error<T>> {
		let (worker, heartbeat_by, train_until, progress) = match &job.status {
			JobStatus::Claimed {
				worker,
				heartbeat_by,
				train_until,
				progress,
			} => (worker, heartbeat_by, train_until, progress),
			JobStatus::Paused { .. } => return Err(Error::<T>::JobPaused),
			_ => return Err(Error::<T>::JobNotClaimed),
		};
		ensure!(worker == who, Error::<T>::NotTheWorker);
		ensure!(T::ActiveBlocks::now() <= *heartbeat_by, Error::<T>::HeartbeatOverdue);
		Ok((*progress, *train_until))
	}
}
