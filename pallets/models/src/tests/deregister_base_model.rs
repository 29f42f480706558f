use crate::{mock::*, BaseModelByDigest, BaseModelUses, BaseModels, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::training::Parent;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn deregister_base_model_should_give_the_deposit_back_and_let_the_files_be_registered_again() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(free(OWNER), ENDOWMENT - 40);
			assert_ok!(Models::deregister_base_model(signed(OWNER), 0));
			last_event(Event::BaseModelDeregistered { base_model: 0 });
			assert_eq!(free(OWNER), ENDOWMENT);
			assert_eq!(
				(
					BaseModels::<Test>::iter().count(),
					BaseModelByDigest::<Test>::iter().count()
				),
				(0, 0)
			);
			assert_ok!(Models::register_base_model(signed(STRANGER), text("toy"), files(1)));
			assert!(BaseModels::<Test>::contains_key(1), "ids are not used again");
		});
}

#[test]
fn deregister_base_model_should_wait_for_jobs_that_end_without_a_model() {
	ExtBuilder::default()
		.with_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(
				Models::deregister_base_model(signed(OWNER), 0),
				Error::<Test>::BaseModelInUse
			);
			assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
			assert_ok!(Models::deregister_base_model(signed(OWNER), 0));
		});
}

#[test]
fn deregister_base_model_should_fail_when_a_model_is_built_on_it() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::request_job(
				signed(REQUESTER),
				spec_on(Parent::Model(0), &[(TEXT, 1)]),
				100
			));
			assert_eq!(BaseModelUses::<Test>::get(0), 2);
			assert_ok!(Models::cancel_job(signed(REQUESTER), 1));
			assert_noop!(
				Models::deregister_base_model(signed(OWNER), 0),
				Error::<Test>::BaseModelInUse
			);
		});
}

#[test]
fn deregister_base_model_should_fail_when_unsigned_missing_or_of_another() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::deregister_base_model(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(
				Models::deregister_base_model(signed(OWNER), 1),
				Error::<Test>::BaseModelNotFound
			);
			assert_noop!(
				Models::deregister_base_model(signed(STRANGER), 0),
				Error::<Test>::NotTheOwner
			);
		});
}
