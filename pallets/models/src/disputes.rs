//! Disputes and their judges.

use crate::*;
use frame_support::{
	ensure,
	pallet_prelude::{ConstU32, DispatchResult},
	traits::fungible::MutateHold,
	BoundedVec,
};
use openledger_primitives::{
	bid::SEED_DELAY,
	dispute::{seat_key, segment, JudgeBallot, Seat, MAX_JUDGES},
};
use sp_runtime::traits::Zero;

type Seats<T> = BoundedVec<Seat<<T as frame_system::Config>::AccountId>, ConstU32<MAX_JUDGES>>;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_dispute(who: T::AccountId, id: JobId, claim: Claim) -> DispatchResult {
		let mut job = Self::job(id)?;
		let JobStatus::Submitted {
			worker,
			accept_at,
			result,
			evaluation,
		} = job.status
		else {
			return Err(Error::<T>::JobNotSubmitted.into());
		};
		let now = T::ActiveBlocks::now();
		ensure!(now < accept_at, Error::<T>::DisputeTooLate);
		ensure!(who != worker, Error::<T>::OwnResult);
		ensure!(
			claim != Claim::Evaluation || evaluation.reported().is_some(),
			Error::<T>::EvaluationNotReported
		);
		let params = Self::terms(id)?.params;
		T::Currency::hold(&HoldReason::DisputeBond.into(), &who, params.dispute_bond)?;
		let seed_at = now.saturating_add(SEED_DELAY);
		let commit_until = seed_at.saturating_add(params.judge_commit_blocks);
		Disputes::<T>::insert(
			id,
			Dispute {
				disputer: who.clone(),
				bond: params.dispute_bond,
				claim,
				opened_at: now,
				seed_at,
				seed: None,
				commit_until,
				reveal_until: commit_until.saturating_add(params.judge_reveal_blocks),
				seats: BoundedVec::new(),
				split_at: None,
			},
		);
		job.status = JobStatus::Disputed {
			worker,
			accept_at,
			result,
			evaluation,
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::Disputed {
			job: id,
			disputer: who,
			claim,
			seed_at,
		});
		Ok(())
	}

	pub(crate) fn do_judge_commit(who: T::AccountId, id: JobId, commitment: [u8; 32]) -> DispatchResult {
		let job = Self::job(id)?;
		let JobStatus::Disputed { worker, result, .. } = &job.status else {
			return Err(Error::<T>::JobNotDisputed.into());
		};
		let mut dispute = Self::dispute_of(id)?;
		ensure!(
			T::ActiveBlocks::now() <= dispute.commit_until,
			Error::<T>::NotCommitTime
		);
		let is_party = [worker, &job.requester, &dispute.disputer].contains(&&who);
		ensure!(!is_party, Error::<T>::JudgeIsParty);
		let judge = Workers::<T>::get(&who).ok_or(Error::<T>::WorkerNotRegistered)?;
		ensure!(judge.registered_at < dispute.opened_at, Error::<T>::JudgeTooNew);
		// Whether a file can be fetched anybody can see.
		let is_able = dispute.claim == Claim::NotAvailable || judge.capability.fits(&job.spec);
		ensure!(is_able, Error::<T>::CapabilityMissing);
		let seated = dispute.seats.iter().any(|seat| seat.judge == who);
		ensure!(!seated, Error::<T>::AlreadyCommitted);
		let seed = match dispute.seed {
			Some(seed) => seed,
			None => T::Seeds::seed(dispute.seed_at).ok_or(Error::<T>::SeedNotKnown)?,
		};
		dispute.seed = Some(seed);

		Self::bind(&who)?;
		Self::seat(id, &seed, &mut dispute.seats, who.clone(), commitment)?;
		let segment = segment(&seed, id, result.checkpoints.count);
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::JudgeCommitted {
			job: id,
			judge: who,
			segment,
		});
		Ok(())
	}

	pub(crate) fn do_judge_reveal(who: T::AccountId, id: JobId, finding: Finding, salt: [u8; 32]) -> DispatchResult {
		let mut dispute = Self::dispute_of(id)?;
		let now = T::ActiveBlocks::now();
		let is_time = now > dispute.commit_until && now <= dispute.reveal_until;
		ensure!(is_time, Error::<T>::NotRevealTime);
		let opened_at = dispute.opened_at;
		let seat = dispute.seats.iter_mut().find(|seat| seat.judge == who);
		let seat = seat.ok_or(Error::<T>::NotAJudge)?;
		ensure!(seat.finding.is_none(), Error::<T>::AlreadyRevealed);
		let ballot = JudgeBallot {
			genesis: Self::genesis(),
			job: id,
			opened_at,
			judge: &who,
		};
		ensure!(
			ballot.commitment(finding, &salt) == seat.commitment,
			Error::<T>::CommitmentMismatch
		);
		seat.finding = Some(finding);
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::JudgeRevealed {
			job: id,
			judge: who,
			finding,
		});
		Ok(())
	}

	pub(crate) fn dispute_of(id: JobId) -> Result<Dispute<T::AccountId>, Error<T>> {
		Disputes::<T>::get(id).ok_or(Error::<T>::JobNotDisputed)
	}

	/// The hash of block 0, which names the chain in commitments.
	pub(crate) fn genesis() -> [u8; 32] {
		let hash = frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::zero());
		let mut genesis = [0; 32];
		let bytes = hash.as_ref();
		genesis.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
		genesis
	}

	/// Seats a judge; of more than there are seats those stay whom the seed prefers.
	fn seat(
		id: JobId,
		seed: &[u8; 32],
		seats: &mut Seats<T>,
		judge: T::AccountId,
		commitment: [u8; 32],
	) -> DispatchResult {
		if seats.is_full() {
			let key = |seat: &Seat<T::AccountId>| seat_key(seed, id, &seat.judge);
			let last = seats.iter().enumerate().max_by_key(|(_, seat)| key(seat));
			let at = last
				.filter(|(_, seat)| key(seat) > seat_key(seed, id, &judge))
				.map(|(at, _)| at);
			let displaced = seats.swap_remove(at.ok_or(Error::<T>::SeatsTaken)?);
			Self::unbind(&displaced.judge)?;
			Self::deposit_event(Event::JudgeDisplaced {
				job: id,
				judge: displaced.judge,
			});
		}
		let seat = Seat {
			judge,
			commitment,
			finding: None,
		};
		seats.try_push(seat).map_err(|_| Error::<T>::SeatsTaken.into())
	}
}
