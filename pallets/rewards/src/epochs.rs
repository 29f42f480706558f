//! Epochs: when they begin, what they pay, and to whom.

use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::{
	ensure,
	traits::{
		fungible::{Inspect as _, Mutate as _},
		tokens::{DepositConsequence, Fortitude, Preservation, Provenance},
		Get, TypedGet, UnixTime,
	},
};
use openledger_primitives::{
	fee::share,
	traits::{AcceptedItem, ActiveBlocks, Pool, Rewards},
	ActiveBlock, Balance, EpochIndex,
};
use sp_runtime::{traits::AccountIdConversion, DispatchResult};

use crate::{
	Config, CurrentEpoch, Epoch, EpochState, EpochStatus, Epochs, Error, Event, Owed, Pallet, Params, Pools, Shares,
};

/// The pot's account, for other pallets' configuration, as in `ResolveTo<PotAccount<Runtime>, Balances>`.
pub struct PotAccount<T>(PhantomData<T>);

impl<T: Config> TypedGet for PotAccount<T> {
	type Type = T::AccountId;

	fn get() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}
}

impl<T: Config> Rewards<T::AccountId> for Pallet<T> {
	fn award(pool: Pool, who: &T::AccountId, points: u128, final_at: ActiveBlock) -> EpochIndex {
		let epoch = Self::epoch_of(final_at);
		Self::add_points(epoch, pool, who, points);
		epoch
	}

	fn award_item(item: AcceptedItem<T::AccountId>, points: u128, final_at: ActiveBlock) -> EpochIndex {
		let epoch = Self::epoch_of(final_at);
		Self::add_points(epoch, Pool::Owners, item.owner, points);
		Self::add_points(epoch, Pool::Contributors(item.modality), item.contributor, points);
		if points > 0 && Self::has_own_pool(epoch, item.datanet) {
			Self::add_points(epoch, Pool::Datanet(item.datanet), item.contributor, points);
		}
		epoch
	}

	fn pot() -> T::AccountId {
		PotAccount::<T>::get()
	}
}

impl<T: Config> Pallet<T> {
	/// What the pot has, does not owe, and does not need to exist; plancks.
	pub(crate) fn free() -> Balance {
		T::Currency::reducible_balance(&Self::pot(), Preservation::Preserve, Fortitude::Polite)
			.saturating_sub(Owed::<T>::get())
	}

	fn add_points(epoch: EpochIndex, pool: Pool, who: &T::AccountId, points: u128) {
		if points == 0 {
			return;
		}
		Pools::<T>::mutate(epoch, pool, |book| book.points = book.points.saturating_add(points));
		Shares::<T>::mutate((epoch, pool, who), |share| *share = share.saturating_add(points));
		Self::deposit_event(Event::PointsAwarded {
			epoch,
			pool,
			who: who.clone(),
			points,
		});
	}

	/// The epoch that a verdict final at `final_at` belongs to, or the oldest open one if that has closed.
	fn epoch_of(final_at: ActiveBlock) -> EpochIndex {
		let current = CurrentEpoch::<T>::get();
		match Epochs::<T>::get(current) {
			Some(epoch) if final_at < epoch.start_block => current.saturating_sub(1),
			_ => current,
		}
	}

	/// Begins the next epoch if it is time; whether it did.
	pub(crate) fn try_next_epoch() -> bool {
		let now = T::UnixTime::now().as_millis() as u64;
		let current = CurrentEpoch::<T>::get();
		let start = Epochs::<T>::get(current).map_or(0, |epoch| epoch.start_millis);
		let length = Params::<T>::get().epoch_millis.max(1);
		let passed = now.saturating_sub(start) / length;
		if passed == 0 {
			return false;
		}
		Self::start_epoch(
			current.saturating_add(1),
			start.saturating_add(passed.saturating_mul(length)),
		);
		true
	}

	/// Begins an epoch, and closes the one that takes no more points because of it.
	fn start_epoch(epoch: EpochIndex, start_millis: u64) {
		if let Some(closing) = epoch.checked_sub(2) {
			Self::close(closing);
		}
		let params = Params::<T>::get();
		let budget = share(Self::free(), params.budget_ppm.into(), 1_000_000);
		let start_block = T::ActiveBlocks::now();
		CurrentEpoch::<T>::put(epoch);
		Epochs::<T>::insert(
			epoch,
			Epoch {
				start_millis,
				start_block,
				budget,
				state: EpochState::Open,
				params,
			},
		);
		Self::deposit_event(Event::EpochStarted {
			epoch,
			start_millis,
			budget,
		});
	}

	/// Fixes what an epoch's pools pay of its budget. A pool without points pays nothing.
	fn close(epoch: EpochIndex) {
		let Some(mut record) = Epochs::<T>::get(epoch) else {
			return;
		};
		// Budgets of epochs that overlap could together exceed the pot: what is there bounds them.
		let free = Self::free();
		let mut payout = 0;
		for pool in Pool::ALL {
			let book = Pools::<T>::get(epoch, pool);
			let pays = record
				.params
				.payout(pool, record.budget, book.points)
				.min(free - payout);
			if pays > 0 {
				Pools::<T>::mutate(epoch, pool, |book| book.payout = pays);
				payout += pays;
			}
		}
		Owed::<T>::mutate(|owed| *owed = owed.saturating_add(payout));
		record.state = EpochState::Closed;
		Epochs::<T>::insert(epoch, record);
		Self::deposit_event(Event::EpochClosed { epoch, payout });
	}

	/// Points of `who` in a pool of a closed epoch, and what they are paid.
	pub(crate) fn reward_of(who: &T::AccountId, epoch: EpochIndex, pool: Pool) -> Result<(u128, Balance), Error<T>> {
		match Epochs::<T>::get(epoch).map(|epoch| epoch.state) {
			Some(EpochState::Closed) => {}
			Some(EpochState::Swept) => return Err(Error::<T>::EpochSwept),
			Some(EpochState::Open) | None => return Err(Error::<T>::EpochNotClosed),
		}
		let book = Pools::<T>::get(epoch, pool);
		let points = Shares::<T>::get((epoch, pool, who));
		let amount = share(book.payout, points, book.points);
		ensure!(amount > 0, Error::<T>::NothingToClaim);
		Ok((points, amount))
	}

	pub(crate) fn pay_points(who: &T::AccountId, epoch: EpochIndex, pool: Pool) -> DispatchResult {
		let (points, amount) = Self::reward_of(who, epoch, pool)?;
		Self::pay(who, amount)?;
		Shares::<T>::remove((epoch, pool, who));
		Pools::<T>::mutate(epoch, pool, |book| {
			book.claimed_points = book.claimed_points.saturating_add(points);
			book.claimed = book.claimed.saturating_add(amount);
		});
		Self::deposit_event(Event::RewardClaimed {
			who: who.clone(),
			epoch,
			pool,
			amount,
		});
		Ok(())
	}

	/// Pays what is owed from the pot.
	pub(crate) fn pay(who: &T::AccountId, amount: Balance) -> DispatchResult {
		let deposit = T::Currency::can_deposit(who, amount, Provenance::Extant);
		ensure!(
			deposit != DepositConsequence::BelowMinimum,
			Error::<T>::BelowExistentialDeposit
		);
		T::Currency::transfer(&Self::pot(), who, amount, Preservation::Preserve)?;
		Owed::<T>::mutate(|owed| *owed = owed.saturating_sub(amount));
		Ok(())
	}

	pub(crate) fn sweep_epoch(epoch: EpochIndex) -> DispatchResult {
		let mut record = Epochs::<T>::get(epoch).ok_or(Error::<T>::EpochNotClosed)?;
		match record.state {
			EpochState::Closed => {}
			EpochState::Swept => return Err(Error::<T>::EpochSwept.into()),
			EpochState::Open => return Err(Error::<T>::EpochNotClosed.into()),
		}
		ensure!(
			CurrentEpoch::<T>::get() >= record.expires_in(epoch),
			Error::<T>::EpochNotExpired
		);

		let mut amount: Balance = 0;
		for pool in Pool::ALL {
			let book = Pools::<T>::take(epoch, pool);
			amount = amount.saturating_add(book.payout.saturating_sub(book.claimed));
		}
		Owed::<T>::mutate(|owed| *owed = owed.saturating_sub(amount));
		record.state = EpochState::Swept;
		Epochs::<T>::insert(epoch, record);
		Self::deposit_event(Event::EpochSwept { epoch, amount });
		Ok(())
	}

	/// The epoch in which what came in epoch `index` expires, by the parameters of that epoch.
	pub(crate) fn expires_in(index: EpochIndex) -> EpochIndex {
		Epochs::<T>::get(index).map_or(EpochIndex::MAX, |epoch| epoch.expires_in(index))
	}

	/// Removes points whose pool is gone: nothing pays them any more. Every share of a pool that is not gone has its book.
	pub(crate) fn do_prune_share(epoch: EpochIndex, pool: Pool, who: &T::AccountId) -> DispatchResult {
		ensure!(
			Shares::<T>::contains_key((epoch, pool, who)),
			Error::<T>::NothingToPrune
		);
		ensure!(!Pools::<T>::contains_key(epoch, pool), Error::<T>::StillClaimable);
		Shares::<T>::remove((epoch, pool, who));
		Self::deposit_event(Event::SharePruned {
			epoch,
			pool,
			who: who.clone(),
		});
		Ok(())
	}

	pub(crate) fn status_of(epoch: EpochIndex) -> Option<EpochStatus> {
		let record = Epochs::<T>::get(epoch)?;
		Some(EpochStatus {
			epoch,
			start_millis: record.start_millis,
			end_millis: Epochs::<T>::get(epoch.saturating_add(1))
				.map_or(record.start_millis.saturating_add(record.params.epoch_millis), |next| {
					next.start_millis
				}),
			budget: record.budget,
			state: record.state,
			expires_in: record.expires_in(epoch),
			pools: Pool::ALL.map(|pool| (pool, Pools::<T>::get(epoch, pool))),
		})
	}

	/// What `who` can claim for points of `epochs` epochs from `first` on. Reads every pool of them: for view functions only.
	pub(crate) fn claimable_in(who: &T::AccountId, first: EpochIndex, epochs: u32) -> Vec<(EpochIndex, Pool, Balance)> {
		(first..first.saturating_add(epochs))
			.flat_map(|epoch| Pools::<T>::iter_key_prefix(epoch).map(move |pool| (epoch, pool)))
			.filter_map(|(epoch, pool)| {
				let (_, amount) = Self::reward_of(who, epoch, pool).ok()?;
				Some((epoch, pool, amount))
			})
			.collect()
	}
}
