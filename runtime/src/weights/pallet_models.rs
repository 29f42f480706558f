//! Weights of `pallet_models`, measured by `scripts/weights.sh`. Do not edit.

#![allow(clippy::unnecessary_cast)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
	/// - `n`: 3 to 256.
	fn register_base_model(n: u32) -> Weight {
		// 450 runs: 68.7 µs, 4 reads, 5 writes.
		Weight::from_parts(68734358, 351)
			.saturating_add(Weight::from_parts(1159718, 0).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn register_worker() -> Weight {
		// 50 runs: 68.2 µs, 4 reads, 2 writes.
		Weight::from_parts(68211000, 591)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn update_worker() -> Weight {
		// 50 runs: 64.2 µs, 2 reads, 2 writes.
		Weight::from_parts(64196000, 502)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn deregister_worker() -> Weight {
		// 50 runs: 52.7 µs, 2 reads, 2 writes.
		Weight::from_parts(52748000, 502)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	/// - `n`: 1 to 8.
	fn request_job(n: u32) -> Weight {
		// 450 runs: 99.4 µs, 6 reads, 5 writes.
		Weight::from_parts(99399420, 2762)
			.saturating_add(Weight::from_parts(12797498, 2505).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().reads(3).saturating_mul(n as u64))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn bid() -> Weight {
		// 50 runs: 47.8 µs, 6 reads, 3 writes.
		Weight::from_parts(47791000, 2532)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn heartbeat() -> Weight {
		// 50 runs: 25.3 µs, 3 reads, 1 writes.
		Weight::from_parts(25317000, 1329)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn submit_result() -> Weight {
		// 50 runs: 35.4 µs, 5 reads, 2 writes.
		Weight::from_parts(35422000, 1296)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn accept_result() -> Weight {
		// 50 runs: 398.7 µs, 23 reads, 23 writes.
		Weight::from_parts(398651000, 39466)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(23))
	}

	fn cancel_job() -> Weight {
		// 50 runs: 157.0 µs, 21 reads, 21 writes.
		Weight::from_parts(157013000, 3491)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(21))
	}

	fn report_missed() -> Weight {
		// 50 runs: 144.3 µs, 11 reads, 9 writes.
		Weight::from_parts(144314000, 2591)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(9))
	}

	fn expire_job() -> Weight {
		// 50 runs: 165.9 µs, 23 reads, 22 writes.
		Weight::from_parts(165886000, 3924)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(22))
	}

	fn dispute() -> Weight {
		// 50 runs: 112.3 µs, 4 reads, 3 writes.
		Weight::from_parts(112326000, 2013)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn judge_commit() -> Weight {
		// 50 runs: 86.0 µs, 8 reads, 3 writes.
		Weight::from_parts(86018000, 3387)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn judge_reveal() -> Weight {
		// 50 runs: 31.5 µs, 3 reads, 1 writes.
		Weight::from_parts(31506000, 1703)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn pause() -> Weight {
		// 50 runs: 27.1 µs, 3 reads, 1 writes.
		Weight::from_parts(27150000, 1329)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn resume() -> Weight {
		// 50 runs: 26.7 µs, 3 reads, 1 writes.
		Weight::from_parts(26719000, 1333)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn post_evaluation() -> Weight {
		// 50 runs: 101.0 µs, 9 reads, 3 writes.
		Weight::from_parts(100960000, 4523)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn draw() -> Weight {
		// 50 runs: 163.7 µs, 23 reads, 17 writes.
		Weight::from_parts(163703000, 3995)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(17))
	}

	fn set_params() -> Weight {
		// 50 runs: 6.1 µs, 0 reads, 1 writes.
		Weight::from_parts(6129000, 0).saturating_add(T::DbWeight::get().writes(1))
	}

	fn close_dispute() -> Weight {
		// 50 runs: 1195.4 µs, 59 reads, 58 writes.
		Weight::from_parts(1195363000, 8354)
			.saturating_add(T::DbWeight::get().reads(59))
			.saturating_add(T::DbWeight::get().writes(58))
	}

	fn correct() -> Weight {
		// 50 runs: 240.1 µs, 14 reads, 13 writes.
		Weight::from_parts(240066000, 3188)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(13))
	}

	fn prune_job() -> Weight {
		// 50 runs: 16.9 µs, 1 reads, 1 writes.
		Weight::from_parts(16915000, 467)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn retract_evaluation() -> Weight {
		// 50 runs: 63.4 µs, 3 reads, 3 writes.
		Weight::from_parts(63434000, 964)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn remove_evaluation() -> Weight {
		// 50 runs: 76.4 µs, 5 reads, 5 writes.
		Weight::from_parts(76434000, 1311)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn deregister_base_model() -> Weight {
		// 50 runs: 307.9 µs, 4 reads, 4 writes.
		Weight::from_parts(307906000, 35977)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn report_evaluation() -> Weight {
		// A guess after `heartbeat`.
		Weight::from_parts(35317000, 2532)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}
