//! What the pallet tells.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod events {
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
		/// A worker changed its endpoint, its capability or its bond.
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
		/// A worker offers to train a job.
		BidPlaced {
			/// The job.
			job: JobId,
			/// Who bids.
			worker: T::AccountId,
			/// Its weight in the draw, plancks.
			weight: Balance,
		},
		/// A heavier bid took the place of this one.
		BidDisplaced {
			/// The job.
			job: JobId,
			/// Who bids no more.
			worker: T::AccountId,
		},
		/// None of the bidders has the bond any more that it bid with: who comes first takes the job.
		BidsLapsed {
			/// The job.
			job: JobId,
		},
		/// A worker got a job.
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
			/// From this active block on anybody can accept it, once it is evaluated.
			accept_at: ActiveBlock,
			/// Its evaluation is due by this active block.
			evaluate_by: ActiveBlock,
		},
		/// A worker measured its result.
		EvaluationReported {
			/// The job.
			job: JobId,
			/// On what, and what it found.
			evaluation: EvaluationOfResult,
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
			/// What its worker got for steps, plancks.
			paid: Balance,
		},
		/// The requester stopped a job's clock.
		JobPaused {
			/// The job.
			job: JobId,
			/// From this active block on anybody can let it run again.
			until: ActiveBlock,
		},
		/// A job's clock runs again.
		JobResumed {
			/// The job.
			job: JobId,
			/// The next heartbeat is due by this active block.
			heartbeat_by: ActiveBlock,
		},
		/// A worker missed a heartbeat, or the time to evaluate its result, and lost its job, which is open again unless `JobFailed` follows.
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
		/// Somebody disputes a result.
		Disputed {
			/// The job.
			job: JobId,
			/// Who disputes it.
			disputer: T::AccountId,
			/// What is said to be wrong.
			claim: Claim,
			/// The randomness of this active block draws the segment.
			seed_at: ActiveBlock,
		},
		/// A judge committed to its finding.
		JudgeCommitted {
			/// The job.
			job: JobId,
			/// The judge.
			judge: T::AccountId,
			/// The segment that the judges run.
			segment: u32,
		},
		/// A judge lost its seat to one that the seed prefers.
		JudgeDisplaced {
			/// The job.
			job: JobId,
			/// The former judge.
			judge: T::AccountId,
		},
		/// A judge told what it found.
		JudgeRevealed {
			/// The job.
			job: JobId,
			/// The judge.
			judge: T::AccountId,
			/// What it found.
			finding: Finding,
		},
		/// A judge did not tell what it found.
		JudgeSilent {
			/// The job.
			job: JobId,
			/// The judge.
			judge: T::AccountId,
			/// Taken of its bond, plancks.
			penalty: Balance,
		},
		/// Judges came to no ruling.
		DisputeUndecided {
			/// The job.
			job: JobId,
			/// Before this active block AdminOrigin can rule; from it on the price can be split.
			split_at: ActiveBlock,
		},
		/// A dispute was decided.
		DisputeDecided {
			/// The job.
			job: JobId,
			/// How.
			ruling: Ruling,
			/// Judges that share in what the other side lost.
			judges: u32,
			/// What the worker lost of its bond, or the disputer of its own, plancks.
			lost: Balance,
		},
		/// The price of an undecided job was split.
		JobSplit {
			/// The job.
			job: JobId,
			/// Paid to the worker, plancks.
			paid: Balance,
			/// Given back to the requester, plancks.
			refunded: Balance,
		},
		/// The record of an ended job was removed.
		JobPruned {
			/// The job.
			job: JobId,
		},
		/// A base model was removed, and its deposit given back.
		BaseModelDeregistered {
			/// Its former id.
			base_model: BaseModelId,
		},
		/// Somebody evaluated a model.
		EvaluationPosted {
			/// The model.
			model: ModelId,
			/// Who says so.
			evaluator: T::AccountId,
			/// What on.
			dataset: DatasetRef,
			/// Nats per token, in units of 1e-6.
			loss_micro: u64,
		},
		/// An evaluator took its evaluation back, and its bond.
		EvaluationRetracted {
			/// The model.
			model: ModelId,
			/// Whose it was.
			evaluator: T::AccountId,
		},
		/// AdminOrigin removed an evaluation; the treasury has its bond.
		EvaluationRemoved {
			/// The model.
			model: ModelId,
			/// Whose it was.
			evaluator: T::AccountId,
			/// Plancks.
			bond: Balance,
		},
		/// Parameters of what starts from now on.
		ParamsSet {
			/// All of them.
			params: ModelParams,
		},
	}
}
