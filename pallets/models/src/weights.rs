//! Weights counted in reads and writes of the database, the part of the cost that dominates these calls, until they are
//! benchmarked. Each counts the accounts that a call touches as one read and one write, holds included.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};
use openledger_primitives::training::MAX_DATASETS;

/// Execution time of a call that moves money and changes a few short records, in picoseconds.
const CALL_PICOSECONDS: u64 = 40_000_000;
/// Execution time for one file of a base model: decoded, compared while sorting, hashed, encoded; in picoseconds.
const FILE_PICOSECONDS: u64 = 2_000_000;
/// Proof of one record of this pallet, the largest being a job, in bytes.
const RECORD_PROOF_BYTES: u64 = 4_096;
/// Proof of the largest base model: its files' names, CIDs and hashes, in bytes.
const BASE_MODEL_PROOF_BYTES: u64 = 65_536;

/// What each call costs.
pub trait WeightInfo {
	/// Registers a base model of `files` files.
	fn register_base_model(files: u32) -> Weight;
	fn register_worker() -> Weight;
	fn update_worker() -> Weight;
	fn deregister_worker() -> Weight;
	/// Orders a training on `datasets` versions.
	fn request_job(datasets: u32) -> Weight;
	fn bid() -> Weight;
	fn heartbeat() -> Weight;
	fn submit_result() -> Weight;
	fn accept_result() -> Weight;
	fn cancel_job() -> Weight;
	fn report_missed() -> Weight;
	fn expire_job() -> Weight;
}

/// Weights from the runtime's database weights.
pub struct DbWeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> DbWeightInfo<T> {
	fn of(reads: u64, writes: u64) -> Weight {
		Weight::from_parts(CALL_PICOSECONDS, RECORD_PROOF_BYTES.saturating_mul(reads))
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}
}

impl<T: frame_system::Config> WeightInfo for DbWeightInfo<T> {
	fn register_base_model(files: u32) -> Weight {
		// Parameters, digest, next id, account; digest, model, deposit, next id, account.
		Self::of(4, 5).saturating_add(Weight::from_parts(
			FILE_PICOSECONDS.saturating_mul(files.into()),
			BASE_MODEL_PROOF_BYTES,
		))
	}

	fn register_worker() -> Weight {
		// Parameters, worker, account; worker, account.
		Self::of(3, 2)
	}

	fn update_worker() -> Weight {
		// Worker, account; both.
		Self::of(2, 2)
	}

	fn deregister_worker() -> Weight {
		// Worker, account; both.
		Self::of(2, 2)
	}

	fn request_job(datasets: u32) -> Weight {
		// Parameters, parent, next id, account; job, terms, next id, account. A Datanet and its version for each dataset.
		let datasets = u64::from(datasets);
		Self::of(4u64.saturating_add(datasets.saturating_mul(2)), 4)
	}

	fn bid() -> Weight {
		// Clock, parameters, job, terms, worker; job, worker.
		Self::of(5, 2)
	}

	fn heartbeat() -> Weight {
		// Clock, job, terms; job.
		Self::of(3, 1)
	}

	fn submit_result() -> Weight {
		// Clock, job, terms, the adapter in both registries; job, the adapter.
		Self::of(5, 2)
	}

	fn accept_result() -> Weight {
		// Clock, job, terms, worker, next id, the parent, its base, five accounts; job, terms, worker, next id, model, both
		// registries of adapters, five accounts. Each dataset's fee: the version's points, the next fee's id; fee and id.
		let fees = u64::from(MAX_DATASETS);
		Self::of(
			12u64.saturating_add(fees.saturating_mul(2)),
			12u64.saturating_add(fees.saturating_mul(2)),
		)
		// The owner of the base model stands in the record with its files.
		.saturating_add(Weight::from_parts(0, BASE_MODEL_PROOF_BYTES))
	}

	fn cancel_job() -> Weight {
		// Job, account; job, terms, account.
		Self::of(2, 3)
	}

	fn report_missed() -> Weight {
		// Clock, job, terms, worker, three accounts; all but the clock.
		Self::of(7, 6)
	}

	fn expire_job() -> Weight {
		// Clock, job, account; job, terms, account.
		Self::of(3, 3)
	}
}

impl WeightInfo for () {
	fn register_base_model(_: u32) -> Weight {
		Weight::zero()
	}

	fn register_worker() -> Weight {
		Weight::zero()
	}

	fn update_worker() -> Weight {
		Weight::zero()
	}

	fn deregister_worker() -> Weight {
		Weight::zero()
	}

	fn request_job(_: u32) -> Weight {
		Weight::zero()
	}

	fn bid() -> Weight {
		Weight::zero()
	}

	fn heartbeat() -> Weight {
		Weight::zero()
	}

	fn submit_result() -> Weight {
		Weight::zero()
	}

	fn accept_result() -> Weight {
		Weight::zero()
	}

	fn cancel_job() -> Weight {
		Weight::zero()
	}

	fn report_missed() -> Weight {
		Weight::zero()
	}

	fn expire_job() -> Weight {
		Weight::zero()
	}
}
