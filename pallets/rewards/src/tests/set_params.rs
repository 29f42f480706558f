use crate::{mock::*, Epochs, Error, Event, Params, RewardParams};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult};

fn set(params: RewardParams) -> DispatchResult {
	Rewards::set_params(RuntimeOrigin::root(), params)
}

#[test]
fn set_params_should_change_epochs_that_begin_later_only() {
	ExtBuilder::default().execute(|| {
		let before = Params::<Test>::get();
		let params = RewardParams {
			budget_ppm: 200,
			..before
		};
		assert_ok!(set(params));
		System::assert_last_event(Event::ParamsSet { params }.into());
		assert_eq!(Params::<Test>::get(), params);
		let epoch = Epochs::<Test>::get(1).unwrap();
		assert_eq!((epoch.budget, epoch.params), (BUDGET, before));
		begin_day(1);
		let epoch = Epochs::<Test>::get(2).unwrap();
		assert_eq!((epoch.budget, epoch.params), (2 * BUDGET, params));
	});
}

#[test]
fn set_params_should_leave_the_parts_of_an_epoch_that_has_begun() {
	ExtBuilder::default().execute(|| {
		award(TEXT, BOB, ONE);
		let mut params = Params::<Test>::get();
		params.shares = crate::PerKind {
			contributors: 0,
			validators: 50,
			owners: 50,
		};
		assert_ok!(set(params));
		begin_day(1);
		award(TEXT, BOB, ONE);
		(2..=3).for_each(begin_day);
		assert_eq!(Rewards::claimable(BOB, 1, TEXT), BUDGET * 7 / 30);
		assert_eq!(Rewards::claimable(BOB, 2, TEXT), 0);
	});
}

#[test]
fn set_params_should_fail_when_the_caller_is_not_the_admin() {
	ExtBuilder::default().execute(|| {
		let params = Params::<Test>::get();
		assert_noop!(
			Rewards::set_params(RuntimeOrigin::signed(ALICE), params),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn set_params_should_fail_when_they_make_no_sense() {
	ExtBuilder::default().execute(|| {
		let good = Params::<Test>::get();
		let wrong = [
			RewardParams {
				budget_ppm: 1_000_001,
				..good
			},
			// Epochs would not be aligned to one length any more.
			RewardParams {
				epoch_millis: good.epoch_millis * 2,
				..good
			},
		];
		for params in wrong {
			assert_noop!(set(params), Error::<Test>::InvalidParams);
		}
	});
}
