use crate::{mock::*, Error, Event};
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
			last_event(Event::JobCancelled { job: 0 });
			assert_noop!(Models::cancel_job(signed(REQUESTER), 0), Error::<Test>::JobNotOpen);
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
			assert_noop!(Models::cancel_job(signed(REQUESTER), 0), Error::<Test>::JobNotOpen);
		});
}
