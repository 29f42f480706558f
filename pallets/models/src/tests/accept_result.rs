use crate::{mock::*, Error, Event, JobByAdapter, ModelByAdapter, Models as Registry, NextModel, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{evaluation::EvaluatedOn, fee::EscrowSplit, model::JobStatus, training::Parent};
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn accept_result_should_register_the_model_and_split_the_escrow() {
	ExtBuilder::default()
		.with_submitted_job(1_003)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::accept_result(signed(REQUESTER), 0));
			let split = EscrowSplit {
				worker: 703,
				contributors: 200,
				parent: 50,
				treasury: 50,
			};
			last_event(Event::ResultAccepted {
				job: 0,
				model: 0,
				split,
			});
			assert_eq!(status(0), JobStatus::Accepted { model: 0 });
			assert_eq!(free(REQUESTER), ENDOWMENT - 1_003);
			assert_eq!(free(WORKER), ENDOWMENT - 100 + 703);
			assert_eq!(free(POT), ENDOWMENT + 200);
			assert_eq!(free(OWNER), ENDOWMENT - 40 + 50);
			assert_eq!(free(TREASURY), ENDOWMENT + 50);
			assert_eq!(Collected::get().into_iter().collect::<Vec<_>>(), [((TEXT, 4), 200)]);
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().active_jobs, 0);

			let model = Registry::<Test>::get(0).unwrap();
			assert_eq!(
				(model.owner, model.worker, model.base, model.job),
				(REQUESTER, WORKER, 0, 0)
			);
			assert_eq!((model.spec, model.roots.into_inner()), (spec(), vec![root(TEXT, 4)]));
			assert_eq!(model.result, result(1));
			assert_eq!(ModelByAdapter::<Test>::get(result(1).adapter.sha256), Some(0));
			assert_eq!(JobByAdapter::<Test>::iter().count(), 0);
		});
}

#[test]
fn accept_result_should_be_open_to_anybody_once_its_time_has_come() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			evaluate(0);
			Now::set(10);
			assert_noop!(
				Models::accept_result(signed(STRANGER), 0),
				Error::<Test>::ResultNotAcceptableYet
			);
			Now::set(11);
			assert_ok!(Models::accept_result(signed(STRANGER), 0));
			let evaluation = Registry::<Test>::get(0).unwrap().evaluation.unwrap();
			assert_eq!(
				(evaluation.on, evaluation.loss_micro, evaluation.tokens),
				(EvaluatedOn::Split, 2_500_000, 700)
			);
		});
}

#[test]
fn accept_result_should_be_the_requester_s_alone_while_there_is_no_evaluation() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(11);
			assert_noop!(
				Models::accept_result(signed(WORKER), 0),
				Error::<Test>::EvaluationNotReported
			);
			assert_ok!(Models::accept_result(signed(REQUESTER), 0));
			assert_eq!(Registry::<Test>::get(0).unwrap().evaluation, None);
			assert_eq!(Models::evaluation_set(0), None);
		});
}

#[test]
fn accept_result_should_fail_when_unsigned_missing_or_not_submitted() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::accept_result(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::accept_result(signed(REQUESTER), 1), Error::<Test>::JobNotFound);
			assert_noop!(
				Models::accept_result(signed(REQUESTER), 0),
				Error::<Test>::JobNotSubmitted
			);
		});
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(
				Models::accept_result(signed(REQUESTER), 0),
				Error::<Test>::JobNotSubmitted
			);
		});
}

#[test]
fn accept_result_should_share_among_datasets_with_the_remainder_to_the_last() {
	ExtBuilder::default()
		.with_base_model()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			let spec = spec_on(Parent::Base(0), &[(TEXT, 3), (TEXT_2, 2)]);
			assert_ok!(Models::request_job(signed(REQUESTER), spec, 105));
			finish(0, 1);
			assert_eq!(
				Collected::get().into_iter().collect::<Vec<_>>(),
				[((TEXT, 3), 10), ((TEXT_2, 2), 11)]
			);
		});
}

#[test]
fn accept_result_should_leave_a_share_without_points_to_the_pot() {
	ExtBuilder::default()
		.with_base_model()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			let spec = spec_on(Parent::Base(0), &[(TEXT, 9)]);
			assert_ok!(Models::request_job(signed(REQUESTER), spec, 100));
			finish(0, 1);
			assert!(Collected::get().is_empty());
			assert_eq!(free(POT), ENDOWMENT + 20);
		});
}

#[test]
fn accept_result_should_pay_the_owner_of_the_model_that_was_continued() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			let (base_owner, model_owner) = (free(OWNER), free(REQUESTER));
			let spec = spec_on(Parent::Model(0), &[(TEXT, 5)]);
			assert_ok!(Models::request_job(signed(STRANGER), spec, 1_000));
			finish(1, 2);
			assert_eq!((free(OWNER), free(REQUESTER)), (base_owner, model_owner + 50));
			assert_eq!(Registry::<Test>::get(1).unwrap().base, 0);
		});
}

#[test]
fn accept_result_should_pay_a_requester_who_owns_the_parent() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			let before = free(REQUESTER);
			let spec = spec_on(Parent::Model(0), &[(TEXT, 5)]);
			assert_ok!(Models::request_job(signed(REQUESTER), spec, 1_000));
			finish(1, 2);
			assert_eq!(free(REQUESTER), before - 950);
		});
}

#[test]
fn accept_result_should_give_the_worker_a_share_that_its_receiver_cannot_take() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			// Five of a hundred are below the existential deposit.
			assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), STRANGER, ENDOWMENT));
			assert_ok!(Balances::transfer_all(signed(TREASURY), STRANGER, false));
			assert_ok!(Models::accept_result(signed(REQUESTER), 0));
			let split = EscrowSplit {
				worker: 75,
				contributors: 20,
				parent: 5,
				treasury: 0,
			};
			last_event(Event::ResultAccepted {
				job: 0,
				model: 0,
				split,
			});
			assert_eq!(free(TREASURY), 0);
		});
}

#[test]
fn accept_result_should_not_depend_on_datanets_that_were_closed_since() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			DatanetsClosed::set(true);
			assert_ok!(Models::accept_result(signed(REQUESTER), 0));
			assert_eq!(
				Registry::<Test>::get(0).unwrap().roots.into_inner(),
				vec![root(TEXT, 4)]
			);
		});
}

#[test]
fn accept_result_should_fail_when_ids_are_exhausted() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			NextModel::<Test>::put(u32::MAX);
			assert_noop!(Models::accept_result(signed(REQUESTER), 0), Error::<Test>::IdsExhausted);
			NextModel::<Test>::put(0);
		});
}

/// Takes, trains and accepts an open job; the requester accepts by waiting.
fn finish(job: u32, adapter: u16) {
	assert_ok!(Models::bid(signed(WORKER), job));
	assert_ok!(Models::heartbeat(signed(WORKER), job, progress(1)));
	assert_ok!(Models::submit_result(signed(WORKER), job, result(adapter)));
	evaluate(job);
	Now::mutate(|now| *now += PARAMS.accept_blocks);
	assert_ok!(Models::accept_result(signed(WORKER_2), job));
}
