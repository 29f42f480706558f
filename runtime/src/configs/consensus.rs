//! Who makes blocks, who finalizes them, and what happens to those who sign two.

use super::{
	governance::{AdminOrigin, VetoOrigin},
	openledger::CurrentSession,
	parameters::{deposits, Shown},
	safety::Paused,
	TreasuryAccount,
};
use crate::*;
use frame_support::{
	traits::{ConstU32, ConstU64},
	weights::Weight,
};
use frame_system::offchain;
use pallet_authorities::WeightInfo as _;
use pallet_session::{disabling::UpToLimitWithReEnablingDisablingStrategy, historical};
use sp_consensus_babe::AllowedSlots;
use sp_runtime::{
	traits::{Convert, ConvertInto, OpaqueKeys},
	Perbill,
};
use sp_staking::{
	offence::{OffenceDetails, OffenceSeverity, OnOffenceHandler},
	SessionIndex,
};

/// One slot in four is won by lot; the others fall to an authority in turn, who proves a VRF too, so that every block brings
/// randomness.
pub const BABE_GENESIS_EPOCH_CONFIG: BabeEpochConfiguration = BabeEpochConfiguration {
	c: (1, 4),
	allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
};

/// Most authorities at one time.
pub type MaxAuthorities = ConstU32<32>;

/// Sessions for which an equivocation can be proved: a week of one-hour sessions.
const PROVABLE_SESSIONS: SessionIndex = 168;
/// Blocks for which a report of an equivocation stays valid in the pool.
const REPORT_LONGEVITY: u64 = 2_400;

impl pallet_authorities::Config for Runtime {
	type AdminOrigin = AdminOrigin;
	type VetoOrigin = VetoOrigin;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type SessionKeys = Session;
	type Sessions = CurrentSession;
	type ProvableSessions = ConstU32<PROVABLE_SESSIONS>;
	type Treasury = TreasuryAccount;
	type Paused = Paused;
	type MaxAuthorities = MaxAuthorities;
	type WeightInfo = weights::Authorities;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = super::benchmarks::Stage;
}

impl pallet_babe::Config for Runtime {
	type EpochDuration = pallet_authorities::SessionBlocks<Runtime>;
	type ExpectedBlockTime = pallet_authorities::SlotDuration<Runtime>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = ConstU32<0>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_babe::EquivocationReportSystem<Self, Offences, Historical, ConstU64<REPORT_LONGEVITY>>;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<{ PROVABLE_SESSIONS as u64 }>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, ConstU64<REPORT_LONGEVITY>>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
	type EventHandler = ();
}

/// Keeps the proofs of past sessions as long as an equivocation in them can be reported, and no longer.
pub struct SessionsWithHistory;

type Noted = historical::NoteHistoricalRoot<Runtime, Authorities>;

impl pallet_session::SessionManager<AccountId> for SessionsWithHistory {
	fn new_session(index: SessionIndex) -> Option<Vec<AccountId>> {
		<Noted as pallet_session::SessionManager<_>>::new_session(index)
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<AccountId>> {
		<Noted as pallet_session::SessionManager<_>>::new_session_genesis(index)
	}

	/// pallet-session enables everybody with a new set. Who left for an offence, and has a place in this one because it was
	/// chosen before, makes no block in it either.
	fn start_session(index: SessionIndex) {
		<Noted as pallet_session::SessionManager<_>>::start_session(index);
		for offender in Authorities::offenders_in(index) {
			Session::report_offence(offender.who, OffenceSeverity(offender.severity));
		}
	}

	fn end_session(index: SessionIndex) {
		<Noted as pallet_session::SessionManager<_>>::end_session(index);
		if let Some(forgotten) = index.checked_sub(PROVABLE_SESSIONS) {
			Historical::prune_up_to(forgotten);
		}
	}
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = SessionsWithHistory;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	/// Free keys would fill the state.
	type KeyDeposit = Shown<deposits::SessionKeys>;
}

/// Of an authority nothing is kept beside its account.
pub struct NoIdentification;

impl Convert<AccountId, Option<()>> for NoIdentification {
	fn convert(_: AccountId) -> Option<()> {
		Some(())
	}
}

impl historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = NoIdentification;
}

/// Who signed two blocks of one slot, or two votes of one round, makes no block from now on, loses a part of its bond to the
/// treasury and its place on the list. One that was offline is not an offender: nobody reports that.
pub struct PunishOffenders;

impl OnOffenceHandler<AccountId, historical::IdentificationTuple<Runtime>, Weight> for PunishOffenders {
	fn on_offence(
		offenders: &[OffenceDetails<AccountId, historical::IdentificationTuple<Runtime>>],
		slash_fraction: &[Perbill],
		_: SessionIndex,
	) -> Weight {
		for (offence, fraction) in offenders.iter().zip(slash_fraction) {
			let (who, ()) = &offence.offender;
			Session::report_offence(who.clone(), OffenceSeverity(*fraction));
			Authorities::punish(who, *fraction);
		}
		// Each offender reads and writes the set of the disabled, reads the authorities, and is punished.
		<Runtime as frame_system::Config>::DbWeight::get()
			.reads_writes(2, 1)
			.saturating_add(<Runtime as pallet_authorities::Config>::WeightInfo::punish())
			.saturating_mul(offenders.len() as u64)
	}
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = historical::IdentificationTuple<Self>;
	type OnOffenceHandler = PunishOffenders;
}

impl<C> offchain::CreateTransactionBase<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

/// Equivocation reports come from the node itself, unsigned.
impl<C> offchain::CreateBare<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}
