use crate::{mock::*, Error, Event, JobByAdapter, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::model::{CheckpointsRoot, JobResult, JobStatus};
use sp_runtime::DispatchError::BadOrigin;

fn submit(result: JobResult) -> frame_support::dispatch::DispatchResult {
	Models::submit_result(signed(WORKER), 0, result)
}

#[test]
fn submit_result_should_wait_for_acceptance() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(100)));
			assert_ok!(submit(result(1)));
			assert_eq!(
				status(0),
				JobStatus::Submitted {
					worker: WORKER,
					accept_at: 11,
					result: result(1),
					evaluation: due()
				}
			);
			assert_eq!(JobByAdapter::<Test>::get(result(1).adapter.sha256), Some(0));
			assert_eq!(
				Workers::<Test>::get(WORKER).unwrap().active_jobs,
				1,
				"the bond stays bound until acceptance"
			);
			last_event(Event::ResultSubmitted {
				job: 0,
				worker: WORKER,
				adapter: result(1).adapter.sha256,
				accept_at: 11,
				evaluate_by: EVALUATE_BY,
			});
		});
}

#[test]
fn submit_result_should_fail_when_unsigned_missing_not_claimed_or_of_another() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::submit_result(RuntimeOrigin::root(), 0, result(1)), BadOrigin);
			assert_noop!(
				Models::submit_result(signed(WORKER), 1, result(1)),
				Error::<Test>::JobNotFound
			);
			assert_noop!(submit(result(1)), Error::<Test>::JobNotClaimed);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_noop!(
				Models::submit_result(signed(STRANGER), 0, result(1)),
				Error::<Test>::NotTheWorker
			);
		});
}

#[test]
fn submit_result_should_fail_when_late_without_progress_or_with_fewer_steps_than_told() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(submit(result(1)), Error::<Test>::ProgressMissing);
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(50)));
			assert_noop!(
				submit(JobResult { steps: 49, ..result(1) }),
				Error::<Test>::InvalidResult
			);
			Now::set(7);
			assert_noop!(submit(result(1)), Error::<Test>::HeartbeatOverdue);
		});
}

#[test]
fn submit_result_should_fail_when_an_artifact_contradicts_itself() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			for change in [
				(|result| result.adapter.bytes = 0) as fn(&mut JobResult),
				|result| result.adapter_config.sha256 = [0; 32],
				|result| result.manifest.bytes = u64::MAX,
			] {
				let mut result = result(1);
				change(&mut result);
				assert_noop!(submit(result), Error::<Test>::InvalidArtifact);
			}
		});
}

#[test]
fn submit_result_should_fail_when_the_adapter_is_registered_or_waits_elsewhere() {
	for accepted in [false, true] {
		ExtBuilder::default()
			.with_submitted_job(100)
			.with_worker(WORKER_2, 100)
			.build_and_execute_with_sanity_tests(|| {
				if accepted {
					assert_ok!(Models::accept_result(signed(REQUESTER), 0));
				}
				assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
				assert_ok!(Models::bid(signed(WORKER_2), 1));
				assert_ok!(Models::heartbeat(signed(WORKER_2), 1, progress(1)));
				let again = Models::submit_result(signed(WORKER_2), 1, result(1));
				assert_noop!(again, Error::<Test>::AdapterAlreadyRegistered);
				assert_ok!(Models::submit_result(signed(WORKER_2), 1, result(2)));
			});
	}
}

#[test]
fn submit_result_should_take_checkpoints_of_all_steps_or_none() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			let with = |count, every_steps| JobResult {
				checkpoints: CheckpointsRoot {
					root: [1; 32],
					count,
					every_steps,
				},
				..result(1)
			};
			for (count, every_steps) in [(0, 0), (3, 30), (5, 30), (0, 200), (1, 0)] {
				assert_noop!(submit(with(count, every_steps)), Error::<Test>::InvalidResult);
			}
			assert_ok!(submit(with(4, 30)));
		});
}
