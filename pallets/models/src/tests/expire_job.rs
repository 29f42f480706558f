use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::JobStatus;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn expire_job_should_refund_the_requester_once_nobody_came() {
	ExtBuilder::default()
		.with_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(21);
			assert_noop!(Models::expire_job(signed(STRANGER), 0), Error::<Test>::JobNotExpiredYet);
			Now::set(22);
			assert_ok!(Models::expire_job(signed(STRANGER), 0));
			assert_eq!((free(REQUESTER), status(0)), (ENDOWMENT, JobStatus::Expired));
			last_event(Event::JobExpired { job: 0 });
		});
}

#[test]
fn expire_job_should_fail_when_unsigned_missing_or_taken() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(1_000);
			assert_noop!(Models::expire_job(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::expire_job(signed(STRANGER), 1), Error::<Test>::JobNotFound);
			assert_noop!(Models::expire_job(signed(STRANGER), 0), Error::<Test>::JobNotOpen);
		});
}

#[test]
fn expire_job_should_free_the_bidders_of_a_draw_that_nobody_called() {
	ExtBuilder::default()
		.with_params(BIDDING)
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::bid(signed(WORKER), 0));
			Now::set(22);
			assert_ok!(Models::expire_job(signed(STRANGER), 0));
			assert_eq!((Models::free_capacity(WORKER), free(REQUESTER)), (1, ENDOWMENT));
		});
}
