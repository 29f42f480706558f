//! Votes: who has what weight, commit, reveal, settle.

use crate::{
	pallet::*,
	stake::{counted, Slash},
	Validator,
};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	sp_runtime::traits::Zero,
};
use frame_system::pallet_prelude::BlockNumberFor;
use openledger_primitives::{
	challenge::REPORT_PERCENT,
	fee::share,
	item::{Case, Phase, Round, Vote},
	points::{unrevealed_points, vote_points},
	sortition::Draw,
	traits::{ActiveBlocks, Pool, Rewards},
	vote::{Ballot, Verdict},
	ActiveBlock, Balance, ItemId, RoundIndex,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_commit(
		voter: T::AccountId,
		item: ItemId,
		index: RoundIndex,
		commitment: [u8; 32],
	) -> DispatchResult {
		let (mut case, mut round) = Self::open_round_of(item, index)?;
		ensure!(voter != case.contributor, Error::<T>::OwnItem);
		ensure!(!Self::has_called(item, &case, &voter), Error::<T>::OwnTrial);
		let now = T::ActiveBlocks::now();
		ensure!(
			now > round.seed_at && now <= round.commit_until,
			Error::<T>::NotInCommitWindow
		);
		ensure!(
			!Votes::<T>::contains_key((item, index), &voter),
			Error::<T>::AlreadyCommitted
		);
		let mut validator = Validators::<T>::get(&voter).ok_or(Error::<T>::NotValidator)?;
		let seed = Self::seed(round.seed_at).ok_or(Error::<T>::SeedNotFound)?;
		let weight = Self::weight(item, &case, &round, seed, &voter, &validator);
		ensure!(weight > 0, Error::<T>::NotOnPanel);
		let reserve = reserve(&round, weight);
		ensure!(
			reserve <= validator.free_for(&case.phase),
			Error::<T>::InsufficientFreeStake
		);

		validator.at_risk = validator.at_risk.saturating_add(reserve);
		round.tally.commit(weight);
		round.unsettled = round.unsettled.saturating_add(1);
		case.unsettled = case.unsettled.saturating_add(1);
		Validators::<T>::insert(&voter, validator);
		Rounds::<T>::insert((item, index), round);
		Cases::<T>::insert(item, case);
		Votes::<T>::insert(
			(item, index),
			&voter,
			Vote {
				commitment,
				weight,
				verdict: None,
			},
		);
		Self::deposit_event(Event::Committed {
			item,
			round: index,
			voter,
			weight,
		});
		Ok(())
	}

	pub(crate) fn do_reveal(
		voter: T::AccountId,
		item: ItemId,
		index: RoundIndex,
		verdict: Verdict,
		salt: [u8; 32],
	) -> DispatchResult {
		let (_, mut round) = Self::open_round_of(item, index)?;
		let now = T::ActiveBlocks::now();
		ensure!(
			now > round.commit_until && now <= round.reveal_until,
			Error::<T>::NotInRevealWindow
		);
		let mut vote = Votes::<T>::get((item, index), &voter).ok_or(Error::<T>::VoteNotFound)?;
		ensure!(vote.weight > 0, Error::<T>::VoteVoid);
		ensure!(vote.verdict.is_none(), Error::<T>::AlreadyRevealed);
		ensure!(verdict.is_valid(), Error::<T>::InvalidVerdict);
		Self::check_commitment(item, index, &voter, &vote, &verdict, &salt)?;

		vote.verdict = Some(verdict);
		round.tally.reveal(&verdict, vote.weight);
		Votes::<T>::insert((item, index), &voter, vote);
		Rounds::<T>::insert((item, index), round);
		Self::deposit_event(Event::Revealed {
			item,
			round: index,
			voter,
			verdict,
		});
		Ok(())
	}

	pub(crate) fn do_report_preimage(
		reporter: T::AccountId,
		item: ItemId,
		index: RoundIndex,
		voter: T::AccountId,
		verdict: Verdict,
		salt: [u8; 32],
	) -> DispatchResult {
		let (_, mut round) = Self::open_round_of(item, index)?;
		ensure!(reporter != voter, Error::<T>::OwnVote);
		// Only after the seed's block is there a vote.
		ensure!(
			T::ActiveBlocks::now() <= round.commit_until,
			Error::<T>::NotInCommitWindow
		);
		let mut vote = Votes::<T>::get((item, index), &voter).ok_or(Error::<T>::VoteNotFound)?;
		ensure!(vote.weight > 0, Error::<T>::VoteVoid);
		Self::check_commitment(item, index, &voter, &vote, &verdict, &salt)?;
		let mut validator = Validators::<T>::get(&voter).ok_or(Error::<T>::NotValidator)?;

		let reserve = reserve(&round, vote.weight);
		validator.at_risk = validator.at_risk.saturating_sub(reserve);
		let Slash { taken, rewarded } =
			Self::slash(&voter, &mut validator, reserve, Some((&reporter, REPORT_PERCENT)))?;
		round.tally.void(vote.weight);
		// The record stays, without weight and so without a reserve: it keeps the voter from committing again.
		vote.weight = 0;
		Validators::<T>::insert(&voter, validator);
		Votes::<T>::insert((item, index), &voter, vote);
		Rounds::<T>::insert((item, index), round);
		Self::deposit_event(Event::PreimageReported {
			item,
			round: index,
			voter,
			reporter,
			rewarded,
			slashed: taken,
		});
		Ok(())
	}

	pub(crate) fn do_settle(item: ItemId, index: RoundIndex, voter: T::AccountId) -> DispatchResult {
		let mut case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		let Phase::Final { outcome, recent, at } = case.phase else {
			return Err(Error::<T>::NotFinal.into());
		};
		let vote = Votes::<T>::take((item, index), &voter).ok_or(Error::<T>::VoteNotFound)?;
		let mut round = Rounds::<T>::get((item, index)).ok_or(Error::<T>::VoteNotFound)?;
		let mut validator = Validators::<T>::get(&voter).ok_or(Error::<T>::NotValidator)?;

		let reserve = reserve(&round, vote.weight);
		validator.at_risk = validator.at_risk.saturating_sub(reserve);
		let (mut fee, mut slash) = (0, Slash::default());
		let points = match vote.verdict {
			None => {
				slash = Self::slash(&voter, &mut validator, reserve, None)?;
				unrevealed_points(vote.weight)
			}
			Some(verdict) => {
				match case.penalty.as_ref().filter(|penalty| penalty.hits(index, &verdict)) {
					Some(penalty) => {
						let informant = penalty.informant.as_ref().map(|who| (who, penalty.percent));
						slash = Self::slash(&voter, &mut validator, reserve, informant)?;
					}
					None => fee = Self::pay_fee(&voter, &mut round, vote.weight)?,
				}
				outcome.map_or(0, |outcome| vote_points(&verdict, &outcome, vote.weight, recent))
			}
		};
		Self::award(&voter, &mut validator, points, at);
		Validators::<T>::insert(&voter, validator);
		Self::forget_vote(item, index, &mut case, round)?;
		Self::deposit_event(Event::VoteSettled {
			item,
			round: index,
			voter,
			fee,
			points,
			slashed: slash.taken,
			rewarded: slash.rewarded,
		});
		Ok(())
	}

	/// Pays the vote's share of what its round earned.
	fn pay_fee(voter: &T::AccountId, round: &mut Round, weight: u32) -> Result<Balance, DispatchError> {
		let part = share(round.fee, weight.into(), round.tally.revealed().into());
		Self::pay_out(voter, part)?;
		round.paid = round.paid.saturating_add(part);
		Ok(part)
	}

	/// Gives points, less what is carried over; a deficit is carried on.
	fn award(voter: &T::AccountId, validator: &mut Validator, points: i64, final_at: ActiveBlock) {
		let sum = validator.credit.saturating_add(points);
		validator.credit = sum.min(0);
		if sum > 0 {
			T::Rewards::award(Pool::Validators, voter, sum.unsigned_abs().into(), final_at);
		}
	}

	/// Counts a settled vote off, and removes round and case with their last one.
	fn forget_vote(item: ItemId, index: RoundIndex, case: &mut Case<T::AccountId>, mut round: Round) -> DispatchResult {
		round.unsettled = round.unsettled.saturating_sub(1);
		case.unsettled = case.unsettled.saturating_sub(1);
		if round.unsettled == 0 {
			Self::pay_out(&T::Rewards::pot(), round.fee.saturating_sub(round.paid))?;
			Rounds::<T>::remove((item, index));
		} else {
			Rounds::<T>::insert((item, index), round);
		}
		if case.unsettled == 0 {
			Cases::<T>::remove(item);
		} else {
			Cases::<T>::insert(item, case);
		}
		Ok(())
	}

	/// The item's case and its round `index`, which must be the open one.
	fn open_round_of(item: ItemId, index: RoundIndex) -> Result<(Case<T::AccountId>, Round), DispatchError> {
		let case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		ensure!(case.phase.is_voting() && case.round == index, Error::<T>::RoundNotOpen);
		let round = Rounds::<T>::get((item, index)).ok_or(Error::<T>::RoundNotOpen)?;
		Ok((case, round))
	}

	/// Whether this account has its bond on the open round, and so no vote in it.
	pub(crate) fn has_called(item: ItemId, case: &Case<T::AccountId>, voter: &T::AccountId) -> bool {
		case.phase != Phase::Voting && TrialBonds::<T>::get(item).is_some_and(|bond| bond.who == *voter)
	}

	/// Whether verdict and salt are what the vote committed to.
	fn check_commitment(
		item: ItemId,
		round: RoundIndex,
		voter: &T::AccountId,
		vote: &Vote,
		verdict: &Verdict,
		salt: &[u8; 32],
	) -> Result<(), Error<T>> {
		let genesis = Self::genesis();
		let ballot = Ballot {
			genesis,
			item,
			round,
			voter,
		};
		ensure!(
			ballot.commitment(verdict, salt) == vote.commitment,
			Error::<T>::CommitmentMismatch
		);
		Ok(())
	}

	/// The weight of the voter in the case's open round.
	pub(crate) fn weight(
		item: ItemId,
		case: &Case<T::AccountId>,
		round: &Round,
		seed: [u8; 32],
		voter: &T::AccountId,
		validator: &Validator,
	) -> u32 {
		let stake = validator
			.schedule
			.at(round.session)
			.map_or(0, |value| counted(value, case.modality));
		let draw = Draw {
			genesis: Self::genesis(),
			item,
			round: case.round,
			seed,
			total_stake: round.total_stake,
			panel: round.width.panel,
		};
		draw.weight(voter, stake)
	}

	/// The chain's genesis hash, which every draw and commitment is bound to.
	pub(crate) fn genesis() -> [u8; 32] {
		let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		let mut genesis = [0; 32];
		genesis.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
		genesis
	}
}

/// What a vote of `weight` puts at risk.
pub(crate) fn reserve(round: &Round, weight: u32) -> Balance {
	round.risk.saturating_mul(weight.into())
}
