use super::*;
use crate::LeftIn;

#[test]
fn remove_authority_should_shorten_the_next_session_and_keep_the_bond() {
	with_authorities(&[1, 2, 3], || {
		CurrentSession::set(4);
		assert_ok!(Authorities::remove_authority(RuntimeOrigin::root(), 2));
		System::assert_last_event(Event::AuthorityRemoved { who: 2 }.into());
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1, 3]));
		assert_eq!(held(2), MIN_BOND);
		assert_eq!(LeftIn::<Test>::get(2), Some(4));
	});
}

#[test]
fn remove_authority_should_fail_when_origin_is_not_admin() {
	with_authorities(&[1, 2], || {
		assert_noop!(Authorities::remove_authority(RuntimeOrigin::signed(1), 2), BadOrigin);
	});
}

#[test]
fn remove_authority_should_fail_when_not_listed() {
	with_authorities(&[1, 2], || {
		assert_noop!(
			Authorities::remove_authority(RuntimeOrigin::root(), 3),
			Error::<Test>::NotAuthority
		);
	});
}

#[test]
fn remove_authority_should_fail_when_it_is_the_last() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::remove_authority(RuntimeOrigin::root(), 1),
			Error::<Test>::LastAuthority
		);
	});
}
