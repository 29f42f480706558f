//! Opening a plant, and the trial that it calls.

use crate::{mock::*, Cases, Error, Event, HoldReason, PlantBatches, TrialBonds, Validators};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold, BoundedVec};
use openledger_primitives::{challenge::Penalty, item::Phase, plant, tally::Width, vote::Verdict, Balance, BatchId};

/// Items 1 to 3 are planted; accepting the first two is right.
const PLANTS: [(u64, bool); 3] = [(1, true), (2, true), (3, false)];

fn on_hold() -> Balance {
	Balances::balance_on_hold(&HoldReason::Plant.into(), &OWNER)
}

/// Plants, waits until that has taken effect, and brings item 1 to a verdict of these votes.
fn planted(votes: &[(AccountId, Verdict)]) -> BatchId {
	let batch = plant(&PLANTS);
	run_to(PlantBatches::<Test>::get(batch).expect("just planted").from + 1);
	open(1);
	vote(1, votes);
	batch
}

/// A wrong verdict on item 1, but for one validator's.
fn wrong() -> Vec<(AccountId, Verdict)> {
	(1..=7)
		.map(|who| (who, if who == 7 { ACCEPT } else { REJECT }))
		.collect()
}

#[test]
fn open_plant_should_call_a_wide_round() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		assert_ok!(open_plant(batch, &PLANTS, 0));
		System::assert_has_event(
			Event::PlantOpened {
				batch,
				index: 0,
				item: 1,
				right: true,
			}
			.into(),
		);
		let phase = Phase::OnTrial {
			verdict: REJECT,
			right: true,
		};
		assert_eq!((case(1).phase, case(1).round, case(1).challenges), (phase, 1, 0));
		assert_eq!(round(1).width, params().challenge_width);
		assert_eq!(
			TrialBonds::<Test>::get(1).map(|bond| (bond.who, bond.amount)),
			Some((OWNER, PLANT_BOND))
		);
		assert_eq!(PlantBatches::<Test>::get(batch).map(|batch| batch.left()), Some(2));
		assert_eq!(on_hold(), 3 * PLANT_BOND);
	});
}

#[test]
fn open_plant_should_call_twice_the_width_when_the_case_was_challenged() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		challenge(1);
		close(1);
		assert_ok!(open_plant(batch, &PLANTS, 0));
		assert_eq!(
			round(1).width,
			Width {
				panel: 140,
				threshold: 50
			}
		);
	});
}

#[test]
fn open_plant_should_slash_wrong_votes_for_the_pot_when_two_thirds_confirm() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		assert_ok!(open_plant(batch, &PLANTS, 0));
		// Five of seven.
		let trial: Vec<_> = (1..=7)
			.map(|who| (who, if who <= 5 { ACCEPT } else { REJECT }))
			.collect();
		vote(1, &trial);
		System::assert_last_event(
			Event::PlantConcluded {
				item: 1,
				confirmed: true,
				bond: PLANT_BOND,
			}
			.into(),
		);
		assert_eq!(
			(on_hold(), Balances::free_balance(OWNER)),
			(2 * PLANT_BOND, RICH - 2 * PLANT_BOND)
		);
		assert_eq!((PlantedItems::get(), Concluded::get().len()), (vec![1], 0));
		assert!(matches!(
			case(1).phase,
			Phase::Final {
				outcome: Some(ACCEPT),
				..
			}
		));

		let pot = Balances::free_balance(POT);
		settle(1, 0, 1);
		assert_eq!(Balances::free_balance(POT), pot + 10);
		// Right from the beginning, and wrong only in the trial.
		settle(1, 0, 7);
		settle(1, 1, 7);
		assert_eq!(Validators::<Test>::get(7).map(|v| v.stake), Some(STAKE));
		(2..=6).for_each(|who| settle(1, 0, who));
		(1..=6).for_each(|who| settle(1, 1, who));
		assert_eq!(Balances::free_balance(OWNER), RICH - 2 * PLANT_BOND);
		assert!(!Cases::<Test>::contains_key(1));
	});
}

#[test]
fn open_plant_should_pay_the_panel_and_punish_nobody_when_it_is_not_confirmed() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		assert_ok!(open_plant(batch, &PLANTS, 0));
		// Four of seven are a majority, and not two thirds.
		let trial: Vec<_> = (1..=7)
			.map(|who| (who, if who <= 4 { ACCEPT } else { REJECT }))
			.collect();
		vote(1, &trial);
		System::assert_last_event(
			Event::PlantConcluded {
				item: 1,
				confirmed: false,
				bond: PLANT_BOND,
			}
			.into(),
		);
		assert_eq!(
			(on_hold(), Balances::free_balance(OWNER)),
			(2 * PLANT_BOND, RICH - 3 * PLANT_BOND)
		);
		assert_eq!(PlantedItems::get(), [1]);
		// Votes are judged by the verdict that stood.
		assert!(matches!(
			case(1).phase,
			Phase::Final {
				outcome: Some(REJECT),
				..
			}
		));
		assert_eq!((case(1).penalty, round(1).fee), (None, PLANT_BOND));
		let before = Balances::free_balance(2);
		settle(1, 1, 2);
		assert_eq!(Balances::free_balance(2), before + PLANT_BOND / 7);
		(1..=7).for_each(|who| settle(1, 0, who));
		assert!(Validators::<Test>::iter_values().all(|validator| validator.stake == STAKE));
	});
}

#[test]
fn open_plant_should_pay_the_pot_when_nobody_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		let pot = Balances::free_balance(POT);
		assert_ok!(open_plant(batch, &PLANTS, 0));
		close(1);
		assert_eq!(Balances::free_balance(POT), pot + PLANT_BOND);
	});
}

#[test]
fn open_plant_should_punish_dissent_when_the_verdict_was_right() {
	ExtBuilder::default().build_and_execute(|| {
		let votes: Vec<_> = (1..=7)
			.map(|who| (who, if who == 7 { REJECT } else { ACCEPT }))
			.collect();
		let batch = planted(&votes);
		assert_ok!(open_plant(batch, &PLANTS, 0));
		vote(1, &all(7, ACCEPT));
		(1..=7).for_each(|who| settle(1, 0, who));
		let stakes: Vec<_> = [6, 7].map(|who| Validators::<Test>::get(who).map(|v| v.stake)).to_vec();
		assert_eq!(stakes, [Some(STAKE), Some(STAKE - 10)]);
	});
}

#[test]
fn open_plant_should_leave_the_challenger_its_part_when_both_showed_the_same() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		challenge(1);
		vote(1, &all(7, ACCEPT));
		assert_ok!(open_plant(batch, &PLANTS, 0));
		vote(1, &all(7, ACCEPT));
		let penalty = Penalty {
			accept: false,
			before: 2,
			informant: Some(STRANGER),
			percent: 50,
		};
		assert_eq!(case(1).penalty, Some(penalty));
		settle(1, 0, 1);
		assert_eq!(Balances::free_balance(STRANGER), RICH + 5);
	});
}

#[test]
fn open_plant_should_take_the_challengers_part_when_the_plant_says_otherwise() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&all(7, ACCEPT));
		challenge(1);
		vote(1, &all(7, REJECT));
		assert_ok!(open_plant(batch, &PLANTS, 0));
		vote(1, &all(7, ACCEPT));
		assert!(matches!(
			case(1).penalty,
			Some(Penalty {
				accept: false,
				informant: None,
				..
			})
		));
	});
}

#[test]
fn open_plant_should_fail_when_there_is_no_batch_or_plant() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		assert_noop!(open_plant(batch + 1, &PLANTS, 0), Error::<Test>::BatchNotFound);
		let beyond = Validation::open_plant(signed(OWNER), batch, 3, 1, true, SALT, BoundedVec::new());
		assert_noop!(beyond, Error::<Test>::PlantNotFound);
	});
}

#[test]
fn open_plant_should_fail_when_it_was_opened() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		assert_ok!(open_plant(batch, &PLANTS, 0));
		assert_noop!(open_plant(batch, &PLANTS, 0), Error::<Test>::AlreadyOpened);
	});
}

#[test]
fn open_plant_should_fail_when_the_plants_expired() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		run_to(PlantBatches::<Test>::get(batch).expect("planted").until + 1);
		assert_noop!(open_plant(batch, &PLANTS, 0), Error::<Test>::PlantsExpired);
	});
}

#[test]
fn open_plant_should_fail_when_the_item_has_no_provisional_verdict() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		assert_noop!(open_plant(batch, &PLANTS, 1), Error::<Test>::CaseNotFound);
		open(2);
		assert_noop!(open_plant(batch, &PLANTS, 1), Error::<Test>::NotProvisional);
		run_to(Now::get() + params().provisional_blocks + 1);
		assert_noop!(open_plant(batch, &PLANTS, 0), Error::<Test>::NoLongerProvisional);
	});
}

#[test]
fn open_plant_should_fail_when_the_item_was_submitted_too_early() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = plant(&PLANTS);
		run_to(PlantBatches::<Test>::get(batch).expect("just planted").from);
		open(1);
		vote(1, &wrong());
		assert_noop!(open_plant(batch, &PLANTS, 0), Error::<Test>::SubmittedTooEarly);
	});
}

#[test]
fn open_plant_should_fail_when_the_plant_says_something_else() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = planted(&wrong());
		let proof = |index| BoundedVec::truncate_from(plant::proof(&leaves(DATANET, &PLANTS), index).expect("a plant"));
		let open =
			|index, right, salt| Validation::open_plant(signed(OWNER), batch, index, 1, right, salt, proof(index));
		assert_noop!(open(0, false, SALT), Error::<Test>::InvalidPlantProof);
		assert_noop!(open(0, true, [0; 32]), Error::<Test>::InvalidPlantProof);
		assert_noop!(open(1, true, SALT), Error::<Test>::InvalidPlantProof);
	});
}

#[test]
fn open_plant_should_fail_when_the_item_is_of_another_datanet() {
	ExtBuilder::default().build_and_execute(|| {
		let leaves = leaves(OTHER_DATANET, &PLANTS);
		assert_ok!(Validation::plant(signed(OWNER), OTHER_DATANET, plant::root(&leaves), 3));
		planted(&wrong());
		let proof = BoundedVec::truncate_from(plant::proof(&leaves, 0).expect("a plant"));
		assert_noop!(
			Validation::open_plant(signed(OWNER), 0, 0, 1, true, SALT, proof),
			Error::<Test>::InvalidPlantProof
		);
	});
}
