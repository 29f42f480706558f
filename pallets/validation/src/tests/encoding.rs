//! Stored bytes: an encoding that moves breaks every client, and needs a migration.

use crate::{mock::*, PlantBatch, TrialBond, Unbonding, Validator};
use codec::{Decode, Encode};
use frame_support::traits::{GetCallIndex, GetCallName};
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
		bytes: 10,
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
	check(
		"Case",
		case(Phase::Voting),
		"010000000202000000000000000a000000030004000000000000000000000000000000050000000601010701080000000000000009",
	);
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
		"000100500a0000000900000002010603010601040100500a0000000700000006000000",
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
	check("Round", round, "010000000200000003000000040000000500000006000000000000000000000000000000150000004607000000000000000000000000000000090000000200000001000000000000000000000000000000000000000000000000000000010000000000000000000000045000000002000000040a0000000200000008000000090000000000000000000000000000000a000000000000000000000000000000");
	let vote = Vote {
		commitment: [1; 32],
		weight: 2,
		verdict: Some(REJECT),
	};
	check(
		"Vote",
		vote,
		"010101010101010101010101010101010101010101010101010101010101010102000000010106",
	);
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
	check("Validator", validator, "010000000000000000000000000000000102000000010000000000000000000000000000000101000000000000000000000000000000010100000000000000000000000000000001050000000000000000000000000000000502000000000000000000000000000000040300000000000000000000000000000004000000ffffffffffffffff06000000000000000000000000000000");
	let bond = TrialBond {
		who: 1u64,
		amount: 2,
		percent: 3,
	};
	check("TrialBond", bond, "01000000000000000200000000000000000000000000000003");
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
	check("PlantBatch", batch, "010000000200000000000000030303030303030303030303030303030303030303030303030303030303030304000500000000000000000000000000000006000000070000000002000000000000000000000000000000000000000000000000000000000000");
}

#[test]
fn parameters_should_be_stored_as_ever() {
	check("CourtParams", crate::CourtParams::default(), "080000006400000064000000580200000080c6a47e8d030000000000000000000010a5d4e8000000000000000000000000902f50090000000000000000000000a800000010070000005015000000463f0000003c970000003297000000320a000000023200a0724e1809000000000000000000004038000080970600");
}

#[test]
fn calls_should_keep_their_indices() {
	let calls: Vec<_> = crate::Call::<Test>::get_call_indices()
		.iter()
		.zip(crate::Call::<Test>::get_call_names())
		.map(|(index, name)| (*index, *name))
		.collect();
	let expected = [
		(0, "register"),
		(1, "bond_more"),
		(2, "unbond"),
		(3, "withdraw_unbonded"),
		(4, "set_modalities"),
		(5, "commit"),
		(6, "reveal"),
		(7, "close_round"),
		(8, "finalize"),
		(9, "settle"),
		(10, "challenge"),
		(11, "report_preimage"),
		(12, "plant"),
		(13, "open_plant"),
		(14, "close_plant"),
		(19, "set_params"),
	];
	assert_eq!(calls, expected);
}
