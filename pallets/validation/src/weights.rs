//! What the runtime says each entry point costs, measured by `scripts/weights.sh`. What the docket and the rewards do is in it.

use frame_support::weights::Weight;

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
}

/// For tests, which charge nobody.
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
}
