//! Fees of use, shared by the points of the version that was used.

use frame_support::ensure;
use openledger_primitives::{
	fee::share,
	traits::{Fees as CollectFees, VersionPoints},
	Balance, DatanetId, FeeId,
};
use sp_runtime::DispatchResult;

use crate::{Config, CurrentEpoch, Error, Event, Fee, FeeClaims, Fees, NextFee, Owed, Pallet};

impl<T: Config> CollectFees<T::AccountId> for Pallet<T> {
	fn collect(datanet: DatanetId, version: u32, amount: Balance) -> Option<FeeId> {
		let points = T::VersionPoints::total(datanet, version);
		if points == 0 || amount == 0 {
			return None;
		}
		let fee = NextFee::<T>::get();
		NextFee::<T>::put(fee.saturating_add(1));
		Fees::<T>::insert(
			fee,
			Fee {
				datanet,
				version,
				amount,
				epoch: CurrentEpoch::<T>::get(),
				points,
				claimed_points: 0,
				claimed: 0,
			},
		);
		Owed::<T>::mutate(|owed| *owed = owed.saturating_add(amount));
		Self::deposit_event(Event::FeeCollected {
			fee,
			datanet,
			version,
			amount,
		});
		Some(fee)
	}
}

impl<T: Config> Pallet<T> {
	/// The fee, and points and share of `who` in it. A share may round to nothing.
	pub(crate) fn fee_share_of(fee: FeeId, who: &T::AccountId) -> Result<(Fee, u128, Balance), Error<T>> {
		let record = Fees::<T>::get(fee).ok_or(Error::<T>::FeeNotFound)?;
		ensure!(!FeeClaims::<T>::contains_key(fee, who), Error::<T>::NothingToClaim);
		let points = T::VersionPoints::of(record.datanet, record.version, who);
		ensure!(points > 0, Error::<T>::NothingToClaim);
		let amount = share(record.amount, points, record.points);
		Ok((record, points, amount))
	}

	pub(crate) fn pay_fee(fee: FeeId, who: &T::AccountId) -> DispatchResult {
		let (mut record, points, amount) = Self::fee_share_of(fee, who)?;
		// A share that rounds to nothing counts as claimed, or what rounding left would stay owed for ever.
		if amount > 0 {
			Self::pay(who, amount)?;
		}
		FeeClaims::<T>::insert(fee, who, ());
		record.claimed_points = record.claimed_points.saturating_add(points);
		record.claimed = record.claimed.saturating_add(amount);
		if record.claimed_points >= record.points {
			// Nobody is left to claim: what rounding left is the pot's again.
			let rest = record.amount.saturating_sub(record.claimed);
			Owed::<T>::mutate(|owed| *owed = owed.saturating_sub(rest));
		}
		Fees::<T>::insert(fee, record);
		Self::deposit_event(Event::FeeClaimed {
			fee,
			who: who.clone(),
			amount,
		});
		Ok(())
	}

	pub(crate) fn do_sweep_fee(fee: FeeId) -> DispatchResult {
		let record = Fees::<T>::get(fee).ok_or(Error::<T>::FeeNotFound)?;
		ensure!(
			CurrentEpoch::<T>::get() >= Self::expires_in(record.epoch),
			Error::<T>::FeeNotExpired
		);
		let amount = record.owed();
		Owed::<T>::mutate(|owed| *owed = owed.saturating_sub(amount));
		Fees::<T>::remove(fee);
		Self::deposit_event(Event::FeeSwept { fee, amount });
		Ok(())
	}

	/// Forgets that `who` had its share of a fee that is gone.
	pub(crate) fn do_prune_fee_claim(fee: FeeId, who: &T::AccountId) -> DispatchResult {
		ensure!(FeeClaims::<T>::contains_key(fee, who), Error::<T>::NothingToPrune);
		ensure!(!Fees::<T>::contains_key(fee), Error::<T>::StillClaimable);
		FeeClaims::<T>::remove(fee, who);
		Self::deposit_event(Event::FeeClaimPruned { fee, who: who.clone() });
		Ok(())
	}
}
