use crate::{mock::*, Error, Event, Workers};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn deregister_worker_should_release_the_bond() {
	ExtBuilder::default()
		.with_worker(WORKER, 300)
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(free(WORKER), ENDOWMENT - 300);
			assert_ok!(Models::deregister_worker(signed(WORKER)));
			assert_eq!(free(WORKER), ENDOWMENT);
			assert!(!Workers::<Test>::contains_key(WORKER));
			last_event(Event::WorkerDeregistered {
				worker: WORKER,
				bond: 300,
			});
		});
}

#[test]
fn deregister_worker_should_fail_when_unsigned_or_unregistered() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(Models::deregister_worker(RuntimeOrigin::root()), BadOrigin);
		assert_noop!(
			Models::deregister_worker(signed(WORKER)),
			Error::<Test>::WorkerNotRegistered
		);
	});
}

#[test]
fn deregister_worker_should_fail_when_a_job_is_claimed_or_its_result_waits() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::deregister_worker(signed(WORKER)), Error::<Test>::WorkerBusy);
		});
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::deregister_worker(signed(WORKER)), Error::<Test>::WorkerBusy);
			assert_ok!(Models::accept_result(signed(REQUESTER), 0));
			assert_ok!(Models::deregister_worker(signed(WORKER)));
		});
}
