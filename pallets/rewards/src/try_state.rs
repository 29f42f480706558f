//! The invariants of the crate's documentation, checked over the whole state.

use frame_support::{
	ensure,
	traits::{
		fungible::Inspect as _,
		tokens::{Fortitude, Preservation},
	},
};
use openledger_primitives::{
	traits::{Pool, Rewards, VersionPoints},
	Balance, EpochIndex,
};

use crate::{
	Config, CurrentEpoch, Epoch, EpochState, Epochs, FeeClaims, Fees, Owed, Pallet, Params, Pools, Shares, Sponsorships,
};

impl<T: Config> Pallet<T> {
	/// Checks what must hold after every block.
	pub fn check_state() -> Result<(), &'static str> {
		let mut owed = Self::check_fees()? + Self::check_sponsorships()?;
		let current = CurrentEpoch::<T>::get();
		ensure!(
			Epochs::<T>::iter().count() as u64 == u64::from(current) + 1,
			"epochs are not numbered without a gap"
		);
		let mut last: Option<Epoch> = None;
		for index in 0..=current {
			let epoch = Epochs::<T>::get(index).ok_or("an epoch is missing")?;
			ensure!(
				(epoch.state == EpochState::Open) == (index.saturating_add(2) > current),
				"not exactly the last two epochs are open"
			);
			ensure!(
				epoch.start_millis % Params::<T>::get().epoch_millis == 0,
				"an epoch is not aligned"
			);
			ensure!(
				last.is_none_or(|last| last.start_millis < epoch.start_millis),
				"epochs are out of order"
			);
			ensure!(
				last.is_none_or(|last| last.start_block <= epoch.start_block),
				"epochs' blocks are out of order"
			);
			owed += Self::check_pools(index, &epoch)?;
			last = Some(epoch);
		}
		ensure!(
			Owed::<T>::get() == owed,
			"what is owed is not the sum of what was not claimed"
		);
		let has = T::Currency::reducible_balance(&Self::pot(), Preservation::Preserve, Fortitude::Polite);
		ensure!(owed <= has, "the pot owes more than it has");
		Ok(())
	}

	/// What an epoch's pools owe.
	fn check_pools(index: EpochIndex, epoch: &Epoch) -> Result<Balance, &'static str> {
		let (mut payouts, mut owed) = (0, 0);
		for (pool, book) in Pools::<T>::iter_prefix(index) {
			let shares: u128 = Shares::<T>::iter_prefix_values((index, pool)).sum();
			ensure!(
				shares + book.claimed_points == book.points,
				"a pool's points are not the sum of its shares"
			);
			ensure!(book.points > 0, "a pool has no points");
			ensure!(book.claimed <= book.payout, "a pool paid more than its payout");
			owed += book.payout - book.claimed;
			if matches!(pool, Pool::Datanet(_)) {
				ensure!(book.payout > 0, "a sponsored pool pays nothing");
				ensure!(
					epoch.state != EpochState::Open || book.claimed == 0,
					"an open epoch's pool paid"
				);
				continue;
			}
			ensure!(epoch.state != EpochState::Swept, "a swept epoch has pools");
			ensure!(
				epoch.state != EpochState::Open || book.payout == 0,
				"an open epoch's pool pays"
			);
			payouts += book.payout;
		}
		ensure!(payouts <= epoch.budget, "an epoch pays more than its budget");
		Ok(owed)
	}

	/// What is owed to contributors of sponsored Datanets but not awarded yet.
	fn check_sponsorships() -> Result<Balance, &'static str> {
		let mut owed = 0;
		for sponsorship in Sponsorships::<T>::iter_values() {
			ensure!(sponsorship.balance > 0, "an empty sponsorship was kept");
			ensure!(
				sponsorship.touched <= CurrentEpoch::<T>::get(),
				"a sponsorship is of the future"
			);
			owed += sponsorship.balance;
		}
		Ok(owed)
	}

	/// What fees owe.
	fn check_fees() -> Result<Balance, &'static str> {
		let mut owed = 0;
		for (id, fee) in Fees::<T>::iter() {
			let mut claimed_points = 0;
			for (who, ()) in FeeClaims::<T>::iter_prefix(id) {
				claimed_points += T::VersionPoints::of(fee.datanet, fee.version, &who);
			}
			ensure!(
				claimed_points == fee.claimed_points,
				"a fee's claims are not those of its contributors"
			);
			ensure!(
				fee.claimed_points <= fee.points && fee.claimed <= fee.amount,
				"a fee paid more than it is"
			);
			ensure!(fee.epoch <= CurrentEpoch::<T>::get(), "a fee is of the future");
			owed += fee.owed();
		}
		Ok(owed)
	}
}
