//! Weights of `pallet_validation`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_validation::WeightInfo for WeightInfo<T> {
	fn on_finalize() -> Weight {
		// 50 runs: 15.5 µs, 3 reads, 2 writes.
		Weight::from_parts(15543000, 561)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn register() -> Weight {
		// 50 runs: 122.9 µs, 7 reads, 5 writes.
		Weight::from_parts(122862000, 897)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn bond_more() -> Weight {
		// 50 runs: 130.3 µs, 7 reads, 5 writes.
		Weight::from_parts(130303000, 1316)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn unbond() -> Weight {
		// 50 runs: 54.0 µs, 6 reads, 4 writes.
		Weight::from_parts(53970000, 1070)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn withdraw_unbonded() -> Weight {
		// 50 runs: 86.4 µs, 3 reads, 2 writes.
		Weight::from_parts(86429000, 966)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_modalities() -> Weight {
		// 50 runs: 45.8 µs, 5 reads, 4 writes.
		Weight::from_parts(45778000, 976)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn commit() -> Weight {
		// 50 runs: 90.0 µs, 9 reads, 4 writes.
		Weight::from_parts(90004000, 2051)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn reveal() -> Weight {
		// 50 runs: 64.9 µs, 5 reads, 2 writes.
		Weight::from_parts(64896000, 1554)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn close_round() -> Weight {
		// 50 runs: 267.2 µs, 14 reads, 13 writes.
		Weight::from_parts(267217000, 5348)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn finalize() -> Weight {
		// 50 runs: 204.6 µs, 21 reads, 19 writes.
		Weight::from_parts(204563000, 4529)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(19))
	}

	fn settle() -> Weight {
		// 50 runs: 209.4 µs, 13 reads, 12 writes.
		Weight::from_parts(209390000, 2827)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(12))
	}

	fn challenge() -> Weight {
		// 50 runs: 104.1 µs, 6 reads, 4 writes.
		Weight::from_parts(104095000, 1221)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn report_preimage() -> Weight {
		// 50 runs: 178.7 µs, 13 reads, 9 writes.
		Weight::from_parts(178685000, 2882)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn plant() -> Weight {
		// 50 runs: 72.2 µs, 5 reads, 3 writes.
		Weight::from_parts(72197000, 3204)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn open_plant() -> Weight {
		// 50 runs: 68.9 µs, 8 reads, 4 writes.
		Weight::from_parts(68862000, 2003)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn close_plant() -> Weight {
		// 50 runs: 62.0 µs, 4 reads, 3 writes.
		Weight::from_parts(61972000, 887)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn set_params() -> Weight {
		// 50 runs: 5.9 µs, 0 reads, 1 writes.
		Weight::from_parts(5938000, 0).saturating_add(T::DbWeight::get().writes(1))
	}
}
