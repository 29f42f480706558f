use crate::{mock::*, Error, Event, Params, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::JobStatus;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn bid_should_take_the_job() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(21);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_eq!(
				status(0),
				JobStatus::Claimed {
					worker: WORKER,
					heartbeat_by: 26,
					train_until: 51,
					progress: Default::default()
				}
			);
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().active_jobs, 1);
			last_event(Event::JobClaimed {
				job: 0,
				worker: WORKER,
				heartbeat_by: 26,
			});
		});
}

#[test]
fn bid_should_keep_the_terms_that_the_job_was_ordered_under() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			Params::<Test>::mutate(|params| params.heartbeat_blocks = 1_000);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert!(matches!(status(0), JobStatus::Claimed { heartbeat_by: 6, .. }));
		});
}

#[test]
fn bid_should_fail_when_unsigned_or_the_job_is_missing_or_taken() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.with_worker(WORKER_2, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::bid(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::bid(signed(WORKER_2), 1), Error::<Test>::JobNotFound);
			assert_noop!(Models::bid(signed(WORKER_2), 0), Error::<Test>::JobNotOpen);
		});
}

#[test]
fn bid_should_fail_when_the_job_has_expired() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(22);
			assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::JobHasExpired);
		});
}

#[test]
fn bid_should_fail_when_the_bidder_ordered_it_or_is_no_worker() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(REQUESTER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::bid(signed(REQUESTER), 0), Error::<Test>::OwnJob);
			assert_noop!(Models::bid(signed(STRANGER), 0), Error::<Test>::WorkerNotRegistered);
		});
}

#[test]
fn bid_should_fail_when_the_bond_does_not_cover_another_job() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
			assert_noop!(Models::bid(signed(WORKER), 1), Error::<Test>::NoFreeCapacity);
			assert_ok!(Models::update_worker(signed(WORKER), None, 100));
			assert_ok!(Models::bid(signed(WORKER), 1));
		});
}
