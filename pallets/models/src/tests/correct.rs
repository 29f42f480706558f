use crate::{mock::*, Error, Event, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	dispute::{Claim, Ruling},
	model::JobStatus,
};
use sp_runtime::DispatchError::BadOrigin;

fn correct(ruling: Ruling) -> frame_support::dispatch::DispatchResult {
	Models::correct(RuntimeOrigin::root(), 0, ruling)
}

/// A dispute that no judge came to, closed.
fn undecided(test: impl FnOnce()) {
	ExtBuilder::default()
		.with_disputed_job(1_000, Claim::Segment)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(CLOSE_FROM);
			assert_ok!(Models::close_dispute(signed(OWNER), 0));
			test();
		});
}

#[test]
fn correct_should_uphold_a_result_and_give_the_worker_the_bond() {
	undecided(|| {
		Now::set(CLOSE_FROM + PARAMS.correct_blocks - 1);
		assert_ok!(correct(Ruling::Upheld));
		last_event(Event::DisputeDecided {
			job: 0,
			ruling: Ruling::Upheld,
			judges: 0,
			lost: 60,
		});
		let expected = 11 + Now::get() - 2;
		assert!(matches!(status(0), JobStatus::Submitted { accept_at, .. } if accept_at == expected));
		assert_eq!(free(WORKER), ENDOWMENT - 100 + 60);
	});
}

#[test]
fn correct_should_break_a_result_and_give_the_pot_the_judges_part() {
	undecided(|| {
		assert_ok!(correct(Ruling::Broken));
		assert_eq!(status(0), JobStatus::Open);
		assert_eq!(Workers::<Test>::get(WORKER).unwrap().bond, 0);
		assert_eq!((free(STRANGER), free(POT)), (ENDOWMENT + 50, ENDOWMENT + 50));
	});
}

#[test]
fn correct_should_fail_when_it_is_not_the_admin_not_disputed_or_not_the_time() {
	ExtBuilder::default()
		.with_disputed_job(1_000, Claim::Segment)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::correct(signed(OWNER), 0, Ruling::Upheld), BadOrigin);
			assert_noop!(
				Models::correct(RuntimeOrigin::root(), 1, Ruling::Upheld),
				Error::<Test>::JobNotDisputed
			);
			Now::set(CLOSE_FROM);
			assert_noop!(correct(Ruling::Upheld), Error::<Test>::NotCorrectable);
			assert_ok!(Models::close_dispute(signed(OWNER), 0));
			Now::set(CLOSE_FROM + PARAMS.correct_blocks);
			assert_noop!(correct(Ruling::Upheld), Error::<Test>::NotCorrectable);
		});
}
