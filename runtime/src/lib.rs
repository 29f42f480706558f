//! The OpenLedger runtime: wiring only. What a call does is decided in the pallets and in `openledger-primitives`.
//!
//! - [`configs`]: every pallet's configuration, with the reason for each bound
//! - [`apis`]: what the node asks the runtime
//! - [`genesis`]: the presets `dev` and `local`
//! - [`weights`]: what our own calls weigh, as measured

#![cfg_attr(not(feature = "std"), no_std)]
// The runtime macros recurse over all pallets.
#![recursion_limit = "512"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benches {
	frame_benchmarking::define_benchmarks!(
		[pallet_authorities, Authorities]
		[pallet_datanets, Datanets]
		[pallet_validation, Validation]
		[pallet_rewards, Rewards]
		[pallet_models, Models]
	);
}

pub mod apis;
pub mod configs;
pub mod genesis;
#[cfg(test)]
mod tests;
pub mod weights;

use alloc::vec::Vec;
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use frame_system::Call as SystemCall;
pub use openledger_primitives::{Balance, OPEN, TOTAL_ISSUANCE};
pub use pallet_balances::Call as BalancesCall;
pub use sp_consensus_babe::BabeEpochConfiguration;

/// A signature of any of the schemes that wallets use.
pub type Signature = MultiSignature;
/// The hash of the signer's public key, or the key itself.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How many extrinsics an account has sent.
pub type Nonce = u32;
/// Blake2b, 256 bits.
pub type Hash = sp_core::H256;
/// Number of a block; 32 bits last for eight centuries of six-second blocks.
pub type BlockNumber = u32;
/// Milliseconds since the Unix epoch.
pub type Moment = u64;
/// How extrinsics name accounts.
pub type Address = MultiAddress<AccountId, ()>;
/// Header of a block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What surrounds a call in a signed extrinsic. None of these carries data that a wallet could not fill in by itself.
pub type TxExtension = (
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic as it comes from the network.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a signature signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Runs blocks.
pub type Executive =
	frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

/// What the node knows of extrinsics: bytes. It need not be rebuilt when the runtime changes.
pub mod opaque {
	use super::*;
	pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

	/// Header of a block.
	pub type Header = super::Header;
	/// A block whose extrinsics are bytes.
	pub type Block = generic::Block<Header, UncheckedExtrinsic>;
}

impl_opaque_keys! {
	/// The keys that an authority signs blocks and finality votes with.
	pub struct SessionKeys {
		/// Authors blocks.
		pub babe: Babe,
		/// Finalizes blocks.
		pub grandpa: Grandpa,
	}
}

macro_rules! version {
	// A token and not an expression: the macro that copies the version into the Wasm's section reads literals only.
	($spec_version:tt) => {
		/// Version of this runtime. `spec_version` rises with every release, `transaction_version` when encoded calls change.
		#[sp_version::runtime_version]
		pub const VERSION: RuntimeVersion = RuntimeVersion {
			spec_name: alloc::borrow::Cow::Borrowed("openledger"),
			impl_name: alloc::borrow::Cow::Borrowed("openledger"),
			authoring_version: 1,
			spec_version: $spec_version,
			impl_version: 1,
			apis: apis::RUNTIME_API_VERSIONS,
			transaction_version: 1,
			system_version: 1,
		};
	};
}
#[cfg(not(feature = "upgraded"))]
version!(1);
// Above every release's: what `tests/network` upgrades a running network to.
#[cfg(feature = "upgraded")]
version!(1_000_000);

// Indices are part of every encoded call, event and error: never reuse or move one. The order of declaration is the order of
// the hooks (`legacy_ordering`; it would be that of the indices otherwise): safe mode ends before active blocks are counted, and
// these and BABE's randomness are known before any other of our pallets looks. It is the order of genesis too: authorities are
// bonded from balances, and a session asks for them.
#[frame_support::runtime(legacy_ordering)]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;

	#[runtime::pallet_index(21)]
	pub type SafeMode = pallet_safe_mode;

	#[runtime::pallet_index(22)]
	pub type TxPause = pallet_tx_pause;

	#[runtime::pallet_index(19)]
	pub type MultiBlockMigrations = pallet_migrations;

	#[runtime::pallet_index(2)]
	pub type Babe = pallet_babe;

	#[runtime::pallet_index(3)]
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(4)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(1)]
	pub type Authorities = pallet_authorities;

	#[runtime::pallet_index(5)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(6)]
	pub type Authorship = pallet_authorship;

	#[runtime::pallet_index(7)]
	pub type Offences = pallet_offences;

	#[runtime::pallet_index(8)]
	pub type Historical = pallet_session::historical;

	#[runtime::pallet_index(9)]
	pub type Session = pallet_session;

	#[runtime::pallet_index(10)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(11)]
	pub type Utility = pallet_utility;

	#[runtime::pallet_index(12)]
	pub type Treasury = pallet_treasury;

	#[runtime::pallet_index(13)]
	pub type Council = pallet_collective;

	#[runtime::pallet_index(14)]
	pub type Multisig = pallet_multisig;

	#[runtime::pallet_index(15)]
	pub type Proxy = pallet_proxy;

	#[runtime::pallet_index(16)]
	pub type Preimage = pallet_preimage;

	#[runtime::pallet_index(17)]
	pub type Scheduler = pallet_scheduler;

	#[runtime::pallet_index(18)]
	pub type Parameters = pallet_parameters;

	#[runtime::pallet_index(20)]
	pub type Sudo = pallet_sudo;

	#[runtime::pallet_index(30)]
	pub type Datanets = pallet_datanets;

	#[runtime::pallet_index(31)]
	pub type Validation = pallet_validation;

	#[runtime::pallet_index(32)]
	pub type Rewards = pallet_rewards;

	#[runtime::pallet_index(33)]
	pub type Models = pallet_models;
}
