//! # Models
//!
//! Base models, workers, training jobs, and the registry of what they made.
//!
//! ## Terminology
//!
//! - **Base model**: a checkpoint named by the hashes of its files; a worker refuses files that differ.
//! - **Worker**: an account with a bond, which trains. Its bond bounds the jobs it may hold at once.
//! - **Job**: an order for a fine-tune, a [`TrainingSpec`], with its price in escrow.
//! - **Heartbeat**: what a worker says while it trains: step and loss. One is due before each deadline, and none
//!   moves it beyond `max_train_blocks` after the claim.
//! - **Result**: adapter, its configuration and the manifest, by CID and sha2-256.
//! - **Model**: an accepted result in the registry, with parent, dataset roots, order and hashes: its provenance.
//! - **Terms**: the parameters a job was ordered under. They apply until it ends, whatever changes in between.
//! - **Active block**: a block during which the chain was not paused. All deadlines count these.
//!
//! ## States of a job
//!
//! ```text
//!          bid             submit_result           accept_result
//! Open ─────────▶ Claimed ──────────────▶ Submitted ────────────▶ Accepted
//!  │ ▲               │
//!  │ └─report_missed─┤ report_missed, after max_failures
//!  │                 └──────────────────────────────────────────▶ Failed
//!  ├── cancel_job (requester) ──────────────────────────────────▶ Cancelled
//!  └── expire_job (anybody, after expires_at) ──────────────────▶ Expired
//! ```
//!
//! The price is held of the requester until the job is Accepted, when it is split ([`EscrowSplit`]), or until it is
//! Cancelled, Failed or Expired, when it is released.
//!
//! ## Calls
//!
//! | index | call | by |
//! |---|---|---|
//! | 0 | [`register_base_model`](pallet::Pallet::register_base_model) | anybody, against a deposit |
//! | 1, 2, 3 | [`register_worker`](pallet::Pallet::register_worker), [`update_worker`](pallet::Pallet::update_worker), [`deregister_worker`](pallet::Pallet::deregister_worker) | a worker |
//! | 4, 9 | [`request_job`](pallet::Pallet::request_job), [`cancel_job`](pallet::Pallet::cancel_job) | the requester |
//! | 5, 6, 7 | [`bid`](pallet::Pallet::bid), [`heartbeat`](pallet::Pallet::heartbeat), [`submit_result`](pallet::Pallet::submit_result) | a worker |
//! | 8 | [`accept_result`](pallet::Pallet::accept_result) | the requester; anybody once `accept_at` has come |
//! | 10, 11 | [`report_missed`](pallet::Pallet::report_missed), [`expire_job`](pallet::Pallet::expire_job) | anybody, after the deadline |
//! | 12..=19 | reserved: dispute, judge_commit, judge_reveal, pause, resume, post_evaluation, draw, correct | |
//!
//! Index 5 stays `bid` when several bids are drawn from; today the first takes the job.
//!
//! ## Invariants
//!
//! Checked by `try_state` and after every test:
//! 1. What is held in escrow of an account is the sum of the prices of its unfinished jobs.
//! 2. What is held as bond of a worker is what its record says.
//! 3. What is held as deposit of an account is the sum of the deposits of its base models.
//! 4. A worker's active jobs are those that name it and are Claimed or Submitted.
//! 5. A job has terms exactly while it is unfinished.
//! 6. Every model is the outcome of one accepted job, and no two share an adapter.
//! 7. The same files are one base model.
//!
//! Total issuance never moves: penalties go to [`Rewards::pot`], prices to those whom [`EscrowSplit`] names.
//!
//! ## Assumptions
//!
//! - Pot and treasury exist from genesis on and can receive any amount. A share that its receiver cannot take, because
//!   the account does not exist and the share is below the existential deposit, goes to the worker, whose account exists.
//! - A result stands until it is accepted: nothing here checks that it was trained as ordered. Disputes are to come.
//! - Whoever sees a result in the pool may submit its hash first for a job of their own. The worker then finds
//!   `AdapterAlreadyRegistered`, changes a byte of the file's metadata, and submits again.
//! - Finished jobs stay in storage: the registry's provenance refers to them.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use frame_support::traits::{
	fungible::{hold, Inspect, Mutate},
	Get,
};
use openledger_primitives::{
	fee::EscrowSplit,
	item::Text,
	model::{
		BaseModel, Job, JobResult, JobStatus, Model, ModelFile, Progress, Worker, MAX_ENDPOINT, MAX_FILES,
		MAX_MODEL_NAME,
	},
	training::TrainingSpec,
	traits::{ActiveBlocks, Datasets, Fees, Rewards},
	ActiveBlock, Balance, BaseModelId, JobId, ModelId,
};

mod base_models;
mod escrow;
mod jobs;
#[cfg(test)]
mod mock;
mod params;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod weights;
mod workers;

pub use pallet::*;
pub use params::{ModelParams, Terms};
pub use weights::{DbWeightInfo, WeightInfo};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// OPEN.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ Mutate<Self::AccountId>
			+ hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// The clock of all deadlines.
		type ActiveBlocks: ActiveBlocks;

		/// Datanet versions that can be trained on.
		type Datasets: Datasets<Self::AccountId>;

		/// Shares a fee among a version's contributors.
		type Fees: Fees<Self::AccountId>;

		/// Owns the pot that penalties and contributors' shares go to.
		type Rewards: Rewards<Self::AccountId>;

		/// Where the treasury's share goes.
		type Treasury: Get<Self::AccountId>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A worker's bond.
		WorkerBond,
		/// Prices of unfinished jobs.
		Escrow,
		/// Deposits for base models.
		BaseModelDeposit,
	}

	/// Parameters of what starts from now on.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, ModelParams, ValueQuery>;

	/// The id of the next base model.
	#[pallet::storage]
	pub type NextBaseModel<T: Config> = StorageValue<_, BaseModelId, ValueQuery>;

	/// Registered base models.
	#[pallet::storage]
	pub type BaseModels<T: Config> = StorageMap<_, Blake2_128Concat, BaseModelId, BaseModel<T::AccountId>>;

	/// What is held of a base model's owner for it, plancks.
	#[pallet::storage]
	pub type BaseModelDeposits<T: Config> = StorageMap<_, Blake2_128Concat, BaseModelId, Balance, ValueQuery>;

	/// Base models by the digest of their files' names and hashes.
	#[pallet::storage]
	pub type BaseModelByDigest<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], BaseModelId>;

	/// Registered workers.
	#[pallet::storage]
	pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Worker>;

	/// The id of the next job.
	#[pallet::storage]
	pub type NextJob<T: Config> = StorageValue<_, JobId, ValueQuery>;

	/// All jobs there were.
	#[pallet::storage]
	pub type Jobs<T: Config> = StorageMap<_, Blake2_128Concat, JobId, Job<T::AccountId>>;

	/// What unfinished jobs were ordered under.
	#[pallet::storage]
	pub type JobTerms<T: Config> = StorageMap<_, Blake2_128Concat, JobId, Terms>;

	/// The id of the next model.
	#[pallet::storage]
	pub type NextModel<T: Config> = StorageValue<_, ModelId, ValueQuery>;

	/// The registry.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, Model<T::AccountId>>;

	/// Models by the sha2-256 of their adapter.
	#[pallet::storage]
	pub type ModelByAdapter<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], ModelId>;

	/// Submitted jobs by the sha2-256 of their adapter, so that an accepted result always finds its place free.
	#[pallet::storage]
	pub type JobByAdapter<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], JobId>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A base model was registered.
		BaseModelRegistered {
			/// Its id.
			base_model: BaseModelId,
			/// Who registered it.
			owner: T::AccountId,
			/// Digest of the names and hashes of its files.
			digest: [u8; 32],
		},
		/// A worker was registered.
		WorkerRegistered {
			/// The worker.
			worker: T::AccountId,
			/// Its bond, plancks.
			bond: Balance,
		},
		/// A worker changed its endpoint or raised its bond.
		WorkerUpdated {
			/// The worker.
			worker: T::AccountId,
			/// Its bond now, plancks.
			bond: Balance,
		},
		/// A worker left, with its bond.
		WorkerDeregistered {
			/// The former worker.
			worker: T::AccountId,
			/// What was released, plancks.
			bond: Balance,
		},
		/// A fine-tune was ordered.
		JobRequested {
			/// The job.
			job: JobId,
			/// Who ordered and pays it.
			requester: T::AccountId,
			/// In escrow, plancks.
			price: Balance,
			/// Digest of the order.
			spec: [u8; 32],
		},
		/// A worker took a job.
		JobClaimed {
			/// The job.
			job: JobId,
			/// Who trains.
			worker: T::AccountId,
			/// The first heartbeat is due by this active block.
			heartbeat_by: ActiveBlock,
		},
		/// A worker trains on.
		Heartbeat {
			/// The job.
			job: JobId,
			/// How far it is.
			progress: Progress,
			/// The next heartbeat is due by this active block.
			heartbeat_by: ActiveBlock,
		},
		/// A worker posted a result.
		ResultSubmitted {
			/// The job.
			job: JobId,
			/// Who trained.
			worker: T::AccountId,
			/// sha2-256 of the adapter.
			adapter: [u8; 32],
			/// From this active block on anybody can accept it.
			accept_at: ActiveBlock,
		},
		/// A result was accepted, its model registered and its price paid.
		ResultAccepted {
			/// The job.
			job: JobId,
			/// The new model.
			model: ModelId,
			/// Who got what.
			split: EscrowSplit,
		},
		/// The requester withdrew a job and was refunded.
		JobCancelled {
			/// The job.
			job: JobId,
		},
		/// A worker missed a heartbeat and lost its job, which is open again unless `JobFailed` follows.
		HeartbeatMissed {
			/// The job.
			job: JobId,
			/// The worker that lost it.
			worker: T::AccountId,
			/// Taken of its bond, plancks.
			penalty: Balance,
		},
		/// Too many workers lost a job; the requester was refunded.
		JobFailed {
			/// The job.
			job: JobId,
		},
		/// Nobody took a job in time; the requester was refunded.
		JobExpired {
			/// The job.
			job: JobId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// A name or an endpoint is not UTF-8.
		InvalidUtf8,
		/// A base model needs a name.
		NameEmpty,
		/// A file name is empty, begins with a dot, or has a character outside `A-Z a-z 0-9 . _ -`.
		InvalidFileName,
		/// Two files of a base model have one name.
		FileNameTwice,
		/// A base model needs a `config.json`.
		ConfigMissing,
		/// A base model needs at least one `.safetensors` file.
		WeightsMissing,
		/// A base model needs a `tokenizer.json`.
		TokenizerMissing,
		/// An artifact is empty, or its CID cannot belong to its size and sha2-256.
		InvalidArtifact,
		/// A base model of these files is registered.
		BaseModelAlreadyRegistered,
		/// There is no base model of this id.
		BaseModelNotFound,
		/// There is no model of this id.
		ModelNotFound,
		/// There is no job of this id.
		JobNotFound,
		/// No more ids are left.
		IdsExhausted,
		/// The account is a worker already.
		WorkerAlreadyRegistered,
		/// The account is not a worker.
		WorkerNotRegistered,
		/// The bond is below the least bond.
		BondTooSmall,
		/// The worker has jobs that are not finished.
		WorkerBusy,
		/// The order names no dataset, an empty version, or a Datanet twice.
		InvalidDatasets,
		/// The order has a hyperparameter out of range.
		InvalidHyperparameters,
		/// Only text trains.
		ModalityNotTrainable,
		/// Only an adapter can be continued, and only by a method that trains an adapter.
		ParentNotContinuable,
		/// The price is below the least price.
		PriceTooLow,
		/// The job is not open.
		JobNotOpen,
		/// Nobody took the job in time; it can only be expired or cancelled.
		JobHasExpired,
		/// The job still waits for a worker.
		JobNotExpiredYet,
		/// A worker cannot take its own order.
		OwnJob,
		/// The worker's bond does not cover one more job.
		NoFreeCapacity,
		/// No worker holds the job.
		JobNotClaimed,
		/// Another worker holds the job.
		NotTheWorker,
		/// Another account ordered the job.
		NotTheRequester,
		/// The heartbeat's deadline has passed: the job is lost once somebody reports it.
		HeartbeatOverdue,
		/// The heartbeat's deadline has not passed.
		HeartbeatNotMissed,
		/// Steps go backwards, or beyond their number.
		InvalidProgress,
		/// A result needs a heartbeat with at least one step before it.
		ProgressMissing,
		/// A result has at least as many steps as the last heartbeat told.
		InvalidResult,
		/// A registered or submitted model has this adapter.
		AdapterAlreadyRegistered,
		/// The job has no result that waits.
		JobNotSubmitted,
		/// Until `accept_at` only the requester can accept.
		ResultNotAcceptableYet,
	}

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Parameters of workers and jobs.
		pub params: ModelParams,
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert!(
				self.params.is_valid(),
				"parameters of models under which no job could be taken or end"
			);
			Params::<T>::put(self.params);
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::check_state().map_err(Into::into)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// How far a job is; nothing where there is none of this id.
		pub fn job_status(job: JobId) -> Option<JobStatus<T::AccountId>> {
			Jobs::<T>::get(job).map(|job| job.status)
		}

		/// How many more jobs a worker may take now.
		pub fn free_capacity(worker: T::AccountId) -> u32 {
			Workers::<T>::get(worker).map_or(0, |worker| Self::free_jobs(&worker))
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Register a base model by its files, against a deposit.
		///
		/// - `name`: what it is called, UTF-8, not empty.
		/// - `files`: in any order; at least `config.json`, `tokenizer.json` and a `.safetensors` file, names unique.
		///
		/// Emits `BaseModelRegistered`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register_base_model(files.len() as u32))]
		pub fn register_base_model(
			origin: OriginFor<T>,
			name: Text<MAX_MODEL_NAME>,
			files: BoundedVec<ModelFile, ConstU32<MAX_FILES>>,
		) -> DispatchResult {
			Self::do_register_base_model(ensure_signed(origin)?, name, files)
		}

		/// Become a worker.
		///
		/// - `bond`: held, plancks; at least the least bond.
		/// - `endpoint`: where metrics and chat are served, UTF-8; may be empty.
		///
		/// Emits `WorkerRegistered`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::register_worker())]
		pub fn register_worker(
			origin: OriginFor<T>,
			#[pallet::compact] bond: Balance,
			endpoint: Text<MAX_ENDPOINT>,
		) -> DispatchResult {
			Self::do_register_worker(ensure_signed(origin)?, bond, endpoint)
		}

		/// Change a worker's endpoint, raise its bond, or both.
		///
		/// - `endpoint`: the new one, UTF-8; nothing keeps the old one.
		/// - `more_bond`: held in addition, plancks; may be zero.
		///
		/// Emits `WorkerUpdated`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::update_worker())]
		pub fn update_worker(
			origin: OriginFor<T>,
			endpoint: Option<Text<MAX_ENDPOINT>>,
			#[pallet::compact] more_bond: Balance,
		) -> DispatchResult {
			Self::do_update_worker(ensure_signed(origin)?, endpoint, more_bond)
		}

		/// Be no worker any more and get the bond back; only without unfinished jobs.
		///
		/// Emits `WorkerDeregistered`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::deregister_worker())]
		pub fn deregister_worker(origin: OriginFor<T>) -> DispatchResult {
			Self::do_deregister_worker(ensure_signed(origin)?)
		}

		/// Order a fine-tune.
		///
		/// - `spec`: parent, datasets (text only), method, hyperparameters.
		/// - `price`: held until the job ends, plancks; at least the least price.
		///
		/// Emits `JobRequested`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::request_job(spec.datasets.len() as u32))]
		pub fn request_job(
			origin: OriginFor<T>,
			spec: TrainingSpec,
			#[pallet::compact] price: Balance,
		) -> DispatchResult {
			Self::do_request_job(ensure_signed(origin)?, spec, price)
		}

		/// Offer to train an open job. The first offer takes it.
		///
		/// - `job`: open, not expired, of another account.
		///
		/// Emits `JobClaimed`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::bid())]
		pub fn bid(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_bid(ensure_signed(origin)?, job)
		}

		/// Say how far a job is, which moves its deadline, at most to the end of the time that training may take.
		///
		/// - `job`: held by the caller, its deadline not passed.
		/// - `progress`: never fewer steps than before.
		///
		/// Emits `Heartbeat`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::heartbeat())]
		pub fn heartbeat(origin: OriginFor<T>, job: JobId, progress: Progress) -> DispatchResult {
			Self::do_heartbeat(ensure_signed(origin)?, job, progress)
		}

		/// Post what was trained.
		///
		/// - `job`: held by the caller, its deadline not passed, with progress.
		/// - `result`: an adapter that no other model has.
		///
		/// Emits `ResultSubmitted`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::submit_result())]
		pub fn submit_result(origin: OriginFor<T>, job: JobId, result: JobResult) -> DispatchResult {
			Self::do_submit_result(ensure_signed(origin)?, job, result)
		}

		/// Accept a result: its model is registered and the escrow split.
		///
		/// - `job`: submitted; ordered by the caller, or its `accept_at` has come.
		///
		/// Emits `ResultAccepted`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::accept_result())]
		pub fn accept_result(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_accept_result(ensure_signed(origin)?, job)
		}

		/// Withdraw an open job and get its price back.
		///
		/// - `job`: open, ordered by the caller.
		///
		/// Emits `JobCancelled`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::cancel_job())]
		pub fn cancel_job(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_cancel_job(ensure_signed(origin)?, job)
		}

		/// Report that a worker missed its heartbeat: it pays the penalty and loses the job, which is open again, or fails
		/// after too many such losses.
		///
		/// - `job`: claimed, its deadline passed.
		///
		/// Emits `HeartbeatMissed`, and `JobFailed` at the last loss.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::report_missed())]
		pub fn report_missed(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_report_missed(job)
		}

		/// End a job that nobody took in time; its price is released.
		///
		/// - `job`: open, past `expires_at`.
		///
		/// Emits `JobExpired`.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::expire_job())]
		pub fn expire_job(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_expire_job(job)
		}
	}
}
