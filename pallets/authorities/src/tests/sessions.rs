use super::*;

#[test]
fn new_session_should_skip_authorities_without_keys() {
	with_authorities(&[1, FIRST_WITHOUT_KEYS], || {
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1]));
	});
}

#[test]
fn new_session_should_keep_the_set_when_nobody_has_keys() {
	with_authorities(&[FIRST_WITHOUT_KEYS], || {
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), None);
	});
}

#[test]
fn historical_session_should_name_the_same_accounts() {
	with_authorities(&[1, 2], || {
		let historical = <Authorities as pallet_session::historical::SessionManager<AccountId, ()>>::new_session(2);
		assert_eq!(historical, Some(vec![(1, ()), (2, ())]));
	});
}
