//! Who decides: a council of accounts, two thirds of which act as administrator, and what it spends.
//!
//! A chain of its own has no root: sudo is given a key only by the presets `dev` and `local`. The council then changes code only
//! through `authorities.schedule_upgrade`, which a third of it can veto while it waits.

use super::{parameters::Deposit, RuntimeBlockWeights, TreasuryAccount, TreasuryPalletId};
use crate::*;
use core::cmp::Ordering;
use frame_support::{
	parameter_types,
	traits::{
		fungible::{HoldConsideration, Mutate},
		tokens::{Pay, PaymentStatus, Preservation, UnityAssetBalanceConversion},
		ConstU32, EitherOfDiverse, LinearStoragePrice, PrivilegeCmp,
	},
	weights::Weight,
};
use frame_system::{EnsureRoot, EnsureWithSuccess, RawOrigin};
use pallet_collective::{DefaultVote, EnsureProportionAtLeast, EnsureProportionMoreThan, MemberCount};
use sp_runtime::{traits::IdentityLookup, DispatchError, Perbill, Permill};

/// Root, or at least two thirds of the council.
pub type AdminOrigin = EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, (), 2, 3>>;

/// Root, or more than a third of the council: who could have kept two thirds from agreeing.
pub type VetoOrigin = EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionMoreThan<AccountId, (), 1, 3>>;

/// Blocks of a day, of six seconds each.
pub const DAY: BlockNumber = 14_400;

parameter_types! {
	/// Half a block: a motion's call shares the block that closes it with others.
	pub MaxProposalWeight: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
	/// What the scheduler may use of a block, so that users' extrinsics always find room.
	pub MaxScheduledWeight: Weight = Perbill::from_percent(25) * RuntimeBlockWeights::get().max_block;
	pub const PreimageHoldReason: RuntimeHoldReason = RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
	pub const NoPartBurnt: Permill = Permill::zero();
	pub const WholeTreasury: Balance = Balance::MAX;
}

/// Who does not vote does not agree. The collective's own rule would count silence with the majority, and a bare half could
/// then pass for two thirds.
pub struct SilenceIsNo;

impl DefaultVote for SilenceIsNo {
	fn default_vote(_: Option<bool>, _: MemberCount, _: MemberCount, _: MemberCount) -> bool {
		false
	}
}

impl pallet_collective::Config for Runtime {
	type RuntimeOrigin = RuntimeOrigin;
	type Proposal = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type MotionDuration = ConstU32<{ 7 * DAY }>;
	type MaxProposals = ConstU32<32>;
	type MaxMembers = ConstU32<32>;
	type DefaultVote = SilenceIsNo;
	type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
	type SetMembersOrigin = AdminOrigin;
	type MaxProposalWeight = MaxProposalWeight;
	type DisapproveOrigin = AdminOrigin;
	type KillOrigin = AdminOrigin;
	/// Only members propose, and few motions are open at a time. A deposit would be burnt by `kill`.
	type Consideration = ();
}

/// Pays OPEN from the treasury's account and never empties it: slashes and dust must find it.
pub struct PayFromTreasury;

impl Pay for PayFromTreasury {
	type Balance = Balance;
	type Beneficiary = AccountId;
	type AssetKind = ();
	type Id = ();
	type Error = DispatchError;

	fn pay(who: &AccountId, _: (), amount: Balance) -> Result<(), DispatchError> {
		Balances::transfer(&TreasuryAccount::get(), who, amount, Preservation::Preserve).map(|_| ())
	}

	fn check_payment(_: ()) -> PaymentStatus {
		PaymentStatus::Success
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn ensure_successful(_: &AccountId, _: (), amount: Balance) {
		Balances::mint_into(&TreasuryAccount::get(), amount).expect("issuance is far from its end");
	}

	/// A payment is made at once.
	#[cfg(feature = "runtime-benchmarks")]
	fn ensure_concluded(_: ()) {}
}

/// `spend` approves, `payout` pays. `spend_local`, which pays by minting and settling in a hook, finds no room
/// ([`MaxApprovals`](pallet_treasury::Config::MaxApprovals)).
impl pallet_treasury::Config for Runtime {
	type Currency = Balances;
	type RejectOrigin = AdminOrigin;
	type RuntimeEvent = RuntimeEvent;
	/// Nothing happens by periods.
	type SpendPeriod = ConstU32<{ BlockNumber::MAX }>;
	type Burn = NoPartBurnt;
	type PalletId = TreasuryPalletId;
	type BurnDestination = ();
	type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
	type SpendFunds = ();
	type MaxApprovals = ConstU32<0>;
	type SpendOrigin = EnsureWithSuccess<AdminOrigin, AccountId, WholeTreasury>;
	type AssetKind = ();
	type Beneficiary = AccountId;
	type BeneficiaryLookup = IdentityLookup<AccountId>;
	type Paymaster = PayFromTreasury;
	type BalanceConverter = UnityAssetBalanceConversion;
	type PayoutPeriod = ConstU32<{ 30 * DAY }>;
	type BlockNumberProvider = System;
}

impl pallet_preimage::Config for Runtime {
	type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type ManagerOrigin = AdminOrigin;
	type Consideration = HoldConsideration<
		AccountId,
		Balances,
		PreimageHoldReason,
		LinearStoragePrice<Deposit<2, 64>, Deposit<0, 1>, Balance>,
	>;
}

/// Root is above all; whatever part of the council acts as administrator may cancel what another such part has scheduled.
pub struct OriginPrivileges;

impl PrivilegeCmp<OriginCaller> for OriginPrivileges {
	fn cmp_privilege(left: &OriginCaller, right: &OriginCaller) -> Option<Ordering> {
		let is_admin = |caller: &OriginCaller| matches!(caller, OriginCaller::Council(pallet_collective::RawOrigin::Members(ayes, seats)) if 3 * ayes >= 2 * seats);
		match (left, right) {
			(left, right) if left == right => Some(Ordering::Equal),
			(OriginCaller::system(RawOrigin::Root), _) => Some(Ordering::Greater),
			(_, OriginCaller::system(RawOrigin::Root)) => Some(Ordering::Less),
			(left, right) if is_admin(left) && is_admin(right) => Some(Ordering::Equal),
			_ => None,
		}
	}
}

impl pallet_scheduler::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeOrigin = RuntimeOrigin;
	type PalletsOrigin = OriginCaller;
	type RuntimeCall = RuntimeCall;
	type MaximumWeight = MaxScheduledWeight;
	type ScheduleOrigin = AdminOrigin;
	type OriginPrivilegeCmp = OriginPrivileges;
	type MaxScheduledPerBlock = ConstU32<16>;
	type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
	type Preimages = Preimage;
	type BlockNumberProvider = System;
}

/// Of use only on development chains, whose presets give a key.
impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
