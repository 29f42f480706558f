//! Datanets' own pools: what sponsors give, what an epoch takes of it, and what becomes of the rest.

use frame_support::{
	ensure,
	traits::{fungible::Mutate as _, tokens::Preservation},
};
use openledger_primitives::{
	traits::{DatanetOwners, Pool, Rewards},
	Balance, DatanetId, EpochIndex,
};
use sp_runtime::DispatchResult;

use crate::{
	Config, CurrentEpoch, Epochs, Error, Event, Owed, Pallet, Params, Pools, Sponsorship, SponsorshipStatus,
	Sponsorships,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn add_sponsorship(who: T::AccountId, datanet: DatanetId, amount: Balance) -> DispatchResult {
		ensure!(T::Datanets::owner(datanet).is_some(), Error::<T>::DatanetNotFound);
		ensure!(
			amount >= Params::<T>::get().min_sponsorship,
			Error::<T>::SponsorshipTooSmall
		);
		T::Currency::transfer(&who, &Self::pot(), amount, Preservation::Preserve)?;
		Owed::<T>::mutate(|owed| *owed = owed.saturating_add(amount));
		Self::give(datanet, amount);
		Self::deposit_event(Event::Sponsored { datanet, who, amount });
		Ok(())
	}

	/// Adds what the pot owes already to a Datanet's sponsorship.
	fn give(datanet: DatanetId, amount: Balance) {
		let touched = CurrentEpoch::<T>::get();
		Sponsorships::<T>::mutate(datanet, |sponsorship| {
			let balance = sponsorship.map_or(0, |before| before.balance);
			*sponsorship = Some(Sponsorship {
				balance: balance.saturating_add(amount),
				touched,
			});
		});
	}

	/// Whether the Datanet has a pool of its own in an open epoch. The first item of an epoch makes it, if there are
	/// sponsors, and fixes what it pays: what is given later is for later epochs.
	pub(crate) fn has_own_pool(epoch: EpochIndex, datanet: DatanetId) -> bool {
		let pool = Pool::Datanet(datanet);
		if Pools::<T>::contains_key(epoch, pool) {
			return true;
		}
		let (Some(record), Some(sponsorship)) = (Epochs::<T>::get(epoch), Sponsorships::<T>::get(datanet)) else {
			return false;
		};
		let amount = record.params.sponsored(sponsorship.balance);
		let balance = sponsorship.balance.saturating_sub(amount);
		let touched = CurrentEpoch::<T>::get();
		Sponsorships::<T>::set(datanet, (balance > 0).then_some(Sponsorship { balance, touched }));
		Pools::<T>::mutate(epoch, pool, |book| book.payout = amount);
		Self::deposit_event(Event::DatanetFunded { epoch, datanet, amount });
		true
	}

	pub(crate) fn do_sweep_datanet(epoch: EpochIndex, datanet: DatanetId) -> DispatchResult {
		let record = Epochs::<T>::get(epoch).ok_or(Error::<T>::EpochNotClosed)?;
		let pool = Pool::Datanet(datanet);
		ensure!(Pools::<T>::contains_key(epoch, pool), Error::<T>::PoolNotFound);
		ensure!(
			CurrentEpoch::<T>::get() >= record.expires_in(epoch),
			Error::<T>::EpochNotExpired
		);
		let book = Pools::<T>::take(epoch, pool);
		let amount = book.payout.saturating_sub(book.claimed);
		if amount > 0 {
			Self::give(datanet, amount);
		}
		Self::deposit_event(Event::DatanetSwept { epoch, datanet, amount });
		Ok(())
	}

	pub(crate) fn do_release_sponsorship(datanet: DatanetId) -> DispatchResult {
		let Sponsorship { balance, touched } =
			Sponsorships::<T>::get(datanet).ok_or(Error::<T>::SponsorshipNotFound)?;
		ensure!(
			CurrentEpoch::<T>::get() >= Self::expires_in(touched),
			Error::<T>::SponsorshipNotExpired
		);
		Sponsorships::<T>::remove(datanet);
		Owed::<T>::mutate(|owed| *owed = owed.saturating_sub(balance));
		Self::deposit_event(Event::SponsorshipReleased {
			datanet,
			amount: balance,
		});
		Ok(())
	}

	pub(crate) fn sponsorship_status(datanet: DatanetId) -> Option<SponsorshipStatus> {
		let current = Epochs::<T>::get(CurrentEpoch::<T>::get())?;
		let Sponsorship { balance, touched } = Sponsorships::<T>::get(datanet)?;
		Some(SponsorshipStatus {
			balance,
			next_payout: current.params.sponsored(balance),
			expires_in: Self::expires_in(touched),
		})
	}
}
