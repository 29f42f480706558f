//! Configuration of OpenLedger's own pallets: they know each other only through traits, which meet here.

use super::{AdminOrigin, TreasuryAccount};
use crate::*;
use frame_support::{parameter_types, traits::Get, PalletId};
use openledger_primitives::{traits::Sessions, SessionIndex};

parameter_types! {
	/// Review fees wait here for the panel.
	pub const CourtPalletId: PalletId = PalletId(*b"ol/court");
	/// Rewards are paid from here.
	pub const PotPalletId: PalletId = PalletId(*b"ol/rewrd");
}

/// The pot that rewards are paid from.
pub type PotAccount = pallet_rewards::PotAccount<Runtime>;

/// The session that pallet-session counts.
pub struct CurrentSession;

impl Sessions for CurrentSession {
	fn current() -> SessionIndex {
		Session::current_index()
	}
}

/// The VRF output of the block that is being finalized: BABE's hook comes before those of our pallets.
pub struct BlockRandomness;

impl Get<Option<[u8; 32]>> for BlockRandomness {
	fn get() -> Option<[u8; 32]> {
		pallet_babe::AuthorVrfRandomness::<Runtime>::get()
	}
}

impl pallet_datanets::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ActiveBlocks = Authorities;
	type UnixTime = Timestamp;
	type Court = Validation;
	type Rewards = Rewards;
	type AdminOrigin = AdminOrigin;
	type WeightInfo = weights::Datanets;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = super::benchmarks::Stage;
}

impl pallet_validation::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type AdminOrigin = AdminOrigin;
	type ActiveBlocks = Authorities;
	type Sessions = CurrentSession;
	type Docket = Datanets;
	type DatanetOwners = Datanets;
	type Rewards = Rewards;
	type Randomness = BlockRandomness;
	type PalletId = CourtPalletId;
	type WeightInfo = weights::Validation;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = super::benchmarks::Stage;
}

impl pallet_rewards::Config for Runtime {
	type Currency = Balances;
	type ActiveBlocks = Authorities;
	type UnixTime = Timestamp;
	type VersionPoints = Datanets;
	type Datanets = Datanets;
	type AdminOrigin = AdminOrigin;
	type PalletId = PotPalletId;
	type WeightInfo = weights::Rewards;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = super::benchmarks::Stage;
}

impl pallet_models::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ActiveBlocks = Authorities;
	type Seeds = Validation;
	type AdminOrigin = AdminOrigin;
	type Datasets = Datanets;
	type Fees = Rewards;
	type Rewards = Rewards;
	type Treasury = TreasuryAccount;
	type WeightInfo = weights::Models;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = super::benchmarks::Stage;
}
