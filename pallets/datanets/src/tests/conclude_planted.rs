use crate::{mock::*, Contents, Datanets, Error, Event, Items, Standings};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::{Content, Outcome},
	rank::Standing,
	traits::Docket,
	vote::Verdict,
};

const ACCEPT: Verdict = Verdict::Accept { score: 80, units: 10 };

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn conclude_planted_should_earn_nothing_and_count_for_nobody() {
	text_net().execute(|| {
		accepted(4);
		let awards = Awards::get();
		let datanet = Datanets::<Test>::get(0).unwrap();
		let standing = Standings::<Test>::get(0, BOB);
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(Net::conclude_planted(1));
		let item = Items::<Test>::get(1).unwrap();
		assert_eq!((item.outcome, item.possession), (Outcome::Planted, None));
		assert_eq!(
			Datanets::<Test>::get(0),
			Some(datanet),
			"no version, no rejection, no review"
		);
		assert_eq!(Standings::<Test>::get(0, BOB), standing);
		assert_eq!(Standings::<Test>::get(0, ALICE), Standing::default());
		assert_eq!(Awards::get(), awards);
		System::assert_last_event(Event::ItemPlanted { item: 1 }.into());
	});
}

#[test]
fn conclude_planted_should_keep_the_attempt_so_that_sending_it_again_gets_dearer() {
	text_net().execute(|| {
		assert_ok!(submit(ALICE, 0, 5, 100));
		let once = Cases::get()[&0];
		assert_ok!(Net::conclude_planted(0));
		assert_eq!(
			Contents::<Test>::get([5; 32]),
			Content {
				attempts: 1,
				..Content::default()
			}
		);
		assert_ok!(submit(ALICE, 0, 5, 100));
		assert_eq!(Cases::get()[&1], 2 * once);
	});
}

#[test]
fn conclude_planted_should_let_the_next_claim_on_the_content_be_accepted() {
	text_net().execute(|| {
		assert_ok!(submit(ALICE, 0, 5, 100));
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_noop!(Net::conclude(1, Some(ACCEPT), 3), Error::<Test>::EarlierClaimOpen);
		assert_ok!(Net::conclude_planted(0));
		assert_eq!(Net::conclude(1, Some(ACCEPT), 3), Ok(Some(ACCEPT)));
		assert_eq!(Contents::<Test>::get([5; 32]).accepted, Some(1));
	});
}

#[test]
fn conclude_planted_should_fail_when_the_item_is_not_in_review() {
	text_net().execute(|| {
		assert_noop!(Net::conclude_planted(0), Error::<Test>::ItemNotFound);
		let item = accepted(5);
		assert_noop!(Net::conclude_planted(item), Error::<Test>::ItemNotInReview);
		assert_ok!(submit(BOB, 0, 6, 100));
		assert_ok!(Net::conclude_planted(1));
		assert_noop!(Net::conclude_planted(1), Error::<Test>::ItemNotInReview);
		assert_noop!(Net::conclude(1, Some(ACCEPT), 3), Error::<Test>::ItemNotInReview);
	});
}
