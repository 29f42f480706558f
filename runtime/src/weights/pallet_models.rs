//! Weights of `pallet_models`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
	/// - `n`: 3 to 256.
	fn register_base_model(n: u32) -> Weight {
		// 450 runs: 82.7 µs, 4 reads, 5 writes.
		Weight::from_parts(82695440, 355)
			.saturating_add(Weight::from_parts(1202434, 0).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn register_worker() -> Weight {
		// 50 runs: 65.7 µs, 4 reads, 2 writes.
		Weight::from_parts(65727000, 595)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn update_worker() -> Weight {
		// 50 runs: 64.2 µs, 2 reads, 2 writes.
		Weight::from_parts(64185000, 502)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn deregister_worker() -> Weight {
		// 50 runs: 51.9 µs, 2 reads, 2 writes.
		Weight::from_parts(51947000, 502)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	/// - `n`: 1 to 8.
	fn request_job(n: u32) -> Weight {
		// 450 runs: 105.2 µs, 6 reads, 5 writes.
		Weight::from_parts(105211475, 2904)
			.saturating_add(Weight::from_parts(12777660, 2505).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().reads(3).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn bid() -> Weight {
		// 50 runs: 51.9 µs, 6 reads, 3 writes.
		Weight::from_parts(51907000, 2536)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn heartbeat() -> Weight {
		// 50 runs: 26.6 µs, 3 reads, 1 writes.
		Weight::from_parts(26560000, 1333)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn submit_result() -> Weight {
		// 50 runs: 75.6 µs, 13 reads, 2 writes.
		Weight::from_parts(75612000, 20009)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn accept_result() -> Weight {
		// 50 runs: 414.3 µs, 23 reads, 23 writes.
		Weight::from_parts(414304000, 39608)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(23))
	}

	fn cancel_job() -> Weight {
		// 50 runs: 163.8 µs, 21 reads, 21 writes.
		Weight::from_parts(163763000, 3491)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(21))
	}

	fn report_missed() -> Weight {
		// 50 runs: 151.9 µs, 11 reads, 10 writes.
		Weight::from_parts(151895000, 2952)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(10))
	}

	fn expire_job() -> Weight {
		// 50 runs: 297.6 µs, 23 reads, 22 writes.
		Weight::from_parts(297612000, 3924)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(22))
	}

	fn dispute() -> Weight {
		// 50 runs: 106.0 µs, 4 reads, 3 writes.
		Weight::from_parts(105987000, 2155)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn judge_commit() -> Weight {
		// 50 runs: 93.0 µs, 8 reads, 3 writes.
		Weight::from_parts(92987000, 3529)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn judge_reveal() -> Weight {
		// 50 runs: 33.0 µs, 3 reads, 1 writes.
		Weight::from_parts(33009000, 1703)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn pause() -> Weight {
		// 50 runs: 29.1 µs, 3 reads, 1 writes.
		Weight::from_parts(29083000, 1333)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn resume() -> Weight {
		// 50 runs: 28.7 µs, 3 reads, 1 writes.
		Weight::from_parts(28713000, 1337)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn post_evaluation() -> Weight {
		// 50 runs: 105.7 µs, 9 reads, 3 writes.
		Weight::from_parts(105677000, 4527)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn draw() -> Weight {
		// 50 runs: 167.7 µs, 23 reads, 17 writes.
		Weight::from_parts(167658000, 4003)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(17))
	}

	fn set_params() -> Weight {
		// 50 runs: 5.9 µs, 0 reads, 1 writes.
		Weight::from_parts(5889000, 0).saturating_add(T::DbWeight::get().writes(1))
	}

	fn close_dispute() -> Weight {
		// 50 runs: 1227.5 µs, 59 reads, 58 writes.
		Weight::from_parts(1227510000, 8496)
			.saturating_add(T::DbWeight::get().reads(59))
			.saturating_add(T::DbWeight::get().writes(58))
	}

	fn correct() -> Weight {
		// 50 runs: 246.0 µs, 14 reads, 13 writes.
		Weight::from_parts(245975000, 3330)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn prune_job() -> Weight {
		// 50 runs: 18.1 µs, 1 reads, 1 writes.
		Weight::from_parts(18077000, 467)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn retract_evaluation() -> Weight {
		// 50 runs: 70.2 µs, 3 reads, 3 writes.
		Weight::from_parts(70164000, 964)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn remove_evaluation() -> Weight {
		// 50 runs: 78.8 µs, 5 reads, 5 writes.
		Weight::from_parts(78817000, 1311)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn deregister_base_model() -> Weight {
		// 50 runs: 406.8 µs, 4 reads, 4 writes.
		Weight::from_parts(406793000, 35977)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn report_evaluation() -> Weight {
		// 50 runs: 45.6 µs, 4 reads, 1 writes.
		Weight::from_parts(45598000, 1437)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}
