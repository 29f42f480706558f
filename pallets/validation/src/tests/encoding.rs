//! Stored bytes: an encoding that moves breaks every client, and needs a migration.

use crate::{mock::*, PlantBatch, TrialBond, Unbonding, Validator};
use codec::{Decode, Encode};
use openledger_primitives::{
	challenge::Penalty,
	format::Modality,
	item::{Case, Phase, Round, Vote},
	plant::Opened,
	points::AcceptShare,
	schedule::Schedule,
	tally::{Tally, WIDTHS},
};
use sp_runtime::BoundedVec;
use std::fmt::Debug;

fn check<T: Encode + Decode + Debug + PartialEq>(name: &str, value: T, stored: &str) {
	let hex: String = value.encode().iter().map(|byte| format!("{byte:02x}")).collect();
	assert_eq!(hex, stored, "the encoding of {name} moved");
	assert_eq!(T::decode(&mut &value.encode()[..]), Ok(value));
}

fn case(phase: Phase) -> Case<AccountId> {
	Case {
		datanet: 1,
		modality: Modality::Audio,
		contributor: 2,
		round: 3,
		phase,
		fee: 4,
		unsettled: 5,
		challenges: 6,
		penalty: Some(Penalty {
			accept: true,
			before: 7,
			informant: Some(8),
			percent: 9,
		}),
	}
}

#[test]
fn cases_should_be_stored_as_ever() {
	check("Case", case(Phase::Voting), "CASE");
	check(
		"Phase",
		[
			Phase::Voting,
			Phase::Provisional {
				verdict: ACCEPT,
				until: 9,
			},
			Phase::Challenged { verdict: REJECT },
			Phase::OnTrial {
				verdict: REJECT,
				right: true,
			},
			Phase::Final {
				outcome: Some(ACCEPT),
				recent: AcceptShare(7),
				at: 6,
			},
		],
		"PHASE",
	);
}

#[test]
fn rounds_and_votes_should_be_stored_as_ever() {
	let mut tally = Tally::default();
	tally.commit(9);
	tally.reveal(&ACCEPT, 2);
	tally.reveal(&REJECT, 1);
	let round = Round {
		opened_at: 1,
		seed_at: 2,
		commit_until: 3,
		reveal_until: 4,
		session: 5,
		total_stake: 6,
		width: WIDTHS[1],
		risk: 7,
		tally,
		unsettled: 8,
		fee: 9,
		paid: 10,
	};
	check("Round", round, "ROUND");
	let vote = Vote {
		commitment: [1; 32],
		weight: 2,
		verdict: Some(REJECT),
	};
	check("Vote", vote, "VOTE");
}

#[test]
fn validators_and_bonds_should_be_stored_as_ever() {
	let chunk = Unbonding {
		amount: 3,
		from_session: 4,
	};
	let mut schedule = Schedule::constant((1, text()));
	schedule.set(2, (5, text_and_audio()));
	let validator = Validator {
		stake: 1,
		modalities: text(),
		schedule,
		at_risk: 2,
		unbonding: BoundedVec::truncate_from(vec![chunk]),
		credit: -1,
		slashed: 6,
	};
	check("Validator", validator, "VALIDATOR");
	let bond = TrialBond {
		who: 1u64,
		amount: 2,
		percent: 3,
	};
	check("TrialBond", bond, "BOND");
	let mut opened = Opened::default();
	opened.insert(9);
	let batch = PlantBatch {
		datanet: 1,
		owner: 2u64,
		root: [3; 32],
		count: 4,
		bond: 5,
		from: 6,
		until: 7,
		opened,
	};
	check("PlantBatch", batch, "BATCH");
}

#[test]
fn parameters_should_be_stored_as_ever() {
	check("CourtParams", crate::CourtParams::default(), "PARAMS");
}
