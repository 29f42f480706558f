//! A runtime of the system, balances, the clock and this pallet, with a court and rewards that only take notes.

use crate as pallet_datanets;
use crate::{DatanetParams, Datanets, Deposit, HoldReason};
use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{fungible::InspectHold, ConstU128, ConstU64},
};
use frame_system::EnsureRoot;
use openledger_primitives::{
	format::{Format, Modality},
	item::{Policy, Text},
	payload::{CidCodec, Payload, CHUNK_BYTES},
	quota::DAY_MILLIS,
	traits::{AcceptedItem, ActiveBlocks, Court, Docket, Pool, Rewards},
	vote::Verdict,
	ActiveBlock, Balance, DatanetId, EpochIndex, ItemId, OPEN,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};
use std::collections::BTreeMap;

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
/// Has one OPEN.
pub const POOR: AccountId = 4;
pub const FEE_ACCOUNT: AccountId = 100;
pub const POT: AccountId = 101;
pub const ACCOUNTS: [AccountId; 4] = [ALICE, BOB, CAROL, POOR];

/// What all but [`POOR`] have at genesis.
pub const ENDOWMENT: Balance = 100_000 * OPEN;
/// The epoch that the rewards of these tests put everything into.
pub const EPOCH: EpochIndex = 7;
/// Noon of the day on which tests begin.
pub const NOON: u64 = 20_000 * DAY_MILLIS + DAY_MILLIS / 2;

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
	pub type DatanetsPallet = pallet_datanets;
}

pub use DatanetsPallet as Net;

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
	type ExistentialDeposit = ConstU128<{ OPEN / 1_000 }>;
	type AccountStore = System;
}

parameter_types! {
	/// Open cases, and the fee each was opened with.
	pub static Cases: BTreeMap<ItemId, Balance> = BTreeMap::new();
	/// Whether the court says that it is too late to withdraw.
	pub static SeedIsKnown: bool = false;
	/// Points by pool and account.
	pub static Awards: BTreeMap<(Pool, AccountId), u128> = BTreeMap::new();
	/// The block that the last award was for.
	pub static AwardedAt: ActiveBlock = 0;
	pub static Now: ActiveBlock = 1;
}

pub struct Clock;

impl ActiveBlocks for Clock {
	fn now() -> ActiveBlock {
		Now::get()
	}
}

pub struct TestCourt;

impl Court<AccountId> for TestCourt {
	fn open(item: ItemId, _: DatanetId, _: Modality, _: &AccountId, _: u32, fee: Balance) -> DispatchResult {
		Cases::mutate(|cases| cases.insert(item, fee));
		Ok(())
	}

	fn withdraw(item: ItemId) -> Result<Balance, DispatchError> {
		if SeedIsKnown::get() {
			return Err(DispatchError::Other("too late"));
		}
		Cases::mutate(|cases| cases.remove(&item)).ok_or(DispatchError::Other("no case"))
	}

	fn fee_account() -> AccountId {
		FEE_ACCOUNT
	}

	fn has_case(item: ItemId) -> bool {
		Cases::get().contains_key(&item)
	}
}

pub struct TestRewards;

impl Rewards<AccountId> for TestRewards {
	fn award(pool: Pool, who: &AccountId, points: u128, final_at: ActiveBlock) -> EpochIndex {
		Awards::mutate(|awards| *awards.entry((pool, *who)).or_default() += points);
		AwardedAt::set(final_at);
		EPOCH
	}

	fn award_item(item: AcceptedItem<AccountId>, points: u128, final_at: ActiveBlock) -> EpochIndex {
		Self::award(Pool::Owners, item.owner, points, final_at);
		Self::award(Pool::Contributors(item.modality), item.contributor, points, final_at)
	}

	fn pot() -> AccountId {
		POT
	}
}

impl pallet_datanets::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ActiveBlocks = Clock;
	type UnixTime = Timestamp;
	type Court = TestCourt;
	type Rewards = TestRewards;
	type AdminOrigin = EnsureRoot<AccountId>;
	type WeightInfo = ();
}

/// Builds a chain to test on.
#[derive(Default)]
pub struct ExtBuilder {
	params: DatanetParams,
	datanets: Vec<Modality>,
}

impl ExtBuilder {
	/// Other parameters than the default ones.
	pub fn with_params(mut self, params: DatanetParams) -> Self {
		self.params = params;
		self
	}

	/// A Datanet of Alice's with the chain's cap; ids count from 0.
	pub fn with_datanet(mut self, modality: Modality) -> Self {
		self.datanets.push(modality);
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.expect("system genesis builds");
		let mut balances: Vec<_> = [ALICE, BOB, CAROL, FEE_ACCOUNT]
			.into_iter()
			.map(|who| (who, ENDOWMENT))
			.collect();
		balances.push((POOR, OPEN));
		pallet_balances::GenesisConfig::<Test> {
			balances,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("balances genesis builds");
		pallet_datanets::GenesisConfig::<Test> {
			params: self.params,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("datanets genesis builds");
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			pallet_timestamp::Now::<Test>::put(NOON);
			Cases::set(BTreeMap::new());
			Awards::set(BTreeMap::new());
			SeedIsKnown::set(false);
			Now::set(1);
			for modality in self.datanets {
				assert_ok!(Net::create_datanet(
					RuntimeOrigin::signed(ALICE),
					modality,
					text("A Datanet"),
					text("Tests"),
					Policy::open(modality, self.params.limits.file_bytes)
				));
			}
			System::reset_events();
		});
		ext
	}

	/// Runs a test, and checks the state after it.
	pub fn execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			let issuance = pallet_balances::TotalIssuance::<Test>::get();
			test();
			check(issuance);
		});
	}
}

/// The invariants of the pallet, and those that only a test can see: issuance, and holds of accounts without a ledger.
pub fn check(issuance: Balance) {
	Net::check_state().expect("the state holds after every test");
	assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance);
	let held = |reason: HoldReason, who| Balances::balance_on_hold(&reason.into(), &who);
	for who in ACCOUNTS {
		let ledger = crate::Holds::<Test>::get(who).map_or(0, |hold| hold.amount);
		assert_eq!(held(HoldReason::Contributor, who), ledger);
		let of = |deposits: Vec<Deposit<AccountId>>| -> Balance {
			let own = deposits.into_iter().filter(|deposit| deposit.who == who);
			own.map(|deposit| deposit.amount).sum()
		};
		assert_eq!(
			held(HoldReason::Datanet, who),
			of(crate::Deposits::<Test>::iter_values().collect())
		);
		let accesses = crate::Accesses::<Test>::iter_values().map(|access| access.deposit);
		assert_eq!(held(HoldReason::Access, who), of(accesses.collect()));
	}
}

pub fn text<const N: u32>(text: &str) -> Text<N> {
	text.as_bytes().to_vec().try_into().expect("the text fits")
}

/// A markdown file of `size` bytes whose content is known by `seed`.
pub fn payload(seed: u8, size: u32) -> Payload {
	let is_one_chunk = size <= CHUNK_BYTES;
	Payload {
		sha256: [seed; 32],
		root: if is_one_chunk { [seed; 32] } else { [!seed; 32] },
		codec: if is_one_chunk { CidCodec::Raw } else { CidCodec::DagPb },
		size,
		format: Format::Markdown,
	}
}

/// Submits a file of `size` bytes with the content `seed`.
pub fn submit(who: AccountId, datanet: DatanetId, seed: u8, size: u32) -> DispatchResult {
	Net::submit(RuntimeOrigin::signed(who), datanet, payload(seed, size), [0; 32])
}

/// Changes the policy of a Datanet of Alice's.
pub fn set_policy(datanet: DatanetId, change: impl FnOnce(&mut Policy)) {
	let mut policy = Datanets::<Test>::get(datanet).expect("the Datanet exists").policy;
	change(&mut policy);
	assert_ok!(Net::set_policy(RuntimeOrigin::signed(ALICE), datanet, policy));
}

/// Has an item of Bob's in Datanet 0 accepted, with the content `seed`; returns its id.
pub fn accepted(seed: u8) -> ItemId {
	assert_ok!(submit(BOB, 0, seed, 1));
	let item = crate::NextItem::<Test>::get() - 1;
	conclude(item, Some(Verdict::Accept { score: 100, units: 1 }));
	item
}

/// Concludes an item as the court does, which has no case of it afterwards.
pub fn conclude(item: ItemId, verdict: Option<Verdict>) {
	assert_ok!(Net::conclude(item, verdict, 3));
	Cases::mutate(|cases| cases.remove(&item));
}

pub fn advance_millis(millis: u64) {
	pallet_timestamp::Now::<Test>::mutate(|now| *now += millis);
}

pub fn free(who: AccountId) -> Balance {
	Balances::free_balance(who)
}
