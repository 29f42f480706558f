//! Weights of `pallet_datanets`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_datanets::WeightInfo for WeightInfo<T> {
	fn create_datanet() -> Weight {
		// 50 runs: 65.9 µs, 3 reads, 4 writes.
		Weight::from_parts(65948000, 322)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn submit() -> Weight {
		// 50 runs: 181.0 µs, 16 reads, 13 writes.
		Weight::from_parts(180968000, 4346)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn withdraw() -> Weight {
		// 50 runs: 111.8 µs, 10 reads, 9 writes.
		Weight::from_parts(111766000, 3969)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn release_hold() -> Weight {
		// 50 runs: 58.6 µs, 3 reads, 2 writes.
		Weight::from_parts(58567000, 676)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_metadata() -> Weight {
		// 50 runs: 16.1 µs, 1 reads, 1 writes.
		Weight::from_parts(16094000, 2466)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn set_policy() -> Weight {
		// 50 runs: 16.8 µs, 2 reads, 1 writes.
		Weight::from_parts(16835000, 2556)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn request_access() -> Weight {
		// 50 runs: 69.6 µs, 4 reads, 2 writes.
		Weight::from_parts(69593000, 2742)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn grant() -> Weight {
		// 50 runs: 76.6 µs, 6 reads, 2 writes.
		Weight::from_parts(76574000, 3022)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn revoke() -> Weight {
		// 50 runs: 65.7 µs, 5 reads, 3 writes.
		Weight::from_parts(65668000, 3242)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn exclude() -> Weight {
		// 50 runs: 25.5 µs, 3 reads, 3 writes.
		Weight::from_parts(25508000, 2569)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn transfer() -> Weight {
		// 50 runs: 14.1 µs, 1 reads, 1 writes.
		Weight::from_parts(14131000, 2499)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn close() -> Weight {
		// 50 runs: 62.0 µs, 3 reads, 4 writes.
		Weight::from_parts(62021000, 2773)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn prune() -> Weight {
		// 50 runs: 20.5 µs, 2 reads, 1 writes.
		Weight::from_parts(20461000, 578)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn accept_transfer() -> Weight {
		// 50 runs: 153.0 µs, 7 reads, 6 writes.
		Weight::from_parts(152997000, 2997)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn set_params() -> Weight {
		// 50 runs: 15.3 µs, 2 reads, 2 writes.
		Weight::from_parts(15302000, 243)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}
