//! Who makes blocks, who finalizes them, and what happens to those who sign two.

use crate::*;
use frame_support::{
	traits::{ConstBool, ConstU128, ConstU32, ConstU64},
	weights::Weight,
};
use frame_system::{offchain, EnsureRoot};
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
/// What an account holds while it has session keys: free keys would fill the state.
const KEY_DEPOSIT: Balance = 10 * OPEN;

impl pallet_authorities::Config for Runtime {
	type AdminOrigin = EnsureRoot<AccountId>;
	type SessionKeys = Session;
	type Paused = ConstBool<false>;
	type MaxAuthorities = MaxAuthorities;
	type WeightInfo = pallet_authorities::DbWeightInfo<Runtime>;
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

	fn start_session(index: SessionIndex) {
		<Noted as pallet_session::SessionManager<_>>::start_session(index)
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
	type KeyDeposit = ConstU128<KEY_DEPOSIT>;
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

/// Who signed two blocks of one slot, or two votes of one round, makes none until the session's end. Authorities have no bond
/// yet that could be slashed.
pub struct DisableOffenders;

impl OnOffenceHandler<AccountId, historical::IdentificationTuple<Runtime>, Weight> for DisableOffenders {
	fn on_offence(
		offenders: &[OffenceDetails<AccountId, historical::IdentificationTuple<Runtime>>],
		slash_fraction: &[Perbill],
		_: SessionIndex,
	) -> Weight {
		for (offence, fraction) in offenders.iter().zip(slash_fraction) {
			Session::report_offence(offence.offender.0.clone(), OffenceSeverity(*fraction));
		}
		// Each offender reads and writes the set of the disabled, and reads the authorities.
		<Runtime as frame_system::Config>::DbWeight::get()
			.reads_writes(2, 1)
			.saturating_mul(offenders.len() as u64)
	}
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = historical::IdentificationTuple<Self>;
	type OnOffenceHandler = DisableOffenders;
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
