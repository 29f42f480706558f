use super::*;
use crate::PendingUpgrade;

#[test]
fn enact_upgrade_should_authorize_it_when_due() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		System::set_block_number(1 + u64::from(UPGRADE_DELAY));
		assert_ok!(Authorities::enact_upgrade(RuntimeOrigin::signed(9)));
		System::assert_last_event(Event::UpgradeEnacted { code_hash: HASH }.into());
		assert!(!PendingUpgrade::<Test>::exists());
		let authorized = System::authorized_upgrade().expect("the upgrade is authorized");
		assert_eq!(*authorized.code_hash(), HASH);
	});
}

#[test]
fn enact_upgrade_should_fail_when_it_is_too_early() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		System::set_block_number(u64::from(UPGRADE_DELAY));
		assert_noop!(
			Authorities::enact_upgrade(RuntimeOrigin::signed(9)),
			Error::<Test>::UpgradeNotDue
		);
	});
}

#[test]
fn enact_upgrade_should_fail_when_none_waits() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::enact_upgrade(RuntimeOrigin::signed(9)),
			Error::<Test>::NoUpgrade
		);
	});
}

#[test]
fn enact_upgrade_should_fail_when_not_signed() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		assert_noop!(Authorities::enact_upgrade(RuntimeOrigin::root()), BadOrigin);
	});
}
