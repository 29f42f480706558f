//! Why a call fails.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod errors {
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
		/// A capability names no memory, no method or no dtype, or something unknown.
		InvalidCapability,
		/// What the worker declared does not cover the order's method, dtype or memory.
		CapabilityMissing,
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
		/// The worker bids on the job already.
		AlreadyBid,
		/// Sixteen workers bid on the job, and none with less bond.
		BidsFull,
		/// There are bids, and their time is over: a draw decides.
		BiddingOver,
		/// Nobody bids on the job.
		NoBids,
		/// The randomness of the block that this waits for is not known yet, or not any more.
		SeedNotKnown,
		/// The worker's bond does not cover one more job.
		NoFreeCapacity,
		/// The job is paused.
		JobPaused,
		/// The job is not paused.
		JobNotPaused,
		/// The job has been paused for as long as it may be.
		PauseExhausted,
		/// Until the longest pause is over only the requester can let the job run again.
		PauseNotOver,
		/// The job is neither open nor paused.
		JobNotCancellable,
		/// The job has not ended, or has a model whose provenance it is.
		JobNotPrunable,
		/// No worker trains the job.
		JobNotClaimed,
		/// Another worker holds the job.
		NotTheWorker,
		/// Another account ordered the job.
		NotTheRequester,
		/// The heartbeat's deadline has passed: the job is lost once somebody reports it.
		HeartbeatOverdue,
		/// The deadline of the heartbeat, or of the evaluation, has not passed, or the evaluation was reported.
		HeartbeatNotMissed,
		/// Steps go backwards, or beyond their number.
		InvalidProgress,
		/// A result needs a heartbeat with at least one step before it.
		ProgressMissing,
		/// A result has at least as many steps as the last heartbeat told, and checkpoints of all of them or none.
		InvalidResult,
		/// A registered or submitted model has this adapter.
		AdapterAlreadyRegistered,
		/// The job has no result that waits.
		JobNotSubmitted,
		/// Until `accept_at` only the requester can accept.
		ResultNotAcceptableYet,
		/// The result's evaluation was reported.
		EvaluationAlreadyReported,
		/// The time to report the evaluation has passed: the job is lost once somebody reports that.
		EvaluationOverdue,
		/// The worker has not reported the result's evaluation: only the requester can accept it, and nobody dispute what it says.
		EvaluationNotReported,
		/// The result can be accepted by anybody; it cannot be disputed any more.
		DisputeTooLate,
		/// A worker cannot dispute its own result.
		OwnResult,
		/// Nobody disputes the job's result.
		JobNotDisputed,
		/// Judges can still commit or reveal, or AdminOrigin rule.
		DisputeNotOver,
		/// Worker, requester and disputer are no judges.
		JudgeIsParty,
		/// Who became a worker after the dispute was opened is no judge of it.
		JudgeTooNew,
		/// The judge has committed already.
		AlreadyCommitted,
		/// All seats are taken by judges that the seed prefers.
		SeatsTaken,
		/// It is not the time to commit.
		NotCommitTime,
		/// It is not the time to reveal.
		NotRevealTime,
		/// The account has no seat.
		NotAJudge,
		/// The judge has revealed already.
		AlreadyRevealed,
		/// Finding and salt are not those of the commitment.
		CommitmentMismatch,
		/// AdminOrigin rules only where judges came to no ruling, and before the price can be split.
		NotCorrectable,
		/// Another account registered the base model.
		NotTheOwner,
		/// Jobs or models are built on the base model.
		BaseModelInUse,
		/// An evaluation is of no tokens, or a loss of none.
		InvalidEvaluation,
		/// The account has evaluated the model already; it can retract that.
		EvaluationAlreadyPosted,
		/// The model has as many evaluations as it may have.
		MaxEvaluationsExceeded,
		/// The account has not evaluated the model.
		EvaluationNotFound,
		/// Parameters under which no job could be taken, judged or end, or something stored would be free.
		InvalidParams,
	}
}
