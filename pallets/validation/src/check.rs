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
		Self::check_tallies()?;
		Self::check_fees()?;
		Self::check_trials()?;
		Self::check_plants()?;
		Self::check_penalties()
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
			let is_open = case.phase.is_voting() && case.round == index;
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

	/// 4. Until a case is final, its tallies are the sums of its votes.
	fn check_tallies() -> Check {
		for ((item, index), round) in Rounds::<T>::iter() {
			let is_final = Cases::<T>::get(item).is_some_and(|case| matches!(case.phase, Phase::Final { .. }));
			let votes = || Votes::<T>::iter_prefix_values((item, index));
			let committed: u32 = votes().map(|vote| vote.weight).sum();
			let revealed: u32 = votes()
				.filter(|vote| vote.verdict.is_some())
				.map(|vote| vote.weight)
				.sum();
			check(
				is_final || (committed, revealed) == (round.tally.committed, round.tally.revealed()),
				"4: a tally differs from its votes",
			)?;
		}
		Ok(())
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
	/// 6. A trial has a bond, and nothing else has; what is on hold for challenges is the sum of the bonds of challenges.
	fn check_trials() -> Check {
		let mut challengers = BTreeMap::<T::AccountId, Balance>::new();
		for (item, bond) in TrialBonds::<T>::iter() {
			match Cases::<T>::get(item).map(|case| case.phase) {
				Some(Phase::Challenged { .. }) => *challengers.entry(bond.who).or_default() += bond.amount,
				Some(Phase::OnTrial { .. }) => {}
				_ => return Err("6: a bond is left without its trial"),
			}
		}
		Self::check_held(
			HoldReason::Challenge,
			challengers,
			"6: a challenge's hold differs from its bond",
		)?;
		Cases::<T>::iter().try_for_each(|(item, case)| {
			let is_trial = case.phase.is_voting() && case.phase != Phase::Voting;
			check(
				!is_trial || TrialBonds::<T>::contains_key(item),
				"6: a trial has no bond",
			)
		})
	}

	/// 7. What is on hold for plants is the bonds of those not opened and of those on trial; no batch has more opened than it
	///    has.
	fn check_plants() -> Check {
		let mut owners = BTreeMap::<T::AccountId, Balance>::new();
		for (id, batch) in PlantBatches::<T>::iter() {
			check(id < NextBatch::<T>::get(), "7: a batch's id is to be given again")?;
			check(
				batch.opened.count() <= batch.count,
				"7: more plants were opened than there are",
			)?;
			*owners.entry(batch.owner.clone()).or_default() += batch.bond_left();
		}
		for (item, bond) in TrialBonds::<T>::iter() {
			if let Some(Phase::OnTrial { .. }) = Cases::<T>::get(item).map(|case| case.phase) {
				*owners.entry(bond.who).or_default() += bond.amount;
			}
		}
		Self::check_held(
			HoldReason::Plant,
			owners,
			"7: what is on hold for plants differs from their bonds",
		)
	}

	/// That accounts have on hold what the ledgers say, and nobody else has anything on hold.
	fn check_held(reason: HoldReason, ledger: BTreeMap<T::AccountId, Balance>, otherwise: &'static str) -> Check {
		frame_system::Account::<T>::iter_keys().try_for_each(|who| {
			let held = T::Currency::balance_on_hold(&reason.into(), &who);
			check(held == ledger.get(&who).copied().unwrap_or_default(), otherwise)
		})
	}

	/// 8. A penalty is for votes of rounds that are over, which said otherwise than the verdict that stands.
	fn check_penalties() -> Check {
		Cases::<T>::iter_values().try_for_each(|case| {
			let Some(penalty) = case.penalty else { return Ok(()) };
			let standing = match case.phase {
				Phase::Provisional { verdict, .. } | Phase::Challenged { verdict } | Phase::OnTrial { verdict, .. } => {
					Some(verdict)
				}
				Phase::Final { outcome, .. } => outcome,
				Phase::Voting => None,
			};
			let over = case.round.saturating_add(u8::from(!case.phase.is_voting()));
			check(
				standing.is_some_and(|verdict| verdict.is_accept() != penalty.accept) && penalty.before <= over,
				"8: a penalty is for the side that won",
			)
		})
	}
}
