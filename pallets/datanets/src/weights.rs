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
		// claim's neighbours, active blocks; two quotas, hold, two accounts, holds, next id, two neighbours, content, Datanet,
		// item. The court: parameters, session, stakes, the case; the case, a round, the fee.
		Self::accesses(13 + 6, 12 + 6)
	}

	fn withdraw() -> Weight {
		// Item, Datanet, two accounts, three neighbours, content; the same. The court: case, round, parameters; case, round.
		Self::accesses(8 + 4, 8 + 3)
	}

	fn release_hold() -> Weight {
		// Hold, clock, account and its holds; hold, account, holds.
		Self::accesses(4, 3)
	}

	fn set_metadata() -> Weight {
		// Datanet; the same.
		Self::accesses(1, 1)
	}

	fn set_policy() -> Weight {
		// Parameters, Datanet; Datanet.
		Self::accesses(2, 1)
	}

	fn request_access() -> Weight {
		// Datanet, request, clock, parameters, account, its holds; request, account, holds.
		Self::accesses(6, 3)
	}

	fn grant() -> Weight {
		// Datanet, clock, grant, parameters, account, its holds; grant, account, holds.
		Self::accesses(6, 3)
	}

	fn revoke() -> Weight {
		// Grant, clock, Datanet, account, its holds; grant, account, holds.
		Self::accesses(5, 3)
	}

	fn exclude() -> Weight {
		// Datanet, version, the reverse entry; Datanet, exclusion, the reverse entry.
		Self::accesses(3, 3)
	}

	fn transfer() -> Weight {
		// Datanet, offer; offer.
		Self::accesses(2, 1)
	}

	fn close() -> Weight {
		// Datanet, deposit, account, its holds; Datanet, deposit, offer, account, holds.
		Self::accesses(4, 5)
	}

	fn prune() -> Weight {
		// Item, case; item.
		Self::accesses(2, 1)
	}

	fn accept_transfer() -> Weight {
		// Datanet, offer, deposit, parameters, two accounts, their holds; Datanet, offer, deposit, accounts, holds.
		Self::accesses(8, 7)
	}

	fn set_params() -> Weight {
		// Parameters, clock; parameters, the first day of the limits.
		Self::accesses(2, 2)
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
