//! Weights of `pallet_validation`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_validation::WeightInfo for WeightInfo<T> {
	fn on_finalize() -> Weight {
		// 20 runs: 10.7 µs, 3 reads, 2 writes.
		Weight::from_parts(10746000, 561)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn register() -> Weight {
		// 20 runs: 79.3 µs, 7 reads, 5 writes.
		Weight::from_parts(79308000, 893)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn bond_more() -> Weight {
		// 20 runs: 83.1 µs, 7 reads, 5 writes.
		Weight::from_parts(83104000, 1312)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn unbond() -> Weight {
		// 20 runs: 32.9 µs, 6 reads, 4 writes.
		Weight::from_parts(32899000, 1066)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn withdraw_unbonded() -> Weight {
		// 20 runs: 58.4 µs, 3 reads, 2 writes.
		Weight::from_parts(58407000, 966)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_modalities() -> Weight {
		// 20 runs: 28.7 µs, 5 reads, 4 writes.
		Weight::from_parts(28693000, 976)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn commit() -> Weight {
		// 20 runs: 51.2 µs, 9 reads, 4 writes.
		Weight::from_parts(51186000, 2047)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn reveal() -> Weight {
		// 20 runs: 37.0 µs, 5 reads, 2 writes.
		Weight::from_parts(37035000, 1550)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn close_round() -> Weight {
		// 20 runs: 178.1 µs, 14 reads, 13 writes.
		Weight::from_parts(178144000, 5344)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn finalize() -> Weight {
		// 20 runs: 203.1 µs, 21 reads, 19 writes.
		Weight::from_parts(203141000, 4525)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(19))
	}

	fn settle() -> Weight {
		// 20 runs: 193.8 µs, 13 reads, 12 writes.
		Weight::from_parts(193837000, 2823)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(12))
	}

	fn challenge() -> Weight {
		// 20 runs: 105.9 µs, 6 reads, 4 writes.
		Weight::from_parts(105897000, 1213)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn report_preimage() -> Weight {
		// 20 runs: 179.2 µs, 13 reads, 9 writes.
		Weight::from_parts(179236000, 2878)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn plant() -> Weight {
		// 20 runs: 73.5 µs, 5 reads, 3 writes.
		Weight::from_parts(73529000, 3200)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn open_plant() -> Weight {
		// 20 runs: 69.4 µs, 8 reads, 4 writes.
		Weight::from_parts(69443000, 1995)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn close_plant() -> Weight {
		// 20 runs: 59.9 µs, 4 reads, 3 writes.
		Weight::from_parts(59889000, 887)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn set_params() -> Weight {
		// 20 runs: 6.2 µs, 0 reads, 1 writes.
		Weight::from_parts(6229000, 0).saturating_add(T::DbWeight::get().writes(1))
	}
}
