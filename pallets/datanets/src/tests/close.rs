use crate::{mock::*, Datanets, Deposits, Error, Event, Offers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	vote::{Reason, Verdict},
	OPEN,
};
use sp_runtime::DispatchResult;

const REJECT: Verdict = Verdict::Reject {
	reason: Reason::OffTopic,
};

fn close(who: AccountId) -> DispatchResult {
	Net::close(RuntimeOrigin::signed(who), 0)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn close_should_keep_datanet_and_deposit_when_it_has_versions() {
	text_net().execute(|| {
		accepted(5);
		assert_ok!(close(ALICE));
		assert!(Datanets::<Test>::get(0).unwrap().closed);
		assert_eq!(free(ALICE), ENDOWMENT - 100 * OPEN);
		System::assert_last_event(Event::DatanetClosed { datanet: 0 }.into());
		assert_noop!(close(ALICE), Error::<Test>::DatanetClosed);
	});
}

#[test]
fn close_should_remove_the_datanet_when_it_is_empty() {
	text_net().execute(|| {
		assert_ok!(Net::transfer(RuntimeOrigin::signed(ALICE), 0, BOB));
		assert_ok!(close(ALICE));
		assert_eq!((Datanets::<Test>::get(0), Deposits::<Test>::get(0)), (None, None));
		assert_eq!(Offers::<Test>::get(0), None);
		assert_eq!(free(ALICE), ENDOWMENT);
		System::assert_has_event(Event::DatanetClosed { datanet: 0 }.into());
		System::assert_last_event(Event::DatanetRemoved { datanet: 0 }.into());
		assert_noop!(close(ALICE), Error::<Test>::DatanetNotFound);
	});
}

#[test]
fn close_should_remove_the_datanet_the_second_time_when_nothing_was_accepted() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		assert_ok!(close(ALICE));
		assert_noop!(close(ALICE), Error::<Test>::DatanetClosed);
		conclude(0, Some(REJECT));
		assert_ok!(close(ALICE));
		assert_eq!(Datanets::<Test>::get(0), None);
		assert_eq!(free(ALICE), ENDOWMENT);
		// What was rejected there is still pruned like anything else.
		assert_ok!(Net::prune(RuntimeOrigin::signed(BOB), 0));
	});
}

#[test]
fn close_should_never_let_an_id_be_used_again() {
	text_net().execute(|| {
		assert_ok!(close(ALICE));
		let policy = openledger_primitives::item::Policy::open(Modality::Text, 1);
		let origin = RuntimeOrigin::signed(BOB);
		assert_ok!(Net::create_datanet(
			origin,
			Modality::Text,
			text("Next"),
			text(""),
			policy
		));
		assert!(Datanets::<Test>::get(0).is_none() && Datanets::<Test>::contains_key(1));
	});
}

#[test]
fn close_should_fail_when_the_caller_is_not_the_owner() {
	text_net().execute(|| {
		assert_noop!(close(BOB), Error::<Test>::NotOwner);
	});
}
