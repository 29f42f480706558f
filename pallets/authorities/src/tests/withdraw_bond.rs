use super::*;
use crate::LeftIn;

#[test]
fn withdraw_bond_should_free_what_was_never_used() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), MIN_BOND));
		assert_ok!(Authorities::withdraw_bond(RuntimeOrigin::signed(2)));
		System::assert_last_event(
			Event::BondWithdrawn {
				who: 2,
				amount: MIN_BOND,
			}
			.into(),
		);
		assert_eq!(held(2), 0);
		assert_eq!(Balances::free_balance(2), ENDOWMENT);
	});
}

#[test]
fn withdraw_bond_should_wait_until_nothing_can_be_proved() {
	with_authorities(&[1, 2], || {
		CurrentSession::set(7);
		assert_ok!(Authorities::leave(RuntimeOrigin::signed(2)));
		// In the set until the end of session 8, which is proved for five sessions more, and forgotten at the end of 14.
		CurrentSession::set(7 + 2 + PROVABLE);
		assert_noop!(
			Authorities::withdraw_bond(RuntimeOrigin::signed(2)),
			Error::<Test>::StillSlashable
		);
		CurrentSession::set(7 + 3 + PROVABLE);
		assert_ok!(Authorities::withdraw_bond(RuntimeOrigin::signed(2)));
		assert_eq!(held(2), 0);
		assert!(!LeftIn::<Test>::contains_key(2));
	});
}

#[test]
fn withdraw_bond_should_fail_when_an_authority() {
	with_authorities(&[1, 2], || {
		assert_noop!(
			Authorities::withdraw_bond(RuntimeOrigin::signed(2)),
			Error::<Test>::StillAuthority
		);
	});
}

#[test]
fn withdraw_bond_should_fail_when_there_is_none() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::withdraw_bond(RuntimeOrigin::signed(2)),
			Error::<Test>::NotBonded
		);
	});
}

#[test]
fn withdraw_bond_should_fail_when_not_signed() {
	with_authorities(&[1], || {
		assert_noop!(Authorities::withdraw_bond(RuntimeOrigin::root()), BadOrigin);
	});
}
