//! How disputes end.

use crate::*;
use alloc::vec::Vec;
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision},
};
use openledger_primitives::{
	dispute::{ruling, Seat},
	fee::share,
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_close_dispute(id: JobId) -> DispatchResult {
		let mut dispute = Self::dispute_of(id)?;
		let params = Self::terms(id)?.params;
		let now = T::ActiveBlocks::now();
		if let Some(split_at) = dispute.split_at {
			ensure!(now >= split_at, Error::<T>::DisputeNotOver);
			return Self::split(id, dispute, &params);
		}
		ensure!(now > dispute.reveal_until, Error::<T>::DisputeNotOver);
		let seats = core::mem::take(&mut dispute.seats).into_inner();
		Self::dismiss(id, &seats, params.judge_penalty)?;
		if let Some(ruling) = ruling(&seats) {
			let right = |seat: &Seat<T::AccountId>| seat.finding.is_some_and(|finding| finding.ruling() == ruling);
			let judges: Vec<_> = seats.into_iter().filter(right).map(|seat| seat.judge).collect();
			return Self::carry_out(id, dispute, ruling, &judges);
		}
		let split_at = now.saturating_add(params.correct_blocks);
		dispute.split_at = Some(split_at);
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::DisputeUndecided { job: id, split_at });
		Ok(())
	}

	pub(crate) fn do_correct(id: JobId, ruling: Ruling) -> DispatchResult {
		let dispute = Self::dispute_of(id)?;
		let now = T::ActiveBlocks::now();
		let may = dispute.split_at.is_some_and(|split_at| now < split_at);
		ensure!(may, Error::<T>::NotCorrectable);
		Self::carry_out(id, dispute, ruling, &[])
	}

	/// Frees the judges; those who did not reveal pay for it.
	fn dismiss(id: JobId, seats: &[Seat<T::AccountId>], penalty: Balance) -> DispatchResult {
		for seat in seats {
			Self::unbind(&seat.judge)?;
			if seat.finding.is_none() {
				let penalty = Self::take_bond(&seat.judge, &T::Rewards::pot(), penalty)?;
				Self::deposit_event(Event::JudgeSilent {
					job: id,
					judge: seat.judge.clone(),
					penalty,
				});
			}
		}
		Ok(())
	}

	fn carry_out(id: JobId, dispute: Dispute<T::AccountId>, ruling: Ruling, judges: &[T::AccountId]) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Disputed {
			worker,
			accept_at,
			result,
			evaluation,
		} = job.status.clone()
		else {
			return Err(Error::<T>::JobNotDisputed.into());
		};
		Disputes::<T>::remove(id);
		let lost = match ruling {
			Ruling::Upheld => {
				Self::pay_upheld(&dispute, &worker, judges)?;
				job.status = JobStatus::Submitted {
					worker,
					accept_at,
					result,
					evaluation,
				};
				Jobs::<T>::insert(id, job);
				dispute.bond
			}
			Ruling::Broken => {
				let params = Self::terms(id)?.params;
				Self::unbind(&worker)?;
				let lost = Self::pay_broken(&dispute, &worker, judges, &params)?;
				JobByAdapter::<T>::remove(result.adapter.sha256);
				Self::lose(id, job, &params)?;
				lost
			}
		};
		Self::deposit_event(Event::DisputeDecided {
			job: id,
			ruling,
			judges: judges.len() as u32,
			lost,
		});
		Ok(())
	}

	/// Half of the disputer's bond to the judges in equal parts, the rest to the worker.
	fn pay_upheld(dispute: &Dispute<T::AccountId>, worker: &T::AccountId, judges: &[T::AccountId]) -> DispatchResult {
		let each = share(dispute.bond, 1, (judges.len() as u128).saturating_mul(2));
		let mut rest = dispute.bond;
		for judge in judges {
			Self::move_held(HoldReason::DisputeBond, &dispute.disputer, judge, each)?;
			rest = rest.saturating_sub(each);
		}
		Self::move_held(HoldReason::DisputeBond, &dispute.disputer, worker, rest)
	}

	/// The disputer's bond back, and of the worker's bond that of one job: the disputer's part to it, the rest to the judges
	/// in equal parts; where there are none, and what does not divide, to the pot. Returns what the worker lost.
	fn pay_broken(
		dispute: &Dispute<T::AccountId>,
		worker: &T::AccountId,
		judges: &[T::AccountId],
		params: &ModelParams,
	) -> Result<Balance, DispatchError> {
		Self::release_dispute_bond(dispute)?;
		let bond = Workers::<T>::get(worker).map_or(0, |worker| worker.bond);
		let lost = params.bond_per_job.min(bond);
		let part = share(lost, params.disputer_percent.into(), 100);
		let mut rest = lost.saturating_sub(Self::take_bond(worker, &dispute.disputer, part)?);
		let each = share(rest, 1, judges.len() as u128);
		for judge in judges {
			rest = rest.saturating_sub(Self::take_bond(worker, judge, each)?);
		}
		Self::take_bond(worker, &T::Rewards::pot(), rest)?;
		Ok(lost)
	}

	/// Nobody ruled: the price is split, and there is no model.
	fn split(id: JobId, dispute: Dispute<T::AccountId>, params: &ModelParams) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Disputed { worker, result, .. } = job.status.clone() else {
			return Err(Error::<T>::JobNotDisputed.into());
		};
		Disputes::<T>::remove(id);
		Self::release_dispute_bond(&dispute)?;
		Self::unbind(&worker)?;
		let (paid, refunded) = Self::split_undecided(&job, &worker, params.refund_percent)?;
		JobByAdapter::<T>::remove(result.adapter.sha256);
		job.status = JobStatus::Split;
		Self::end_without_model(id, job)?;
		Self::deposit_event(Event::JobSplit {
			job: id,
			paid,
			refunded,
		});
		Ok(())
	}

	fn release_dispute_bond(dispute: &Dispute<T::AccountId>) -> DispatchResult {
		T::Currency::release(
			&HoldReason::DisputeBond.into(),
			&dispute.disputer,
			dispute.bond,
			Precision::Exact,
		)?;
		Ok(())
	}
}
