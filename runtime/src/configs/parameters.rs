//! Tunables of the pallets that are not ours, changed one by one through pallet-parameters. Our own pallets have each their
//! `set_params`.

use super::AdminOrigin;
use crate::*;
use core::marker::PhantomData;
use frame_support::{
	dynamic_params::{dynamic_pallet_params, dynamic_params},
	traits::{AsEnsureOriginWithArg, Get},
};
use pallet_transaction_payment::Multiplier;
use sp_runtime::FixedPointNumber;

/// The values themselves. Deleting one (`None`) restores the default that stands here.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
	use super::*;

	/// What using the chain costs.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod fees {
		/// Plancks for a byte of an extrinsic: blocks are kept for ever.
		#[codec(index = 0)]
		pub static PlancksPerByte: Balance = OPEN / 1_000_000;

		/// Plancks for a picosecond of computing: 10 OPEN a second, some 0.003 OPEN a transfer.
		#[codec(index = 1)]
		pub static PlancksPerPicosecond: Balance = 10;

		/// How far empty blocks can lower the fees. Never below a billionth: a multiplier of zero could not rise again.
		#[codec(index = 2)]
		pub static MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10);
	}

	/// What is on hold while something is in the state.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod deposits {
		/// Plancks for an entry.
		#[codec(index = 0)]
		pub static PerItem: Balance = OPEN;

		/// Plancks for a byte: a hundred gigabytes at most if all of OPEN were held.
		#[codec(index = 1)]
		pub static PerByte: Balance = OPEN / 100;

		/// Plancks for an account's session keys.
		#[codec(index = 2)]
		pub static SessionKeys: Balance = 10 * OPEN;
	}
}

pub use dynamic_params::{deposits, fees};

impl pallet_parameters::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeParameters = RuntimeParameters;
	type AdminOrigin = AsEnsureOriginWithArg<AdminOrigin>;
	/// Measured by its authors; the pallet keeps its other weights to itself.
	type WeightInfo = ();
}

/// A parameter that a pallet shows as a constant of its metadata: native code builds metadata without a chain to read from,
/// and shows the default.
pub struct Shown<P>(PhantomData<P>);

impl<V, P: Get<V>> Get<V> for Shown<P> {
	fn get() -> V {
		#[cfg(feature = "std")]
		if sp_externalities::with_externalities(|_| ()).is_none() {
			return sp_state_machine::BasicExternalities::new_empty().execute_with(P::get);
		}
		P::get()
	}
}

/// The deposit for so many entries and bytes of state.
pub struct Deposit<const ITEMS: u128, const BYTES: u128>;

impl<const ITEMS: u128, const BYTES: u128> Get<Balance> for Deposit<ITEMS, BYTES> {
	fn get() -> Balance {
		let items = Shown::<deposits::PerItem>::get().saturating_mul(ITEMS);
		items.saturating_add(Shown::<deposits::PerByte>::get().saturating_mul(BYTES))
	}
}

/// The least fee multiplier, and never zero.
pub struct LeastMultiplier;

impl Get<Multiplier> for LeastMultiplier {
	fn get() -> Multiplier {
		fees::MinimumMultiplier::get().max(Multiplier::saturating_from_rational(1, 1_000_000_000))
	}
}
