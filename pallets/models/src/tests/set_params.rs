use crate::{mock::*, Error, Event, JobTerms, ModelParams, Params};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn set_params_should_apply_to_what_starts_later() {
	ExtBuilder::default()
		.with_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::set_params(RuntimeOrigin::root(), BIDDING));
			last_event(Event::ParamsSet { params: BIDDING });
			assert_eq!(Params::<Test>::get(), BIDDING);
			assert_eq!(JobTerms::<Test>::get(0).unwrap().params, PARAMS);
			assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
			assert_eq!(JobTerms::<Test>::get(1).unwrap().params, BIDDING);
		});
}

#[test]
fn set_params_should_fail_when_it_is_not_the_admin_or_jobs_could_not_end() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(Models::set_params(signed(OWNER), BIDDING), BadOrigin);
		let endless = ModelParams {
			max_failures: 0,
			..PARAMS
		};
		assert_noop!(
			Models::set_params(RuntimeOrigin::root(), endless),
			Error::<Test>::InvalidParams
		);
	});
}
