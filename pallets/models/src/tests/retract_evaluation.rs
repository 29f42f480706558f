use crate::{mock::*, Error, EvaluationCount, Event, Params};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::training::DatasetRef;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn retract_evaluation_should_give_the_bond_back() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
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
			Params::<Test>::mutate(|params| params.evaluation_bond = 1);
			assert_ok!(Models::retract_evaluation(signed(STRANGER), 0));
			assert_eq!(
				(free(STRANGER), EvaluationCount::<Test>::iter().count()),
				(ENDOWMENT, 0)
			);
			last_event(Event::EvaluationRetracted {
				model: 0,
				evaluator: STRANGER,
			});
		});
}

#[test]
fn retract_evaluation_should_fail_when_unsigned_or_there_is_none() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::retract_evaluation(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(
				Models::retract_evaluation(signed(STRANGER), 0),
				Error::<Test>::EvaluationNotFound
			);
		});
}
