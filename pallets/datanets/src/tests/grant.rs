use crate::{mock::*, Access, Accesses, Deposit, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{format::Modality, OPEN};
use sp_runtime::{DispatchResult, TokenError};

fn grant(owner: AccountId, who: AccountId, until: u32) -> DispatchResult {
	Net::grant(RuntimeOrigin::signed(owner), 0, who, until)
}

fn restricted(test: impl FnOnce()) {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		set_policy(0, |policy| policy.restricted = true);
		test();
	});
}

#[test]
fn grant_should_answer_a_request_and_keep_its_deposit() {
	restricted(|| {
		assert_ok!(Net::request_access(RuntimeOrigin::signed(BOB), 0));
		let before = free(ALICE);
		assert_ok!(grant(ALICE, BOB, 9));
		assert_eq!(free(ALICE), before);
		let access = Access {
			until: Some(9),
			deposit: Deposit { who: BOB, amount: OPEN },
		};
		assert_eq!(Accesses::<Test>::get(0, BOB), Some(access));
		System::assert_last_event(
			Event::AccessGranted {
				datanet: 0,
				who: BOB,
				until: 9,
			}
			.into(),
		);
	});
}

#[test]
fn grant_should_hold_a_deposit_of_the_owner_when_nobody_asked() {
	restricted(|| {
		let before = free(ALICE);
		assert_ok!(grant(ALICE, BOB, 9));
		assert_ok!(grant(ALICE, BOB, 99));
		assert_eq!((before - free(ALICE), free(BOB)), (OPEN, ENDOWMENT));
		assert_eq!(Accesses::<Test>::get(0, BOB).unwrap().until, Some(99));
	});
}

#[test]
fn grant_should_fail_when_the_caller_is_not_the_owner() {
	restricted(|| {
		assert_noop!(grant(BOB, BOB, 9), Error::<Test>::NotOwner);
		assert_noop!(
			Net::grant(RuntimeOrigin::signed(ALICE), 1, BOB, 9),
			Error::<Test>::DatanetNotFound
		);
	});
}

#[test]
fn grant_should_fail_when_it_would_end_at_once() {
	restricted(|| {
		Now::set(7);
		for until in [0, 6, 7] {
			assert_noop!(grant(ALICE, BOB, until), Error::<Test>::GrantInPast);
		}
		assert_ok!(grant(ALICE, BOB, 8));
	});
}

#[test]
fn grant_should_fail_when_the_datanet_is_closed() {
	restricted(|| {
		accepted(5);
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_noop!(grant(ALICE, BOB, 9), Error::<Test>::DatanetClosed);
	});
}

#[test]
fn grant_should_fail_when_the_deposit_is_too_much() {
	restricted(|| {
		let all = free(ALICE) - OPEN / 2;
		assert_ok!(Balances::transfer_keep_alive(RuntimeOrigin::signed(ALICE), BOB, all));
		assert_noop!(grant(ALICE, BOB, 9), TokenError::FundsUnavailable);
	});
}
