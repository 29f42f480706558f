use crate::{mock::*, Datanets, Deposit, Deposits, Error, Event, Offers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	traits::{DatanetOwners, Pool},
	OPEN,
};
use sp_runtime::{DispatchResult, TokenError};

fn accept(who: AccountId) -> DispatchResult {
	Net::accept_transfer(RuntimeOrigin::signed(who), 0)
}

fn offered(to: AccountId, test: impl FnOnce()) {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		assert_ok!(Net::transfer(RuntimeOrigin::signed(ALICE), 0, to));
		test();
	});
}

#[test]
fn accept_transfer_should_move_ownership_and_deposit() {
	offered(BOB, || {
		assert_ok!(accept(BOB));
		assert_eq!(Datanets::<Test>::get(0).unwrap().owner, BOB);
		assert_eq!(<Net as DatanetOwners<_>>::owner(0), Some(BOB));
		assert_eq!((free(ALICE), free(BOB)), (ENDOWMENT, ENDOWMENT - 100 * OPEN));
		let deposit = Deposit {
			who: BOB,
			amount: 100 * OPEN,
		};
		assert_eq!(Deposits::<Test>::get(0), Some(deposit));
		assert_eq!(Offers::<Test>::get(0), None);
		System::assert_last_event(
			Event::DatanetTransferred {
				datanet: 0,
				from: ALICE,
				to: BOB,
			}
			.into(),
		);
		assert_noop!(Net::close(RuntimeOrigin::signed(ALICE), 0), Error::<Test>::NotOwner);
	});
}

#[test]
fn accept_transfer_should_leave_to_each_owner_what_its_time_earned() {
	offered(CAROL, || {
		accepted(5);
		assert_ok!(accept(CAROL));
		accepted(6);
		let awards = Awards::get();
		assert_eq!(awards[&(Pool::Owners, ALICE)], awards[&(Pool::Owners, CAROL)]);
	});
}

#[test]
fn accept_transfer_should_fail_when_it_is_not_offered() {
	offered(BOB, || {
		assert_noop!(accept(CAROL), Error::<Test>::NotOffered);
		assert_noop!(
			Net::accept_transfer(RuntimeOrigin::signed(BOB), 1),
			Error::<Test>::DatanetNotFound
		);
		assert_ok!(accept(BOB));
		assert_noop!(accept(BOB), Error::<Test>::NotOffered);
	});
}

#[test]
fn accept_transfer_should_fail_when_the_deposit_is_too_much() {
	offered(POOR, || {
		assert_noop!(accept(POOR), TokenError::FundsUnavailable);
	});
}
