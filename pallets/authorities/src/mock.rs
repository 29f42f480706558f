//! A runtime of the system and this pallet.

use crate as pallet_authorities;
use frame_support::{derive_impl, parameter_types, traits::ValidatorRegistration};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;

pub type AccountId = u64;

/// Accounts from here on have no session keys.
pub const FIRST_WITHOUT_KEYS: AccountId = 100;

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
	pub type Authorities = pallet_authorities;
}

type Block = frame_system::mocking::MockBlock<Test>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

parameter_types! {
	pub static IsPaused: bool = false;
}

/// Every account below [`FIRST_WITHOUT_KEYS`] has session keys.
pub struct SomeHaveKeys;

impl ValidatorRegistration<AccountId> for SomeHaveKeys {
	fn is_registered(who: &AccountId) -> bool {
		*who < FIRST_WITHOUT_KEYS
	}
}

impl pallet_authorities::Config for Test {
	type AdminOrigin = EnsureRoot<AccountId>;
	type SessionKeys = SomeHaveKeys;
	type Paused = IsPaused;
	type MaxAuthorities = frame_support::traits::ConstU32<4>;
	type WeightInfo = pallet_authorities::DbWeightInfo<Test>;
}

/// Runs a test on a chain that starts with these authorities, and checks the state after it.
pub fn with_authorities(authorities: &[AccountId], test: impl FnOnce()) {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("system genesis builds");
	pallet_authorities::GenesisConfig::<Test> {
		authorities: authorities.to_vec(),
		slot_millis: 1_000,
		session_blocks: 20,
	}
	.assimilate_storage(&mut storage)
	.expect("authorities genesis builds");
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		test();
		Authorities::check_state().expect("the state holds after every test");
	});
}
