use crate::{mock::*, Datanets, Error, Event, Offers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::format::Modality;
use sp_runtime::DispatchResult;

fn transfer(who: AccountId, to: AccountId) -> DispatchResult {
	Net::transfer(RuntimeOrigin::signed(who), 0, to)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn transfer_should_only_offer_the_datanet() {
	text_net().execute(|| {
		assert_ok!(transfer(ALICE, BOB));
		System::assert_last_event(Event::TransferOffered { datanet: 0, to: BOB }.into());
		assert_ok!(transfer(ALICE, CAROL));
		assert_eq!(Offers::<Test>::get(0), Some(CAROL));
		assert_eq!(Datanets::<Test>::get(0).unwrap().owner, ALICE);
	});
}

#[test]
fn transfer_should_take_the_offer_back_when_it_is_to_oneself() {
	text_net().execute(|| {
		assert_ok!(transfer(ALICE, BOB));
		assert_ok!(transfer(ALICE, ALICE));
		assert_eq!(Offers::<Test>::get(0), None);
		System::assert_last_event(Event::OfferWithdrawn { datanet: 0 }.into());
		assert_noop!(transfer(ALICE, ALICE), Error::<Test>::NotOffered);
	});
}

#[test]
fn transfer_should_fail_when_the_caller_is_not_the_owner() {
	text_net().execute(|| {
		assert_noop!(transfer(BOB, BOB), Error::<Test>::NotOwner);
		assert_noop!(
			Net::transfer(RuntimeOrigin::signed(ALICE), 1, BOB),
			Error::<Test>::DatanetNotFound
		);
	});
}
