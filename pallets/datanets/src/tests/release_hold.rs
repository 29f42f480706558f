use crate::{mock::*, Error, Event, Holds};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{format::Modality, quota::DAY_MILLIS, OPEN};

fn release() -> sp_runtime::DispatchResult {
	Net::release_hold(RuntimeOrigin::signed(BOB))
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn release_hold_should_give_it_back_when_thirty_days_have_passed() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		let before = free(BOB);
		advance_millis(30 * DAY_MILLIS);
		assert_ok!(release());
		assert_eq!(free(BOB) - before, 10 * OPEN);
		assert_eq!(Holds::<Test>::get(BOB), None);
		System::assert_last_event(
			Event::HoldReleased {
				who: BOB,
				amount: 10 * OPEN,
			}
			.into(),
		);
	});
}

#[test]
fn release_hold_should_fail_when_the_last_submission_is_too_recent() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		advance_millis(29 * DAY_MILLIS);
		assert_ok!(submit(BOB, 0, 6, 1));
		advance_millis(30 * DAY_MILLIS - 1);
		assert_noop!(release(), Error::<Test>::HoldNotExpired);
		advance_millis(1);
		assert_ok!(release());
	});
}

#[test]
fn release_hold_should_fail_when_there_is_none() {
	text_net().execute(|| {
		assert_noop!(release(), Error::<Test>::HoldNotFound);
		assert_ok!(submit(BOB, 0, 5, 1));
		advance_millis(30 * DAY_MILLIS);
		assert_ok!(release());
		assert_noop!(release(), Error::<Test>::HoldNotFound);
	});
}

#[test]
fn release_hold_should_let_the_next_submission_take_it_again() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		advance_millis(30 * DAY_MILLIS);
		assert_ok!(release());
		assert_ok!(submit(BOB, 0, 6, 1));
		assert_eq!(Holds::<Test>::get(BOB).map(|hold| hold.amount), Some(10 * OPEN));
	});
}
