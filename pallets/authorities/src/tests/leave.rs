use super::*;
use crate::AuthorityStatus;

#[test]
fn leave_should_shorten_the_next_session_and_keep_the_bond() {
	with_authorities(&[1, 2], || {
		assert_ok!(Authorities::leave(RuntimeOrigin::signed(2)));
		System::assert_last_event(Event::AuthorityRemoved { who: 2 }.into());
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1]));
		assert_eq!(
			Authorities::authority(2),
			AuthorityStatus {
				listed: false,
				bond: MIN_BOND,
				withdrawable_in: Some(PROVABLE + 3),
			}
		);
	});
}

#[test]
fn leave_should_fail_when_not_listed() {
	with_authorities(&[1, 2], || {
		assert_noop!(
			Authorities::leave(RuntimeOrigin::signed(3)),
			Error::<Test>::NotAuthority
		);
	});
}

#[test]
fn leave_should_fail_when_it_is_the_last() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::leave(RuntimeOrigin::signed(1)),
			Error::<Test>::LastAuthority
		);
	});
}

#[test]
fn leave_should_fail_when_not_signed() {
	with_authorities(&[1, 2], || {
		assert_noop!(Authorities::leave(RuntimeOrigin::root()), BadOrigin);
	});
}
