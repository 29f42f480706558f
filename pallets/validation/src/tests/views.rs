//! What a page asks.

use crate::{mock::*, PlantBatches, ValidatorSummary};
use frame_support::assert_ok;
use openledger_primitives::item::Phase;

#[test]
fn case_status_should_follow_the_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Validation::case_status(1), None);
		open(1);
		let status = || Validation::case_status(1).expect("the case is open");
		assert!(!status().seeded && Validation::weight_of(1, 1).is_none());
		run_to(round(1).seed_at + 1);
		assert!(status().seeded);
		vote(1, &all(7, ACCEPT));
		assert!(matches!(status().phase, Phase::Provisional { verdict: ACCEPT, .. }));
		assert_eq!(status().details.map(|round| round.tally.accept), Some(7));
		assert_eq!(Validation::weight_of(1, 1), None);
	});
}

#[test]
fn case_status_should_name_the_deadline_of_what_can_be_done() {
	ExtBuilder::default().build_and_execute(|| {
		let until = || Validation::case_status(1).expect("the case is open").until;
		open(1);
		let first = round(1);
		assert_eq!(until(), Some(first.seed_at));
		run_to(first.seed_at + 1);
		assert_eq!(until(), Some(first.commit_until));
		commit_all(1, &all(7, ACCEPT));
		run_to(first.commit_until + 1);
		assert_eq!(until(), Some(first.reveal_until));
		reveal_all(1, &all(7, ACCEPT));
		run_to(first.reveal_until + 1);
		assert_eq!(until(), None);
		close(1);
		assert_eq!(until(), Some(first.reveal_until + params().provisional_blocks));
		challenge(1);
		let status = Validation::case_status(1).expect("the case is open");
		assert_eq!((status.until, status.challenges), (Some(round(1).seed_at), 1));
		assert_eq!(
			(status.bond.map(|bond| bond.who), status.now),
			(Some(STRANGER), Now::get())
		);
		close(1);
		finalize(1);
		assert_eq!(until(), None);
	});
}

#[test]
fn challenge_bond_due_should_be_unknown_when_nothing_can_be_challenged() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Validation::challenge_bond_due(1), None);
		open(1);
		assert_eq!(Validation::challenge_bond_due(1), None);
		vote(1, &all(7, ACCEPT));
		assert_eq!(Validation::challenge_bond_due(1), Some(CHALLENGE_BOND));
		challenge(1);
		assert_eq!(Validation::challenge_bond_due(1), None);
	});
}

#[test]
fn plant_batch_should_show_what_is_stored() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Validation::plant_batch(0), None);
		let batch = plant(&[(1, true)]);
		let shown = Validation::plant_batch(batch).expect("just planted");
		assert_eq!(Some(shown), PlantBatches::<Test>::get(batch));
		assert_eq!(
			(shown.left(), shown.bond_left(), shown.is_over(shown.until)),
			(1, PLANT_BOND, false)
		);
		assert!(shown.is_over(shown.until + 1));
	});
}

#[test]
fn validator_summary_should_add_up() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(Validation::validator_summary(STRANGER), None);
		open(1);
		commit_all(1, &all(1, ACCEPT));
		assert_ok!(Validation::unbond(signed(1), 100));
		Session::set(1);
		assert_ok!(Validation::unbond(signed(1), 200));
		Session::set(4);
		let expected = ValidatorSummary {
			stake: STAKE - 300,
			counting: STAKE - 300,
			at_risk: 10,
			free: STAKE - 310,
			unbonding: 300,
			withdrawable: 100,
			credit: 0,
			slashed: 0,
		};
		assert_eq!(Validation::validator_summary(1), Some(expected));
		assert_ok!(Validation::bond_more(signed(1), 1_000));
		let counting = Validation::validator_summary(1).map(|summary| (summary.stake, summary.counting));
		assert_eq!(counting, Some((STAKE + 700, STAKE - 300)));
	});
}
