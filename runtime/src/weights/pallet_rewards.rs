//! Weights of `pallet_rewards`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_rewards::WeightInfo for WeightInfo<T> {
	fn on_initialize() -> Weight {
		// 20 runs: 9.5 µs, 4 reads, 0 writes.
		Weight::from_parts(9484000, 475).saturating_add(T::DbWeight::get().reads(4))
	}

	fn on_initialize_new_epoch() -> Weight {
		// 20 runs: 70.0 µs, 13 reads, 9 writes.
		Weight::from_parts(70034000, 1218)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn claim() -> Weight {
		// 20 runs: 83.5 µs, 6 reads, 5 writes.
		Weight::from_parts(83453000, 1054)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn claim_fee() -> Weight {
		// 20 runs: 298.3 µs, 39 reads, 5 writes.
		Weight::from_parts(298283000, 2256)
			.saturating_add(T::DbWeight::get().reads(39))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn sweep() -> Weight {
		// 20 runs: 37.5 µs, 8 reads, 7 writes.
		Weight::from_parts(37466000, 725)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	fn sponsor() -> Weight {
		// 20 runs: 67.9 µs, 6 reads, 3 writes.
		Weight::from_parts(67891000, 3075)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn sweep_datanet() -> Weight {
		// 20 runs: 23.9 µs, 4 reads, 2 writes.
		Weight::from_parts(23905000, 568)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn sweep_fee() -> Weight {
		// 20 runs: 20.9 µs, 4 reads, 2 writes.
		Weight::from_parts(20871000, 539)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn prune_share() -> Weight {
		// 20 runs: 21.8 µs, 2 reads, 1 writes.
		Weight::from_parts(21802000, 303)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn prune_fee_claim() -> Weight {
		// 20 runs: 15.8 µs, 2 reads, 1 writes.
		Weight::from_parts(15753000, 293)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn release_sponsorship() -> Weight {
		// 20 runs: 19.5 µs, 4 reads, 2 writes.
		Weight::from_parts(19499000, 439)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn set_params() -> Weight {
		// 20 runs: 9.0 µs, 1 reads, 1 writes.
		Weight::from_parts(8993000, 266)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}
