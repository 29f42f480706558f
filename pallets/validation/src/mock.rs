//! A runtime of the system, balances and this pallet, with a clock, sessions, randomness, docket and rewards that a
//! test sets.

use crate as pallet_validation;
use crate::CourtParams;
use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{fungible::Mutate, tokens::Preservation, ConstU128, Hooks},
	Hashable, PalletId,
};
use openledger_primitives::{
	format::{Modality, ModalitySet},
	item::{Case, Phase, Round},
	plant::{self, Plant},
	tally::{Width, WIDTHS},
	traits::{AcceptedItem, ActiveBlocks, Court, DatanetOwners, Docket, Pool, Rewards, Sessions, Submission},
	vote::{Ballot, Reason, Verdict},
	ActiveBlock, Balance, BatchId, DatanetId, EpochIndex, ItemId, RoundIndex, SessionIndex,
};
use sp_runtime::{BoundedVec, BuildStorage, DispatchError, DispatchResult};

pub type AccountId = u64;

/// Takes slashes, dust and what nobody earned.
pub const POT: AccountId = 99;
/// Contributes the items.
pub const CONTRIBUTOR: AccountId = 50;
/// Owns the Datanet.
pub const OWNER: AccountId = 55;
/// No validator, but rich.
pub const STRANGER: AccountId = 60;
/// Free balance of everybody at genesis, stakes included.
pub const RICH: Balance = 1_000_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;
/// Stake of each genesis validator.
pub const STAKE: Balance = 10_000;
pub const DATANET: u32 = 7;
/// Of the same owner, without items.
pub const OTHER_DATANET: u32 = 8;
pub const FEE: Balance = 1_000;
/// Of the first challenge of a case on an item without size: the risk of the panel's weight.
pub const CHALLENGE_BOND: Balance = 700;
/// Of each plant.
pub const PLANT_BOND: Balance = 300;
pub const ACCEPT: Verdict = Verdict::Accept { score: 80, units: 10 };
pub const REJECT: Verdict = Verdict::Reject {
	reason: Reason::LowQuality,
};
pub const SALT: [u8; 32] = [7; 32];

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
	pub type Validation = pallet_validation;
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
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
}

parameter_types! {
	pub static Now: ActiveBlock = 0;
	pub static Session: SessionIndex = 0;
	pub static IsPaused: bool = false;
	/// The VRF output of the current block is made of this and its number.
	pub static VrfSecret: u32 = 1;
	/// What the docket was told: item, verdict, block.
	pub static Concluded: Vec<(ItemId, Option<Verdict>, ActiveBlock)> = vec![];
	/// What the docket was told was planted.
	pub static PlantedItems: Vec<ItemId> = vec![];
	/// When items were submitted.
	pub static Submitted: Vec<(ItemId, ActiveBlock)> = vec![];
	/// What the docket says in place of the verdict.
	pub static Overruled: Option<Verdict> = None;
	/// Whether an earlier claim is open.
	pub static EarlierClaim: bool = false;
	/// Who was given points: account, points, block.
	pub static Awards: Vec<(AccountId, u128, ActiveBlock)> = vec![];
	pub const CourtPalletId: PalletId = PalletId(*b"ol/court");
}

pub struct Clock;

impl ActiveBlocks for Clock {
	fn now() -> ActiveBlock {
		Now::get()
	}
}

impl Sessions for Clock {
	fn current() -> SessionIndex {
		Session::get()
	}
}

/// A VRF that is a hash.
pub struct Vrf;

impl frame_support::traits::Get<Option<[u8; 32]>> for Vrf {
	fn get() -> Option<[u8; 32]> {
		Some((VrfSecret::get(), System::block_number()).blake2_256())
	}
}

pub struct FakeDocket;

impl Docket for FakeDocket {
	fn conclude(item: ItemId, verdict: Option<Verdict>, at: ActiveBlock) -> Result<Option<Verdict>, DispatchError> {
		if EarlierClaim::get() {
			return Err(DispatchError::Other("EarlierClaimOpen"));
		}
		Concluded::mutate(|all| all.push((item, verdict, at)));
		Ok(verdict.map(|verdict| Overruled::get().unwrap_or(verdict)))
	}

	fn submission(item: ItemId) -> Option<Submission> {
		let (_, submitted_at) = Submitted::get().into_iter().find(|(submitted, _)| *submitted == item)?;
		Some(Submission {
			sha256: content(item),
			submitted_at,
		})
	}

	fn conclude_planted(item: ItemId) -> DispatchResult {
		PlantedItems::mutate(|all| all.push(item));
		Ok(())
	}
}

pub struct FakeOwners;

impl DatanetOwners<AccountId> for FakeOwners {
	fn owner(datanet: DatanetId) -> Option<AccountId> {
		(datanet == DATANET || datanet == OTHER_DATANET).then_some(OWNER)
	}
}

pub struct FakeRewards;

impl Rewards<AccountId> for FakeRewards {
	fn award(pool: Pool, who: &AccountId, points: u128, final_at: ActiveBlock) -> EpochIndex {
		assert_eq!(pool, Pool::Validators);
		Awards::mutate(|all| all.push((*who, points, final_at)));
		0
	}

	fn award_item(_: AcceptedItem<AccountId>, _: u128, _: ActiveBlock) -> EpochIndex {
		0
	}

	fn pot() -> AccountId {
		POT
	}
}

impl pallet_validation::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type ActiveBlocks = Clock;
	type Sessions = Clock;
	type Docket = FakeDocket;
	type DatanetOwners = FakeOwners;
	type Rewards = FakeRewards;
	type Randomness = Vrf;
	type PalletId = CourtPalletId;
	type WeightInfo = ();
}

/// Short windows, cheap votes; ten votes for each of seven on a challenge's panel.
pub fn params() -> CourtParams {
	CourtParams {
		seed_delay: 2,
		commit_blocks: 3,
		reveal_blocks: 3,
		provisional_blocks: 4,
		min_stake: 1_000,
		risk_per_weight: 10,
		risk_per_kib: 3,
		unbonding_sessions: 4,
		widths: BoundedVec::truncate_from(WIDTHS.to_vec()),
		challenge_width: Width {
			panel: 70,
			threshold: 50,
		},
		challenge_weight: 70,
		max_challenges: 2,
		challenger_percent: 50,
		plant_bond: PLANT_BOND,
		plant_delay: 5,
		plant_blocks: 200,
	}
}

pub fn text() -> ModalitySet {
	ModalitySet::of(&[Modality::Text])
}

pub fn text_and_audio() -> ModalitySet {
	ModalitySet::of(&[Modality::Text, Modality::Audio])
}

/// A chain with validators.
pub struct ExtBuilder {
	params: CourtParams,
	validators: Vec<(AccountId, Balance, ModalitySet)>,
}

impl Default for ExtBuilder {
	/// Seven equal validators of text, 1 to 7: each has weight one on a panel of seven, three on one of 21.
	fn default() -> Self {
		Self {
			params: params(),
			validators: (1..=7).map(|who| (who, STAKE, text())).collect(),
		}
	}
}

impl ExtBuilder {
	pub fn with_validators(mut self, validators: Vec<(AccountId, Balance, ModalitySet)>) -> Self {
		self.validators = validators;
		self
	}

	pub fn with_params(mut self, params: CourtParams) -> Self {
		self.params = params;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.expect("system genesis builds");
		let mut balances: Vec<_> = (1..=30)
			.chain([CONTRIBUTOR, OWNER, STRANGER, POT])
			.map(|who| (who, RICH))
			.collect();
		balances.push((Validation::fee_account_id(), EXISTENTIAL_DEPOSIT));
		pallet_balances::GenesisConfig::<Test> {
			balances,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("balances genesis builds");
		pallet_validation::GenesisConfig::<Test> {
			params: self.params,
			validators: self.validators,
		}
		.assimilate_storage(&mut storage)
		.expect("validation genesis builds");
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| {
			reset();
			run_to(1);
		});
		ext
	}

	/// Runs a test, and checks the state and the issuance after it.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			let issuance = Balances::total_issuance();
			test();
			Validation::check_state().expect("the state holds after every test");
			assert_eq!(Balances::total_issuance(), issuance);
		});
	}
}

/// Test threads are reused, what they keep is not.
fn reset() {
	Now::set(0);
	Session::set(0);
	IsPaused::set(false);
	VrfSecret::set(1);
	Concluded::set(vec![]);
	PlantedItems::set(vec![]);
	Submitted::set(vec![]);
	Overruled::set(None);
	EarlierClaim::set(false);
	Awards::set(vec![]);
}

/// Ends the current block and begins the next.
pub fn next_block() {
	let number = System::block_number();
	Validation::on_finalize(number);
	System::set_block_number(number + 1);
	if !IsPaused::get() {
		Now::mutate(|now| *now += 1);
	}
	Validation::on_initialize(number + 1);
}

/// Makes blocks up to active block `to`.
pub fn run_to(to: ActiveBlock) {
	while Now::get() < to {
		next_block();
	}
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Opens a case on a text item of [`CONTRIBUTOR`].
pub fn open(item: ItemId) {
	open_as(item, Modality::Text, FEE);
}

pub fn open_as(item: ItemId, modality: Modality, fee: Balance) {
	open_sized(item, modality, 0, fee);
}

/// A unit of weight risks `10 + 3 * ceil(KiB)` of a file of `bytes`.
pub fn open_sized(item: ItemId, modality: Modality, bytes: u32, fee: Balance) {
	if fee > 0 {
		let fee_account = Validation::fee_account_id();
		assert_ok!(<Balances as Mutate<_>>::transfer(
			&CONTRIBUTOR,
			&fee_account,
			fee,
			Preservation::Expendable
		));
	}
	Submitted::mutate(|all| all.push((item, Now::get())));
	assert_ok!(<Validation as Court<_>>::open(
		item,
		DATANET,
		modality,
		&CONTRIBUTOR,
		bytes,
		fee
	));
}

pub fn case(item: ItemId) -> Case<AccountId> {
	crate::Cases::<Test>::get(item).expect("the item has a case")
}

/// The item's open or last round.
pub fn round(item: ItemId) -> Round {
	crate::Rounds::<Test>::get((item, case(item).round)).expect("the round is kept")
}

pub fn commitment(item: ItemId, round: RoundIndex, voter: AccountId, verdict: Verdict) -> [u8; 32] {
	Ballot {
		genesis: Validation::genesis(),
		item,
		round,
		voter: &voter,
	}
	.commitment(&verdict, &SALT)
}

/// Has these validators commit in the item's open round, at the beginning of its window.
pub fn commit_all(item: ItemId, votes: &[(AccountId, Verdict)]) {
	run_to(round(item).seed_at + 1);
	for (voter, verdict) in votes {
		let index = case(item).round;
		assert_ok!(Validation::commit(
			signed(*voter),
			item,
			index,
			commitment(item, index, *voter, *verdict)
		));
	}
}

/// Has these validators reveal in the item's open round, at the beginning of its window.
pub fn reveal_all(item: ItemId, votes: &[(AccountId, Verdict)]) {
	run_to(round(item).commit_until + 1);
	for (voter, verdict) in votes {
		assert_ok!(Validation::reveal(
			signed(*voter),
			item,
			case(item).round,
			*verdict,
			SALT
		));
	}
}

/// A whole round, up to and with its closing.
pub fn vote(item: ItemId, votes: &[(AccountId, Verdict)]) {
	commit_all(item, votes);
	reveal_all(item, votes);
	close(item);
}

pub fn close(item: ItemId) {
	run_to(round(item).reveal_until + 1);
	assert_ok!(Validation::close_round(signed(STRANGER), item));
}

/// Makes the item's provisional verdict final.
pub fn finalize(item: ItemId) {
	let Phase::Provisional { until, .. } = case(item).phase else {
		panic!("the item has no provisional verdict");
	};
	run_to(until + 1);
	assert_ok!(Validation::finalize(signed(STRANGER), item));
}

/// The same verdict of validators 1 to `n`.
pub fn all(n: AccountId, verdict: Verdict) -> Vec<(AccountId, Verdict)> {
	(1..=n).map(|who| (who, verdict)).collect()
}

/// Challenges the item's provisional verdict, as [`STRANGER`].
pub fn challenge(item: ItemId) {
	assert_ok!(Validation::challenge(signed(STRANGER), item));
}

pub fn settle(item: ItemId, round: RoundIndex, voter: AccountId) {
	assert_ok!(Validation::settle(signed(STRANGER), item, round, voter));
}

/// The sha2-256 of an item's content.
pub fn content(item: ItemId) -> [u8; 32] {
	(*b"content", item).blake2_256()
}

/// What the owner commits to for these items, and whether accepting them is right.
pub fn leaves(datanet: DatanetId, plants: &[(ItemId, bool)]) -> Vec<[u8; 32]> {
	let genesis = Validation::genesis();
	let plant = |(item, right): &(ItemId, bool)| Plant {
		genesis,
		datanet,
		sha256: content(*item),
		right: *right,
		salt: SALT,
	};
	plants.iter().map(|entry| plant(entry).leaf()).collect()
}

/// Plants these items, and returns their batch.
pub fn plant(plants: &[(ItemId, bool)]) -> BatchId {
	let batch = crate::NextBatch::<Test>::get();
	let root = plant::root(&leaves(DATANET, plants));
	assert_ok!(Validation::plant(signed(OWNER), DATANET, root, plants.len() as u16));
	batch
}

/// Opens the plant of this index, which is an item with a provisional verdict.
pub fn open_plant(batch: BatchId, plants: &[(ItemId, bool)], index: u16) -> DispatchResult {
	let (item, right) = plants[usize::from(index)];
	let proof = plant::proof(&leaves(DATANET, plants), index).expect("the plant is one of these");
	let proof = BoundedVec::truncate_from(proof);
	Validation::open_plant(signed(STRANGER), batch, index, item, right, SALT, proof)
}
