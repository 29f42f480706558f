use crate::{mock::*, DatanetParams, Datanets, Deposits, Error, Event, LimitsSince, Params};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::Policy,
	quota::{Limits, DAY_MILLIS},
	OPEN,
};
use sp_runtime::{DispatchError, DispatchResult};

fn set(change: impl FnOnce(&mut DatanetParams)) -> DispatchResult {
	let mut params = Params::<Test>::get();
	change(&mut params);
	Net::set_params(RuntimeOrigin::root(), params)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn set_params_should_count_for_what_starts_later() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 0, 1));
		assert_ok!(set(|params| {
			params.datanet_deposit = OPEN;
			params.contributor_hold = 3 * OPEN;
			params.review_fee_base = OPEN / 2;
		}));
		let params = Params::<Test>::get();
		System::assert_last_event(Event::ParamsSet { params }.into());
		let policy = Policy::open(Modality::Text, 1);
		let origin = RuntimeOrigin::signed(BOB);
		assert_ok!(Net::create_datanet(
			origin,
			Modality::Text,
			text("New"),
			text(""),
			policy
		));
		let deposits = [0, 1].map(|datanet| Deposits::<Test>::get(datanet).unwrap().amount);
		assert_eq!(deposits, [100 * OPEN, OPEN]);
		// A hold that was taken stays as it is, and comes back whole.
		assert_ok!(submit(BOB, 0, 1, 1));
		assert_eq!(crate::Holds::<Test>::get(BOB).unwrap().amount, 10 * OPEN);
		assert_ok!(submit(CAROL, 0, 2, 1));
		assert_eq!(crate::Holds::<Test>::get(CAROL).unwrap().amount, 3 * OPEN);
		assert_eq!(Cases::get()[&2], OPEN / 2 + OPEN / 10_000);
		assert_ok!(Net::close(RuntimeOrigin::signed(BOB), 1));
		assert_eq!(LimitsSince::<Test>::get(), 0);
	});
}

#[test]
fn set_params_should_lower_limits_below_what_was_used_today() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 0, 5_000_000));
		let limits = Limits {
			file_bytes: 1_000,
			account_bytes: 2_000,
			account_files: 1,
			datanet_bytes: 2_000,
		};
		assert_ok!(set(|params| params.limits = limits));
		assert_noop!(submit(BOB, 0, 1, 1), Error::<Test>::DailyFilesExceeded);
		assert_noop!(submit(CAROL, 0, 1, 1_001), Error::<Test>::FileTooLarge);
		assert_eq!(Net::quota_left(BOB, 0).bytes, 0);
		assert_eq!(LimitsSince::<Test>::get(), 20_001);
		assert_eq!(Datanets::<Test>::get(0).unwrap().policy.max_file_bytes, 10_000_000);
		advance_millis(DAY_MILLIS);
		assert_ok!(submit(BOB, 0, 1, 1_000));
	});
}

#[test]
fn set_params_should_fail_when_the_caller_is_not_the_admin() {
	text_net().execute(|| {
		assert_noop!(
			Net::set_params(RuntimeOrigin::signed(ALICE), DatanetParams::default()),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn set_params_should_fail_when_a_limit_or_a_price_is_zero() {
	text_net().execute(|| {
		for change in [
			(|params| params.limits.file_bytes = 0) as fn(&mut DatanetParams),
			|params| params.limits.account_bytes = 0,
			|params| params.limits.account_files = 0,
			|params| params.limits.datanet_bytes = 0,
			|params| params.contributor_hold = 0,
			|params| params.review_fee_base = 0,
			|params| params.datanet_deposit = 0,
			|params| params.access_deposit = 0,
		] {
			assert_noop!(set(change), Error::<Test>::InvalidParams);
		}
	});
}

#[test]
#[should_panic(expected = "no limit, deposit or fee may be zero")]
fn genesis_should_not_build_when_a_limit_is_zero() {
	let mut params = DatanetParams::default();
	params.limits.file_bytes = 0;
	ExtBuilder::default().with_params(params).build();
}
