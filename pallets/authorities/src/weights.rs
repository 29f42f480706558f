//! What the runtime says each entry point costs, measured by `scripts/weights.sh`.

use frame_support::weights::Weight;

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

/// For tests, which charge nobody.
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

	fn bond() -> Weight {
		Weight::zero()
	}

	fn withdraw_bond() -> Weight {
		Weight::zero()
	}

	fn leave() -> Weight {
		Weight::zero()
	}

	fn schedule_upgrade() -> Weight {
		Weight::zero()
	}

	fn veto_upgrade() -> Weight {
		Weight::zero()
	}

	fn enact_upgrade() -> Weight {
		Weight::zero()
	}

	fn set_params() -> Weight {
		Weight::zero()
	}

	fn punish() -> Weight {
		Weight::zero()
	}
}
