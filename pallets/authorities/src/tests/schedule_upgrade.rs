use super::*;
use crate::{PendingUpgrade, Upgrade};

#[test]
fn schedule_upgrade_should_wait_out_the_delay() {
	with_authorities(&[1], || {
		System::set_block_number(5);
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		let enact_at = 5 + u64::from(UPGRADE_DELAY);
		System::assert_last_event(
			Event::UpgradeScheduled {
				code_hash: HASH,
				enact_at,
			}
			.into(),
		);
		assert_eq!(
			Authorities::upgrade(),
			Some(Upgrade {
				code_hash: HASH,
				enact_at
			})
		);
		assert!(System::authorized_upgrade().is_none(), "nothing is authorized yet");
	});
}

#[test]
fn schedule_upgrade_should_fail_when_origin_is_not_admin() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::schedule_upgrade(RuntimeOrigin::signed(VETOER), HASH),
			BadOrigin
		);
	});
}

#[test]
fn schedule_upgrade_should_fail_when_one_waits() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::schedule_upgrade(RuntimeOrigin::root(), HASH));
		assert_noop!(
			Authorities::schedule_upgrade(RuntimeOrigin::root(), Hash::repeat_byte(8)),
			Error::<Test>::UpgradePending
		);
		assert_eq!(
			PendingUpgrade::<Test>::get().map(|upgrade| upgrade.code_hash),
			Some(HASH)
		);
	});
}
