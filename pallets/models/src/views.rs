//! Answers to what a page asks.

use crate::*;
use alloc::vec::Vec;
use codec::{Decode, Encode};
use openledger_primitives::{bid::SEED_DELAY, dispute::segment, evaluation::ResultEvaluation};
use scale_info::TypeInfo;

/// Parents that a lineage names at most.
pub const MAX_LINEAGE: u32 = 64;

/// When something becomes due or possible for a job, in active blocks; what does not apply to its state is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, TypeInfo)]
pub struct JobDeadlines {
	/// Before it workers bid.
	pub bids_until: Option<ActiveBlock>,
	/// After it a draw is possible, where there are bids.
	pub draw_after: Option<ActiveBlock>,
	/// After it the job can be expired.
	pub expires_at: Option<ActiveBlock>,
	/// The next heartbeat is due by it.
	pub heartbeat_by: Option<ActiveBlock>,
	/// The result is due by it.
	pub train_until: Option<ActiveBlock>,
	/// From it on anybody can resume the job.
	pub resume_at: Option<ActiveBlock>,
	/// After it the worker can report its result's evaluation.
	pub evaluate_after: Option<ActiveBlock>,
	/// The evaluation is due by it.
	pub evaluate_by: Option<ActiveBlock>,
	/// Before it the result can be disputed; from it on anybody can accept it once it is evaluated.
	pub accept_at: Option<ActiveBlock>,
	/// The last block in which judges commit.
	pub commit_until: Option<ActiveBlock>,
	/// The last block in which judges reveal.
	pub reveal_until: Option<ActiveBlock>,
	/// Before it AdminOrigin can rule; from it on the price can be split.
	pub split_at: Option<ActiveBlock>,
}

impl JobDeadlines {
	fn set_evaluation(&mut self, evaluation: &ResultEvaluation) {
		if let ResultEvaluation::Due {
			seed_at, evaluate_by, ..
		} = evaluation
		{
			self.evaluate_after = Some(*seed_at);
			self.evaluate_by = Some(*evaluate_by);
		}
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn deadlines(id: JobId) -> Option<JobDeadlines> {
		let job = Jobs::<T>::get(id)?;
		let mut due = JobDeadlines::default();
		match job.status {
			JobStatus::Open => {
				due.bids_until = Some(job.bids_until);
				due.draw_after = Some(job.bids_until.saturating_add(SEED_DELAY));
				due.expires_at = Some(job.expires_at);
			}
			JobStatus::Claimed {
				heartbeat_by,
				train_until,
				..
			} => {
				due.heartbeat_by = Some(heartbeat_by);
				due.train_until = Some(train_until);
			}
			JobStatus::Paused { until, .. } => due.resume_at = Some(until),
			JobStatus::Submitted {
				accept_at, evaluation, ..
			} => {
				due.accept_at = Some(accept_at);
				due.set_evaluation(&evaluation);
			}
			JobStatus::Disputed { evaluation, .. } => {
				due.set_evaluation(&evaluation);
				let dispute = Disputes::<T>::get(id)?;
				due.split_at = dispute.split_at;
				if dispute.split_at.is_none() {
					due.commit_until = Some(dispute.commit_until);
					due.reveal_until = Some(dispute.reveal_until);
				}
			}
			JobStatus::Accepted { .. }
			| JobStatus::Cancelled
			| JobStatus::Failed
			| JobStatus::Expired
			| JobStatus::Split => {}
		}
		Some(due)
	}

	pub(crate) fn dispute_with_segment(id: JobId) -> Option<(Dispute<T::AccountId>, Option<u32>)> {
		let dispute = Disputes::<T>::get(id)?;
		let JobStatus::Disputed { result, .. } = Jobs::<T>::get(id)?.status else {
			return None;
		};
		let seed = dispute.seed.or_else(|| T::Seeds::seed(dispute.seed_at));
		let drawn = seed.map(|seed| segment(&seed, id, result.checkpoints.count));
		Some((dispute, drawn))
	}

	pub(crate) fn line_of(model: ModelId, limit: u32) -> Vec<Parent> {
		let parent = |id| Models::<T>::get(id).map(|model| model.spec.parent);
		let next = |child: &Parent| match child {
			Parent::Model(id) => parent(*id),
			Parent::Base(_) => None,
		};
		core::iter::successors(parent(model), next)
			.take(limit.min(MAX_LINEAGE) as usize)
			.collect()
	}
}
