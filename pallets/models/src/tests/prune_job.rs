use crate::{mock::*, Error, Event, Jobs};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{dispute::Claim, model::JobStatus};
use sp_runtime::DispatchError::BadOrigin;

fn prune() -> frame_support::dispatch::DispatchResult {
	Models::prune_job(signed(STRANGER), 0)
}

#[test]
fn prune_job_should_remove_what_ended_without_a_model() {
	ExtBuilder::default()
		.with_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
			assert_ok!(prune());
			assert!(Jobs::<Test>::get(0).is_none());
			last_event(Event::JobPruned { job: 0 });
			assert_noop!(prune(), Error::<Test>::JobNotFound);
			assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
			assert!(Jobs::<Test>::contains_key(1), "ids are not used again");
		});
}

#[test]
fn prune_job_should_remove_every_end_without_a_model() {
	for status in [
		JobStatus::Cancelled,
		JobStatus::Failed,
		JobStatus::Expired,
		JobStatus::Split,
	] {
		ExtBuilder::default()
			.with_job(100)
			.build_and_execute_with_sanity_tests(|| {
				assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
				Jobs::<Test>::mutate(0, |job| job.as_mut().unwrap().status = status.clone());
				assert_ok!(prune());
			});
	}
}

#[test]
fn prune_job_should_fail_when_unsigned_not_ended_or_a_model_s_provenance() {
	for chain in [
		ExtBuilder::default().with_job(100),
		ExtBuilder::default().with_claimed_job(100),
		ExtBuilder::default().with_submitted_job(100),
		ExtBuilder::default().with_disputed_job(100, Claim::Segment),
		ExtBuilder::default().with_model(),
	] {
		chain.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::prune_job(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(prune(), Error::<Test>::JobNotPrunable);
		});
	}
}
