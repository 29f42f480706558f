use super::*;
use crate::LeftIn;

fn bonded(who: AccountId) -> AccountId {
	assert_ok!(Authorities::bond(RuntimeOrigin::signed(who), MIN_BOND));
	who
}

#[test]
fn add_authority_should_extend_the_next_session() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::add_authority(RuntimeOrigin::root(), bonded(2)));
		System::assert_last_event(Event::AuthorityAdded { who: 2 }.into());
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1, 2]));
	});
}

#[test]
fn add_authority_should_take_back_who_has_left() {
	with_authorities(&[1, 2], || {
		assert_ok!(Authorities::leave(RuntimeOrigin::signed(2)));
		assert_ok!(Authorities::add_authority(RuntimeOrigin::root(), 2));
		assert!(!LeftIn::<Test>::contains_key(2));
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1, 2]));
	});
}

#[test]
fn add_authority_should_fail_when_origin_is_not_admin() {
	with_authorities(&[1], || {
		bonded(2);
		assert_noop!(Authorities::add_authority(RuntimeOrigin::signed(1), 2), BadOrigin);
	});
}

#[test]
fn add_authority_should_fail_when_already_listed() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), 1),
			Error::<Test>::AlreadyAuthority
		);
	});
}

#[test]
fn add_authority_should_fail_when_keys_are_missing() {
	with_authorities(&[1], || {
		bonded(FIRST_WITHOUT_KEYS);
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), FIRST_WITHOUT_KEYS),
			Error::<Test>::SessionKeysNotFound
		);
	});
}

#[test]
fn add_authority_should_fail_when_the_bond_is_too_low() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), MIN_BOND - 1));
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), 2),
			Error::<Test>::BondTooLow
		);
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), 1));
		assert_ok!(Authorities::add_authority(RuntimeOrigin::root(), 2));
	});
}

#[test]
fn add_authority_should_fail_when_list_is_full() {
	with_authorities(&[1, 2, 3, 4], || {
		bonded(5);
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), 5),
			Error::<Test>::MaxAuthoritiesExceeded
		);
	});
}
