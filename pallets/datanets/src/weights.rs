//! What the runtime says each entry point costs, measured by `scripts/weights.sh`. What the court does when it opens or drops a
//! case is in it.

use frame_support::weights::Weight;

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
	/// Changes name and description.
	fn set_metadata() -> Weight;
	/// Changes a policy.
	fn set_policy() -> Weight;
	/// Asks for access.
	fn request_access() -> Weight;
	/// Grants access.
	fn grant() -> Weight;
	/// Ends a request or a grant.
	fn revoke() -> Weight;
	/// Takes an item down.
	fn exclude() -> Weight;
	/// Offers a Datanet.
	fn transfer() -> Weight;
	/// Closes a Datanet, and removes it.
	fn close() -> Weight;
	/// Removes an item, and asks the court about its case.
	fn prune() -> Weight;
	/// Takes an offered Datanet over.
	fn accept_transfer() -> Weight;
	/// Sets the parameters.
	fn set_params() -> Weight;
}

/// For tests, which charge nobody.
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

	fn set_metadata() -> Weight {
		Weight::zero()
	}

	fn set_policy() -> Weight {
		Weight::zero()
	}

	fn request_access() -> Weight {
		Weight::zero()
	}

	fn grant() -> Weight {
		Weight::zero()
	}

	fn revoke() -> Weight {
		Weight::zero()
	}

	fn exclude() -> Weight {
		Weight::zero()
	}

	fn transfer() -> Weight {
		Weight::zero()
	}

	fn close() -> Weight {
		Weight::zero()
	}

	fn prune() -> Weight {
		Weight::zero()
	}

	fn accept_transfer() -> Weight {
		Weight::zero()
	}

	fn set_params() -> Weight {
		Weight::zero()
	}
}
