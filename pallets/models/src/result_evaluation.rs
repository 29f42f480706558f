//! What a result's loss is on items that nobody knew when it was submitted.

use crate::*;
use frame_support::{ensure, pallet_prelude::DispatchResult};
use openledger_primitives::{
	bid::SEED_DELAY,
	evaluation::{draw, later, EvaluatedOn, EvaluationOfResult, EvaluationSet, ResultEvaluation, MIN_LATER},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_report_evaluation(who: T::AccountId, id: JobId, loss_micro: u64, tokens: u64) -> DispatchResult {
		let mut job = Self::job(id)?;
		let (JobStatus::Submitted { worker, evaluation, .. } | JobStatus::Disputed { worker, evaluation, .. }) =
			&mut job.status
		else {
			return Err(Error::<T>::JobNotSubmitted.into());
		};
		ensure!(*worker == who, Error::<T>::NotTheWorker);
		let ResultEvaluation::Due {
			until,
			seed_at,
			evaluate_by,
		} = evaluation
		else {
			return Err(Error::<T>::EvaluationAlreadyReported.into());
		};
		ensure!(T::ActiveBlocks::now() <= *evaluate_by, Error::<T>::EvaluationOverdue);
		ensure!(tokens > 0 || loss_micro == 0, Error::<T>::InvalidEvaluation);
		let seed = T::Seeds::seed(*seed_at).ok_or(Error::<T>::SeedNotKnown)?;
		let on = if later(&job.spec.datasets, until) < MIN_LATER {
			EvaluatedOn::Split
		} else {
			let until = core::mem::take(until);
			EvaluatedOn::Later { seed, until }
		};
		let reported = EvaluationOfResult { on, loss_micro, tokens };
		*evaluation = ResultEvaluation::Reported(reported.clone());
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::EvaluationReported {
			job: id,
			evaluation: reported,
		});
		Ok(())
	}

	/// The evaluation that a result submitted now needs, and by when.
	pub(crate) fn evaluation_due(spec: &TrainingSpec, params: &ModelParams) -> (ResultEvaluation, ActiveBlock) {
		let mut until = spec.datasets.clone();
		for dataset in until.iter_mut() {
			*dataset = T::Datasets::newest(dataset.datanet).unwrap_or(*dataset);
		}
		let seed_at = T::ActiveBlocks::now().saturating_add(SEED_DELAY);
		let evaluate_by = seed_at.saturating_add(params.evaluate_blocks);
		let due = ResultEvaluation::Due {
			until,
			seed_at,
			evaluate_by,
		};
		(due, evaluate_by)
	}

	/// What a job's result is, or was, evaluated on.
	pub(crate) fn set_of(id: JobId) -> Option<EvaluationSet> {
		let job = Jobs::<T>::get(id)?;
		let ordered = &job.spec.datasets;
		let evaluation = match job.status {
			JobStatus::Submitted { evaluation, .. } | JobStatus::Disputed { evaluation, .. } => evaluation,
			JobStatus::Accepted { model } => ResultEvaluation::Reported(Models::<T>::get(model)?.evaluation?),
			_ => return None,
		};
		let (seed, until) = match evaluation {
			ResultEvaluation::Due { until, seed_at, .. } => match T::Seeds::seed(seed_at) {
				Some(seed) => (seed, until),
				None => return Some(EvaluationSet::NotDrawn { seed_at }),
			},
			ResultEvaluation::Reported(EvaluationOfResult { on, .. }) => match on {
				EvaluatedOn::Later { seed, until } => (seed, until),
				EvaluatedOn::Split => return Some(EvaluationSet::Split),
			},
		};
		let drawn = draw(&seed, id, ordered, &until);
		Some(drawn.map_or(EvaluationSet::Split, EvaluationSet::Later))
	}
}
