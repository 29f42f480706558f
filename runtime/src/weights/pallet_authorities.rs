//! Weights of `pallet_authorities`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_authorities::WeightInfo for WeightInfo<T> {
	fn on_initialize() -> Weight {
		// 50 runs: 24.6 µs, 11 reads, 1 writes.
		Weight::from_parts(24616000, 292)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn add_authority() -> Weight {
		// 50 runs: 24.9 µs, 4 reads, 2 writes.
		Weight::from_parts(24897000, 1790)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn remove_authority() -> Weight {
		// 50 runs: 14.7 µs, 2 reads, 2 writes.
		Weight::from_parts(14661000, 1454)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn bond() -> Weight {
		// 50 runs: 54.8 µs, 1 reads, 1 writes.
		Weight::from_parts(54781000, 226)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn withdraw_bond() -> Weight {
		// 50 runs: 60.5 µs, 4 reads, 2 writes.
		Weight::from_parts(60520000, 1727)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn leave() -> Weight {
		// 50 runs: 14.7 µs, 2 reads, 2 writes.
		Weight::from_parts(14742000, 1454)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn schedule_upgrade() -> Weight {
		// 50 runs: 12.1 µs, 2 reads, 1 writes.
		Weight::from_parts(12128000, 285)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn veto_upgrade() -> Weight {
		// 50 runs: 9.0 µs, 1 reads, 1 writes.
		Weight::from_parts(9003000, 302)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn enact_upgrade() -> Weight {
		// 50 runs: 14.1 µs, 1 reads, 2 writes.
		Weight::from_parts(14121000, 302)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_params() -> Weight {
		// 50 runs: 5.3 µs, 0 reads, 1 writes.
		Weight::from_parts(5288000, 0).saturating_add(T::DbWeight::get().writes(1))
	}

	fn punish() -> Weight {
		// 50 runs: 71.7 µs, 7 reads, 6 writes.
		Weight::from_parts(71716000, 3218)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}
}
