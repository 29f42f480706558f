use crate::{mock::*, Error, Evaluations, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::training::DatasetRef;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn remove_evaluation_should_give_the_treasury_its_bond() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			let before = free(TREASURY);
			let dataset = DatasetRef {
				datanet: TEXT,
				version: 1,
				exclusions: 0,
			};
			assert_ok!(Models::post_evaluation(
				signed(STRANGER),
				0,
				dataset,
				1,
				1,
				artifact(3, 1)
			));
			assert_ok!(Models::remove_evaluation(RuntimeOrigin::root(), 0, STRANGER));
			assert_eq!((free(TREASURY), free(STRANGER)), (before + 25, ENDOWMENT - 25));
			assert_eq!(Evaluations::<Test>::iter().count(), 0);
			last_event(Event::EvaluationRemoved {
				model: 0,
				evaluator: STRANGER,
				bond: 25,
			});
		});
}

#[test]
fn remove_evaluation_should_fail_when_it_is_not_the_admin_or_there_is_none() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::remove_evaluation(signed(STRANGER), 0, STRANGER), BadOrigin);
			assert_noop!(
				Models::remove_evaluation(RuntimeOrigin::root(), 0, STRANGER),
				Error::<Test>::EvaluationNotFound
			);
		});
}
