use crate::{mock::*, Error, Event, Ring, Validators, Votes};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{format::Modality, item::Vote};

const COMMITMENT: [u8; 32] = [1; 32];

#[test]
fn commit_should_store_the_vote_and_reserve_stake() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		assert_eq!(Validation::weight_of(1, 3), Some(1));
		assert_ok!(Validation::commit(signed(3), 1, 0, COMMITMENT));
		System::assert_last_event(
			Event::Committed {
				item: 1,
				round: 0,
				voter: 3,
				weight: 1,
			}
			.into(),
		);
		let vote = Vote {
			commitment: COMMITMENT,
			weight: 1,
			verdict: None,
		};
		assert_eq!(Votes::<Test>::get((1, 0), 3), Some(vote));
		assert_eq!(Validators::<Test>::get(3).map(|v| v.at_risk), Some(10));
		assert_eq!(
			(round(1).tally.committed, round(1).unsettled, case(1).unsettled),
			(1, 1, 1)
		);
	});
}

#[test]
fn commit_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::commit(signed(1), 1, 0, COMMITMENT),
			Error::<Test>::CaseNotFound
		);
	});
}

#[test]
fn commit_should_fail_when_the_round_is_not_open() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		assert_noop!(
			Validation::commit(signed(1), 1, 1, COMMITMENT),
			Error::<Test>::RoundNotOpen
		);
		vote(1, &all(7, ACCEPT));
		assert_noop!(
			Validation::commit(signed(1), 1, 0, COMMITMENT),
			Error::<Test>::RoundNotOpen
		);
	});
}

#[test]
fn commit_should_fail_when_the_item_is_the_voters_own() {
	let validators = vec![(1, STAKE, text()), (CONTRIBUTOR, STAKE, text())];
	ExtBuilder::default().with_validators(validators).build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		assert_eq!(Validation::weight_of(1, CONTRIBUTOR), Some(0));
		assert_noop!(
			Validation::commit(signed(CONTRIBUTOR), 1, 0, COMMITMENT),
			Error::<Test>::OwnItem
		);
	});
}

#[test]
fn commit_should_fail_when_outside_of_its_window() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		let round = round(1);
		run_to(round.seed_at);
		assert_noop!(
			Validation::commit(signed(1), 1, 0, COMMITMENT),
			Error::<Test>::NotInCommitWindow
		);
		run_to(round.commit_until);
		assert_ok!(Validation::commit(signed(1), 1, 0, COMMITMENT));
		run_to(round.commit_until + 1);
		assert_noop!(
			Validation::commit(signed(2), 1, 0, COMMITMENT),
			Error::<Test>::NotInCommitWindow
		);
	});
}

#[test]
fn commit_should_fail_when_already_committed() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT)]);
		assert_noop!(
			Validation::commit(signed(1), 1, 0, COMMITMENT),
			Error::<Test>::AlreadyCommitted
		);
	});
}

#[test]
fn commit_should_fail_when_not_a_validator() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		assert_eq!(Validation::weight_of(1, STRANGER), Some(0));
		assert_noop!(
			Validation::commit(signed(STRANGER), 1, 0, COMMITMENT),
			Error::<Test>::NotValidator
		);
	});
}

#[test]
fn commit_should_fail_when_the_seed_is_not_remembered() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		Ring::<Test>::remove(round(1).seed_at);
		assert_eq!(Validation::weight_of(1, 1), None);
		assert_noop!(
			Validation::commit(signed(1), 1, 0, COMMITMENT),
			Error::<Test>::SeedNotFound
		);
	});
}

#[test]
fn commit_should_fail_when_not_on_the_panel() {
	ExtBuilder::default().build_and_execute(|| {
		// Nobody judges images, and 1 to 7 judge no audio.
		open_as(1, Modality::Audio, FEE);
		assert_ok!(Validation::register(signed(10), STAKE, text()));
		open(2);
		run_to(round(1).seed_at + 1);
		assert_noop!(
			Validation::commit(signed(1), 1, 0, COMMITMENT),
			Error::<Test>::NotOnPanel
		);
		// The stake of 10 does not count yet.
		assert_noop!(
			Validation::commit(signed(10), 2, 0, COMMITMENT),
			Error::<Test>::NotOnPanel
		);
	});
}

#[test]
fn commit_should_fail_when_free_stake_is_insufficient() {
	let params = crate::CourtParams {
		risk_per_weight: STAKE / 2,
		..params()
	};
	ExtBuilder::default().with_params(params).build_and_execute(|| {
		open(1);
		open(2);
		commit_all(1, &[(1, ACCEPT)]);
		assert_noop!(
			Validation::commit(signed(1), 2, 0, COMMITMENT),
			Error::<Test>::InsufficientFreeStake
		);
		assert_ok!(Validation::commit(signed(2), 2, 0, COMMITMENT));
	});
}

#[test]
fn commit_should_have_half_of_the_stake_for_challenges_only() {
	let params = crate::CourtParams {
		risk_per_weight: STAKE / 20,
		..params()
	};
	ExtBuilder::default().with_params(params).build_and_execute(|| {
		(1..=11).for_each(open);
		(1..=10).for_each(|item| commit_all(item, &all(7, ACCEPT)));
		// Ten votes of weight one are half of the stake.
		assert_noop!(
			Validation::commit(signed(1), 11, 0, COMMITMENT),
			Error::<Test>::InsufficientFreeStake
		);
		reveal_all(1, &all(7, ACCEPT));
		close(1);
		challenge(1);
		commit_all(1, &all(7, REJECT));
		assert_eq!(
			Validators::<Test>::get(1).map(|validator| validator.free_stake()),
			Some(0)
		);
	});
}

#[test]
fn weights_should_be_those_of_the_rounds_session_when_stake_moves_meanwhile() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		Session::set(1);
		assert_ok!(Validation::bond_more(signed(1), 7 * STAKE));
		assert_eq!(Validation::weight_of(1, 1), Some(1));
		assert_ok!(Validation::set_modalities(
			signed(2),
			openledger_primitives::format::ModalitySet::of(&[Modality::Audio])
		));
		assert_eq!(Validation::weight_of(1, 2), Some(1));
	});
}

#[test]
fn panels_should_differ_by_item_when_stakes_are_small() {
	// Fourteen equal validators share seven seats: each is drawn for about half of the items.
	let validators = (1..=14).map(|who| (who, STAKE, text())).collect();
	ExtBuilder::default().with_validators(validators).build_and_execute(|| {
		(1..=40).for_each(open);
		run_to(round(1).seed_at + 1);
		let weight = |item, who| Validation::weight_of(item, who).expect("the seed is known");
		let sum: u32 = (1..=40)
			.flat_map(|item| (1..=14).map(move |who| weight(item, who)))
			.sum();
		assert!((210..=350).contains(&sum), "{sum} is far from 280");
		assert!((1..=14).all(|who| (1..40).any(|item| weight(item, who) != weight(item + 1, who))));
	});
}

#[test]
fn commit_should_fail_when_the_voter_called_the_round() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		assert_ok!(Validation::challenge(signed(1), 1));
		run_to(round(1).seed_at + 1);
		assert_eq!(Validation::weight_of(1, 1), Some(0));
		assert_noop!(Validation::commit(signed(1), 1, 1, COMMITMENT), Error::<Test>::OwnTrial);
		assert_ok!(Validation::commit(signed(2), 1, 1, COMMITMENT));
	});
}
