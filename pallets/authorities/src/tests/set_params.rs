use super::*;
use crate::{Authorities as List, AuthorityParams, Params};

const NEW: AuthorityParams = AuthorityParams {
	min_bond: 2 * MIN_BOND,
	min_slash: Perbill::from_percent(20),
};

#[test]
fn set_params_should_apply_to_what_comes_after() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::set_params(RuntimeOrigin::root(), NEW));
		System::assert_last_event(Event::ParamsSet { params: NEW }.into());
		assert_eq!(
			List::<Test>::get().into_inner(),
			vec![1],
			"who is an authority stays one"
		);
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), MIN_BOND));
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), 2),
			Error::<Test>::BondTooLow
		);
	});
}

#[test]
fn set_params_should_fail_when_origin_is_not_admin() {
	with_authorities(&[1], || {
		assert_noop!(Authorities::set_params(RuntimeOrigin::signed(1), NEW), BadOrigin);
	});
}

#[test]
fn set_params_should_fail_when_they_contradict_themselves() {
	with_authorities(&[1], || {
		let before = Params::<Test>::get();
		for params in [
			AuthorityParams { min_bond: 0, ..NEW },
			AuthorityParams {
				min_slash: Perbill::zero(),
				..NEW
			},
		] {
			assert_noop!(
				Authorities::set_params(RuntimeOrigin::root(), params),
				Error::<Test>::InvalidParams
			);
		}
		assert_eq!(Params::<Test>::get(), before);
	});
}
