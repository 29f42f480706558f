use crate::{mock::*, Error, Event, HoldReason, JobByAdapter, Jobs, Params, Workers};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::model::JobStatus;
use sp_runtime::DispatchError::BadOrigin;

/// Lets the deadline of a claimed job pass and reports it.
fn miss(job: u32) {
	Now::mutate(|now| *now += PARAMS.heartbeat_blocks + 1);
	assert_ok!(Models::report_missed(signed(STRANGER), job));
}

#[test]
fn report_missed_should_cost_the_worker_and_open_the_job_again() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			miss(0);
			let job = Jobs::<Test>::get(0).unwrap();
			assert_eq!((job.status, job.failures, job.expires_at), (JobStatus::Open, 1, 7 + 20));
			let worker = Workers::<Test>::get(WORKER).unwrap();
			assert_eq!((worker.bond, worker.active_jobs), (70, 0));
			assert_eq!(Balances::balance_on_hold(&HoldReason::WorkerBond.into(), &WORKER), 70);
			assert_eq!(free(POT), ENDOWMENT + 30);
			last_event(Event::HeartbeatMissed {
				job: 0,
				worker: WORKER,
				penalty: 30,
			});
		});
}

#[test]
fn report_missed_should_leave_a_worker_below_the_least_bond_without_capacity() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			miss(0);
			assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::NoFreeCapacity);
			assert_ok!(Models::update_worker(signed(WORKER), None, None, 30));
			assert_ok!(Models::bid(signed(WORKER), 0));
		});
}

#[test]
fn report_missed_should_take_no_more_than_the_bond() {
	ExtBuilder::default()
		.with_params(crate::ModelParams {
			missed_penalty: 1_000,
			..PARAMS
		})
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			miss(0);
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().bond, 0);
			assert_eq!(free(POT), ENDOWMENT + 100);
			assert_ok!(Models::deregister_worker(signed(WORKER)));
		});
}

#[test]
fn report_missed_should_fail_and_refund_the_job_after_too_many_losses() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 1_000)
		.build_and_execute_with_sanity_tests(|| {
			for failures in 1..=3 {
				assert_ok!(Models::bid(signed(WORKER), 0));
				miss(0);
				assert_eq!(Jobs::<Test>::get(0).unwrap().failures, failures);
			}
			assert_eq!((status(0), free(REQUESTER)), (JobStatus::Failed, ENDOWMENT));
			last_event(Event::JobFailed { job: 0 });
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().bond, 910);
			assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::JobNotOpen);
		});
}

#[test]
fn report_missed_should_go_by_the_terms_of_the_job() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Params::<Test>::mutate(|params| {
				params.missed_penalty = 99;
				params.max_failures = 1;
			});
			miss(0);
			assert_eq!(
				(Workers::<Test>::get(WORKER).unwrap().bond, status(0)),
				(70, JobStatus::Open)
			);
		});
}

#[test]
fn report_missed_should_fail_when_unsigned_missing_not_claimed_or_on_time() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::report_missed(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::report_missed(signed(STRANGER), 1), Error::<Test>::JobNotFound);
			assert_noop!(Models::report_missed(signed(STRANGER), 0), Error::<Test>::JobNotClaimed);
			assert_ok!(Models::bid(signed(WORKER), 0));
			Now::set(6);
			assert_noop!(
				Models::report_missed(signed(STRANGER), 0),
				Error::<Test>::HeartbeatNotMissed
			);
			Now::set(7);
			assert_ok!(Models::report_missed(signed(STRANGER), 0));
		});
}

#[test]
fn report_missed_should_take_the_job_of_a_worker_that_only_sends_heartbeats() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			let train_until = 1 + PARAMS.max_train_blocks;
			for now in (1..=train_until).step_by(PARAMS.heartbeat_blocks as usize) {
				Now::set(now);
				assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			}
			assert!(matches!(status(0), JobStatus::Claimed { heartbeat_by, .. } if heartbeat_by == train_until));
			Now::set(train_until + 1);
			assert_noop!(
				Models::heartbeat(signed(WORKER), 0, progress(1)),
				Error::<Test>::HeartbeatOverdue
			);
			assert_ok!(Models::report_missed(signed(STRANGER), 0));
			assert_eq!(status(0), JobStatus::Open);
		});
}

#[test]
fn report_missed_should_open_the_job_for_bids_again() {
	ExtBuilder::default()
		.with_params(BIDDING)
		.with_job(100)
		.with_worker(WORKER, 200)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(4);
			assert_ok!(Models::bid(signed(WORKER), 0));
			miss(0);
			assert_eq!(Jobs::<Test>::get(0).unwrap().bids_until, 4 + 6 + 3);
		});
}

#[test]
fn report_missed_should_cost_a_worker_that_does_not_evaluate_its_result() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			let report = || Models::report_missed(signed(STRANGER), 0);
			Now::set(EVALUATE_BY);
			assert_noop!(report(), Error::<Test>::HeartbeatNotMissed);
			Now::set(EVALUATE_BY + 1);
			assert_ok!(report());
			let job = Jobs::<Test>::get(0).unwrap();
			assert_eq!((job.status, job.failures), (JobStatus::Open, 1));
			let worker = Workers::<Test>::get(WORKER).unwrap();
			assert_eq!((worker.bond, worker.active_jobs), (70, 0));
			assert_eq!(JobByAdapter::<Test>::iter().count(), 0);
			last_event(Event::HeartbeatMissed {
				job: 0,
				worker: WORKER,
				penalty: 30,
			});
		});
}

#[test]
fn report_missed_should_fail_when_the_result_is_evaluated_or_disputed() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			evaluate(0);
			Now::set(EVALUATE_BY + 1);
			assert_noop!(
				Models::report_missed(signed(STRANGER), 0),
				Error::<Test>::HeartbeatNotMissed
			);
		});
	ExtBuilder::default()
		.with_disputed_job(100, openledger_primitives::dispute::Claim::Segment)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(EVALUATE_BY + 1);
			assert_noop!(Models::report_missed(signed(STRANGER), 0), Error::<Test>::JobNotClaimed);
		});
}

#[test]
fn report_missed_should_fail_when_the_job_is_paused() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			Now::set(100);
			assert_noop!(Models::report_missed(signed(STRANGER), 0), Error::<Test>::JobNotClaimed);
		});
}
