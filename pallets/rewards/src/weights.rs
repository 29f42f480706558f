//! What the runtime says each entry point costs, measured by `scripts/weights.sh`.

use frame_support::weights::Weight;

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

/// For tests, which charge nobody.
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
