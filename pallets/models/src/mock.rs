//! A runtime of system, balances and this pallet, with datasets and fees that tests can read.

use crate as pallet_models;
use crate::{Event, ModelParams};
use frame_support::{derive_impl, parameter_types, traits::VariantCountOf};
use frame_system::EnsureRoot;
use openledger_primitives::{
	bid::SEED_DELAY,
	capability::{Capability, Device, DtypeSet, MethodSet},
	dispute::{Claim, Finding, JudgeBallot},
	evaluation::ResultEvaluation,
	format::Modality,
	model::{Artifact, JobResult, ModelFile, Progress},
	payload::{Cid, CidCodec},
	training::{DatasetRef, Dtype, Method, Parent, TrainingSpec},
	traits::{AcceptedItem, ActiveBlocks, Dataset, Datasets, Fees, Pool, Rewards, Seeds},
	ActiveBlock, Balance, DatanetId, EpochIndex, FeeId, JobId,
};
use sp_runtime::{BuildStorage, DispatchError};
use std::collections::BTreeMap;

pub type AccountId = u64;

pub const OWNER: AccountId = 1;
pub const REQUESTER: AccountId = 2;
pub const WORKER: AccountId = 3;
pub const WORKER_2: AccountId = 4;
pub const STRANGER: AccountId = 5;
/// All accounts that have funds and act.
pub const PEOPLE: [AccountId; 6] = [OWNER, REQUESTER, WORKER, WORKER_2, STRANGER, 6];
/// Workers that judge, where a test has them; as many as may bid, and one more.
pub const JUDGES: core::ops::Range<AccountId> = 20..37;
pub const POT: AccountId = 90;
pub const TREASURY: AccountId = 91;
pub const ENDOWMENT: Balance = 1_000_000;
pub const EXISTENTIAL_DEPOSIT: Balance = 10;

/// A text Datanet with versions 1..=9 that have points, except for version 9.
pub const TEXT: DatanetId = 1;
/// Another one.
pub const TEXT_2: DatanetId = 2;
/// One of images.
pub const IMAGES: DatanetId = 3;
const NO_POINTS: u32 = 9;

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
	pub type Models = pallet_models;
}

type Block = frame_system::mocking::MockBlock<Test>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	pub const TreasuryAccount: AccountId = TREASURY;
	pub static Now: ActiveBlock = 1;
	/// Whether Datanets take training jobs.
	pub static DatanetsClosed: bool = false;
	/// What is newest of every Datanet: a version beyond the ninth cannot be ordered.
	pub static Newest: (u32, u32) = (9, 0);
	/// What was owed to the contributors of which version.
	pub static Collected: BTreeMap<(DatanetId, u32), Balance> = BTreeMap::new();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ExistentialDeposit;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}

pub struct Clock;

impl ActiveBlocks for Clock {
	fn now() -> ActiveBlock {
		Now::get()
	}
}

/// What a block's randomness is, once the block is over: as many are kept as [`SEEDS_KEPT`].
pub struct CountedSeeds;

/// Blocks whose seeds are kept.
pub const SEEDS_KEPT: ActiveBlock = 14_400;

impl Seeds for CountedSeeds {
	const KEPT: ActiveBlock = SEEDS_KEPT;

	fn seed(at: ActiveBlock) -> Option<[u8; 32]> {
		let age = Now::get().checked_sub(at)?;
		(1..SEEDS_KEPT).contains(&age).then(|| seed_of(at))
	}
}

/// The seed of block `at`.
pub fn seed_of(at: ActiveBlock) -> [u8; 32] {
	[at as u8; 32]
}

pub struct FewDatasets;

pub const UNKNOWN_DATASET: DispatchError = DispatchError::Other("no such version");
pub const CLOSED_DATASET: DispatchError = DispatchError::Other("the Datanet is closed");

impl Datasets<AccountId> for FewDatasets {
	fn dataset(dataset: DatasetRef, _: &AccountId) -> Result<Dataset, DispatchError> {
		let DatasetRef { datanet, version, .. } = dataset;
		if DatanetsClosed::get() {
			return Err(CLOSED_DATASET);
		}
		let modality = match datanet {
			TEXT | TEXT_2 => Modality::Text,
			IMAGES => Modality::Image,
			_ => return Err(UNKNOWN_DATASET),
		};
		if !(1..=9).contains(&version) {
			return Err(UNKNOWN_DATASET);
		}
		Ok(Dataset {
			modality,
			root: root(datanet, version),
		})
	}

	fn newest(datanet: DatanetId) -> Option<DatasetRef> {
		let (version, exclusions) = Newest::get();
		[TEXT, TEXT_2, IMAGES].contains(&datanet).then_some(DatasetRef {
			datanet,
			version,
			exclusions,
		})
	}
}

impl Fees<AccountId> for FewDatasets {
	fn collect(datanet: DatanetId, version: u32, amount: Balance) -> Option<FeeId> {
		if version == NO_POINTS {
			return None;
		}
		Collected::mutate(|owed| *owed.entry((datanet, version)).or_default() += amount);
		Some(0)
	}
}

impl Rewards<AccountId> for FewDatasets {
	fn award(_: Pool, _: &AccountId, _: u128, _: ActiveBlock) -> EpochIndex {
		0
	}

	fn award_item(_: AcceptedItem<AccountId>, _: u128, _: ActiveBlock) -> EpochIndex {
		0
	}

	fn pot() -> AccountId {
		POT
	}
}

impl pallet_models::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ActiveBlocks = Clock;
	type Seeds = CountedSeeds;
	type AdminOrigin = EnsureRoot<AccountId>;
	type Datasets = FewDatasets;
	type Fees = FewDatasets;
	type Rewards = FewDatasets;
	type Treasury = TreasuryAccount;
	type WeightInfo = ();
}

pub const PARAMS: ModelParams = ModelParams {
	min_bond: 100,
	bond_per_job: 100,
	min_price: 50,
	bid_blocks: 0,
	open_blocks: 20,
	heartbeat_blocks: 5,
	max_train_blocks: 30,
	max_pause_blocks: 15,
	accept_blocks: 10,
	evaluate_blocks: 5,
	max_failures: 3,
	missed_penalty: 30,
	base_model_deposit: 40,
	dispute_bond: 60,
	judge_commit_blocks: 8,
	judge_reveal_blocks: 4,
	judge_penalty: 20,
	disputer_percent: 50,
	refund_percent: 40,
	correct_blocks: 12,
	evaluation_bond: 25,
};

/// The same, with three blocks in which workers bid.
pub const BIDDING: ModelParams = ModelParams {
	bid_blocks: 3,
	..PARAMS
};

/// The chain that a test starts on: people with funds, nothing else.
pub struct ExtBuilder {
	params: ModelParams,
	base_model: bool,
	workers: Vec<(AccountId, Balance)>,
	job_price: Option<Balance>,
	claimed: bool,
	submitted: bool,
	disputed: Option<Claim>,
	accepted: bool,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self {
			params: PARAMS,
			base_model: false,
			workers: Vec::new(),
			job_price: None,
			claimed: false,
			submitted: false,
			disputed: None,
			accepted: false,
		}
	}
}

impl ExtBuilder {
	pub fn with_params(mut self, params: ModelParams) -> Self {
		self.params = params;
		self
	}

	/// Base model 0 of [`OWNER`].
	pub fn with_base_model(mut self) -> Self {
		self.base_model = true;
		self
	}

	pub fn with_worker(mut self, who: AccountId, bond: Balance) -> Self {
		self.workers.push((who, bond));
		self
	}

	/// Job 0 of [`REQUESTER`] on the base model, for this price.
	pub fn with_job(mut self, price: Balance) -> Self {
		self.job_price = Some(price);
		self.with_base_model()
	}

	/// Job 0, taken by [`WORKER`], whose bond covers it once.
	pub fn with_claimed_job(mut self, price: Balance) -> Self {
		self.claimed = true;
		self.with_worker(WORKER, 100).with_job(price)
	}

	/// Job 0 with a result.
	pub fn with_submitted_job(mut self, price: Balance) -> Self {
		self.submitted = true;
		self.with_claimed_job(price)
	}

	/// The workers of [`JUDGES`], each with the bond of one job.
	pub fn with_judges(mut self) -> Self {
		self.workers.extend(JUDGES.map(|who| (who, 100)));
		self
	}

	/// The first of them only.
	pub fn with_few_judges(mut self, count: usize) -> Self {
		self.workers.extend(JUDGES.take(count).map(|who| (who, 200)));
		self
	}

	/// Job 0, its result disputed by [`STRANGER`] one block after all workers registered, and judges.
	pub fn with_disputed_job(mut self, price: Balance, claim: Claim) -> Self {
		self.disputed = Some(claim);
		self.with_judges().with_submitted_job(price)
	}

	/// Model 0.
	pub fn with_model(mut self) -> Self {
		self.accepted = true;
		self.with_submitted_job(1_000)
	}

	/// Runs a test, and checks after it that issuance has not moved and that every invariant holds.
	pub fn build_and_execute_with_sanity_tests(self, test: impl FnOnce()) {
		let mut storage = frame_system::GenesisConfig::<Test>::default()
			.build_storage()
			.expect("system genesis builds");
		let balances = PEOPLE
			.into_iter()
			.chain(JUDGES)
			.chain([POT, TREASURY])
			.map(|who| (who, ENDOWMENT))
			.collect();
		pallet_balances::GenesisConfig::<Test> {
			balances,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("balances genesis builds");
		pallet_models::GenesisConfig::<Test> {
			params: self.params,
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("models genesis builds");
		Now::set(1);
		DatanetsClosed::set(false);
		Newest::set((9, 0));
		Collected::set(BTreeMap::new());
		sp_io::TestExternalities::new(storage).execute_with(|| {
			System::set_block_number(1);
			self.play();
			let issuance = Balances::total_issuance();
			test();
			assert_eq!(Balances::total_issuance(), issuance, "issuance never moves");
			check_state();
		});
	}

	fn play(&self) {
		if self.base_model {
			Models::register_base_model(signed(OWNER), text("toy"), files(1)).expect("the base model is registered");
		}
		for &(who, bond) in &self.workers {
			Models::register_worker(signed(who), bond, text("http://[::1]:9"), capability())
				.expect("the worker is registered");
		}
		if let Some(price) = self.job_price {
			Models::request_job(signed(REQUESTER), spec(), price).expect("the job is ordered");
		}
		if self.claimed {
			Models::bid(signed(WORKER), 0).expect("the job is taken");
		}
		if self.submitted {
			Models::heartbeat(signed(WORKER), 0, progress(1)).expect("the worker is on time");
			Models::submit_result(signed(WORKER), 0, result(1)).expect("the result is posted");
		}
		if let Some(claim) = self.disputed {
			Now::set(2);
			Models::dispute(signed(STRANGER), 0, claim).expect("the result is disputed");
		}
		if self.accepted {
			Models::accept_result(signed(REQUESTER), 0).expect("the result is accepted");
		}
	}
}

/// The pallet's invariants, and that nobody holds anything whom no record names.
pub fn check_state() {
	Models::check_state().expect("the state holds after every test");
	for who in PEOPLE.into_iter().chain(JUDGES).chain([POT, TREASURY]) {
		let named = crate::Workers::<Test>::contains_key(who)
			|| crate::Jobs::<Test>::iter_values().any(|job| job.requester == who)
			|| crate::Disputes::<Test>::iter_values().any(|dispute| dispute.disputer == who)
			|| crate::Evaluations::<Test>::iter_keys().any(|(_, evaluator)| evaluator == who)
			|| crate::BaseModels::<Test>::iter_values().any(|model| model.owner == who);
		assert!(
			named || Balances::reserved_balance(who) == 0,
			"{who} holds without a record"
		);
	}
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn text<const N: u32>(text: &str) -> openledger_primitives::item::Text<N> {
	text.as_bytes().to_vec().try_into().expect("the test's texts are short")
}

pub fn root(datanet: DatanetId, version: u32) -> [u8; 32] {
	let mut root = [0; 32];
	root[0] = datanet as u8;
	root[1] = version as u8;
	root
}

/// A small artifact whose hash begins with these bytes.
pub fn artifact(kind: u8, n: u16) -> Artifact {
	let mut sha256 = [kind; 32];
	sha256[..2].copy_from_slice(&n.to_le_bytes());
	Artifact {
		cid: Cid::new(CidCodec::Raw, sha256),
		sha256,
		bytes: 1_000,
	}
}

pub fn file(name: &str, n: u16) -> ModelFile {
	ModelFile {
		name: text(name),
		artifact: artifact(1, n),
	}
}

/// The files of base model `n`.
pub fn files(n: u16) -> frame_support::BoundedVec<ModelFile, frame_support::traits::ConstU32<256>> {
	vec![
		file("tokenizer.json", 3),
		file("model.safetensors", n),
		file("config.json", 2),
	]
	.try_into()
	.expect("three are few")
}

pub fn spec() -> TrainingSpec {
	spec_on(Parent::Base(0), &[(TEXT, 4)])
}

pub fn spec_on(parent: Parent, datasets: &[(DatanetId, u32)]) -> TrainingSpec {
	let datasets: Vec<_> = datasets
		.iter()
		.map(|&(datanet, version)| dataset_ref(datanet, version))
		.collect();
	TrainingSpec {
		parent,
		datasets: datasets.try_into().expect("the test's datasets are few"),
		method: Method::Lora,
		dtype: Dtype::F32,
		min_memory_mib: 1_000,
		hyperparameters: Default::default(),
	}
}

/// What the mock's workers can train: LoRA and full, in 32 bits.
pub fn capability() -> Capability {
	Capability {
		device: Device::Cpu,
		memory_mib: 1_000,
		methods: MethodSet::of(&[Method::Lora, Method::Full]),
		dtypes: DtypeSet::of(&[Dtype::F32]),
	}
}

/// The salt that a judge uses in tests.
pub fn salt(judge: AccountId) -> [u8; 32] {
	[judge as u8; 32]
}

/// How the evaluation stands of a result of [`spec`] that was submitted in the first block.
pub fn due() -> ResultEvaluation {
	due_at(1)
}

pub fn due_at(submitted_at: ActiveBlock) -> ResultEvaluation {
	ResultEvaluation::Due {
		until: vec![dataset_ref(TEXT, 9)].try_into().expect("one is few"),
		seed_at: submitted_at + SEED_DELAY,
		evaluate_by: submitted_at + SEED_DELAY + PARAMS.evaluate_blocks,
	}
}

pub fn dataset_ref(datanet: DatanetId, version: u32) -> DatasetRef {
	DatasetRef {
		datanet,
		version,
		exclusions: 0,
	}
}

/// The first block in which the evaluation of a result can be reported that was submitted in the first block.
pub const EVALUATE_FROM: ActiveBlock = 1 + SEED_DELAY + 1;
/// The last one.
pub const EVALUATE_BY: ActiveBlock = 1 + SEED_DELAY + PARAMS.evaluate_blocks;

/// Lets [`WORKER`] report the evaluation of a result as soon as the seed is known.
pub fn evaluate(job: JobId) {
	let due = Models::job_deadlines(job).and_then(|due| due.evaluate_after);
	let after = due.expect("the evaluation is due");
	Now::mutate(|now| *now = (*now).max(after + 1));
	Models::report_evaluation(signed(WORKER), job, 2_500_000, 700).expect("the evaluation is reported");
}

/// What a judge commits to in the dispute about job 0 that [`ExtBuilder::with_disputed_job`] opens.
pub fn commitment(judge: AccountId, finding: Finding) -> [u8; 32] {
	commitment_in(0, 2, judge, finding)
}

pub fn commitment_in(job: JobId, opened_at: ActiveBlock, judge: AccountId, finding: Finding) -> [u8; 32] {
	let ballot = JudgeBallot {
		genesis: System::block_hash(0).into(),
		job,
		opened_at,
		judge: &judge,
	};
	ballot.commitment(finding, &salt(judge))
}

/// The first block in which the judges of that dispute can commit.
pub const COMMIT_FROM: ActiveBlock = 2 + SEED_DELAY + 1;
/// The first block in which they can reveal.
pub const REVEAL_FROM: ActiveBlock = 2 + SEED_DELAY + PARAMS.judge_commit_blocks + 1;
/// The first block in which it can be closed.
pub const CLOSE_FROM: ActiveBlock = REVEAL_FROM + PARAMS.judge_reveal_blocks;

/// Lets the first of [`JUDGES`] commit to these findings in the dispute about job 0, and reveal them; `None` is silent.
/// Time moves to where the dispute can be closed.
pub fn judge(findings: &[Option<Finding>]) {
	Now::set(COMMIT_FROM);
	for (judge, finding) in JUDGES.zip(findings) {
		let finding = finding.unwrap_or(Finding::Upheld);
		Models::judge_commit(signed(judge), 0, commitment(judge, finding)).expect("the judge commits");
	}
	Now::set(REVEAL_FROM);
	for (judge, finding) in JUDGES.zip(findings) {
		if let Some(finding) = finding {
			Models::judge_reveal(signed(judge), 0, *finding, salt(judge)).expect("the judge reveals");
		}
	}
	Now::set(CLOSE_FROM);
}

pub fn progress(step: u32) -> Progress {
	Progress {
		step,
		steps: 100,
		loss_micro: 3_000_000,
	}
}

/// A result whose adapter is the `n`th.
pub fn result(n: u16) -> JobResult {
	JobResult {
		adapter: artifact(7, n),
		adapter_config: artifact(8, n),
		manifest: artifact(9, n),
		checkpoints: Default::default(),
		steps: 100,
		train_loss_micro: 2_000_000,
	}
}

pub fn status(job: JobId) -> openledger_primitives::model::JobStatus<AccountId> {
	Models::job_status(job).expect("the job exists")
}

pub fn free(who: AccountId) -> Balance {
	Balances::free_balance(who)
}

pub fn last_event(event: Event<Test>) {
	System::assert_last_event(event.into());
}
