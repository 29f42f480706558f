use super::*;
use crate::AuthorityStatus;
use sp_runtime::TokenError;

#[test]
fn bond_should_hold_more_each_time() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), MIN_BOND));
		System::assert_last_event(
			Event::Bonded {
				who: 2,
				amount: MIN_BOND,
			}
			.into(),
		);
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), 5));
		assert_eq!(held(2), MIN_BOND + 5);
		assert_eq!(
			Authorities::authority(2),
			AuthorityStatus {
				listed: false,
				bond: MIN_BOND + 5,
				withdrawable_in: Some(0),
			}
		);
	});
}

#[test]
fn bond_should_fail_when_the_account_has_less() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::bond(RuntimeOrigin::signed(2), ENDOWMENT + 1),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn bond_should_fail_when_not_signed() {
	with_authorities(&[1], || {
		assert_noop!(Authorities::bond(RuntimeOrigin::root(), MIN_BOND), BadOrigin);
	});
}
