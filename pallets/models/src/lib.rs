//! # Models
//!
//! Base models, workers, training jobs, the registry of what they made, and evaluations of it.
//!
//! ## Terminology
//!
//! - **Base model**: a checkpoint named by the hashes of its files; a worker refuses files that differ.
//! - **Worker**: an account with a bond, which trains. Its bond bounds what it may do at once: each job that it holds or
//!   bids on, and each dispute that it judges, binds the bond of one job.
//! - **Capability**: device, memory, methods and dtypes that a worker declares. It bids on orders that fit.
//! - **Job**: an order for a fine-tune, a [`TrainingSpec`], with its price in escrow.
//! - **Bid, draw**: workers bid for `bid_blocks`; then randomness that nobody knew while they bid draws one, weighed by
//!   what of its bond was free. A job keeps the sixteen heaviest bids. Where nobody bid, who comes first takes the job.
//! - **Heartbeat**: what a worker says while it trains: step and loss. One is due before each deadline, and none
//!   moves it beyond `max_train_blocks` after the claim. A pause moves both.
//! - **Result**: adapter, its configuration and the manifest, by CID and sha2-256, and the root of the checkpoints' hashes.
//! - **Segment**: the steps from one checkpoint to the next; without checkpoints the whole run.
//! - **Evaluation of a result**: its loss on items that were accepted after those of the order and before the submission, drawn
//!   by a seed that nobody knew at the submission; where fewer than eight came, on the **split**, items of the order that the
//!   job's id chooses and no job trains on. The worker reports it, and anybody can compute it again ([`evaluation`]).
//! - **Dispute**: somebody's claim, with a bond, that a result was not trained as ordered, cannot be fetched, or has another
//!   loss than was reported. A seed draws one segment; **judges** (other workers) run it again, or the evaluation, commit and
//!   reveal what they found, one vote each.
//! - **Model**: an accepted result in the registry, with parent, dataset roots, order and hashes: its provenance.
//! - **Evaluation of a model**: what somebody measured of it on a dataset of their choice, with a bond against spam that comes
//!   back with its retraction.
//! - **Terms**: the parameters a job was ordered under. They apply until it ends, whatever changes in between.
//! - **Active block**: a block during which the chain was not paused. All deadlines count these.
//!
//! ## States of a job
//!
//! ```text
//!       bid, draw           submit_result            accept_result
//! Open ───────────▶ Claimed ─────────────▶ Submitted ─────────────▶ Accepted
//!  │ ▲               │ ▲ │                  │ ▲  dispute
//!  │ │ report_missed │ │ │ pause            │ │ close_dispute, correct: upheld
//!  │ ├───────────────┤ │ ▼                  ▼ │
//!  │ │               │ Paused              Disputed ── close_dispute: no ruling ──▶ Split
//!  │ │               │   │ cancel_job        │
//!  │ └───────────────┼───┼───────────────────┤ close_dispute, correct: broken
//!  │                 └───┼───────────────────┴─── the last of max_failures ────────▶ Failed
//!  ├── cancel_job ───────┴─────────────────────────────────────────────────────────▶ Cancelled
//!  └── expire_job, after expires_at ───────────────────────────────────────────────▶ Expired
//! ```
//!
//! `report_missed` works on a Submitted job too, whose evaluation is overdue. From [`SEED_DELAY`] blocks after the submission
//! on the worker can report it, for `evaluate_blocks`, disputed or not. Without it only the requester can accept the result,
//! whose model then says that it has no evaluation.
//!
//! The price is held of the requester until the job is Accepted, when it is split ([`EscrowSplit`]); until it is
//! Cancelled, Failed or Expired, when it is released, less half of the price by the share of steps done where a paused job
//! is cancelled; or until judges came to no ruling and nobody corrected that, when `refund_percent` of it is released and
//! the worker gets the rest.
//!
//! ## A dispute
//!
//! From [`SEED_DELAY`] blocks after it was opened the segment is known. Workers
//! that registered before it, fit the order and are no party to it commit until `commit_until` (where more than sixteen
//! come, the seed chooses), reveal until `reveal_until`, and risk `judge_penalty` if they do not. Then anybody closes it. A
//! majority of at least three revealed findings rules. *Broken* (or unavailable): the worker loses the bond of one job,
//! `disputer_percent` of it to the disputer, the rest to the judges of the majority, and the job. *Upheld*: half of the
//! disputer's bond goes to the judges of the majority, the rest to the worker, and `accept_at` moves by what the dispute took. No ruling: AdminOrigin can rule for
//! `correct_blocks`, without judges; after them the price is split and the disputer has its bond back.
//!
//! ## Calls
//!
//! | index | call | by |
//! |---|---|---|
//! | 0, 25 | [`register_base_model`](pallet::Pallet::register_base_model), [`deregister_base_model`](pallet::Pallet::deregister_base_model) | anybody, against a deposit; its owner, while nothing is built on it |
//! | 1, 2, 3 | [`register_worker`](pallet::Pallet::register_worker), [`update_worker`](pallet::Pallet::update_worker), [`deregister_worker`](pallet::Pallet::deregister_worker) | a worker |
//! | 4, 9 | [`request_job`](pallet::Pallet::request_job), [`cancel_job`](pallet::Pallet::cancel_job) | the requester |
//! | 5, 6, 7 | [`bid`](pallet::Pallet::bid), [`heartbeat`](pallet::Pallet::heartbeat), [`submit_result`](pallet::Pallet::submit_result) | a worker |
//! | 26 | [`report_evaluation`](pallet::Pallet::report_evaluation) | the worker, once the seed is known |
//! | 8 | [`accept_result`](pallet::Pallet::accept_result) | the requester; anybody once it is evaluated and `accept_at` has come |
//! | 10, 11 | [`report_missed`](pallet::Pallet::report_missed), [`expire_job`](pallet::Pallet::expire_job) | anybody, after the deadline |
//! | 12 | [`dispute`](pallet::Pallet::dispute) | anybody but the worker, with a bond, before `accept_at` |
//! | 13, 14 | [`judge_commit`](pallet::Pallet::judge_commit), [`judge_reveal`](pallet::Pallet::judge_reveal) | other workers |
//! | 15, 16 | [`pause`](pallet::Pallet::pause), [`resume`](pallet::Pallet::resume) | the requester; anybody resumes once the longest pause is over |
//! | 17, 23 | [`post_evaluation`](pallet::Pallet::post_evaluation), [`retract_evaluation`](pallet::Pallet::retract_evaluation) | anybody, with a bond |
//! | 18 | [`draw`](pallet::Pallet::draw) | anybody, once the seed is known |
//! | 19 | [`set_params`](pallet::Pallet::set_params) | AdminOrigin |
//! | 20 | [`close_dispute`](pallet::Pallet::close_dispute) | anybody, after the reveals, and again where there was no ruling |
//! | 21, 24 | [`correct`](pallet::Pallet::correct), [`remove_evaluation`](pallet::Pallet::remove_evaluation) | AdminOrigin |
//! | 22 | [`prune_job`](pallet::Pallet::prune_job) | anybody, of an ended job that has no model |
//!
//! ## Invariants
//!
//! Checked by `try_state` and after every test:
//! 1. What is held in escrow of an account is the sum of the prices of its unfinished jobs.
//! 2. What is held as bond of a worker is what its record says.
//! 3. What is held as deposit of an account is the sum of the deposits of its base models.
//! 4. A worker's active jobs are the unfinished jobs that name it, its bids, and its seats in disputes.
//! 5. A job has terms exactly while it is unfinished.
//! 6. Every model is the outcome of one accepted job, and no two models or waiting results share an adapter.
//! 7. The same files are one base model, and it counts the unfinished jobs and the models built on it.
//! 8. What is held as bond of disputers is the sum of the bonds of their disputes, and a job has a dispute exactly while
//!    it is Disputed.
//! 9. What is held as bond of an evaluator is the sum of the bonds of its evaluations; a model counts its evaluations.
//! 10. Only open jobs have bids, of distinct workers.
//! 11. An evaluation is due before anybody but the requester can accept the result, and one of later items has enough of them.
//!
//! Total issuance never moves: penalties go to [`Rewards::pot`], prices to those whom [`EscrowSplit`] names, bonds of who
//! was wrong to who was right.
//!
//! ## Assumptions
//!
//! - Pot and treasury exist from genesis on and can receive any amount. A share of the escrow that its receiver cannot
//!   take, because the account does not exist and the share is below the existential deposit, goes to the worker, whose
//!   account exists, as do those of judges and disputers: something is held of them.
//! - A result stands unless somebody disputes it: judges work on demand only. Who disputes needs a reason to; the bond of
//!   one job, and the price, are what a false result risks.
//! - Judges are as honest as the bonds of those who come: each vote risks the bond of one job, so that splitting a bond
//!   gains no votes. Where nobody else works, there is no ruling, and AdminOrigin is the judge of last resort.
//! - Steps are what the worker says they are. Who cancels a paused job pays by them, at most half of the price; who
//!   doubts them waits for the result and disputes it.
//! - Capabilities are declared. Who takes what it cannot train loses the job and a penalty.
//! - Whoever sees a result in the pool may submit its hash first for a job of their own. The worker then finds
//!   `AdapterAlreadyRegistered`, changes a byte of the file's metadata, and submits again.
//! - Seeds are kept for longer than judges' commits and reports of evaluations take: [`ModelParams::is_valid`] sees to it. A draw
//!   that nobody calls in that time cannot be called any more, and the job expires.
//! - A worker knows the split before it trains, and could train on it; the later items it cannot know. Who contributes to a
//!   Datanet can know items that come later, but not which of them are drawn.
//! - Evaluations of models are statements of their authors. Their manifests are what they can be checked by.
//! - Jobs with a model stay in storage, as the registry's provenance refers to them; others stay until they are pruned.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use frame_support::{
	pallet_macros::import_section,
	traits::{
		fungible::{hold, Inspect, Mutate},
		EnsureOrigin, Get,
	},
};
#[cfg(doc)]
use openledger_primitives::{bid::SEED_DELAY, evaluation};
use openledger_primitives::{
	bid::{Bid, MAX_BIDS},
	capability::Capability,
	dispute::{Claim, Dispute, Finding, Ruling},
	evaluation::{EvaluationOfResult, EvaluationSet},
	fee::EscrowSplit,
	item::Text,
	model::{
		Artifact, BaseModel, Evaluation, Job, JobResult, JobStatus, Model, ModelFile, Progress, Worker, MAX_ENDPOINT,
		MAX_FILES, MAX_MODEL_NAME,
	},
	training::{DatasetRef, Parent, TrainingSpec},
	traits::{ActiveBlocks, Datasets, Fees, Rewards, Seeds},
	ActiveBlock, Balance, BaseModelId, JobId, ModelId,
};

mod base_models;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bids;
mod calls;
mod disputes;
mod errors;
mod escrow;
mod evaluations;
mod events;
mod jobs;
#[cfg(test)]
mod mock;
mod progress;
mod result_evaluation;
mod rulings;
mod terms;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod views;
mod weights;
mod workers;

pub use openledger_primitives::params::ModelParams;
pub use pallet::*;
pub use terms::Terms;
pub use views::{JobDeadlines, MAX_LINEAGE};
pub use weights::WeightInfo;

#[import_section(calls::calls)]
#[import_section(events::events)]
#[import_section(errors::errors)]
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

		/// What draws workers, segments and judges.
		type Seeds: Seeds;

		/// Who sets parameters, rules where judges came to no ruling, and removes evaluations.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

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

		/// Sets a stage for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: openledger_primitives::benchmarking::BenchmarkHelper<Self::AccountId>;
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
		/// Bonds of those who dispute results.
		DisputeBond,
		/// Bonds of evaluations.
		EvaluationBond,
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

	/// How many unfinished jobs and models are built on a base model.
	#[pallet::storage]
	pub type BaseModelUses<T: Config> = StorageMap<_, Blake2_128Concat, BaseModelId, u32, ValueQuery>;

	/// Registered workers.
	#[pallet::storage]
	pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Worker>;

	/// The id of the next job.
	#[pallet::storage]
	pub type NextJob<T: Config> = StorageValue<_, JobId, ValueQuery>;

	/// Unfinished jobs, jobs that have a model, and other ended jobs until they are pruned.
	#[pallet::storage]
	pub type Jobs<T: Config> = StorageMap<_, Blake2_128Concat, JobId, Job<T::AccountId>>;

	/// What unfinished jobs were ordered under.
	#[pallet::storage]
	pub type JobTerms<T: Config> = StorageMap<_, Blake2_128Concat, JobId, Terms>;

	/// Who bids on which open job.
	#[pallet::storage]
	pub type Bids<T: Config> =
		StorageMap<_, Blake2_128Concat, JobId, BoundedVec<Bid<T::AccountId>, ConstU32<MAX_BIDS>>, ValueQuery>;

	/// Disputes about results.
	#[pallet::storage]
	pub type Disputes<T: Config> = StorageMap<_, Blake2_128Concat, JobId, Dispute<T::AccountId>>;

	/// The id of the next model.
	#[pallet::storage]
	pub type NextModel<T: Config> = StorageValue<_, ModelId, ValueQuery>;

	/// The registry.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, Model<T::AccountId>>;

	/// Models by the sha2-256 of their adapter.
	#[pallet::storage]
	pub type ModelByAdapter<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], ModelId>;

	/// Submitted and disputed jobs by the sha2-256 of their adapter, so that an accepted result always finds its place free.
	#[pallet::storage]
	pub type JobByAdapter<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], JobId>;

	/// Evaluations by model and evaluator.
	#[pallet::storage]
	pub type Evaluations<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, T::AccountId, Evaluation>;

	/// How many evaluations a model has.
	#[pallet::storage]
	pub type EvaluationCount<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, u32, ValueQuery>;

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
				self.params.is_valid(T::Seeds::KEPT),
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

		/// When something becomes due or possible for a job, by what it waits for now.
		pub fn job_deadlines(job: JobId) -> Option<JobDeadlines> {
			Self::deadlines(job)
		}

		/// The items that the seed drew to evaluate a job's result on, or that it is the split; nothing where there is no result,
		/// or one that was accepted without an evaluation.
		pub fn evaluation_set(job: JobId) -> Option<EvaluationSet> {
			Self::set_of(job)
		}

		/// Who bids on an open job.
		pub fn bids_on(job: JobId) -> alloc::vec::Vec<Bid<T::AccountId>> {
			Bids::<T>::get(job).into_inner()
		}

		/// The dispute about a job's result, and the segment that the judges run once its seed is known.
		pub fn dispute_about(job: JobId) -> Option<(Dispute<T::AccountId>, Option<u32>)> {
			Self::dispute_with_segment(job)
		}

		/// How many more jobs a worker may take now.
		pub fn free_capacity(worker: T::AccountId) -> u32 {
			Workers::<T>::get(worker).map_or(0, |worker| Self::free_jobs(&worker))
		}

		/// What a model was made from, from its parent up to its base model: at most `limit` and [`MAX_LINEAGE`] of them.
		pub fn lineage(model: ModelId, limit: u32) -> alloc::vec::Vec<Parent> {
			Self::line_of(model, limit)
		}

		/// All evaluations of a model.
		pub fn evaluations_of(model: ModelId) -> alloc::vec::Vec<(T::AccountId, Evaluation)> {
			Evaluations::<T>::iter_prefix(model).collect()
		}
	}
}
