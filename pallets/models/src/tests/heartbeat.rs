use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::{JobStatus, Progress};
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn heartbeat_should_move_the_deadline() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(6);
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(4)));
			assert_eq!(
				status(0),
				JobStatus::Claimed {
					worker: WORKER,
					heartbeat_by: 11,
					train_until: 31,
					progress: progress(4)
				}
			);
			last_event(Event::Heartbeat {
				job: 0,
				progress: progress(4),
				heartbeat_by: 11,
			});
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(4)));
		});
}

#[test]
fn heartbeat_should_fail_when_it_is_late() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(7);
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, progress(1)),
				Error::<Test>::HeartbeatOverdue
			);
		});
}

#[test]
fn heartbeat_should_fail_when_steps_go_back_or_beyond_their_number() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(4)));
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, progress(3)),
				Error::<Test>::InvalidProgress
			);
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, progress(101)),
				Error::<Test>::InvalidProgress
			);
			let shrunk = Progress {
				step: 5,
				steps: 4,
				loss_micro: 0,
			};
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, shrunk),
				Error::<Test>::InvalidProgress
			);
		});
}

#[test]
fn heartbeat_should_fail_when_unsigned_missing_not_claimed_or_of_another() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::heartbeat(RuntimeOrigin::root(), 0, progress(1)), BadOrigin);
			assert_noop!(
				Models::heartbeat(signed(WORKER), 1, progress(1)),
				Error::<Test>::JobNotFound
			);
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, progress(1)),
				Error::<Test>::JobNotClaimed
			);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_noop!(
				Models::heartbeat(signed(STRANGER), 0, progress(1)),
				Error::<Test>::NotTheWorker
			);
		});
}

#[test]
fn heartbeat_should_fail_when_the_job_is_paused() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, progress(1)),
				Error::<Test>::JobPaused
			);
			assert_noop!(
				Models::submit_result(signed(WORKER), 0, result(1)),
				Error::<Test>::JobPaused
			);
		});
}
