//! Weights counted in reads and writes of the database, the part of the cost that dominates these calls.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Execution time of a call beside its database accesses. Picoseconds.
const CALL_PICOSECONDS: u64 = 30_000_000;
/// Upper bound of the bytes of proof that one storage access brings: its value and the trie's nodes on the way to it.
const ACCESS_PROOF_BYTES: u64 = 3_000;
/// Pools of an epoch.
const POOLS: u64 = 5;
/// Steps of the binary search over a contributor's checkpoints: their number is a u32.
const SEARCH_STEPS: u64 = 32;

/// What each entry point costs.
pub trait WeightInfo {
	/// Looks at the clock.
	fn on_initialize() -> Weight;
	/// Looks at the clock, begins an epoch and closes another.
	fn on_initialize_new_epoch() -> Weight;
	/// Pays points.
	fn claim() -> Weight;
	/// Pays a share of a fee.
	fn claim_fee() -> Weight;
	/// Returns what was not claimed.
	fn sweep() -> Weight;
	/// Takes a sponsorship.
	fn sponsor() -> Weight;
	/// Returns what was not claimed of a Datanet's own pool.
	fn sweep_datanet() -> Weight;
	/// Returns what was not claimed of a fee.
	fn sweep_fee() -> Weight;
	/// Removes points.
	fn prune_share() -> Weight;
	/// Removes a claim.
	fn prune_fee_claim() -> Weight;
	/// Returns what was not awarded.
	fn release_sponsorship() -> Weight;
	/// Writes the parameters.
	fn set_params() -> Weight;
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
	fn on_initialize() -> Weight {
		// Clock, current epoch and its record, parameters.
		Self::accesses(4, 0)
	}

	fn on_initialize_new_epoch() -> Weight {
		// Also the closing epoch's record and pools, the pot, what it owes, active blocks; pools, both records, the current
		// epoch, what is owed.
		Self::accesses(4 + 4 + POOLS, 4 + POOLS)
	}

	fn claim() -> Weight {
		// Epoch, pool, share, both accounts, what is owed; the same without the epoch.
		Self::accesses(6, 5)
	}

	fn claim_fee() -> Weight {
		// Fee, claim, the version, the number of checkpoints, the search, both accounts, what is owed; fee, claim, both
		// accounts, what is owed.
		Self::accesses(7 + SEARCH_STEPS, 5)
	}

	fn sweep() -> Weight {
		// Epoch, current epoch, what is owed, pools; the same without the current epoch.
		Self::accesses(3 + POOLS, 2 + POOLS)
	}

	fn sponsor() -> Weight {
		// The Datanet, parameters, both accounts, what is owed, current epoch, sponsorship; accounts, what is owed,
		// sponsorship.
		Self::accesses(7, 4)
	}

	fn sweep_datanet() -> Weight {
		// Epoch, current epoch, pool, sponsorship; pool, sponsorship.
		Self::accesses(4, 2)
	}

	fn sweep_fee() -> Weight {
		// Fee, its epoch, current epoch, what is owed; fee, what is owed.
		Self::accesses(4, 2)
	}

	fn prune_share() -> Weight {
		// Share, pool; share.
		Self::accesses(2, 1)
	}

	fn prune_fee_claim() -> Weight {
		// Claim, fee; claim.
		Self::accesses(2, 1)
	}

	fn release_sponsorship() -> Weight {
		// Sponsorship, its epoch, current epoch, what is owed; sponsorship, what is owed.
		Self::accesses(4, 2)
	}

	fn set_params() -> Weight {
		Self::accesses(1, 1)
	}
}

impl WeightInfo for () {
	fn on_initialize() -> Weight {
		Weight::zero()
	}

	fn on_initialize_new_epoch() -> Weight {
		Weight::zero()
	}

	fn claim() -> Weight {
		Weight::zero()
	}

	fn claim_fee() -> Weight {
		Weight::zero()
	}

	fn sweep() -> Weight {
		Weight::zero()
	}

	fn sponsor() -> Weight {
		Weight::zero()
	}

	fn sweep_datanet() -> Weight {
		Weight::zero()
	}

	fn sweep_fee() -> Weight {
		Weight::zero()
	}

	fn prune_share() -> Weight {
		Weight::zero()
	}

	fn prune_fee_claim() -> Weight {
		Weight::zero()
	}

	fn release_sponsorship() -> Weight {
		Weight::zero()
	}

	fn set_params() -> Weight {
		Weight::zero()
	}
}
