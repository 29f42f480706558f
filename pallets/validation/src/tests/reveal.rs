use crate::{mock::*, Error, Event, Votes};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::vote::Verdict;

#[test]
fn reveal_should_count_the_verdict() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT), (2, REJECT)]);
		reveal_all(1, &[(1, ACCEPT), (2, REJECT)]);
		System::assert_last_event(
			Event::Revealed {
				item: 1,
				round: 0,
				voter: 2,
				verdict: REJECT,
			}
			.into(),
		);
		assert_eq!(
			Votes::<Test>::get((1, 0), 1).and_then(|vote| vote.verdict),
			Some(ACCEPT)
		);
		let tally = round(1).tally;
		assert_eq!((tally.committed, tally.accept, tally.reject), (2, 1, 1));
	});
}

#[test]
fn reveal_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, ACCEPT, SALT),
			Error::<Test>::CaseNotFound
		);
	});
}

#[test]
fn reveal_should_fail_when_the_round_is_not_open() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		assert_noop!(
			Validation::reveal(signed(1), 1, 3, ACCEPT, SALT),
			Error::<Test>::RoundNotOpen
		);
	});
}

#[test]
fn reveal_should_fail_when_outside_of_its_window() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT), (2, ACCEPT)]);
		let round = round(1);
		run_to(round.commit_until);
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, ACCEPT, SALT),
			Error::<Test>::NotInRevealWindow
		);
		run_to(round.reveal_until);
		assert_ok!(Validation::reveal(signed(1), 1, 0, ACCEPT, SALT));
		run_to(round.reveal_until + 1);
		assert_noop!(
			Validation::reveal(signed(2), 1, 0, ACCEPT, SALT),
			Error::<Test>::NotInRevealWindow
		);
	});
}

#[test]
fn reveal_should_fail_when_nothing_was_committed() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).commit_until + 1);
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, ACCEPT, SALT),
			Error::<Test>::VoteNotFound
		);
	});
}

#[test]
fn reveal_should_fail_when_already_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT)]);
		reveal_all(1, &[(1, ACCEPT)]);
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, ACCEPT, SALT),
			Error::<Test>::AlreadyRevealed
		);
	});
}

#[test]
fn reveal_should_fail_when_the_verdict_is_out_of_range() {
	let wrong = Verdict::Accept { score: 101, units: 1 };
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, wrong)]);
		run_to(round(1).commit_until + 1);
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, wrong, SALT),
			Error::<Test>::InvalidVerdict
		);
	});
}

#[test]
fn reveal_should_fail_when_it_does_not_fit_the_commitment() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT)]);
		// Copied from 1, so that it opens nothing for 2.
		assert_ok!(Validation::commit(signed(2), 1, 0, commitment(1, 0, 1, ACCEPT)));
		run_to(round(1).commit_until + 1);
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, REJECT, SALT),
			Error::<Test>::CommitmentMismatch
		);
		assert_noop!(
			Validation::reveal(signed(1), 1, 0, ACCEPT, [8; 32]),
			Error::<Test>::CommitmentMismatch
		);
		assert_noop!(
			Validation::reveal(signed(2), 1, 0, ACCEPT, SALT),
			Error::<Test>::CommitmentMismatch
		);
	});
}
