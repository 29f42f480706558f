use crate::{mock::*, Access, Accesses, Deposit, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{format::Modality, OPEN};
use sp_runtime::{DispatchResult, TokenError};

fn request(who: AccountId) -> DispatchResult {
	Net::request_access(RuntimeOrigin::signed(who), 0)
}

fn restricted(test: impl FnOnce()) {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		set_policy(0, |policy| policy.restricted = true);
		test();
	});
}

#[test]
fn request_access_should_hold_a_deposit() {
	restricted(|| {
		assert_ok!(request(BOB));
		assert_eq!(free(BOB), ENDOWMENT - OPEN);
		let access = Access {
			until: None,
			deposit: Deposit { who: BOB, amount: OPEN },
		};
		assert_eq!(Accesses::<Test>::get(0, BOB), Some(access));
		System::assert_last_event(Event::AccessRequested { datanet: 0, who: BOB }.into());
	});
}

#[test]
fn request_access_should_use_the_same_deposit_again_when_the_grant_has_expired() {
	restricted(|| {
		assert_ok!(request(BOB));
		assert_ok!(Net::grant(RuntimeOrigin::signed(ALICE), 0, BOB, 5));
		Now::set(5);
		assert_noop!(request(BOB), Error::<Test>::AlreadyGranted);
		Now::set(6);
		assert_ok!(request(BOB));
		assert_eq!(free(BOB), ENDOWMENT - OPEN);
		assert_eq!(Accesses::<Test>::get(0, BOB).unwrap().until, None);
	});
}

#[test]
fn request_access_should_fail_when_the_account_has_asked_already() {
	restricted(|| {
		assert_ok!(request(BOB));
		assert_noop!(request(BOB), Error::<Test>::AlreadyRequested);
	});
}

#[test]
fn request_access_should_fail_when_nobody_needs_it() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		assert_noop!(request(BOB), Error::<Test>::NotRestricted);
		assert_noop!(
			Net::request_access(RuntimeOrigin::signed(BOB), 1),
			Error::<Test>::DatanetNotFound
		);
	});
}

#[test]
fn request_access_should_fail_when_the_datanet_is_closed() {
	restricted(|| {
		accepted(5);
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_noop!(request(BOB), Error::<Test>::DatanetClosed);
	});
}

#[test]
fn request_access_should_fail_when_the_deposit_is_too_much() {
	restricted(|| {
		// One OPEN, all of which the account needs to exist.
		assert_noop!(request(POOR), TokenError::FundsUnavailable);
	});
}
