//! A runtime of the system, balances and this pallet.

use crate as pallet_authorities;
use crate::{AuthorityParams, HoldReason};
use frame_support::{
	derive_impl, parameter_types,
	traits::{fungible::InspectHold, ConstU128, ConstU32, EitherOfDiverse, SortedMembers, ValidatorRegistration},
};
use frame_system::{EnsureRoot, EnsureSignedBy};
use openledger_primitives::{traits::Sessions, Balance, OPEN};
use sp_runtime::BuildStorage;
use sp_staking::SessionIndex;

pub type AccountId = u64;
pub type Hash = <Test as frame_system::Config>::Hash;

/// Accounts from here on have no session keys.
pub const FIRST_WITHOUT_KEYS: AccountId = 100;
/// May veto upgrades.
pub const VETOER: AccountId = 50;
pub const TREASURY: AccountId = 60;
/// What every account from 1 to 9 has at genesis.
pub const ENDOWMENT: Balance = 1_000 * OPEN;
pub const MIN_BOND: Balance = 100 * OPEN;
pub const UPGRADE_DELAY: u32 = 10;
pub const PROVABLE: SessionIndex = 5;
/// Of a runtime.
pub const HASH: Hash = Hash::repeat_byte(7);

#[frame_support::runtime]
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
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;

	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(2)]
	pub type Authorities = pallet_authorities;
}

type Block = frame_system::mocking::MockBlock<Test>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<{ OPEN / 1_000 }>;
	type AccountStore = System;
}

parameter_types! {
	pub static IsPaused: bool = false;
	pub static CurrentSession: SessionIndex = 0;
	pub const Treasury: AccountId = TREASURY;
}

/// Every account below [`FIRST_WITHOUT_KEYS`] has session keys.
pub struct SomeHaveKeys;

impl ValidatorRegistration<AccountId> for SomeHaveKeys {
	fn is_registered(who: &AccountId) -> bool {
		*who < FIRST_WITHOUT_KEYS
	}
}

pub struct Session;

impl Sessions for Session {
	fn current() -> SessionIndex {
		CurrentSession::get()
	}
}

/// Only [`VETOER`].
pub struct Vetoers;

impl SortedMembers<AccountId> for Vetoers {
	fn sorted_members() -> Vec<AccountId> {
		vec![VETOER]
	}
}

impl pallet_authorities::Config for Test {
	type AdminOrigin = EnsureRoot<AccountId>;
	type VetoOrigin = EitherOfDiverse<EnsureRoot<AccountId>, EnsureSignedBy<Vetoers, AccountId>>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type SessionKeys = SomeHaveKeys;
	type Sessions = Session;
	type ProvableSessions = ConstU32<PROVABLE>;
	type Treasury = Treasury;
	type Paused = IsPaused;
	type MaxAuthorities = ConstU32<4>;
	type WeightInfo = ();
}

/// Runs a test on a chain that starts with these authorities, and checks state and issuance after it.
pub fn with_authorities(authorities: &[AccountId], test: impl FnOnce()) {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("system genesis builds");
	pallet_balances::GenesisConfig::<Test> {
		balances: (1..10)
			.chain([FIRST_WITHOUT_KEYS, TREASURY])
			.map(|who| (who, ENDOWMENT))
			.collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.expect("balances genesis builds");
	pallet_authorities::GenesisConfig::<Test> {
		authorities: authorities.to_vec(),
		slot_millis: 1_000,
		session_blocks: 20,
		upgrade_delay: UPGRADE_DELAY,
		params: AuthorityParams {
			min_bond: MIN_BOND,
			..Default::default()
		},
	}
	.assimilate_storage(&mut storage)
	.expect("authorities genesis builds");
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		CurrentSession::set(0);
		let issuance = Balances::total_issuance();
		test();
		Authorities::check_state().expect("the state holds after every test");
		assert_eq!(Balances::total_issuance(), issuance, "nothing is minted or burnt");
	});
}

/// What `who` has put up, as balances have it.
pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::Authority.into(), &who)
}
