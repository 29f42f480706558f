//! Weights counted in reads and writes of the database, the part of the cost that dominates these calls.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Execution time of a call that decodes and searches one short list, in picoseconds.
const CALL_PICOSECONDS: u64 = 15_000_000;
/// Upper bound of the encoded list in bytes of proof.
const LIST_PROOF_BYTES: u64 = 4_096;
/// What may pause the chain: safe mode, migrations, four calls.
const PAUSE_READS: u64 = 6;

/// What each entry point costs.
pub trait WeightInfo {
	/// Counts an active block.
	fn on_initialize() -> Weight;
	/// Adds an authority.
	fn add_authority() -> Weight;
	/// Removes an authority.
	fn remove_authority() -> Weight;
	/// Holds a bond.
	fn bond() -> Weight;
	/// Releases a bond.
	fn withdraw_bond() -> Weight;
	/// Removes the caller from the list.
	fn leave() -> Weight;
	/// Stores an upgrade.
	fn schedule_upgrade() -> Weight;
	/// Drops an upgrade.
	fn veto_upgrade() -> Weight;
	/// Authorizes an upgrade.
	fn enact_upgrade() -> Weight;
	/// Stores the parameters.
	fn set_params() -> Weight;
	/// Slashes an offender and removes it from the list; no call.
	fn punish() -> Weight;
}

/// Weights from the runtime's database weights.
pub struct DbWeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> DbWeightInfo<T> {
	fn accesses(reads: u64, writes: u64) -> Weight {
		Weight::from_parts(CALL_PICOSECONDS, LIST_PROOF_BYTES)
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}
}

impl<T: frame_system::Config> WeightInfo for DbWeightInfo<T> {
	fn on_initialize() -> Weight {
		Weight::from_parts(2_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(1 + PAUSE_READS, 1))
	}

	fn add_authority() -> Weight {
		// List, session keys, what is on hold, parameters; list, when it left.
		Self::accesses(4, 2)
	}

	fn remove_authority() -> Weight {
		// List, session; list, when it left.
		Self::accesses(2, 2)
	}

	fn bond() -> Weight {
		// What is on hold, the account; the same.
		Self::accesses(2, 2)
	}

	fn withdraw_bond() -> Weight {
		// List, what is on hold, the account, session, when it left; on hold, the account, when it left.
		Self::accesses(5, 3)
	}

	fn leave() -> Weight {
		Self::remove_authority()
	}

	fn schedule_upgrade() -> Weight {
		// What waits, the delay; what waits.
		Self::accesses(2, 1)
	}

	fn veto_upgrade() -> Weight {
		Self::accesses(1, 1)
	}

	fn enact_upgrade() -> Weight {
		// What waits; that, and what is authorized.
		Self::accesses(1, 2)
	}

	fn set_params() -> Weight {
		Self::accesses(0, 1)
	}

	fn punish() -> Weight {
		// Parameters, what is on hold, both accounts, list, session, offenders; on hold, both accounts, list, when it
		// left, offenders.
		Self::accesses(7, 6)
	}
}
