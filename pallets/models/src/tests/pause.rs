use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::JobStatus;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn pause_should_stop_the_clock() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(3)));
			Now::set(6);
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			assert_eq!(
				status(0),
				JobStatus::Paused {
					worker: WORKER,
					since: 6,
					until: 21,
					train_until: 31,
					progress: progress(3)
				}
			);
			last_event(Event::JobPaused { job: 0, until: 21 });
			assert_eq!(Models::free_capacity(WORKER), 0, "the bond stays bound");
		});
}

#[test]
fn pause_should_fail_when_unsigned_missing_of_another_or_not_claimed() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::pause(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::pause(signed(REQUESTER), 1), Error::<Test>::JobNotFound);
			assert_noop!(Models::pause(signed(WORKER), 0), Error::<Test>::NotTheRequester);
			assert_noop!(Models::pause(signed(REQUESTER), 0), Error::<Test>::JobNotClaimed);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			assert_noop!(Models::pause(signed(REQUESTER), 0), Error::<Test>::JobNotClaimed);
		});
}

#[test]
fn pause_should_fail_when_the_job_is_lost_already() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(7);
			assert_noop!(Models::pause(signed(REQUESTER), 0), Error::<Test>::HeartbeatOverdue);
		});
}

#[test]
fn pause_should_fail_when_all_pauses_are_used_up() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			Now::set(11);
			assert_ok!(Models::resume(signed(REQUESTER), 0));
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			assert!(
				matches!(status(0), JobStatus::Paused { until: 16, .. }),
				"five are left"
			);
			Now::set(16);
			assert_ok!(Models::resume(signed(WORKER), 0));
			assert_noop!(Models::pause(signed(REQUESTER), 0), Error::<Test>::PauseExhausted);
		});
}
