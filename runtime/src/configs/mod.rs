//! Configuration of the pallets: here those that every chain has, in [`consensus`] blocks and finality, in [`governance`] who
//! decides, in [`accounts`] how accounts act for one another, in [`safety`] what can be stopped, in [`parameters`] tunables of
//! pallets that are not ours, in [`openledger`] our own.

mod accounts;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
mod consensus;
mod governance;
mod openledger;
mod parameters;
mod safety;

pub use accounts::ProxyType;
pub use consensus::{MaxAuthorities, PunishOffenders, BABE_GENESIS_EPOCH_CONFIG};
pub use governance::{AdminOrigin, VetoOrigin, DAY};
pub use openledger::{CourtPalletId, PotAccount};
pub use parameters::{deposits, dynamic_params, fees, RuntimeParameters, RuntimeParametersKey, RuntimeParametersValue};
pub use safety::{CallsOfSafeMode, Paused};

use crate::*;
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{tokens::imbalance::ResolveTo, ConstU128, ConstU32, ConstU8, Contains, InsideBoth, VariantCountOf},
	weights::{
		constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
		ConstantMultiplier, Weight,
	},
	PalletId,
};
use frame_system::limits::{BlockLength, BlockWeights};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{
	traits::{AccountIdConversion, AccountIdLookup, Bounded},
	FixedPointNumber, Perbill, Perquintill,
};

/// The prefix of addresses: Substrate's general one.
pub const SS58_PREFIX: u16 = 42;
/// Decimals of OPEN.
pub const TOKEN_DECIMALS: u32 = 12;
/// Symbol of the token.
pub const TOKEN_SYMBOL: &str = "OPEN";
/// Below this an account does not exist: dust must not be worth an entry in the state.
pub const EXISTENTIAL_DEPOSIT: Balance = OPEN / 100;

/// Share of a block that signed extrinsics may fill; the rest is left to operational ones.
const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// Most bytes of a block: what a slow line carries in a few seconds.
const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

parameter_types! {
	/// Blocks whose hashes are known, and so how long a mortal extrinsic can live.
	pub const BlockHashCount: BlockNumber = 2400;
	pub const Version: RuntimeVersion = VERSION;
	/// Two seconds of computing in a slot of six.
	pub RuntimeBlockWeights: BlockWeights = BlockWeights::with_sensible_defaults(
		Weight::from_parts(2u64 * WEIGHT_REF_TIME_PER_SECOND, u64::MAX),
		NORMAL_DISPATCH_RATIO,
	);
	pub RuntimeBlockLength: BlockLength = BlockLength::builder()
		.max_length(MAX_BLOCK_BYTES)
		.modify_max_length_for_class(DispatchClass::Normal, |bytes| *bytes = NORMAL_DISPATCH_RATIO * MAX_BLOCK_BYTES)
		.build();
	pub const SS58Prefix: u16 = SS58_PREFIX;

	pub const TreasuryPalletId: PalletId = PalletId(*b"ol/trsry");
	pub TreasuryAccount: AccountId = TreasuryPalletId::get().into_account_truncating();

	/// The fullness of blocks at which fees stand still.
	pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
	/// How fast fees follow demand: at most about a third a day of full blocks.
	pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
	pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

/// Refuses calls that would move the total issuance, and the purge of session keys: with all of them purged nobody could
/// finalize a block. An authority that leaves is taken off the list; its keys then do nothing. A call within another (a batch,
/// a proxy's, a multisig's, a motion's) is looked at in its turn; root passes every filter, and no chain but a development
/// chain has one.
pub struct CallFilter;

impl Contains<RuntimeCall> for CallFilter {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_balances::Call;
		!matches!(
			call,
			RuntimeCall::Balances(
				Call::burn { .. } | Call::force_set_balance { .. } | Call::force_adjust_total_issuance { .. }
			) | RuntimeCall::Session(pallet_session::Call::purge_keys { .. })
		)
	}
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type BaseCallFilter = InsideBoth<CallFilter, InsideBoth<SafeMode, TxPause>>;
	type Block = Block;
	type BlockWeights = RuntimeBlockWeights;
	type BlockLength = RuntimeBlockLength;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type Lookup = AccountIdLookup<AccountId, ()>;
	type BlockHashCount = BlockHashCount;
	type DbWeight = ParityDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type SS58Prefix = SS58Prefix;
	type MaxConsumers = ConstU32<16>;
	type MultiBlockMigrator = MultiBlockMigrations;
}

impl pallet_timestamp::Config for Runtime {
	type Moment = Moment;
	type OnTimestampSet = Babe;
	type MinimumPeriod = pallet_authorities::MinimumPeriod<Runtime>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

/// Gives what nobody else gets to the treasury's account, which exists from genesis on, so that this cannot fail.
pub type ToTreasury = ResolveTo<TreasuryAccount, Balances>;

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type Balance = Balance;
	type DustRemoval = ToTreasury;
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxLocks = ConstU32<0>;
	type MaxReserves = ConstU32<0>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
}

/// Fees and tips go to the pot: what users of the chain pay, its contributors earn. The pot too exists from genesis on.
pub type ToPot = ResolveTo<PotAccount, Balances>;

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, ToPot>;
	type WeightToFee = ConstantMultiplier<Balance, fees::PlancksPerPicosecond>;
	type LengthToFee = ConstantMultiplier<Balance, fees::PlancksPerByte>;
	type FeeMultiplierUpdate = TargetedFeeAdjustment<
		Self,
		TargetBlockFullness,
		AdjustmentVariable,
		parameters::LeastMultiplier,
		MaximumMultiplier,
	>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
