//! A runtime of the system, balances, the clock and this pallet, with a Datanet whose points tests write down.

use crate as pallet_rewards;
use crate::{PerKind, RewardParams};
use frame_support::{
	derive_impl, parameter_types,
	traits::{ConstU128, ConstU64, Hooks},
	PalletId,
};
use openledger_primitives::{
	format::Modality,
	points::POINT,
	traits::{AcceptedItem, ActiveBlocks, DatanetOwners, Fees, Pool, Rewards as _, VersionPoints},
	ActiveBlock, Balance, DatanetId, FeeId, OPEN,
};
use sp_runtime::BuildStorage;
use std::collections::BTreeMap;

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
/// Does not exist at genesis.
pub const GHOST: AccountId = 4;
/// Pays fees of use.
pub const PAYER: AccountId = 5;

/// What accounts have at genesis; the pot has [`POT_BALANCE`].
pub const ENDOWMENT: Balance = 1_000_000 * OPEN;
/// Without the existential deposit this is a round number.
pub const POT_BALANCE: Balance = ENDOWMENT + EXISTENTIAL_DEPOSIT;
pub const EXISTENTIAL_DEPOSIT: Balance = OPEN / 1_000;
/// A day's budget: 100 OPEN.
pub const BUDGET: Balance = 100 * OPEN;
pub const DAY: u64 = 86_400_000;
/// Midnight of the day on which tests begin.
pub const MIDNIGHT: u64 = 20_000 * DAY;
pub const TEXT: Pool = Pool::Contributors(Modality::Text);
/// Datanets below this number exist; Alice owns them.
pub const DATANETS: DatanetId = 3;
/// One whole point.
pub const ONE: u128 = POINT as u128;

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
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(3)]
	pub type Rewards = pallet_rewards;
}

type Block = frame_system::mocking::MockBlock<Test>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {
	type MinimumPeriod = ConstU64<1>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
}

parameter_types! {
	pub const RewardsPalletId: PalletId = PalletId(*b"open/pot");
	/// Points by Datanet, version and account.
	pub static Contributions: BTreeMap<(DatanetId, u32), BTreeMap<AccountId, u128>> = BTreeMap::new();
}

/// Active blocks are the system's.
pub struct Clock;

impl ActiveBlocks for Clock {
	fn now() -> ActiveBlock {
		System::block_number() as ActiveBlock
	}
}

pub struct WrittenDown;

impl VersionPoints<AccountId> for WrittenDown {
	fn total(datanet: DatanetId, version: u32) -> u128 {
		Contributions::get()
			.get(&(datanet, version))
			.map_or(0, |points| points.values().sum())
	}

	fn of(datanet: DatanetId, version: u32, who: &AccountId) -> u128 {
		Contributions::get()
			.get(&(datanet, version))
			.and_then(|points| points.get(who).copied())
			.unwrap_or(0)
	}
}

impl DatanetOwners<AccountId> for WrittenDown {
	fn owner(datanet: DatanetId) -> Option<AccountId> {
		(datanet < DATANETS).then_some(ALICE)
	}
}

impl pallet_rewards::Config for Test {
	type Currency = Balances;
	type ActiveBlocks = Clock;
	type UnixTime = Timestamp;
	type VersionPoints = WrittenDown;
	type Datanets = WrittenDown;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type PalletId = RewardsPalletId;
	type WeightInfo = ();
}

/// Builds a chain to test on.
pub struct ExtBuilder {
	params: RewardParams,
}

impl Default for ExtBuilder {
	/// A budget of 100 OPEN on the first day and pay without a practical cap.
	fn default() -> Self {
		let uncapped = PerKind {
			contributors: Balance::MAX,
			validators: Balance::MAX,
			owners: Balance::MAX,
		};
		Self {
			params: RewardParams {
				budget_ppm: 100,
				max_pay_per_point: uncapped,
				..RewardParams::default()
			},
		}
	}
}

impl ExtBuilder {
	/// Changes some parameters.
	pub fn with_params(mut self, change: impl FnOnce(&mut RewardParams)) -> Self {
		change(&mut self.params);
		self
	}

	/// A chain whose clock nobody has read: block 1 of epoch 0.
	pub fn build(self) -> sp_io::TestExternalities {
		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.expect("system genesis builds");
		let mut balances: Vec<_> = [ALICE, BOB, CAROL, PAYER]
			.into_iter()
			.map(|who| (who, ENDOWMENT))
			.collect();
		balances.push((Rewards::pot(), POT_BALANCE));
		pallet_balances::GenesisConfig::<Test> {
			balances,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("balances genesis builds");
		pallet_rewards::GenesisConfig::<Test> {
			params: self.params,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("rewards genesis builds");
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			Contributions::set(BTreeMap::new());
		});
		ext
	}

	/// Runs a test from the beginning of epoch 1 at [`MIDNIGHT`], and checks the state after it.
	pub fn execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			let issuance = pallet_balances::TotalIssuance::<Test>::get();
			next_block_at(MIDNIGHT);
			System::reset_events();
			test();
			check(issuance);
		});
	}
}

/// The invariants of the pallet, and that nothing was minted or burnt.
pub fn check(issuance: Balance) {
	Rewards::check_state().expect("the state holds after every test");
	assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance);
}

/// Begins a block after one whose time was `millis`.
pub fn next_block_at(millis: u64) {
	pallet_timestamp::Now::<Test>::put(millis);
	System::set_block_number(System::block_number() + 1);
	Rewards::on_initialize(System::block_number());
}

/// Begins the first block of day `day` after the first, which is epoch `day + 1` if there was one every day.
pub fn begin_day(day: u64) {
	next_block_at(MIDNIGHT + day * DAY);
}

/// Awards points for a verdict that is final now.
pub fn award(pool: Pool, who: AccountId, points: u128) -> u32 {
	Rewards::award(pool, &who, points, Clock::now())
}

/// An item of text by `contributor` to one of Alice's Datanets was accepted.
pub fn accept_item(datanet: DatanetId, contributor: AccountId, points: u128) -> u32 {
	let item = AcceptedItem {
		datanet,
		modality: Modality::Text,
		contributor: &contributor,
		owner: &ALICE,
	};
	Rewards::award_item(item, points, Clock::now())
}

/// Moves `amount` to the pot and has it shared.
pub fn collect(datanet: DatanetId, version: u32, amount: Balance) -> Option<FeeId> {
	use frame_support::traits::{fungible::Mutate, tokens::Preservation};
	Balances::transfer(&PAYER, &Rewards::pot(), amount, Preservation::Preserve).expect("the payer is rich");
	Rewards::collect(datanet, version, amount)
}

pub fn contribute(datanet: DatanetId, version: u32, points: &[(AccountId, u128)]) {
	Contributions::mutate(|all| all.insert((datanet, version), points.iter().copied().collect()));
}

/// What an account has gained since genesis.
pub fn gained(who: AccountId) -> Balance {
	Balances::free_balance(who) - ENDOWMENT
}
