//! The price of a job: held, given back, or split.

use crate::*;
use frame_support::{
	pallet_prelude::DispatchResult,
	traits::{
		fungible::MutateHold,
		tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
	},
};
use openledger_primitives::training::Parent;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	pub(crate) fn hold_price(requester: &T::AccountId, price: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::Escrow.into(), requester, price)
	}

	pub(crate) fn refund(job: &Job<T::AccountId>) -> DispatchResult {
		T::Currency::release(&HoldReason::Escrow.into(), &job.requester, job.price, Precision::Exact)?;
		Ok(())
	}

	/// Pays the price out to the last planck, by force: a freeze that came later must not hold up
	/// what is owed. A share that its receiver cannot take goes to the worker. Returns who got what.
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
		T::Currency::transfer_on_hold(
			&HoldReason::Escrow.into(),
			&job.requester,
			worker,
			rest,
			Precision::Exact,
			Restriction::Free,
			Fortitude::Force,
		)?;
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
		T::Currency::transfer_on_hold(
			&HoldReason::Escrow.into(),
			&job.requester,
			to,
			amount,
			Precision::Exact,
			Restriction::Free,
			Fortitude::Force,
		)
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
