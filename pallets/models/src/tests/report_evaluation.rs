use crate::{mock::*, Error, Event, Jobs};
use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use openledger_primitives::{
	bid::SEED_DELAY,
	dispute::{Claim, Finding},
	evaluation::{draw, EvaluatedOn, EvaluationOfResult, EvaluationSet, ResultEvaluation, MIN_LATER},
	model::JobStatus,
	training::Parent,
};
use sp_runtime::DispatchError::BadOrigin;

fn report(who: AccountId, loss_micro: u64, tokens: u64) -> DispatchResult {
	Models::report_evaluation(signed(who), 0, loss_micro, tokens)
}

/// The evaluation of a submitted or disputed job 0.
fn evaluation() -> ResultEvaluation {
	match status(0) {
		JobStatus::Submitted { evaluation, .. } | JobStatus::Disputed { evaluation, .. } => evaluation,
		other => panic!("no result waits: {other:?}"),
	}
}

#[test]
fn report_evaluation_should_be_on_the_split_when_too_few_items_came_later() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(evaluation(), due());
			Now::set(EVALUATE_FROM);
			assert_ok!(report(WORKER, 2_500_000, 700));
			let reported = EvaluationOfResult {
				on: EvaluatedOn::Split,
				loss_micro: 2_500_000,
				tokens: 700,
			};
			assert_eq!(evaluation(), ResultEvaluation::Reported(reported.clone()));
			last_event(Event::EvaluationReported {
				job: 0,
				evaluation: reported,
			});
			assert_eq!(Models::evaluation_set(0), Some(EvaluationSet::Split));
		});
}

#[test]
fn report_evaluation_should_be_on_later_items_when_there_are_enough() {
	// The order is on version 4.
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Newest::set((4 + MIN_LATER as u32, 3));
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			assert_ok!(Models::submit_result(signed(WORKER), 0, result(1)));
			// What comes after the submission is not drawn from.
			Newest::set((1_000, 9));
			assert_eq!(
				Models::evaluation_set(0),
				Some(EvaluationSet::NotDrawn {
					seed_at: 1 + SEED_DELAY
				})
			);
			Now::set(EVALUATE_FROM);
			let mut newest = dataset_ref(TEXT, 12);
			newest.exclusions = 3;
			let seed = seed_of(1 + SEED_DELAY);
			let drawn = draw(&seed, 0, &[dataset_ref(TEXT, 4)], &[newest]).unwrap();
			assert_eq!(drawn.len() as u64, MIN_LATER);
			assert_eq!(Models::evaluation_set(0), Some(EvaluationSet::Later(drawn.clone())));
			assert_ok!(report(WORKER, 1, 1));
			let on = EvaluatedOn::Later {
				seed,
				until: vec![newest].try_into().unwrap(),
			};
			assert_eq!(evaluation().reported().map(|it| &it.on), Some(&on));

			Now::set(EVALUATE_FROM + 10 * SEEDS_KEPT);
			let set = Some(EvaluationSet::Later(drawn));
			assert_eq!(Models::evaluation_set(0), set, "the seed is kept");
			assert_ok!(Models::accept_result(signed(REQUESTER), 0));
			assert_eq!(Models::evaluation_set(0), set, "with the model");
		});
}

#[test]
fn report_evaluation_should_count_the_later_items_of_all_datasets() {
	ExtBuilder::default()
		.with_base_model()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			let spec = spec_on(Parent::Base(0), &[(TEXT, 5), (TEXT_2, 5)]);
			assert_ok!(Models::request_job(signed(REQUESTER), spec, 100));
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			assert_ok!(Models::submit_result(signed(WORKER), 0, result(1)));
			Now::set(EVALUATE_FROM);
			let set = Models::evaluation_set(0);
			assert!(
				matches!(&set, Some(EvaluationSet::Later(items)) if items.len() == 8),
				"{set:?}"
			);
		});
}

#[test]
fn report_evaluation_should_be_possible_while_the_result_is_disputed() {
	ExtBuilder::default()
		.with_disputed_job(100, Claim::Segment)
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(Models::job_deadlines(0).unwrap().evaluate_by, Some(EVALUATE_BY));
			evaluate(0);
			assert_eq!(Models::job_deadlines(0).unwrap().evaluate_by, None);
			judge(&[Some(Finding::Upheld); 3]);
			assert_ok!(Models::close_dispute(signed(OWNER), 0));
			assert!(evaluation().reported().is_some());
			assert_ok!(Models::accept_result(signed(STRANGER), 0));
		});
}

#[test]
fn report_evaluation_should_say_that_nothing_could_be_read() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(EVALUATE_FROM);
			assert_noop!(report(WORKER, 1, 0), Error::<Test>::InvalidEvaluation);
			assert_ok!(report(WORKER, 0, 0));
		});
}

#[test]
fn report_evaluation_should_fail_when_unsigned_missing_not_submitted_of_another_or_twice() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::report_evaluation(RuntimeOrigin::root(), 0, 1, 1), BadOrigin);
			assert_noop!(
				Models::report_evaluation(signed(WORKER), 1, 1, 1),
				Error::<Test>::JobNotFound
			);
			assert_noop!(report(WORKER, 1, 1), Error::<Test>::JobNotSubmitted);
			assert_eq!(Models::evaluation_set(0), None);
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			assert_ok!(Models::submit_result(signed(WORKER), 0, result(1)));
			Now::set(EVALUATE_FROM);
			assert_noop!(report(WORKER_2, 1, 1), Error::<Test>::NotTheWorker);
			assert_ok!(report(WORKER, 1, 1));
			assert_noop!(report(WORKER, 1, 1), Error::<Test>::EvaluationAlreadyReported);
		});
}

#[test]
fn report_evaluation_should_fail_before_the_seed_and_after_the_deadline() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(EVALUATE_FROM - 1);
			assert_noop!(report(WORKER, 1, 1), Error::<Test>::SeedNotKnown);
			Now::set(EVALUATE_BY + 1);
			assert_noop!(report(WORKER, 1, 1), Error::<Test>::EvaluationOverdue);
			Now::set(EVALUATE_BY);
			assert_ok!(report(WORKER, 1, 1));
		});
}

#[test]
fn a_job_that_is_trained_again_should_be_evaluated_again() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.with_worker(WORKER_2, 100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(EVALUATE_BY + 1);
			assert_ok!(Models::report_missed(signed(STRANGER), 0));
			assert_eq!(Models::evaluation_set(0), None);
			assert_ok!(Models::bid(signed(WORKER_2), 0));
			assert_ok!(Models::heartbeat(signed(WORKER_2), 0, progress(1)));
			// The first worker's adapter is nobody's any more.
			assert_ok!(Models::submit_result(signed(WORKER_2), 0, result(1)));
			assert_eq!(evaluation(), due_at(EVALUATE_BY + 1));
			assert_eq!(Jobs::<Test>::get(0).unwrap().failures, 1);
		});
}
