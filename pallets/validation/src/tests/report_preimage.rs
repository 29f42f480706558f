use crate::{mock::*, Error, Event, Validators, Votes};
use frame_support::{assert_noop, assert_ok, pallet_prelude::DispatchResult};
use openledger_primitives::item::Phase;

fn report(reporter: AccountId, item: u64, round: u8, voter: AccountId) -> DispatchResult {
	Validation::report_preimage(signed(reporter), item, round, voter, ACCEPT, SALT)
}

#[test]
fn report_preimage_should_share_the_reserve_between_reporter_and_pot() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(7, ACCEPT));
		let pot = Balances::free_balance(POT);
		assert_ok!(report(STRANGER, 1, 0, 7));
		System::assert_last_event(
			Event::PreimageReported {
				item: 1,
				round: 0,
				voter: 7,
				reporter: STRANGER,
				rewarded: 5,
				slashed: 10,
			}
			.into(),
		);
		assert_eq!(
			(Balances::free_balance(STRANGER), Balances::free_balance(POT)),
			(RICH + 5, pot + 5)
		);
		let validator = Validators::<Test>::get(7).expect("still a validator");
		assert_eq!(
			(validator.stake, validator.at_risk, validator.slashed),
			(STAKE - 10, 0, 10)
		);
		assert_eq!(round(1).tally.committed, 6);
	});
}

#[test]
fn report_preimage_should_make_the_vote_void() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(7, ACCEPT));
		assert_ok!(report(6, 1, 0, 7));
		// No second try in this round.
		assert_noop!(
			Validation::commit(signed(7), 1, 0, commitment(1, 0, 7, REJECT)),
			Error::<Test>::AlreadyCommitted
		);
		assert_noop!(report(STRANGER, 1, 0, 7), Error::<Test>::VoteVoid);
		reveal_all(1, &all(6, ACCEPT));
		assert_noop!(
			Validation::reveal(signed(7), 1, 0, ACCEPT, SALT),
			Error::<Test>::VoteVoid
		);
		close(1);
		finalize(1);
		settle(1, 0, 7);
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 7,
				fee: 0,
				points: 0,
				slashed: 0,
				rewarded: 0,
			}
			.into(),
		);
		assert_eq!(Validators::<Test>::get(7).map(|v| v.stake), Some(STAKE - 10));
		assert!(!Votes::<Test>::contains_key((1, 0), 7));
	});
}

#[test]
fn report_preimage_should_not_leave_the_weight_as_unrevealed() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		challenge(1);
		let votes = [(1, ACCEPT), (2, ACCEPT), (3, REJECT), (4, REJECT), (5, REJECT)];
		commit_all(1, &votes);
		commit_all(1, &[(6, ACCEPT), (7, ACCEPT)]);
		assert_ok!(report(STRANGER, 1, 1, 6));
		assert_ok!(report(STRANGER, 1, 1, 7));
		reveal_all(1, &votes);
		close(1);
		// Had the two held back their votes, a margin of 10 would not have exceeded their 20.
		assert!(matches!(case(1).phase, Phase::Provisional { verdict: REJECT, .. }));
	});
}

#[test]
fn report_preimage_should_work_in_a_challenge() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, REJECT));
		challenge(1);
		commit_all(1, &all(7, ACCEPT));
		assert_ok!(report(STRANGER, 1, 1, 1));
		assert_eq!(Balances::free_balance(STRANGER), RICH - CHALLENGE_BOND + 50);
	});
}

#[test]
fn report_preimage_should_fail_when_it_is_ones_own() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(7, ACCEPT));
		assert_noop!(report(7, 1, 0, 7), Error::<Test>::OwnVote);
	});
}

#[test]
fn report_preimage_should_fail_when_commitments_are_over() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(7, ACCEPT));
		run_to(round(1).commit_until + 1);
		assert_noop!(report(STRANGER, 1, 0, 7), Error::<Test>::NotInCommitWindow);
	});
}

#[test]
fn report_preimage_should_fail_when_it_does_not_fit() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(6, ACCEPT));
		assert_noop!(report(STRANGER, 1, 0, 7), Error::<Test>::VoteNotFound);
		assert_noop!(
			Validation::report_preimage(signed(STRANGER), 1, 0, 1, REJECT, SALT),
			Error::<Test>::CommitmentMismatch
		);
		assert_noop!(
			Validation::report_preimage(signed(STRANGER), 1, 0, 1, ACCEPT, [0; 32]),
			Error::<Test>::CommitmentMismatch
		);
	});
}

#[test]
fn report_preimage_should_fail_when_the_round_is_not_open() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(report(STRANGER, 1, 0, 7), Error::<Test>::CaseNotFound);
		open(1);
		commit_all(1, &all(7, ACCEPT));
		assert_noop!(report(STRANGER, 1, 1, 7), Error::<Test>::RoundNotOpen);
	});
}
