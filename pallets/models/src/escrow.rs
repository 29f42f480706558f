//! The price of a job: held, given back, or split.

use crate::*;
use frame_support::{
	pallet_prelude::DispatchResult,
	traits::{
		fungible::MutateHold,
		tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
	},
};
use openledger_primitives::fee::share;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	pub(crate) fn hold_price(requester: &T::AccountId, price: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::Escrow.into(), requester, price)
	}

	/// Gives so much of the price back.
	pub(crate) fn refund(job: &Job<T::AccountId>, amount: Balance) -> DispatchResult {
		T::Currency::release(&HoldReason::Escrow.into(), &job.requester, amount, Precision::Exact)?;
		Ok(())
	}

	/// Pays a worker whose job is cancelled for the steps that it told, at most half of the price: nothing has shown that
	/// they were done. No model comes of them, so nobody else has a share. Returns what was paid.
	pub(crate) fn pay_steps(
		job: &Job<T::AccountId>,
		worker: &T::AccountId,
		progress: Progress,
	) -> Result<Balance, DispatchError> {
		let done = share(job.price, progress.step.into(), progress.steps.into());
		let due = done.min(share(job.price, 1, 2));
		Self::move_held(HoldReason::Escrow, &job.requester, worker, due)?;
		Ok(due)
	}

	/// What of the price the requester gets back where nobody ruled; the worker gets the rest. Returns both.
	pub(crate) fn split_undecided(
		job: &Job<T::AccountId>,
		worker: &T::AccountId,
		refund_percent: u8,
	) -> Result<(Balance, Balance), DispatchError> {
		let refunded = share(job.price, refund_percent.into(), 100);
		let paid = job.price.saturating_sub(refunded);
		Self::refund(job, refunded)?;
		Self::move_held(HoldReason::Escrow, &job.requester, worker, paid)?;
		Ok((paid, refunded))
	}

	/// Moves what is held of one account to the free balance of another, by force: a freeze that came later must not hold
	/// up what is owed.
	pub(crate) fn move_held(
		reason: HoldReason,
		from: &T::AccountId,
		to: &T::AccountId,
		amount: Balance,
	) -> DispatchResult {
		if amount > 0 {
			T::Currency::transfer_on_hold(
				&reason.into(),
				from,
				to,
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)?;
		}
		Ok(())
	}

	/// Pays the price out to the last planck. A share that its receiver cannot take goes to the worker. Returns who got what.
	pub(crate) fn split_escrow(job: &Job<T::AccountId>, worker: &T::AccountId) -> Result<EscrowSplit, DispatchError> {
		let due = EscrowSplit::of(job.price);
		let contributors = Self::pay(job, &T::Rewards::pot(), due.contributors)?;
		Self::collect_fees(&job.spec, contributors);
		let parent = Self::pay(job, &Self::parent_owner(job.spec.parent)?, due.parent)?;
		let treasury = Self::pay(job, &T::Treasury::get(), due.treasury)?;
		let rest = job
			.price
			.saturating_sub(contributors)
			.saturating_sub(parent)
			.saturating_sub(treasury);
		Self::move_held(HoldReason::Escrow, &job.requester, worker, rest)?;
		Ok(EscrowSplit {
			worker: rest,
			contributors,
			parent,
			treasury,
		})
	}

	/// Pays `amount` of the escrow, or nothing where the receiver cannot take it: nobody's missing account may hold up an
	/// acceptance. Returns what was paid.
	fn pay(job: &Job<T::AccountId>, to: &T::AccountId, amount: Balance) -> Result<Balance, DispatchError> {
		if amount == 0 || T::Currency::can_deposit(to, amount, Provenance::Extant) != DepositConsequence::Success {
			return Ok(0);
		}
		Self::move_held(HoldReason::Escrow, &job.requester, to, amount)?;
		Ok(amount)
	}

	/// Tells rewards what the pot now owes to the contributors of each dataset: equal parts, the remainder to the last.
	/// Where a version has no points the pot keeps the part.
	fn collect_fees(spec: &TrainingSpec, amount: Balance) {
		let count = spec.datasets.len() as Balance;
		let part = amount.checked_div(count).unwrap_or(0);
		let last = amount.saturating_sub(part.saturating_mul(count.saturating_sub(1)));
		for (at, dataset) in spec.datasets.iter().enumerate() {
			let part = if at.saturating_add(1) == spec.datasets.len() {
				last
			} else {
				part
			};
			if part > 0 {
				T::Fees::collect(dataset.datanet, dataset.version, part);
			}
		}
	}

	fn parent_owner(parent: Parent) -> Result<T::AccountId, DispatchError> {
		match parent {
			Parent::Base(id) => Ok(BaseModels::<T>::get(id).ok_or(Error::<T>::BaseModelNotFound)?.owner),
			Parent::Model(id) => Ok(Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?.owner),
		}
	}
}
