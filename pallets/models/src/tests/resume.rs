use crate::{mock::*, Error, Event, Jobs};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::JobStatus;
use sp_runtime::DispatchError::BadOrigin;

/// Job 0, claimed in block 1 and paused in block 4.
fn paused(test: impl FnOnce()) {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(4);
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(3)));
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			test();
		});
}

#[test]
fn resume_should_move_the_deadlines_by_the_pause() {
	paused(|| {
		Now::set(14);
		assert_ok!(Models::resume(signed(REQUESTER), 0));
		assert_eq!(
			status(0),
			JobStatus::Claimed {
				worker: WORKER,
				heartbeat_by: 19,
				train_until: 41,
				progress: progress(3)
			}
		);
		assert_eq!(Jobs::<Test>::get(0).unwrap().paused_blocks, 10);
		last_event(Event::JobResumed {
			job: 0,
			heartbeat_by: 19,
		});
		assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(4)));
	});
}

#[test]
fn resume_should_be_open_to_anybody_once_the_longest_pause_is_over() {
	paused(|| {
		Now::set(18);
		assert_noop!(Models::resume(signed(WORKER), 0), Error::<Test>::PauseNotOver);
		Now::set(30);
		assert_ok!(Models::resume(signed(WORKER), 0));
		let JobStatus::Claimed { train_until, .. } = status(0) else {
			panic!("the job is not claimed");
		};
		assert_eq!(
			train_until,
			31 + 15,
			"what passes after the longest pause is the worker's"
		);
	});
}

#[test]
fn resume_should_fail_when_unsigned_missing_or_not_paused() {
	paused(|| {
		assert_noop!(Models::resume(RuntimeOrigin::root(), 0), BadOrigin);
		assert_noop!(Models::resume(signed(REQUESTER), 1), Error::<Test>::JobNotFound);
		assert_ok!(Models::resume(signed(REQUESTER), 0));
		assert_noop!(Models::resume(signed(REQUESTER), 0), Error::<Test>::JobNotPaused);
	});
}
