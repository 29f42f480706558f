//! Weights of `pallet_datanets`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_datanets::WeightInfo for WeightInfo<T> {
	fn create_datanet() -> Weight {
		// 20 runs: 66.8 µs, 3 reads, 4 writes.
		Weight::from_parts(66789000, 322)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn submit() -> Weight {
		// 20 runs: 180.8 µs, 16 reads, 13 writes.
		Weight::from_parts(180838000, 4346)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn withdraw() -> Weight {
		// 20 runs: 111.7 µs, 10 reads, 9 writes.
		Weight::from_parts(111725000, 3969)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn release_hold() -> Weight {
		// 20 runs: 59.3 µs, 3 reads, 2 writes.
		Weight::from_parts(59328000, 676)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_metadata() -> Weight {
		// 20 runs: 16.0 µs, 1 reads, 1 writes.
		Weight::from_parts(16004000, 2466)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn set_policy() -> Weight {
		// 20 runs: 16.4 µs, 2 reads, 1 writes.
		Weight::from_parts(16424000, 2556)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn request_access() -> Weight {
		// 20 runs: 67.8 µs, 4 reads, 2 writes.
		Weight::from_parts(67750000, 2742)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn grant() -> Weight {
		// 20 runs: 73.6 µs, 6 reads, 2 writes.
		Weight::from_parts(73619000, 3022)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn revoke() -> Weight {
		// 20 runs: 65.3 µs, 5 reads, 3 writes.
		Weight::from_parts(65286000, 3242)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn exclude() -> Weight {
		// 20 runs: 25.3 µs, 3 reads, 3 writes.
		Weight::from_parts(25298000, 2569)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn transfer() -> Weight {
		// 20 runs: 13.9 µs, 1 reads, 1 writes.
		Weight::from_parts(13891000, 2499)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn close() -> Weight {
		// 20 runs: 61.2 µs, 3 reads, 4 writes.
		Weight::from_parts(61241000, 2773)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn prune() -> Weight {
		// 20 runs: 18.1 µs, 2 reads, 1 writes.
		Weight::from_parts(18117000, 578)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn accept_transfer() -> Weight {
		// 20 runs: 116.5 µs, 7 reads, 6 writes.
		Weight::from_parts(116503000, 2997)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn set_params() -> Weight {
		// 20 runs: 12.0 µs, 2 reads, 2 writes.
		Weight::from_parts(11978000, 243)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}
