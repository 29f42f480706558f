//! Weights of `pallet_datanets`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_datanets::WeightInfo for WeightInfo<T> {
	fn create_datanet() -> Weight {
		// 50 runs: 64.7 µs, 3 reads, 4 writes.
		Weight::from_parts(64736000, 322)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn submit() -> Weight {
		// 50 runs: 177.7 µs, 16 reads, 13 writes.
		Weight::from_parts(177714000, 4350)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn withdraw() -> Weight {
		// 50 runs: 110.7 µs, 10 reads, 9 writes.
		Weight::from_parts(110704000, 3974)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn release_hold() -> Weight {
		// 50 runs: 90.8 µs, 3 reads, 2 writes.
		Weight::from_parts(90764000, 676)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_metadata() -> Weight {
		// 50 runs: 32.8 µs, 1 reads, 1 writes.
		Weight::from_parts(32769000, 2466)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn set_policy() -> Weight {
		// 50 runs: 31.5 µs, 2 reads, 1 writes.
		Weight::from_parts(31457000, 2556)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn request_access() -> Weight {
		// 50 runs: 115.6 µs, 4 reads, 2 writes.
		Weight::from_parts(115602000, 2742)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn grant() -> Weight {
		// 50 runs: 123.8 µs, 6 reads, 2 writes.
		Weight::from_parts(123834000, 3022)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn revoke() -> Weight {
		// 50 runs: 108.4 µs, 5 reads, 3 writes.
		Weight::from_parts(108371000, 3242)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn exclude() -> Weight {
		// 50 runs: 24.4 µs, 3 reads, 3 writes.
		Weight::from_parts(24446000, 2569)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn transfer() -> Weight {
		// 50 runs: 14.8 µs, 1 reads, 1 writes.
		Weight::from_parts(14772000, 2499)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn close() -> Weight {
		// 50 runs: 65.0 µs, 3 reads, 4 writes.
		Weight::from_parts(64957000, 2773)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn prune() -> Weight {
		// 50 runs: 18.0 µs, 2 reads, 1 writes.
		Weight::from_parts(17986000, 578)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn accept_transfer() -> Weight {
		// 50 runs: 192.3 µs, 7 reads, 6 writes.
		Weight::from_parts(192275000, 2997)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn set_params() -> Weight {
		// 50 runs: 23.5 µs, 2 reads, 2 writes.
		Weight::from_parts(23465000, 243)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}
