//! Weights counted in reads and writes of the database, the part of the cost that dominates these calls, until they are
//! benchmarked. Each counts the accounts that a call touches as one read and one write, holds included.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};
use openledger_primitives::{bid::MAX_BIDS, dispute::MAX_JUDGES, training::MAX_DATASETS};

/// Execution time of a call that moves money and changes a few short records, in picoseconds.
const CALL_PICOSECONDS: u64 = 40_000_000;
/// Execution time for one file of a base model: decoded, compared while sorting, hashed, encoded; in picoseconds.
const FILE_PICOSECONDS: u64 = 2_000_000;
/// Execution time for one seat of a dispute: its key hashed twice, in picoseconds.
const SEAT_PICOSECONDS: u64 = 1_000_000;
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
	fn dispute() -> Weight;
	fn judge_commit() -> Weight;
	fn judge_reveal() -> Weight;
	fn pause() -> Weight;
	fn resume() -> Weight;
	fn post_evaluation() -> Weight;
	fn draw() -> Weight;
	fn set_params() -> Weight;
	fn close_dispute() -> Weight;
	fn correct() -> Weight;
	fn prune_job() -> Weight;
	fn retract_evaluation() -> Weight;
	fn remove_evaluation() -> Weight;
	fn deregister_base_model() -> Weight;
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
		// Clock, parameters, worker, account; worker, account.
		Self::of(4, 2)
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
		// Clock, parameters, parent, its base and that one's uses, next id, account; uses, job, terms, next id, account. A
		// Datanet and its version for each dataset.
		let datasets = u64::from(datasets);
		Self::of(7u64.saturating_add(datasets.saturating_mul(2)), 5)
			// Whether the base model is there reads it with its files.
			.saturating_add(Weight::from_parts(0, BASE_MODEL_PROOF_BYTES))
	}

	fn bid() -> Weight {
		// Clock, parameters, job, terms, bids, the bidder, who gives way; job, bids, both workers.
		Self::of(7, 4)
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
		// As an expiry, and the account of a worker that is paid for steps.
		Self::expire_job().saturating_add(Self::of(1, 1))
	}

	fn report_missed() -> Weight {
		// Clock, job, terms, worker, three accounts; all but the clock. Of one that fails the base model and its uses.
		Self::of(9, 7).saturating_add(Weight::from_parts(0, BASE_MODEL_PROOF_BYTES))
	}

	fn expire_job() -> Weight {
		// Clock, job, bids, account, parent, base model and its uses; job, terms, bids, account, uses. Each bidder.
		let bids = u64::from(MAX_BIDS);
		Self::of(7u64.saturating_add(bids), 5u64.saturating_add(bids))
			.saturating_add(Weight::from_parts(0, BASE_MODEL_PROOF_BYTES))
	}

	fn dispute() -> Weight {
		// Clock, job, terms, account; job, dispute, account.
		Self::of(4, 3)
	}

	fn judge_commit() -> Weight {
		// Clock, job, dispute, seed (and the newest one), parameters, the judge, who gives way; dispute, both judges. The keys
		// of all seats are hashed.
		Self::of(8, 3).saturating_add(Weight::from_parts(
			SEAT_PICOSECONDS.saturating_mul(u64::from(MAX_JUDGES)),
			0,
		))
	}

	fn judge_reveal() -> Weight {
		// Clock, dispute, genesis; dispute.
		Self::of(3, 1)
	}

	fn pause() -> Weight {
		// Clock, job, terms; job.
		Self::of(3, 1)
	}

	fn resume() -> Weight {
		// Clock, job, terms; job.
		Self::of(3, 1)
	}

	fn post_evaluation() -> Weight {
		// Clock, parameters, model, a Datanet and its version, evaluation, count, account; the last three.
		Self::of(8, 3)
	}

	fn draw() -> Weight {
		// Clock, parameters, job, terms, bids, seed (and the newest one); job, bids. Each bidder.
		let bids = u64::from(MAX_BIDS);
		Self::of(7u64.saturating_add(bids), 2u64.saturating_add(bids))
	}

	fn set_params() -> Weight {
		// Nothing; parameters.
		Self::of(0, 1)
	}

	fn close_dispute() -> Weight {
		// What a correction touches. Each judge, its account.
		let judges = u64::from(MAX_JUDGES).saturating_mul(2);
		Self::correct().saturating_add(Self::of(judges, judges))
	}

	fn correct() -> Weight {
		// Clock, dispute, job, terms, worker, parent, base model and its uses, accounts of worker, disputer, requester and pot;
		// all but the clock, parent and base model, and the adapter.
		Self::of(12, 10).saturating_add(Weight::from_parts(0, BASE_MODEL_PROOF_BYTES))
	}

	fn prune_job() -> Weight {
		// Job; job.
		Self::of(1, 1)
	}

	fn retract_evaluation() -> Weight {
		// Evaluation, count, account; all.
		Self::of(3, 3)
	}

	fn remove_evaluation() -> Weight {
		// Evaluation, count, two accounts; all.
		Self::of(4, 4)
	}

	fn deregister_base_model() -> Weight {
		// Base model, uses, deposit, account; base model, digest, deposit, account.
		Self::of(4, 4).saturating_add(Weight::from_parts(0, BASE_MODEL_PROOF_BYTES))
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
	fn dispute() -> Weight {
		Weight::zero()
	}

	fn judge_commit() -> Weight {
		Weight::zero()
	}

	fn judge_reveal() -> Weight {
		Weight::zero()
	}

	fn pause() -> Weight {
		Weight::zero()
	}

	fn resume() -> Weight {
		Weight::zero()
	}

	fn post_evaluation() -> Weight {
		Weight::zero()
	}

	fn draw() -> Weight {
		Weight::zero()
	}

	fn set_params() -> Weight {
		Weight::zero()
	}

	fn close_dispute() -> Weight {
		Weight::zero()
	}

	fn correct() -> Weight {
		Weight::zero()
	}

	fn prune_job() -> Weight {
		Weight::zero()
	}

	fn retract_evaluation() -> Weight {
		Weight::zero()
	}

	fn remove_evaluation() -> Weight {
		Weight::zero()
	}

	fn deregister_base_model() -> Weight {
		Weight::zero()
	}
}
