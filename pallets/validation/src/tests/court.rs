//! Opening and withdrawing a case, which datanets asks for.

use crate::{mock::*, Cases, Error, Event, Rounds, Validators};
use frame_support::{assert_err, assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::{Case, Phase},
	tally::{Tally, WIDTHS},
	traits::Court,
	Balance, ItemId,
};
use sp_runtime::DispatchError;

fn withdraw(item: ItemId) -> Result<Balance, DispatchError> {
	<Validation as Court<AccountId>>::withdraw(item)
}

#[test]
fn open_should_open_a_round_under_the_parameters_of_today() {
	ExtBuilder::default().build_and_execute(|| {
		run_to(5);
		Session::set(3);
		open(1);
		let (seed_at, commit_until, reveal_until) = (7, 10, 13);
		System::assert_last_event(
			Event::RoundOpened {
				item: 1,
				round: 0,
				seed_at,
				commit_until,
				reveal_until,
			}
			.into(),
		);
		let expected = Case {
			datanet: DATANET,
			modality: Modality::Text,
			contributor: CONTRIBUTOR,
			bytes: 0,
			round: 0,
			phase: Phase::Voting,
			fee: FEE,
			unsettled: 0,
			challenges: 0,
			penalty: None,
		};
		assert_eq!(case(1), expected);
		let round = round(1);
		assert_eq!((round.opened_at, round.seed_at), (5, seed_at));
		assert_eq!((round.commit_until, round.reveal_until), (commit_until, reveal_until));
		assert_eq!((round.session, round.total_stake, round.risk), (3, 7 * STAKE, 10));
		assert_eq!((round.width, round.tally), (WIDTHS[0], Tally::default()));
	});
}

#[test]
fn open_should_have_votes_on_larger_files_risk_more() {
	ExtBuilder::default().build_and_execute(|| {
		open_sized(1, Modality::Text, 2_049, FEE);
		assert_eq!((case(1).bytes, round(1).risk), (2_049, 19));
		// Later rounds of the case as well.
		close(1);
		assert_eq!((case(1).round, round(1).risk), (1, 19));
		vote(1, &all(7, ACCEPT));
		assert_eq!(
			Validators::<Test>::get(1).map(|validator| validator.at_risk),
			Some(3 * 19)
		);
		assert_eq!(Validation::challenge_bond_due(1), Some(70 * 19));
	});
}

#[test]
fn open_should_fail_when_the_item_has_a_case() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		let again = || <Validation as Court<_>>::open(1, DATANET, Modality::Text, &CONTRIBUTOR, 0, 0);
		assert_noop!(again(), Error::<Test>::CaseAlreadyExists);
	});
}

#[test]
fn open_should_work_when_nobody_judges_the_modality() {
	ExtBuilder::default().build_and_execute(|| {
		open_as(1, Modality::Image, 0);
		assert_eq!(round(1).total_stake, 0);
		(0..4).for_each(|_| close(1));
		assert_eq!(Concluded::get().len(), 1);
	});
}

#[test]
fn withdraw_should_return_the_fee_until_the_seed_is_known() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at);
		assert_ok!(withdraw(1), FEE);
		System::assert_last_event(Event::CaseWithdrawn { item: 1 }.into());
		assert!(!Cases::<Test>::contains_key(1) && !Rounds::<Test>::contains_key((1, 0)));
	});
}

#[test]
fn withdraw_should_fail_when_the_seed_is_known() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).seed_at + 1);
		assert_err!(withdraw(1), Error::<Test>::TooLateToWithdraw);
		// Nor in a later round.
		close(1);
		assert_err!(withdraw(1), Error::<Test>::TooLateToWithdraw);
	});
}

#[test]
fn withdraw_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_err!(withdraw(1), Error::<Test>::CaseNotFound);
	});
}
