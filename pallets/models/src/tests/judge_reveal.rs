use crate::{mock::*, Disputes, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::dispute::{Claim, Finding};
use sp_runtime::DispatchError::BadOrigin;

const JUDGE: AccountId = JUDGES.start;

fn reveal(who: AccountId, finding: Finding) -> frame_support::dispatch::DispatchResult {
	Models::judge_reveal(signed(who), 0, finding, salt(who))
}

/// A dispute with one judge, who found the result broken, at the last block to commit in.
fn committed(test: impl FnOnce()) {
	ExtBuilder::default()
		.with_disputed_job(100, Claim::Segment)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(REVEAL_FROM - 1);
			assert_ok!(Models::judge_commit(
				signed(JUDGE),
				0,
				commitment(JUDGE, Finding::Broken)
			));
			test();
		});
}

#[test]
fn judge_reveal_should_store_the_finding() {
	committed(|| {
		Now::set(REVEAL_FROM);
		assert_ok!(reveal(JUDGE, Finding::Broken));
		assert_eq!(
			Disputes::<Test>::get(0).unwrap().seats[0].finding,
			Some(Finding::Broken)
		);
		last_event(Event::JudgeRevealed {
			job: 0,
			judge: JUDGE,
			finding: Finding::Broken,
		});
		assert_noop!(reveal(JUDGE, Finding::Broken), Error::<Test>::AlreadyRevealed);
	});
}

#[test]
fn judge_reveal_should_fail_when_it_does_not_fit_the_commitment() {
	committed(|| {
		Now::set(REVEAL_FROM);
		assert_noop!(reveal(JUDGE, Finding::Upheld), Error::<Test>::CommitmentMismatch);
		assert_noop!(
			Models::judge_reveal(signed(JUDGE), 0, Finding::Broken, [0; 32]),
			Error::<Test>::CommitmentMismatch
		);
	});
}

#[test]
fn judge_reveal_should_fail_when_it_is_not_the_time() {
	committed(|| {
		assert_noop!(reveal(JUDGE, Finding::Broken), Error::<Test>::NotRevealTime);
		Now::set(CLOSE_FROM);
		assert_noop!(reveal(JUDGE, Finding::Broken), Error::<Test>::NotRevealTime);
		Now::set(CLOSE_FROM - 1);
		assert_ok!(reveal(JUDGE, Finding::Broken));
	});
}

#[test]
fn judge_reveal_should_fail_when_unsigned_not_disputed_or_no_judge() {
	committed(|| {
		Now::set(REVEAL_FROM);
		assert_noop!(
			Models::judge_reveal(RuntimeOrigin::root(), 0, Finding::Broken, [0; 32]),
			BadOrigin
		);
		assert_noop!(
			Models::judge_reveal(signed(JUDGE), 1, Finding::Broken, [0; 32]),
			Error::<Test>::JobNotDisputed
		);
		assert_noop!(reveal(JUDGE + 1, Finding::Broken), Error::<Test>::NotAJudge);
	});
}
