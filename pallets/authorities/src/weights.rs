//! Weights counted in reads and writes of the database, the part of the cost that dominates these calls.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Execution time of a call that decodes and searches one short list, in picoseconds.
const CALL_PICOSECONDS: u64 = 15_000_000;
/// Upper bound of the encoded list in bytes of proof.
const LIST_PROOF_BYTES: u64 = 4_096;

/// What each entry point costs.
pub trait WeightInfo {
	/// Counts an active block.
	fn on_initialize() -> Weight;
	/// Adds an authority.
	fn add_authority() -> Weight;
	/// Removes an authority.
	fn remove_authority() -> Weight;
}

/// Weights from the runtime's database weights.
pub struct DbWeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for DbWeightInfo<T> {
	fn on_initialize() -> Weight {
		Weight::from_parts(2_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	fn add_authority() -> Weight {
		// The list and the session keys are read, the list is written.
		Weight::from_parts(CALL_PICOSECONDS, LIST_PROOF_BYTES).saturating_add(T::DbWeight::get().reads_writes(2, 1))
	}

	fn remove_authority() -> Weight {
		Weight::from_parts(CALL_PICOSECONDS, LIST_PROOF_BYTES).saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}
}

impl WeightInfo for () {
	fn on_initialize() -> Weight {
		Weight::zero()
	}

	fn add_authority() -> Weight {
		Weight::zero()
	}

	fn remove_authority() -> Weight {
		Weight::zero()
	}
}
