use crate::{mock::*, Error, EvaluationCount, Evaluations, Event, HoldReason};
use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult, traits::fungible::InspectHold};
use openledger_primitives::{
	model::{Artifact, Evaluation, MAX_EVALUATIONS},
	training::DatasetRef,
};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

fn on(datanet: u32) -> DatasetRef {
	DatasetRef {
		datanet,
		version: 3,
		exclusions: 0,
	}
}

fn post(who: AccountId, model: u32, datanet: u32, tokens: u64, manifest: Artifact) -> DispatchResult {
	Models::post_evaluation(signed(who), model, on(datanet), 1_500_000, tokens, manifest)
}

#[test]
fn post_evaluation_should_hold_a_bond() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(post(STRANGER, 0, TEXT, 900, artifact(3, 1)));
			let evaluation = Evaluation {
				dataset: on(TEXT),
				loss_micro: 1_500_000,
				tokens: 900,
				manifest: artifact(3, 1),
				bond: 25,
				posted_at: 1,
			};
			assert_eq!(Models::evaluations_of(0), [(STRANGER, evaluation)]);
			assert_eq!(EvaluationCount::<Test>::get(0), 1);
			assert_eq!(
				Balances::balance_on_hold(&HoldReason::EvaluationBond.into(), &STRANGER),
				25
			);
			last_event(Event::EvaluationPosted {
				model: 0,
				evaluator: STRANGER,
				dataset: on(TEXT),
				loss_micro: 1_500_000,
			});
			assert_noop!(
				post(STRANGER, 0, TEXT_2, 1, artifact(3, 2)),
				Error::<Test>::EvaluationAlreadyPosted
			);
		});
}

#[test]
fn post_evaluation_should_fail_when_unsigned_or_what_it_names_is_not_there() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(
				Models::post_evaluation(RuntimeOrigin::root(), 0, on(TEXT), 1, 1, artifact(3, 1)),
				BadOrigin
			);
			assert_noop!(post(STRANGER, 1, TEXT, 1, artifact(3, 1)), Error::<Test>::ModelNotFound);
			assert_noop!(post(STRANGER, 0, 99, 1, artifact(3, 1)), UNKNOWN_DATASET);
			assert_noop!(
				post(STRANGER, 0, IMAGES, 1, artifact(3, 1)),
				Error::<Test>::ModalityNotTrainable
			);
		});
}

#[test]
fn post_evaluation_should_fail_when_it_is_of_nothing_inconsistent_or_without_funds() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(
				post(STRANGER, 0, TEXT, 0, artifact(3, 1)),
				Error::<Test>::InvalidEvaluation
			);
			let empty = Artifact {
				bytes: 0,
				..artifact(3, 1)
			};
			assert_noop!(post(STRANGER, 0, TEXT, 1, empty), Error::<Test>::InvalidArtifact);
			assert_noop!(post(77, 0, TEXT, 1, artifact(3, 1)), TokenError::FundsUnavailable);
		});
}

#[test]
fn post_evaluation_should_fail_when_the_model_has_as_many_as_it_may() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			EvaluationCount::<Test>::insert(0, MAX_EVALUATIONS);
			assert_noop!(
				post(STRANGER, 0, TEXT, 1, artifact(3, 1)),
				Error::<Test>::MaxEvaluationsExceeded
			);
			EvaluationCount::<Test>::insert(0, MAX_EVALUATIONS - 1);
			assert_ok!(post(STRANGER, 0, TEXT, 1, artifact(3, 1)));
			assert_eq!(EvaluationCount::<Test>::get(0), MAX_EVALUATIONS);
			EvaluationCount::<Test>::insert(0, Evaluations::<Test>::iter().count() as u32);
		});
}
