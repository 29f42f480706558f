//! Weights of `pallet_validation`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_validation::WeightInfo for WeightInfo<T> {
	fn on_finalize() -> Weight {
		// 50 runs: 13.0 µs, 3 reads, 2 writes.
		Weight::from_parts(12969000, 561)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn register() -> Weight {
		// 50 runs: 80.5 µs, 7 reads, 5 writes.
		Weight::from_parts(80530000, 893)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn bond_more() -> Weight {
		// 50 runs: 81.4 µs, 7 reads, 5 writes.
		Weight::from_parts(81401000, 1312)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn unbond() -> Weight {
		// 50 runs: 31.3 µs, 6 reads, 4 writes.
		Weight::from_parts(31296000, 1066)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn withdraw_unbonded() -> Weight {
		// 50 runs: 60.6 µs, 3 reads, 2 writes.
		Weight::from_parts(60560000, 966)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_modalities() -> Weight {
		// 50 runs: 28.8 µs, 5 reads, 4 writes.
		Weight::from_parts(28822000, 976)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn commit() -> Weight {
		// 50 runs: 53.8 µs, 9 reads, 4 writes.
		Weight::from_parts(53760000, 2047)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn reveal() -> Weight {
		// 50 runs: 36.7 µs, 5 reads, 2 writes.
		Weight::from_parts(36704000, 1550)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn close_round() -> Weight {
		// 50 runs: 166.8 µs, 14 reads, 13 writes.
		Weight::from_parts(166797000, 5344)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn finalize() -> Weight {
		// 50 runs: 208.8 µs, 21 reads, 19 writes.
		Weight::from_parts(208750000, 4525)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(19))
	}

	fn settle() -> Weight {
		// 50 runs: 192.2 µs, 13 reads, 12 writes.
		Weight::from_parts(192215000, 2823)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(12))
	}

	fn challenge() -> Weight {
		// 50 runs: 104.7 µs, 6 reads, 4 writes.
		Weight::from_parts(104665000, 1213)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn report_preimage() -> Weight {
		// 50 runs: 177.3 µs, 13 reads, 9 writes.
		Weight::from_parts(177253000, 2878)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn plant() -> Weight {
		// 50 runs: 75.7 µs, 5 reads, 3 writes.
		Weight::from_parts(75703000, 3200)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn open_plant() -> Weight {
		// 50 runs: 70.5 µs, 8 reads, 4 writes.
		Weight::from_parts(70464000, 1995)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn close_plant() -> Weight {
		// 50 runs: 62.0 µs, 4 reads, 3 writes.
		Weight::from_parts(61982000, 887)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn set_params() -> Weight {
		// 50 runs: 6.4 µs, 0 reads, 1 writes.
		Weight::from_parts(6389000, 0).saturating_add(T::DbWeight::get().writes(1))
	}
}
