//! What a page asks.

use crate::{pallet::*, stake::counted, CaseStatus, ValidatorSummary};
use openledger_primitives::{
	format::Modality,
	item::{Phase, Round},
	traits::{ActiveBlocks, Sessions},
	ActiveBlock, Balance, ItemId,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn open_weight(item: ItemId, voter: &T::AccountId) -> Option<u32> {
		let case = Cases::<T>::get(item).filter(|case| case.phase.is_voting())?;
		let round = Rounds::<T>::get((item, case.round))?;
		let seed = Self::seed(round.seed_at)?;
		if *voter == case.contributor || Self::has_called(item, &case, voter) {
			return Some(0);
		}
		let weight = |validator| Self::weight(item, &case, &round, seed, voter, &validator);
		Some(Validators::<T>::get(voter).map_or(0, weight))
	}

	pub(crate) fn status(item: ItemId) -> Option<CaseStatus<T::AccountId>> {
		let case = Cases::<T>::get(item)?;
		let now = T::ActiveBlocks::now();
		let details = Rounds::<T>::get((item, case.round));
		let seeded = details
			.as_ref()
			.is_some_and(|round| Self::seed(round.seed_at).is_some());
		let until = match case.phase {
			Phase::Provisional { until, .. } => Some(until),
			Phase::Final { .. } => None,
			_ => details.as_ref().and_then(|round| window_end(round, now)),
		};
		Some(CaseStatus {
			phase: case.phase,
			round: case.round,
			details,
			seeded,
			bond: TrialBonds::<T>::get(item),
			challenges: case.challenges,
			now,
			until: until.filter(|until| now <= *until),
		})
	}

	pub(crate) fn summary(who: &T::AccountId) -> Option<ValidatorSummary> {
		let validator = Validators::<T>::get(who)?;
		let session = T::Sessions::current();
		let counts = |value| Modality::ALL.into_iter().map(|modality| counted(value, modality)).max();
		let unbonding = |from_session| -> Balance {
			let due = validator
				.unbonding
				.iter()
				.filter(|chunk| chunk.from_session <= from_session);
			due.map(|chunk| chunk.amount).sum()
		};
		Some(ValidatorSummary {
			stake: validator.stake,
			counting: validator.schedule.at(session).and_then(counts).unwrap_or(0),
			at_risk: validator.at_risk,
			free: validator.free_stake(),
			unbonding: unbonding(u32::MAX),
			withdrawable: unbonding(session),
			credit: validator.credit,
			slashed: validator.slashed,
		})
	}
}

/// The last block of the open round's current window.
fn window_end(round: &Round, now: ActiveBlock) -> Option<ActiveBlock> {
	let ends = [round.seed_at, round.commit_until, round.reveal_until];
	ends.into_iter().find(|end| now <= *end)
}
