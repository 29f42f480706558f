//! Weights counted by hand in reads and writes of the database, plus a bound of the time spent computing; measured
//! ones take their place when the calls are benchmarked.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};
use openledger_primitives::plant::MAX_PROOF;

/// Decoding, encoding and hashing of one call's records, in picoseconds: each is under a kilobyte.
const CALL_PICOSECONDS: u64 = 25_000_000;
/// Drawing a weight or checking a commitment: two hashes and a product of 256 bits, in picoseconds.
const HASH_PICOSECONDS: u64 = 5_000_000;
/// Bytes of proof of one record with its path in the trie.
const RECORD_PROOF_BYTES: u64 = 2_048;

/// What each entry point costs.
pub trait WeightInfo {
	/// Finalizing a block: the ring's entry, accounted when the block begins.
	fn on_finalize() -> Weight;
	fn register() -> Weight;
	fn bond_more() -> Weight;
	fn unbond() -> Weight;
	fn withdraw_unbonded() -> Weight;
	fn set_modalities() -> Weight;
	fn commit() -> Weight;
	fn reveal() -> Weight;
	/// The docket's part included.
	fn close_round() -> Weight;
	/// The docket's part included.
	fn finalize() -> Weight;
	/// The points' part included.
	fn settle() -> Weight;
	/// Opening a trial.
	fn challenge() -> Weight;
	fn report_preimage() -> Weight;
	fn plant() -> Weight;
	/// Opening a trial, with a proof of the longest length.
	fn open_plant() -> Weight;
	fn close_plant() -> Weight;
	fn set_params() -> Weight;
	/// Opening a case, which the caller of [`openledger_primitives::traits::Court::open`] adds to its own weight.
	fn open() -> Weight;
	/// Dropping a case, for the caller of [`openledger_primitives::traits::Court::withdraw`].
	fn withdraw() -> Weight;
}

/// Weights from the runtime's database weights.
pub struct DbWeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> DbWeightInfo<T> {
	fn call(reads: u64, writes: u64, hashes: u64) -> Weight {
		Weight::from_parts(CALL_PICOSECONDS + hashes * HASH_PICOSECONDS, reads * RECORD_PROOF_BYTES)
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}
}

impl<T: frame_system::Config> WeightInfo for DbWeightInfo<T> {
	fn on_finalize() -> Weight {
		// Randomness, clock and accumulator are read; accumulator and ring are written.
		Weight::from_parts(HASH_PICOSECONDS, 3 * RECORD_PROOF_BYTES)
			.saturating_add(T::DbWeight::get().reads_writes(3, 2))
	}

	fn register() -> Weight {
		// Parameters, session, validator, account, holds, three totals; all but the first two written.
		Self::call(8, 6, 0)
	}

	fn bond_more() -> Weight {
		Self::call(8, 6, 0)
	}

	fn unbond() -> Weight {
		// Parameters, session, validator, three totals.
		Self::call(6, 4, 0)
	}

	fn withdraw_unbonded() -> Weight {
		// Session, validator, account, holds.
		Self::call(4, 3, 0)
	}

	fn set_modalities() -> Weight {
		// Session, validator, three totals.
		Self::call(5, 4, 0)
	}

	fn commit() -> Weight {
		// Clock, case, round, a trial's bond, vote, validator, accumulator, ring, genesis hash; case, round, vote, validator
		// written.
		Self::call(9, 4, 1)
	}

	fn reveal() -> Weight {
		// Clock, case, round, vote, genesis hash; round and vote written.
		Self::call(5, 2, 1)
	}

	fn close_round() -> Weight {
		// Clock, session, parameters, case, round, total, accumulator, ring, recent outcomes, a trial's bond, four accounts and
		// holds; case, both rounds, bond, accounts written. The docket reads and writes up to 12 records more when the item
		// expires or was planted.
		Self::call(14 + 12, 9 + 12, 0)
	}

	fn finalize() -> Weight {
		// Clock, case, recent outcomes, two accounts; and, at worst, what the docket does to accept: 16 read, 14 written.
		Self::call(5 + 16, 4 + 14, 0)
	}

	fn settle() -> Weight {
		// Case, round, vote, validator, session, three totals, five accounts and holds; and 4 records of the points.
		Self::call(13 + 4, 12 + 4, 0)
	}

	fn challenge() -> Weight {
		// Clock, session, parameters, case, total, account, holds; case, round, bond, account, holds written.
		Self::call(7, 5, 0)
	}

	fn report_preimage() -> Weight {
		// Clock, case, round, vote, genesis hash, validator, session, three totals, three accounts and holds; round, vote,
		// validator, totals, accounts and holds written.
		Self::call(14, 10, 1)
	}

	fn plant() -> Weight {
		// Clock, parameters, next id, the Datanet, account, holds; batch, next id, account, holds written.
		Self::call(6, 4, 0)
	}

	fn open_plant() -> Weight {
		// Clock, session, parameters, batch, case, item, genesis hash, total; batch, case, round, bond written.
		Self::call(8, 4, 1 + u64::from(MAX_PROOF))
	}

	fn close_plant() -> Weight {
		// Clock, batch, account, holds.
		Self::call(4, 3, 0)
	}

	fn set_params() -> Weight {
		Self::call(0, 1, 0)
	}

	fn open() -> Weight {
		// Clock, session, parameters, case, total; case and round written.
		Self::call(5, 2, 0)
	}

	fn withdraw() -> Weight {
		// Clock, case, round; case and round removed.
		Self::call(3, 2, 0)
	}
}

impl WeightInfo for () {
	fn on_finalize() -> Weight {
		Weight::zero()
	}
	fn register() -> Weight {
		Weight::zero()
	}
	fn bond_more() -> Weight {
		Weight::zero()
	}
	fn unbond() -> Weight {
		Weight::zero()
	}
	fn withdraw_unbonded() -> Weight {
		Weight::zero()
	}
	fn set_modalities() -> Weight {
		Weight::zero()
	}
	fn commit() -> Weight {
		Weight::zero()
	}
	fn reveal() -> Weight {
		Weight::zero()
	}
	fn close_round() -> Weight {
		Weight::zero()
	}
	fn finalize() -> Weight {
		Weight::zero()
	}
	fn settle() -> Weight {
		Weight::zero()
	}
	fn challenge() -> Weight {
		Weight::zero()
	}
	fn report_preimage() -> Weight {
		Weight::zero()
	}
	fn plant() -> Weight {
		Weight::zero()
	}
	fn open_plant() -> Weight {
		Weight::zero()
	}
	fn close_plant() -> Weight {
		Weight::zero()
	}
	fn set_params() -> Weight {
		Weight::zero()
	}
	fn open() -> Weight {
		Weight::zero()
	}
	fn withdraw() -> Weight {
		Weight::zero()
	}
}
