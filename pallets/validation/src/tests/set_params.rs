use crate::{mock::*, CourtParams, Error, Event, Params};
use frame_support::{assert_noop, assert_ok, pallet_prelude::DispatchError};

fn wider() -> CourtParams {
	CourtParams {
		risk_per_weight: 20,
		challenge_weight: 90,
		challenger_percent: 10,
		..params()
	}
}

#[test]
fn set_params_should_hold_for_rounds_that_open_later() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		assert_ok!(Validation::set_params(RuntimeOrigin::root(), wider()));
		System::assert_last_event(Event::ParamsSet { params: wider() }.into());
		assert_eq!(Params::<Test>::get(), wider());
		open(2);
		assert_eq!((round(1).risk, round(2).risk), (10, 20));
	});
}

#[test]
fn set_params_should_not_change_what_an_open_challenge_is_about() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		challenge(1);
		assert_ok!(Validation::set_params(RuntimeOrigin::root(), wider()));
		vote(1, &all(7, REJECT));
		assert_eq!(case(1).penalty.map(|penalty| penalty.percent), Some(50));
		assert_eq!(Balances::free_balance(STRANGER), RICH);
	});
}

#[test]
fn set_params_should_fail_when_not_the_administration() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::set_params(signed(OWNER), wider()), DispatchError::BadOrigin);
	});
}

#[test]
fn set_params_should_fail_when_rounds_could_not_run() {
	ExtBuilder::default().build_and_execute(|| {
		let params = CourtParams {
			challenge_weight: 0,
			..params()
		};
		assert_noop!(
			Validation::set_params(RuntimeOrigin::root(), params),
			Error::<Test>::InvalidParams
		);
	});
}
