//! What a validator should do next, as a pure function of what it sees: nothing is remembered, so that a restart loses
//! nothing.

use chain_client::AccountId;
use openledger_primitives::{
	item::{Phase, Round, Vote},
	ActiveBlock, ItemId, RoundIndex,
};
use sha2::{Digest, Sha256};

use super::view::{CaseView, View};

/// Blocks among which validators spread calls that only one of them needs to make.
const SPREAD: u32 = 5;

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Judge the item and commit. With `last_call`, an item that cannot be fetched is to be called unavailable now.
	Commit {
		item: ItemId,
		round: RoundIndex,
		last_call: bool,
	},
	/// Find out again what was committed, and reveal it.
	Reveal {
		item: ItemId,
		round: RoundIndex,
		vote: Vote,
	},
	CloseRound {
		item: ItemId,
	},
	Finalize {
		item: ItemId,
	},
	Settle {
		item: ItemId,
		round: RoundIndex,
		voter: AccountId,
	},
}

/// What to do now, the most urgent first.
pub fn plan(view: &View, me: &AccountId) -> Vec<Action> {
	let mut actions: Vec<_> = view.cases.iter().flat_map(|case| of_case(case, view.now, me)).collect();
	actions.sort_by_key(|action| match action {
		Action::Reveal { .. } => 0,
		Action::Commit { .. } => 1,
		Action::CloseRound { .. } | Action::Finalize { .. } => 2,
		Action::Settle { .. } => 3,
	});
	actions
}

fn of_case(view: &CaseView, now: ActiveBlock, me: &AccountId) -> Vec<Action> {
	let item = view.item;
	match view.case.phase {
		phase if phase.is_voting() => {
			let Some(round) = &view.round else { return Vec::new() };
			of_round(view, round, now, me).into_iter().collect()
		}
		Phase::Provisional { until, .. } if !view.waits && is_my_turn(item, view.case.round, until, now, me) => {
			vec![Action::Finalize { item }]
		}
		Phase::Final { at, .. } => {
			let settle = |round: RoundIndex, voter: &AccountId| Action::Settle {
				item,
				round,
				voter: voter.clone(),
			};
			let mut actions: Vec<_> = view.votes.iter().map(|(round, _)| settle(*round, me)).collect();
			if now.saturating_sub(at) % SPREAD == turn(item, view.case.round, me) {
				actions.extend(view.strays.iter().map(|(round, voter)| settle(*round, voter)));
			}
			actions
		}
		_ => Vec::new(),
	}
}

/// The open round's windows, by the block in which a call sent now is executed.
fn of_round(view: &CaseView, round: &Round, now: ActiveBlock, me: &AccountId) -> Option<Action> {
	let (item, index) = (view.item, view.case.round);
	let vote = view
		.votes
		.iter()
		.find(|(voted, _)| *voted == index)
		.map(|(_, vote)| *vote);
	let next = now.saturating_add(1);
	if next <= round.seed_at {
		return None;
	}
	if next <= round.commit_until {
		let last_call = round.commit_until - next < (round.commit_until - round.seed_at) / 3;
		let drawn = vote.is_none() && view.weight.is_some_and(|weight| weight > 0);
		return drawn.then_some(Action::Commit {
			item,
			round: index,
			last_call,
		});
	}
	if now <= round.commit_until {
		// Another block in place of this one could still take a report of the preimage.
		return None;
	}
	if next <= round.reveal_until {
		let vote = vote.filter(|vote| vote.verdict.is_none() && vote.weight > 0)?;
		return Some(Action::Reveal {
			item,
			round: index,
			vote,
		});
	}
	is_my_turn(item, index, round.reveal_until, now, me).then_some(Action::CloseRound { item })
}

/// Whether this validator should make a call that is due after block `deadline` and that anybody may make: each waits less
/// than [`SPREAD`] blocks, so that usually one pays for it.
fn is_my_turn(item: ItemId, round: RoundIndex, deadline: ActiveBlock, now: ActiveBlock, me: &AccountId) -> bool {
	now >= deadline.saturating_add(turn(item, round, me))
}

/// This validator's place among [`SPREAD`] blocks, by a hash.
fn turn(item: ItemId, round: RoundIndex, me: &AccountId) -> ActiveBlock {
	let mut seed = AsRef::<[u8; 32]>::as_ref(me).to_vec();
	seed.extend(item.to_le_bytes());
	seed.push(round);
	u32::from(Sha256::digest(&seed)[0]) % SPREAD
}
