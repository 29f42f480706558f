//! What must hold after every block, checked after every test and by try-runtime.

use crate::{pallet::*, stake::counted, votes::reserve};
use alloc::collections::BTreeMap;
use frame_support::traits::fungible::{hold::Inspect as InspectHold, Inspect};
use openledger_primitives::{format::Modality, item::Phase, traits::Sessions, Balance, ItemId};

type Check = Result<(), &'static str>;

fn check(holds: bool, otherwise: &'static str) -> Check {
	if holds {
		Ok(())
	} else {
		Err(otherwise)
	}
}

impl<T: Config> Pallet<T> {
	/// Checks the invariants of the crate's documentation, by their numbers.
	pub fn check_state() -> Check {
		Self::check_holds()?;
		Self::check_reserves()?;
		Self::check_totals()?;
		Self::check_counts()?;
		Self::check_fees()
	}

	/// 1. What a validator has on hold is its stake and what is unbonding.
	fn check_holds() -> Check {
		Validators::<T>::iter().try_for_each(|(who, validator)| {
			let held = T::Currency::balance_on_hold(&HoldReason::Stake.into(), &who);
			check(
				held == validator.held(),
				"1: a validator's hold differs from its ledger",
			)?;
			check(
				validator.schedule.latest() == (validator.stake, validator.modalities),
				"1: a schedule lags behind",
			)?;
			check(validator.credit <= 0, "1: points were kept back")
		})
	}

	/// 2. What is at risk is the sum of the reserves of unsettled votes, and never more than the stake.
	fn check_reserves() -> Check {
		let mut reserves = BTreeMap::<T::AccountId, Balance>::new();
		for (key, voter, vote) in Votes::<T>::iter() {
			let round = Rounds::<T>::get(key).ok_or("4: a vote is left without its round")?;
			*reserves.entry(voter).or_default() += reserve(&round, vote.weight);
		}
		for (who, validator) in Validators::<T>::iter() {
			let sum = reserves.remove(&who).unwrap_or_default();
			check(
				sum == validator.at_risk,
				"2: what is at risk differs from the reserves of votes",
			)?;
			check(
				validator.at_risk <= validator.stake,
				"2: more is at risk than is staked",
			)?;
		}
		check(reserves.is_empty(), "2: somebody without a record has a vote")
	}

	/// 3. The total of each modality is the sum of its validators' stakes, in this session and in those to come.
	fn check_totals() -> Check {
		let now = T::Sessions::current();
		for modality in Modality::ALL {
			let total = TotalStake::<T>::get(modality);
			for session in now..now + 3 {
				let sum: Balance = Validators::<T>::iter_values()
					.filter_map(|validator| validator.schedule.at(session))
					.map(|value| counted(value, modality))
					.sum();
				check(
					total.at(session) == Some(sum),
					"3: a total differs from the sum of stakes",
				)?;
			}
		}
		Ok(())
	}

	/// 4. Cases and rounds count their unsettled votes; no round or vote is left without its case.
	fn check_counts() -> Check {
		let mut by_case = BTreeMap::<ItemId, u32>::new();
		for ((item, index), round) in Rounds::<T>::iter() {
			let case = Cases::<T>::get(item).ok_or("4: a round is left without its case")?;
			let votes = Votes::<T>::iter_prefix((item, index)).count() as u32;
			check(round.unsettled == votes, "4: a round miscounts its votes")?;
			let is_open = case.phase == Phase::Voting && case.round == index;
			check(votes > 0 || is_open, "4: a closed round is kept without votes")?;
			*by_case.entry(item).or_default() += votes;
		}
		Cases::<T>::iter().try_for_each(|(item, case)| {
			let votes = by_case.remove(&item).unwrap_or_default();
			check(case.unsettled == votes, "4: a case miscounts its votes")?;
			check(
				votes > 0 || case.phase == Phase::Voting,
				"4: a concluded case is kept without votes",
			)
		})
	}

	/// 5. The fee account holds all fees that are owed.
	fn check_fees() -> Check {
		let of_cases: Balance = Cases::<T>::iter_values().map(|case| case.fee).sum();
		let of_rounds: Balance = Rounds::<T>::iter_values().map(|round| round.fee - round.paid).sum();
		let balance = T::Currency::balance(&Self::fee_account_id());
		check(
			balance >= of_cases + of_rounds,
			"5: the fee account owes more than it holds",
		)
	}
}
