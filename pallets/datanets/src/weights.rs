//! Weights counted in reads and writes of the database, the part of the cost that dominates these calls. What the court
//! does when it opens or drops a case is in them.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Execution time of a call beside its database accesses: some hashes and a few hundred bytes decoded. Picoseconds.
const CALL_PICOSECONDS: u64 = 40_000_000;
/// Upper bound of the bytes of proof that one storage access brings: its value and the trie's nodes on the way to it.
const ACCESS_PROOF_BYTES: u64 = 3_000;

/// What each entry point costs.
pub trait WeightInfo {
	/// Creates a Datanet.
	fn create_datanet() -> Weight;
	/// Submits an item and opens its case.
	fn submit() -> Weight;
	/// Withdraws an item and drops its case.
	fn withdraw() -> Weight;
	/// Releases a contributor's hold.
	fn release_hold() -> Weight;
}

/// Weights from the runtime's database weights.
pub struct DbWeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> DbWeightInfo<T> {
	fn accesses(reads: u64, writes: u64) -> Weight {
		Weight::from_parts(CALL_PICOSECONDS, reads * ACCESS_PROOF_BYTES)
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}
}

impl<T: frame_system::Config> WeightInfo for DbWeightInfo<T> {
	fn create_datanet() -> Weight {
		// Parameters, next id, account, its holds; next id, account, holds, deposit, Datanet.
		Self::accesses(4, 5)
	}

	fn submit() -> Weight {
		// Parameters, Datanet, content, clock, two quotas, hold, account and its holds, the fee account, next id, the last
		// claim's neighbours, active blocks; two quotas, hold, two accounts, holds, next id, two neighbours, content, item.
		// The court: parameters, session, stakes, the case; the case, a round, the fee.
		Self::accesses(13 + 6, 11 + 6)
	}

	fn withdraw() -> Weight {
		// Item, two accounts, three neighbours, content; the same. The court: case, round, parameters; case, round.
		Self::accesses(7 + 4, 7 + 3)
	}

	fn release_hold() -> Weight {
		// Hold, clock, account and its holds; hold, account, holds.
		Self::accesses(4, 3)
	}
}

impl WeightInfo for () {
	fn create_datanet() -> Weight {
		Weight::zero()
	}

	fn submit() -> Weight {
		Weight::zero()
	}

	fn withdraw() -> Weight {
		Weight::zero()
	}

	fn release_hold() -> Weight {
		Weight::zero()
	}
}
