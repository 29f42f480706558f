//! Cases and rounds: opened, closed, concluded.

use crate::{pallet::*, CourtParams, RING_BLOCKS};
use core::{cmp::max, mem::take};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{
		fungible::{hold::Mutate as _, Mutate},
		tokens::{Fortitude, Precision, Preservation, Restriction},
		Get,
	},
};
use openledger_primitives::{
	format::Modality,
	item::{Case, Phase, Round},
	tally::{Decision, Tally, Width},
	traits::{ActiveBlocks, Court, Docket, Rewards, Sessions},
	vote::Verdict,
	ActiveBlock, Balance, DatanetId, ItemId, RoundIndex,
};
use sp_runtime::traits::AccountIdConversion;

impl<T: Config> Court<T::AccountId> for Pallet<T> {
	fn open(
		item: ItemId,
		datanet: DatanetId,
		modality: Modality,
		contributor: &T::AccountId,
		bytes: u32,
		fee: Balance,
	) -> DispatchResult {
		ensure!(!Cases::<T>::contains_key(item), Error::<T>::CaseAlreadyExists);
		let contributor = contributor.clone();
		let case = Case {
			datanet,
			modality,
			contributor,
			bytes,
			round: 0,
			phase: Phase::Voting,
			fee,
			unsettled: 0,
			challenges: 0,
			penalty: None,
		};
		let params = Params::<T>::get();
		let now = T::ActiveBlocks::now();
		// Genesis checks that there is a width; without one the round could not decide.
		let width = params.widths.first().copied().unwrap_or(Width {
			panel: 0,
			threshold: 100,
		});
		Self::open_round(item, &case, &params, width, now, now.saturating_add(params.seed_delay));
		Cases::<T>::insert(item, case);
		Ok(())
	}

	fn withdraw(item: ItemId) -> Result<Balance, DispatchError> {
		let case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		let first = Rounds::<T>::get((item, 0)).filter(|_| case.round == 0 && case.phase == Phase::Voting);
		let open_until = first.ok_or(Error::<T>::TooLateToWithdraw)?.seed_at;
		ensure!(T::ActiveBlocks::now() <= open_until, Error::<T>::TooLateToWithdraw);
		Rounds::<T>::remove((item, 0));
		Cases::<T>::remove(item);
		Self::deposit_event(Event::CaseWithdrawn { item });
		Ok(case.fee)
	}

	fn fee_account() -> T::AccountId {
		Self::fee_account_id()
	}

	fn has_case(item: ItemId) -> bool {
		Cases::<T>::contains_key(item)
	}
}

impl<T: Config> Pallet<T> {
	/// The account in which review fees wait.
	pub fn fee_account_id() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	pub(crate) fn do_close_round(item: ItemId) -> DispatchResult {
		let case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		ensure!(case.phase.is_voting(), Error::<T>::RoundNotOpen);
		let round = Rounds::<T>::get((item, case.round)).ok_or(Error::<T>::RoundNotOpen)?;
		ensure!(T::ActiveBlocks::now() > round.reveal_until, Error::<T>::RoundNotOver);
		match case.phase {
			Phase::Challenged { verdict } => Self::close_challenge(item, case, round, verdict),
			Phase::OnTrial { verdict, right } => Self::close_trial(item, case, round, verdict, right),
			_ => Self::close_vote(item, case, round),
		}
	}

	/// Ends a round on an item that has no verdict yet.
	fn close_vote(item: ItemId, mut case: Case<T::AccountId>, mut round: Round) -> DispatchResult {
		let params = Params::<T>::get();
		let next = params.widths.get(usize::from(case.round) + 1).copied();
		let decision = round.tally.decide(round.width);

		earn_fee(&mut case, &mut round, next.is_none() || decision != Decision::Undecided);
		Self::keep_round(item, case.round, &round);
		match (decision, next) {
			(Decision::Decided(verdict), _) => {
				Self::make_provisional(item, case, verdict, &round, &params);
				Ok(())
			}
			(Decision::Undecided, Some(width)) => {
				Self::deposit_event(Event::RoundUndecided {
					item,
					round: case.round,
				});
				case.round += 1;
				let seed_at = Self::next_seed_at(&round, &params);
				Self::open_round(item, &case, &params, width, round.reveal_until, seed_at);
				Cases::<T>::insert(item, case);
				Ok(())
			}
			(Decision::Undecided, None) => {
				Self::deposit_event(Event::RoundUndecided {
					item,
					round: case.round,
				});
				Self::conclude(item, case, None, round.reveal_until)
			}
		}
	}

	pub(crate) fn do_finalize(item: ItemId) -> DispatchResult {
		let case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		let Phase::Provisional { verdict, until } = case.phase else {
			return Err(Error::<T>::NotProvisional.into());
		};
		ensure!(T::ActiveBlocks::now() > until, Error::<T>::StillProvisional);
		Self::conclude(item, case, Some(verdict), until)
	}

	/// Tells the docket, and makes the outcome final as of block `at`.
	fn conclude(item: ItemId, case: Case<T::AccountId>, verdict: Option<Verdict>, at: ActiveBlock) -> DispatchResult {
		let outcome = T::Docket::conclude(item, verdict, at)?;
		Self::make_final(item, case, verdict, at)?;
		Self::deposit_event(Event::CaseConcluded { item, outcome });
		Ok(())
	}

	/// Makes what `round` left as the verdict provisional, from its deadline on.
	pub(crate) fn make_provisional(
		item: ItemId,
		mut case: Case<T::AccountId>,
		verdict: Verdict,
		round: &Round,
		params: &CourtParams,
	) {
		let until = round.reveal_until.saturating_add(params.provisional_blocks);
		case.phase = Phase::Provisional { verdict, until };
		Self::deposit_event(Event::VerdictReached {
			item,
			round: case.round,
			verdict,
			until,
		});
		Cases::<T>::insert(item, case);
	}

	/// Has the case's votes settled by `verdict` from now on. A case without votes is not needed any more.
	pub(crate) fn make_final(
		item: ItemId,
		mut case: Case<T::AccountId>,
		verdict: Option<Verdict>,
		at: ActiveBlock,
	) -> DispatchResult {
		// By the panel's verdict, not by what the docket made of it: a second claim that became a duplicate was judged as well
		// as the first, and must neither cost who judged it points nor move the share that points are scaled by.
		let recent = RecentOutcomes::<T>::get(case.datanet);
		if let Some(verdict) = verdict {
			RecentOutcomes::<T>::insert(case.datanet, recent.after(verdict.is_accept()));
		}
		Self::pay_out(&T::Rewards::pot(), take(&mut case.fee))?;
		if case.unsettled == 0 {
			Cases::<T>::remove(item);
		} else {
			case.phase = Phase::Final {
				outcome: verdict,
				recent,
				at,
			};
			Cases::<T>::insert(item, case);
		}
		Ok(())
	}

	/// Keeps a closed round for as long as any of its votes is not settled.
	pub(crate) fn keep_round(item: ItemId, index: RoundIndex, round: &Round) {
		if round.unsettled == 0 {
			Rounds::<T>::remove((item, index));
		} else {
			Rounds::<T>::insert((item, index), round);
		}
	}

	/// Stores a new round of the case under the parameters of today. Its commit window begins after its seed's block, or now
	/// where that is past.
	pub(crate) fn open_round(
		item: ItemId,
		case: &Case<T::AccountId>,
		params: &CourtParams,
		width: Width,
		opened_at: ActiveBlock,
		seed_at: ActiveBlock,
	) {
		let session = T::Sessions::current();
		let commit_until = max(seed_at, T::ActiveBlocks::now()).saturating_add(params.commit_blocks);
		let reveal_until = commit_until.saturating_add(params.reveal_blocks);
		let round = Round {
			opened_at,
			seed_at,
			commit_until,
			reveal_until,
			session,
			total_stake: TotalStake::<T>::get(case.modality).at(session).unwrap_or_default(),
			width,
			risk: params.risk(case.bytes),
			tally: Tally::default(),
			unsettled: 0,
			fee: 0,
			paid: 0,
		};
		Rounds::<T>::insert((item, case.round), round);
		let round = case.round;
		Self::deposit_event(Event::RoundOpened {
			item,
			round,
			seed_at,
			commit_until,
			reveal_until,
		});
	}

	/// The seed's block of the round after `closed`. It follows from the deadline, so that the time of the call changes
	/// nothing; but once that seed is known, only stakes that were set before it may be drawn by it, and it must still be
	/// remembered at the end of the commit window. Else it is a block yet to come.
	fn next_seed_at(closed: &Round, params: &CourtParams) -> ActiveBlock {
		let now = T::ActiveBlocks::now();
		let by_deadline = closed.reveal_until.saturating_add(params.seed_delay);
		let stakes_are_older = T::Sessions::current() <= closed.session.saturating_add(1);
		let is_remembered = Self::seed(by_deadline).is_some()
			&& now.saturating_add(params.commit_blocks).saturating_sub(by_deadline) < RING_BLOCKS;
		if now <= by_deadline || (stakes_are_older && is_remembered) {
			by_deadline
		} else {
			now.saturating_add(params.seed_delay)
		}
	}

	/// Gives a bond to the panel of the round that it was lost in, or to the pot where nobody revealed. The caller stores
	/// the round.
	pub(crate) fn pay_panel(
		reason: HoldReason,
		who: &T::AccountId,
		bond: Balance,
		round: &mut Round,
	) -> DispatchResult {
		let has_panel = round.tally.revealed() > 0;
		let to = if has_panel {
			Self::fee_account_id()
		} else {
			T::Rewards::pot()
		};
		if has_panel {
			round.fee = round.fee.saturating_add(bond);
		}
		let (mode, force) = (Restriction::Free, Fortitude::Force);
		T::Currency::transfer_on_hold(&reason.into(), who, &to, bond, Precision::Exact, mode, force)?;
		Ok(())
	}

	/// Pays from the fee account.
	pub(crate) fn pay_out(to: &T::AccountId, amount: Balance) -> DispatchResult {
		if amount > 0 {
			T::Currency::transfer(&Self::fee_account_id(), to, amount, Preservation::Expendable)?;
		}
		Ok(())
	}
}

/// What a round that closes earns of its case's fee: half of what is left, all of it where no other round follows, nothing
/// where nobody revealed.
fn earn_fee<AccountId>(case: &mut Case<AccountId>, round: &mut Round, is_last: bool) {
	if round.tally.revealed() == 0 {
		return;
	}
	round.fee = if is_last { case.fee } else { case.fee / 2 };
	case.fee -= round.fee;
}
