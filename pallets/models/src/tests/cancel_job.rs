use crate::{mock::*, Bids, Error, Event, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::JobStatus;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn cancel_job_should_refund_the_requester() {
	ExtBuilder::default()
		.with_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(free(REQUESTER), ENDOWMENT - 100);
			assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
			assert_eq!(free(REQUESTER), ENDOWMENT);
			assert_eq!(status(0), JobStatus::Cancelled);
			last_event(Event::JobCancelled { job: 0, paid: 0 });
			assert_noop!(
				Models::cancel_job(signed(REQUESTER), 0),
				Error::<Test>::JobNotCancellable
			);
		});
}

#[test]
fn cancel_job_should_free_the_bidders() {
	ExtBuilder::default()
		.with_params(BIDDING)
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_eq!(Models::free_capacity(WORKER), 0);
			assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
			assert_eq!((Models::free_capacity(WORKER), Bids::<Test>::iter().count()), (1, 0));
		});
}

#[test]
fn cancel_job_should_pay_the_steps_of_a_paused_job() {
	for (step, paid) in [(0, 0), (1, 10), (30, 300), (50, 500), (99, 500)] {
		ExtBuilder::default()
			.with_claimed_job(1_001)
			.build_and_execute_with_sanity_tests(|| {
				assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(step)));
				assert_ok!(Models::pause(signed(REQUESTER), 0));
				assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
				last_event(Event::JobCancelled { job: 0, paid });
				assert_eq!(status(0), JobStatus::Cancelled);
				assert_eq!(free(WORKER), ENDOWMENT - 100 + paid, "at most half of the price");
				assert_eq!(free(REQUESTER), ENDOWMENT - paid);
				assert_eq!(Workers::<Test>::get(WORKER).unwrap().active_jobs, 0);
			});
	}
}

#[test]
fn cancel_job_should_pay_nothing_when_the_worker_told_nothing() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
			assert_eq!(free(REQUESTER), ENDOWMENT);
		});
}

#[test]
fn cancel_job_should_fail_when_unsigned_missing_of_another_or_taken() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::cancel_job(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::cancel_job(signed(REQUESTER), 1), Error::<Test>::JobNotFound);
			assert_noop!(Models::cancel_job(signed(STRANGER), 0), Error::<Test>::NotTheRequester);
			assert_noop!(
				Models::cancel_job(signed(REQUESTER), 0),
				Error::<Test>::JobNotCancellable
			);
		});
}
