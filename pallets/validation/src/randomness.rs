//! The ring of accumulated randomness.

use crate::{pallet::*, RING_BLOCKS};
use frame_support::{traits::Get, Hashable};
use openledger_primitives::{
	traits::{ActiveBlocks, Seeds},
	ActiveBlock,
};

impl<T: Config> Pallet<T> {
	/// Takes in the randomness of the block that is being finalized. While the chain is paused nothing is taken: a seed
	/// that is known does not change.
	pub(crate) fn accumulate() {
		let now = T::ActiveBlocks::now();
		let (last, accumulated) = Accumulator::<T>::get();
		if now <= last {
			return;
		}
		let accumulated = (accumulated, T::Randomness::get().unwrap_or_default()).blake2_256();
		Accumulator::<T>::put((now, accumulated));
		Ring::<T>::insert(now % RING_BLOCKS, accumulated);
	}

	/// The randomness accumulated up to and with block `at`; `None` where that block is not over, or too long ago.
	pub(crate) fn seed(at: ActiveBlock) -> Option<[u8; 32]> {
		let (last, _) = Accumulator::<T>::get();
		let age = last.checked_sub(at)?;
		(age < RING_BLOCKS).then(|| Ring::<T>::get(at % RING_BLOCKS)).flatten()
	}
}

impl<T: Config> Seeds for Pallet<T> {
	const KEPT: ActiveBlock = RING_BLOCKS;

	fn seed(at: ActiveBlock) -> Option<[u8; 32]> {
		Self::seed(at)
	}
}
