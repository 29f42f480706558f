//! Weights of `pallet_models`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
	/// - `n`: 3 to 256.
	fn register_base_model(n: u32) -> Weight {
		// 180 runs: 68.6 µs, 4 reads, 5 writes.
		Weight::from_parts(68555226, 351)
			.saturating_add(Weight::from_parts(1150900, 0).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn register_worker() -> Weight {
		// 20 runs: 64.4 µs, 4 reads, 2 writes.
		Weight::from_parts(64375000, 591)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn update_worker() -> Weight {
		// 20 runs: 64.8 µs, 2 reads, 2 writes.
		Weight::from_parts(64806000, 502)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn deregister_worker() -> Weight {
		// 20 runs: 52.5 µs, 2 reads, 2 writes.
		Weight::from_parts(52508000, 502)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	/// - `n`: 1 to 8.
	fn request_job(n: u32) -> Weight {
		// 180 runs: 97.5 µs, 6 reads, 5 writes.
		Weight::from_parts(97537684, 2762)
			.saturating_add(Weight::from_parts(13236962, 2505).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().reads(3).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn bid() -> Weight {
		// 20 runs: 48.1 µs, 6 reads, 3 writes.
		Weight::from_parts(48141000, 2532)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn heartbeat() -> Weight {
		// 20 runs: 25.5 µs, 3 reads, 1 writes.
		Weight::from_parts(25518000, 1329)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn submit_result() -> Weight {
		// 20 runs: 34.2 µs, 5 reads, 2 writes.
		Weight::from_parts(34181000, 1296)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn accept_result() -> Weight {
		// 20 runs: 398.2 µs, 23 reads, 23 writes.
		Weight::from_parts(398221000, 39466)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(23))
	}

	fn cancel_job() -> Weight {
		// 20 runs: 158.6 µs, 21 reads, 21 writes.
		Weight::from_parts(158585000, 3491)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(21))
	}

	fn report_missed() -> Weight {
		// 20 runs: 143.2 µs, 11 reads, 9 writes.
		Weight::from_parts(143243000, 2591)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn expire_job() -> Weight {
		// 20 runs: 160.8 µs, 23 reads, 22 writes.
		Weight::from_parts(160839000, 3924)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(22))
	}

	fn dispute() -> Weight {
		// 20 runs: 104.8 µs, 4 reads, 3 writes.
		Weight::from_parts(104765000, 2013)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn judge_commit() -> Weight {
		// 20 runs: 87.1 µs, 8 reads, 3 writes.
		Weight::from_parts(87130000, 3387)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn judge_reveal() -> Weight {
		// 20 runs: 29.1 µs, 3 reads, 1 writes.
		Weight::from_parts(29114000, 1703)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn pause() -> Weight {
		// 20 runs: 26.2 µs, 3 reads, 1 writes.
		Weight::from_parts(26189000, 1329)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn resume() -> Weight {
		// 20 runs: 26.6 µs, 3 reads, 1 writes.
		Weight::from_parts(26639000, 1333)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn post_evaluation() -> Weight {
		// 20 runs: 104.9 µs, 9 reads, 3 writes.
		Weight::from_parts(104905000, 4523)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn draw() -> Weight {
		// 20 runs: 160.9 µs, 23 reads, 17 writes.
		Weight::from_parts(160919000, 3995)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(17))
	}

	fn set_params() -> Weight {
		// 20 runs: 6.1 µs, 0 reads, 1 writes.
		Weight::from_parts(6129000, 0).saturating_add(T::DbWeight::get().writes(1))
	}

	fn close_dispute() -> Weight {
		// 20 runs: 1189.0 µs, 59 reads, 58 writes.
		Weight::from_parts(1189034000, 8354)
			.saturating_add(T::DbWeight::get().reads(59))
			.saturating_add(T::DbWeight::get().writes(58))
	}

	fn correct() -> Weight {
		// 20 runs: 244.5 µs, 14 reads, 13 writes.
		Weight::from_parts(244513000, 3188)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn prune_job() -> Weight {
		// 20 runs: 17.0 µs, 1 reads, 1 writes.
		Weight::from_parts(16985000, 467)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn retract_evaluation() -> Weight {
		// 20 runs: 63.2 µs, 3 reads, 3 writes.
		Weight::from_parts(63164000, 964)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn remove_evaluation() -> Weight {
		// 20 runs: 74.1 µs, 5 reads, 5 writes.
		Weight::from_parts(74090000, 1311)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn deregister_base_model() -> Weight {
		// 20 runs: 306.7 µs, 4 reads, 4 writes.
		Weight::from_parts(306664000, 35977)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
}
