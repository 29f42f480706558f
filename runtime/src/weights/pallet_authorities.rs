//! Weights of `pallet_authorities`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_authorities::WeightInfo for WeightInfo<T> {
	fn on_initialize() -> Weight {
		// 20 runs: 22.3 µs, 10 reads, 1 writes.
		Weight::from_parts(22313000, 292)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn add_authority() -> Weight {
		// 20 runs: 26.3 µs, 4 reads, 2 writes.
		Weight::from_parts(26269000, 1790)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn remove_authority() -> Weight {
		// 20 runs: 16.2 µs, 2 reads, 2 writes.
		Weight::from_parts(16224000, 1454)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn bond() -> Weight {
		// 20 runs: 55.0 µs, 1 reads, 1 writes.
		Weight::from_parts(54991000, 226)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn withdraw_bond() -> Weight {
		// 20 runs: 61.8 µs, 4 reads, 2 writes.
		Weight::from_parts(61811000, 1727)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn leave() -> Weight {
		// 20 runs: 15.7 µs, 2 reads, 2 writes.
		Weight::from_parts(15684000, 1454)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn schedule_upgrade() -> Weight {
		// 20 runs: 12.6 µs, 2 reads, 1 writes.
		Weight::from_parts(12568000, 285)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn veto_upgrade() -> Weight {
		// 20 runs: 10.0 µs, 1 reads, 1 writes.
		Weight::from_parts(10015000, 302)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn enact_upgrade() -> Weight {
		// 20 runs: 14.7 µs, 1 reads, 2 writes.
		Weight::from_parts(14711000, 302)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_params() -> Weight {
		// 20 runs: 5.3 µs, 0 reads, 1 writes.
		Weight::from_parts(5348000, 0).saturating_add(T::DbWeight::get().writes(1))
	}

	fn punish() -> Weight {
		// 20 runs: 72.8 µs, 7 reads, 6 writes.
		Weight::from_parts(72828000, 3218)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}
}
