//! What can be called. The work is done in the files named after what it is about.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod calls {
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
		/// - `capability`: what it can train.
		///
		/// Emits `WorkerRegistered`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::register_worker())]
		pub fn register_worker(
			origin: OriginFor<T>,
			#[pallet::compact] bond: Balance,
			endpoint: Text<MAX_ENDPOINT>,
			capability: Capability,
		) -> DispatchResult {
			Self::do_register_worker(ensure_signed(origin)?, bond, endpoint, capability)
		}

		/// Change a worker's endpoint or capability, raise its bond, or all of that.
		///
		/// - `endpoint`: the new one, UTF-8; nothing keeps the old one.
		/// - `capability`: the new one; nothing keeps the old one.
		/// - `more_bond`: held in addition, plancks; may be zero.
		///
		/// Emits `WorkerUpdated`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::update_worker())]
		pub fn update_worker(
			origin: OriginFor<T>,
			endpoint: Option<Text<MAX_ENDPOINT>>,
			capability: Option<Capability>,
			#[pallet::compact] more_bond: Balance,
		) -> DispatchResult {
			Self::do_update_worker(ensure_signed(origin)?, endpoint, capability, more_bond)
		}

		/// Be no worker any more and get the bond back; only while nothing binds it.
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

		/// Offer to train an open job. While workers bid, this is a bid for the draw; after that, where nobody bid, it takes
		/// the job.
		///
		/// - `job`: open, not expired, of another account, and such as the caller's capability covers.
		///
		/// Emits `BidPlaced`, and `BidDisplaced` where the lightest of sixteen bids gives way; or `JobClaimed`.
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
		/// - `job`: submitted; ordered by the caller, or evaluated, and its `accept_at` has come.
		///
		/// Emits `ResultAccepted`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::accept_result())]
		pub fn accept_result(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_accept_result(ensure_signed(origin)?, job)
		}

		/// Withdraw a job and get its price back. Of a paused one the worker gets half of the price by the share of steps that
		/// it has told.
		///
		/// - `job`: open or paused, ordered by the caller.
		///
		/// Emits `JobCancelled`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::cancel_job())]
		pub fn cancel_job(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_cancel_job(ensure_signed(origin)?, job)
		}

		/// Report that a worker missed its heartbeat, or the evaluation of its result: it pays the penalty and loses the job, which
		/// is open again, or fails after too many such losses.
		///
		/// - `job`: claimed, or submitted without an evaluation, its deadline passed.
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

		/// Say that a result is wrong, with a bond.
		///
		/// - `job`: submitted, its `accept_at` not reached, of another worker.
		/// - `claim`: what is wrong with it.
		///
		/// Emits `Disputed`.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::dispute())]
		pub fn dispute(origin: OriginFor<T>, job: JobId, claim: Claim) -> DispatchResult {
			Self::do_dispute(ensure_signed(origin)?, job, claim)
		}

		/// Commit to what the segment of a disputed result gave when it was run again.
		///
		/// - `job`: disputed, its seed known, the time to commit not over.
		/// - `commitment`: [`JudgeBallot::commitment`](openledger_primitives::dispute::JudgeBallot::commitment).
		///
		/// Emits `JudgeCommitted`, and `JudgeDisplaced` where a judge gives way.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::judge_commit())]
		pub fn judge_commit(origin: OriginFor<T>, job: JobId, commitment: [u8; 32]) -> DispatchResult {
			Self::do_judge_commit(ensure_signed(origin)?, job, commitment)
		}

		/// Reveal a judge's finding.
		///
		/// - `job`: disputed, in the time to reveal, with a seat of the caller's.
		/// - `finding`, `salt`: those of the commitment.
		///
		/// Emits `JudgeRevealed`.
		#[pallet::call_index(14)]
		#[pallet::weight(T::WeightInfo::judge_reveal())]
		pub fn judge_reveal(origin: OriginFor<T>, job: JobId, finding: Finding, salt: [u8; 32]) -> DispatchResult {
			Self::do_judge_reveal(ensure_signed(origin)?, job, finding, salt)
		}

		/// Stop a job's clock: no heartbeat is due until it runs again.
		///
		/// - `job`: claimed, its deadline not passed, ordered by the caller, not paused for as long as it may be.
		///
		/// Emits `JobPaused`.
		#[pallet::call_index(15)]
		#[pallet::weight(T::WeightInfo::pause())]
		pub fn pause(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_pause(ensure_signed(origin)?, job)
		}

		/// Let a job's clock run again; its deadlines move by the time that it stood.
		///
		/// - `job`: paused; ordered by the caller, or its longest pause is over.
		///
		/// Emits `JobResumed`.
		#[pallet::call_index(16)]
		#[pallet::weight(T::WeightInfo::resume())]
		pub fn resume(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			Self::do_resume(ensure_signed(origin)?, job)
		}

		/// Post what a model's loss is on a dataset, with a bond.
		///
		/// - `model`: registered, not evaluated by the caller.
		/// - `dataset`: text that is open to the caller.
		/// - `loss_micro`, `tokens`: nats per token in units of 1e-6, over how many tokens.
		/// - `manifest`: all that is needed to repeat it.
		///
		/// Emits `EvaluationPosted`.
		#[pallet::call_index(17)]
		#[pallet::weight(T::WeightInfo::post_evaluation())]
		pub fn post_evaluation(
			origin: OriginFor<T>,
			model: ModelId,
			dataset: DatasetRef,
			loss_micro: u64,
			tokens: u64,
			manifest: Artifact,
		) -> DispatchResult {
			Self::do_post_evaluation(ensure_signed(origin)?, model, dataset, loss_micro, tokens, manifest)
		}

		/// Give an open job to one of its bidders, drawn by their weights.
		///
		/// - `job`: open, with bids, its bidding over and the seed after it known.
		///
		/// Emits `JobClaimed`, or `BidsLapsed` where no bidder has the bond any more.
		#[pallet::call_index(18)]
		#[pallet::weight(T::WeightInfo::draw())]
		pub fn draw(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_draw(job)
		}

		/// Set the parameters of what starts from now on.
		///
		/// - `params`: all of them.
		///
		/// Emits `ParamsSet`.
		#[pallet::call_index(19)]
		#[pallet::weight(T::WeightInfo::set_params())]
		pub fn set_params(origin: OriginFor<T>, params: ModelParams) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(params.is_valid(T::Seeds::KEPT), Error::<T>::InvalidParams);
			Params::<T>::put(params);
			Self::deposit_event(Event::ParamsSet { params });
			Ok(())
		}

		/// Close a dispute: what the judges revealed rules; where that is nothing, the price is split once AdminOrigin has
		/// had its time.
		///
		/// - `job`: disputed, its reveals over, and where there was no ruling, its `split_at` reached.
		///
		/// Emits `JudgeSilent` for each judge that did not reveal, and `DisputeDecided`, `DisputeUndecided` or `JobSplit`.
		#[pallet::call_index(20)]
		#[pallet::weight(T::WeightInfo::close_dispute())]
		pub fn close_dispute(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_close_dispute(job)
		}

		/// Rule where the judges came to no ruling.
		///
		/// - `job`: disputed, closed without a ruling, its `split_at` not reached.
		/// - `ruling`: as if judges had come to it.
		///
		/// Emits `DisputeDecided`.
		#[pallet::call_index(21)]
		#[pallet::weight(T::WeightInfo::correct())]
		pub fn correct(origin: OriginFor<T>, job: JobId, ruling: Ruling) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_correct(job, ruling)
		}

		/// Remove the record of a job that ended without a model.
		///
		/// - `job`: cancelled, failed, expired or split.
		///
		/// Emits `JobPruned`.
		#[pallet::call_index(22)]
		#[pallet::weight(T::WeightInfo::prune_job())]
		pub fn prune_job(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_prune_job(job)
		}

		/// Take an evaluation back, and its bond.
		///
		/// - `model`: evaluated by the caller.
		///
		/// Emits `EvaluationRetracted`.
		#[pallet::call_index(23)]
		#[pallet::weight(T::WeightInfo::retract_evaluation())]
		pub fn retract_evaluation(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			Self::do_retract_evaluation(ensure_signed(origin)?, model)
		}

		/// Remove an evaluation that is spam; its bond goes to the treasury.
		///
		/// - `model`, `evaluator`: which one.
		///
		/// Emits `EvaluationRemoved`.
		#[pallet::call_index(24)]
		#[pallet::weight(T::WeightInfo::remove_evaluation())]
		pub fn remove_evaluation(origin: OriginFor<T>, model: ModelId, evaluator: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_remove_evaluation(model, evaluator)
		}

		/// Remove a base model and get its deposit back.
		///
		/// - `base_model`: of the caller, without unfinished jobs and models that are built on it.
		///
		/// Emits `BaseModelDeregistered`.
		#[pallet::call_index(25)]
		#[pallet::weight(T::WeightInfo::deregister_base_model())]
		pub fn deregister_base_model(origin: OriginFor<T>, base_model: BaseModelId) -> DispatchResult {
			Self::do_deregister_base_model(ensure_signed(origin)?, base_model)
		}

		/// Say what the loss of a result is on the items that the seed drew, or on the split.
		///
		/// - `job`: submitted or disputed, of the caller, its seed known, its `evaluate_by` not passed.
		/// - `loss_micro`: nats per token, in units of 1e-6; judges compute it again where somebody disputes it.
		/// - `tokens`: how many the loss is the mean of. None, and no loss, where nothing of the set can be read.
		///
		/// Emits `EvaluationReported`.
		#[pallet::call_index(26)]
		#[pallet::weight(T::WeightInfo::report_evaluation())]
		pub fn report_evaluation(origin: OriginFor<T>, job: JobId, loss_micro: u64, tokens: u64) -> DispatchResult {
			Self::do_report_evaluation(ensure_signed(origin)?, job, loss_micro, tokens)
		}
	}
}
