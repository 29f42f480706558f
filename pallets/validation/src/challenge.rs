//! Challenges of provisional verdicts: called with a bond, decided by a wide round.

use crate::{pallet::*, CourtParams, TrialBond};
use frame_support::{ensure, pallet_prelude::DispatchResult};
use openledger_primitives::{
	challenge::{penalty, rule, trial_width, Ruling, Trial},
	item::{Case, Phase, Round},
	plant::confirm,
	traits::ActiveBlocks,
	vote::Verdict,
	Balance, ItemId,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_challenge(challenger: T::AccountId, item: ItemId) -> DispatchResult {
		let mut case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		let verdict = Self::still_provisional(&case)?;
		let params = Params::<T>::get();
		ensure!(
			case.challenges < params.max_challenges,
			Error::<T>::MaxChallengesExceeded
		);
		let amount = params.bond(case.bytes, case.challenges);
		Self::hold(HoldReason::Challenge, &challenger, amount)?;
		case.phase = Phase::Challenged { verdict };
		Self::deposit_event(Event::Challenged {
			item,
			challenger: challenger.clone(),
			bond: amount,
		});
		let bond = TrialBond {
			who: challenger,
			amount,
			percent: params.challenger_percent,
		};
		Self::open_trial(item, &mut case, &params, bond);
		case.challenges = case.challenges.saturating_add(1);
		Cases::<T>::insert(item, case);
		Ok(())
	}

	/// Ends a challenge's round: whose side lost pays, and the verdict is provisional again.
	pub(crate) fn close_challenge(
		item: ItemId,
		mut case: Case<T::AccountId>,
		mut round: Round,
		standing: Verdict,
	) -> DispatchResult {
		let params = Params::<T>::get();
		let TrialBond {
			who: challenger,
			amount: bond,
			percent,
		} = TrialBonds::<T>::take(item).ok_or(Error::<T>::RoundNotOpen)?;
		let ruling = rule(&round.tally, round.width, &standing);
		let verdict = match ruling {
			Ruling::Upheld => standing,
			Ruling::Corrected { verdict } | Ruling::Overturned { verdict, .. } => verdict,
		};
		if ruling == Ruling::Upheld {
			Self::pay_panel(HoldReason::Challenge, &challenger, bond, &mut round)?;
		} else {
			Self::release(HoldReason::Challenge, &challenger, bond)?;
		}
		let clear = confirm(&round.tally, round.width, verdict.is_accept()).is_some();
		let trial = Trial {
			challenger,
			percent,
			round: case.round,
			is_last: case.challenges >= params.max_challenges,
		};
		case.penalty = penalty(case.penalty.take(), trial, &standing, ruling, clear);
		Self::deposit_event(Event::ChallengeDecided {
			item,
			round: case.round,
			ruling,
			bond,
		});
		Self::keep_round(item, case.round, &round);
		Self::make_provisional(item, case, verdict, &round, &params);
		Ok(())
	}

	/// The verdict, while it can be challenged or put on trial.
	pub(crate) fn still_provisional(case: &Case<T::AccountId>) -> Result<Verdict, Error<T>> {
		let Phase::Provisional { verdict, until } = case.phase else {
			return Err(Error::<T>::NotProvisional);
		};
		ensure!(T::ActiveBlocks::now() <= until, Error::<T>::NoLongerProvisional);
		Ok(verdict)
	}

	/// Opens the wide round that is called with a bond, which is on hold already. The caller stores the case.
	pub(crate) fn open_trial(
		item: ItemId,
		case: &mut Case<T::AccountId>,
		params: &CourtParams,
		bond: TrialBond<T::AccountId>,
	) {
		TrialBonds::<T>::insert(item, bond);
		case.round = case.round.saturating_add(1);
		let now = T::ActiveBlocks::now();
		let width = trial_width(params.challenge_width, case.challenges);
		Self::open_round(item, case, params, width, now, now.saturating_add(params.seed_delay));
	}

	/// What the next challenge of the item costs. `None` where it cannot be challenged now.
	pub(crate) fn bond_due(item: ItemId) -> Option<Balance> {
		let case = Cases::<T>::get(item)?;
		Self::still_provisional(&case).ok()?;
		let params = Params::<T>::get();
		(case.challenges < params.max_challenges).then(|| params.bond(case.bytes, case.challenges))
	}
}
