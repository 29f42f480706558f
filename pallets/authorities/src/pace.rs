//! How fast the chain is: genesis values, handed to the configuration of other pallets.

use crate::{
	ActiveBlockCount, ActiveBlocks, BlockNumberFor, Config, Get, Pallet, SessionSlots, SlotMillis,
	DEFAULT_SESSION_BLOCKS, DEFAULT_SLOT_MILLIS,
};
use core::marker::PhantomData;
use sp_runtime::SaturatedConversion;

impl<T: Config> ActiveBlocks for Pallet<T> {
	fn now() -> u32 {
		ActiveBlockCount::<T>::get()
	}
}

/// Milliseconds of a slot, as genesis has it.
pub struct SlotDuration<T>(PhantomData<T>);

impl<T: Config> Get<u64> for SlotDuration<T> {
	fn get() -> u64 {
		if state_is_reachable() {
			SlotMillis::<T>::get()
		} else {
			DEFAULT_SLOT_MILLIS
		}
	}
}

/// Least milliseconds between two blocks; BABE takes twice this as its slot.
pub struct MinimumPeriod<T>(PhantomData<T>);

impl<T: Config> Get<u64> for MinimumPeriod<T> {
	fn get() -> u64 {
		SlotDuration::<T>::get() / 2
	}
}

/// Slots of a session, as genesis has it; BABE's epoch.
pub struct SessionBlocks<T>(PhantomData<T>);

impl<T: Config> Get<u64> for SessionBlocks<T> {
	fn get() -> u64 {
		if state_is_reachable() {
			SessionSlots::<T>::get()
		} else {
			DEFAULT_SESSION_BLOCKS
		}
	}
}

/// False in native code outside of a block: metadata evaluates constants there, and reading storage would panic.
#[cfg(feature = "std")]
fn state_is_reachable() -> bool {
	sp_externalities::with_externalities(|_| ()).is_some()
}

#[cfg(not(feature = "std"))]
fn state_is_reachable() -> bool {
	true
}

/// The session length as block numbers, for pallets that estimate sessions in blocks.
pub fn session_length<T: Config>() -> BlockNumberFor<T> {
	SessionBlocks::<T>::get().saturated_into()
}
