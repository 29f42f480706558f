//! Weights of `pallet_rewards`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_rewards::WeightInfo for WeightInfo<T> {
	fn on_initialize() -> Weight {
		// 50 runs: 9.4 µs, 4 reads, 0 writes.
		Weight::from_parts(9434000, 475).saturating_add(T::DbWeight::get().reads(4))
	}

	fn on_initialize_new_epoch() -> Weight {
		// 50 runs: 71.8 µs, 13 reads, 9 writes.
		Weight::from_parts(71766000, 1218)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn claim() -> Weight {
		// 50 runs: 84.2 µs, 6 reads, 5 writes.
		Weight::from_parts(84235000, 1054)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn claim_fee() -> Weight {
		// 50 runs: 300.6 µs, 39 reads, 5 writes.
		Weight::from_parts(300625000, 2256)
			.saturating_add(T::DbWeight::get().reads(39))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn sweep() -> Weight {
		// 50 runs: 38.3 µs, 8 reads, 7 writes.
		Weight::from_parts(38326000, 725)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	fn sponsor() -> Weight {
		// 50 runs: 70.5 µs, 6 reads, 3 writes.
		Weight::from_parts(70475000, 3075)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn sweep_datanet() -> Weight {
		// 50 runs: 24.5 µs, 4 reads, 2 writes.
		Weight::from_parts(24466000, 568)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn sweep_fee() -> Weight {
		// 50 runs: 23.4 µs, 4 reads, 2 writes.
		Weight::from_parts(23354000, 539)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn prune_share() -> Weight {
		// 50 runs: 21.9 µs, 2 reads, 1 writes.
		Weight::from_parts(21872000, 303)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn prune_fee_claim() -> Weight {
		// 50 runs: 15.3 µs, 2 reads, 1 writes.
		Weight::from_parts(15323000, 293)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn release_sponsorship() -> Weight {
		// 50 runs: 19.9 µs, 4 reads, 2 writes.
		Weight::from_parts(19850000, 439)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_params() -> Weight {
		// 50 runs: 8.5 µs, 1 reads, 1 writes.
		Weight::from_parts(8523000, 266)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}
