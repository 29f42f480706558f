use crate::{mock::*, Contents, Datanets, DayUses, Error, Event, Items, Neighbours, Params};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::{Neighbours as LineNeighbours, Outcome},
	traits::Docket,
	vote::Verdict,
};
use sp_runtime::DispatchError;

fn withdraw(who: AccountId, item: u64) -> sp_runtime::DispatchResult {
	Net::withdraw(RuntimeOrigin::signed(who), item)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn withdraw_should_give_back_fee_and_attempt_but_no_quota() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		let refund = Params::<Test>::get().review_fee(100, 0);
		let before = free(BOB);
		assert_ok!(withdraw(BOB, 0));
		assert_eq!(free(BOB) - before, refund);
		assert_eq!(Items::<Test>::get(0).unwrap().outcome, Outcome::Withdrawn);
		assert_eq!(
			(DayUses::<Test>::get(BOB).bytes, DayUses::<Test>::get(BOB).files),
			(100, 1)
		);
		assert!(
			!Contents::<Test>::contains_key([5; 32]),
			"nothing is left of the attempt"
		);
		assert_eq!(Datanets::<Test>::get(0).unwrap().in_review, 0);
		System::assert_last_event(Event::ItemWithdrawn { item: 0, refund }.into());
	});
}

#[test]
fn withdraw_should_close_the_gap_in_the_line() {
	text_net().execute(|| {
		for who in [BOB, CAROL, ALICE] {
			assert_ok!(submit(who, 0, 5, 1));
		}
		assert_ok!(withdraw(CAROL, 1));
		assert_eq!(
			Neighbours::<Test>::get(0),
			Some(LineNeighbours {
				previous: None,
				next: Some(2)
			})
		);
		assert_eq!(
			Neighbours::<Test>::get(2),
			Some(LineNeighbours {
				previous: Some(0),
				next: None
			})
		);
		assert_ok!(withdraw(ALICE, 2));
		assert_eq!(Contents::<Test>::get([5; 32]).last, Some(0));
		assert_ok!(withdraw(BOB, 0));
		assert_eq!(Contents::<Test>::get([5; 32]).last, None);
		assert_eq!(Neighbours::<Test>::iter().count(), 0);
	});
}

#[test]
fn withdraw_should_fail_when_there_is_no_such_item() {
	text_net().execute(|| {
		assert_noop!(withdraw(BOB, 0), Error::<Test>::ItemNotFound);
	});
}

#[test]
fn withdraw_should_fail_when_the_item_is_somebody_elses() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		assert_noop!(withdraw(CAROL, 0), Error::<Test>::NotContributor);
	});
}

#[test]
fn withdraw_should_fail_when_the_item_is_decided_or_withdrawn() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		assert_ok!(submit(BOB, 0, 6, 1));
		assert_ok!(Net::conclude(0, Some(Verdict::Accept { score: 1, units: 1 }), 3));
		assert_noop!(withdraw(BOB, 0), Error::<Test>::ItemNotInReview);
		assert_ok!(withdraw(BOB, 1));
		assert_noop!(withdraw(BOB, 1), Error::<Test>::ItemNotInReview);
	});
}

#[test]
fn withdraw_should_fail_when_the_court_says_it_is_too_late() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		SeedIsKnown::set(true);
		assert_noop!(withdraw(BOB, 0), DispatchError::Other("too late"));
	});
}
