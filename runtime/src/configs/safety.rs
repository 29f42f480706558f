//! What can be stopped, and what goes on meanwhile.
//!
//! While the chain is paused ([`Paused`]) active blocks stand still, so that nobody misses a deadline; and what a deadline asks
//! for can be done nevertheless: votes are revealed, rounds closed, heartbeats sent.

use super::{
	governance::{AdminOrigin, DAY},
	RuntimeBlockWeights,
};
use crate::*;
use frame_support::{
	migrations::{FailedMigrationHandler, FailedMigrationHandling, MultiStepMigrator},
	parameter_types,
	traits::{ConstU32, Contains, Get},
	weights::Weight,
};
use frame_system::EnsureWithSuccess;
use sp_runtime::Perbill;

/// Most bytes of a pallet's or a call's name.
const MAX_NAME: u32 = 64;

parameter_types! {
	pub const NoDeposit: Option<Balance> = None;
	pub const NoRelease: Option<BlockNumber> = None;
	/// How long safe mode lasts once entered, or longer once extended: time to understand what is wrong.
	pub const SafeModeBlocks: BlockNumber = DAY;
	/// Half a block for migrations, which run while users have to wait.
	pub MaxMigrationWeight: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
}

/// What goes on in safe mode: what keeps blocks and finality, what answers deadlines, and what governs. A call that is not
/// named here stops; batches, proxies and multisigs pass, since what they carry is looked at by itself.
pub struct CallsOfSafeMode;

impl Contains<RuntimeCall> for CallsOfSafeMode {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_models::Call as Models;
		use pallet_validation::Call as Validation;
		matches!(
			call,
			// Blocks, finality, upgrades.
			RuntimeCall::System(_)
				| RuntimeCall::Timestamp(_)
				| RuntimeCall::Babe(_)
				| RuntimeCall::Grandpa(_)
				| RuntimeCall::Session(_)
				| RuntimeCall::Authorities(_)
				| RuntimeCall::MultiBlockMigrations(_)
				// Who governs, and how they speak together.
				| RuntimeCall::Council(_)
				| RuntimeCall::Parameters(_)
				| RuntimeCall::Scheduler(_)
				| RuntimeCall::Sudo(_)
				| RuntimeCall::TxPause(_)
				| RuntimeCall::Utility(_)
				| RuntimeCall::Proxy(pallet_proxy::Call::proxy { .. })
				| RuntimeCall::Multisig(_)
				// What has a deadline or frees what waits for one.
				| RuntimeCall::Validation(
					Validation::reveal { .. }
						| Validation::close_round { .. }
						| Validation::finalize { .. }
						| Validation::settle { .. }
				) | RuntimeCall::Models(Models::heartbeat { .. } | Models::judge_reveal { .. } | Models::close_dispute { .. })
		)
	}
}

impl pallet_safe_mode::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WhitelistedCalls = CallsOfSafeMode;
	type EnterDuration = SafeModeBlocks;
	type ExtendDuration = SafeModeBlocks;
	/// Nobody stops the chain for a deposit. So there is none that could be burnt either.
	type EnterDepositAmount = NoDeposit;
	type ExtendDepositAmount = NoDeposit;
	type ForceEnterOrigin = EnsureWithSuccess<AdminOrigin, AccountId, SafeModeBlocks>;
	type ForceExtendOrigin = EnsureWithSuccess<AdminOrigin, AccountId, SafeModeBlocks>;
	type ForceExitOrigin = AdminOrigin;
	type ForceDepositOrigin = AdminOrigin;
	type Notify = ();
	type ReleaseDelay = NoRelease;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}

/// Calls with which windows stand still while one of them is paused: they are how a deadline is met.
const CLOCK_CALLS: [(&str, &str); 8] = [
	("Validation", "commit"),
	("Validation", "reveal"),
	("Validation", "challenge"),
	("Models", "heartbeat"),
	("Models", "submit_result"),
	("Models", "report_evaluation"),
	("Models", "judge_commit"),
	("Models", "judge_reveal"),
];

fn is_paused(pallet: &str, call: &str) -> bool {
	TxPause::is_paused_unbound(pallet.into(), call.into())
}

/// Calls without which a chain could not be helped any more: governing, blocks, upgrades.
pub struct CallsThatStay;

impl Contains<pallet_tx_pause::RuntimeCallNameOf<Runtime>> for CallsThatStay {
	fn contains((pallet, _): &pallet_tx_pause::RuntimeCallNameOf<Runtime>) -> bool {
		const PALLETS: [&[u8]; 9] = [
			b"System",
			b"Timestamp",
			b"Babe",
			b"Grandpa",
			b"Session",
			b"Authorities",
			b"Council",
			b"Sudo",
			b"SafeMode",
		];
		PALLETS.contains(&pallet.as_slice())
	}
}

impl pallet_tx_pause::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PauseOrigin = AdminOrigin;
	type UnpauseOrigin = AdminOrigin;
	type WhitelistedCalls = CallsThatStay;
	type MaxNameLen = ConstU32<MAX_NAME>;
	type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
}

/// Whether windows stand still: in safe mode, while a call that meets deadlines is paused, and while migrations keep users'
/// extrinsics out of blocks.
pub struct Paused;

impl Get<bool> for Paused {
	fn get() -> bool {
		SafeMode::is_entered()
			|| MultiBlockMigrations::ongoing()
			|| CLOCK_CALLS.iter().any(|(pallet, call)| is_paused(pallet, call))
	}
}

/// A migration that failed leaves a state that nobody foresaw: safe mode, until the council has sent a runtime that knows
/// what to do. Keeping the migration stuck would keep the council out too.
pub struct StopWhereItFailed;

impl FailedMigrationHandler for StopWhereItFailed {
	fn failed(_: Option<u32>) -> FailedMigrationHandling {
		let result = if SafeMode::is_entered() {
			<SafeMode as frame_support::traits::SafeMode>::extend(BlockNumber::MAX)
		} else {
			<SafeMode as frame_support::traits::SafeMode>::enter(BlockNumber::MAX)
		};
		match result {
			Ok(()) => FailedMigrationHandling::ForceUnstuck,
			Err(_) => FailedMigrationHandling::KeepStuck,
		}
	}
}

impl pallet_migrations::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	/// None yet: nothing has been released.
	type Migrations = ();
	type CursorMaxLen = ConstU32<65_536>;
	type IdentifierMaxLen = ConstU32<256>;
	type MigrationStatusHandler = ();
	type FailedMigrationHandler = StopWhereItFailed;
	type MaxServiceWeight = MaxMigrationWeight;
	type WeightInfo = pallet_migrations::weights::SubstrateWeight<Runtime>;
}
