use super::*;
use crate::PendingUpgrade;

#[test]
fn veto_upgrade_should_drop_it() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		assert_ok!(Authorities::veto_upgrade(RuntimeOrigin::signed(VETOER)));
		System::assert_last_event(Event::UpgradeVetoed { code_hash: HASH }.into());
		assert!(!PendingUpgrade::<Test>::exists());
		System::set_block_number(100);
		assert_noop!(
			Authorities::enact_upgrade(RuntimeOrigin::signed(1)),
			Error::<Test>::NoUpgrade
		);
	});
}

#[test]
fn veto_upgrade_should_fail_when_origin_may_not() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		assert_noop!(Authorities::veto_upgrade(RuntimeOrigin::signed(1)), BadOrigin);
	});
}

#[test]
fn veto_upgrade_should_fail_when_none_waits() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::veto_upgrade(RuntimeOrigin::signed(VETOER)),
			Error::<Test>::NoUpgrade
		);
	});
}
