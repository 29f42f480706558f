use crate::{mock::*, Contents, Datanets, Error, Event, Items, Neighbours, Standings};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::{next_root, Outcome},
	points::POINT,
	rank::Standing,
	traits::{Docket, Pool},
	vote::{Reason, Verdict},
};
use sp_runtime::ArithmeticError;

const ACCEPT: Verdict = Verdict::Accept { score: 80, units: 10 };
const DUPLICATE: Verdict = Verdict::Reject {
	reason: Reason::Duplicate,
};
const OFF_TOPIC: Verdict = Verdict::Reject {
	reason: Reason::OffTopic,
};

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn conclude_should_make_a_version_when_the_item_is_accepted() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_eq!(Net::conclude(0, Some(ACCEPT), 33), Ok(Some(ACCEPT)));
		let root = next_root([0; 32], 0, 1, &payload(5, 100), &BOB);
		let datanet = Datanets::<Test>::get(0).unwrap();
		assert_eq!(
			(datanet.version, datanet.root, datanet.points),
			(1, root, 8 * u128::from(POINT))
		);
		assert_eq!(
			Items::<Test>::get(0).unwrap().outcome,
			Outcome::Accepted {
				version: 1,
				score: 80,
				units: 10
			}
		);
		assert_eq!(Items::<Test>::get(0).unwrap().possession, None);
		assert_eq!(Contents::<Test>::get([5; 32]).accepted, Some(0));
		assert_eq!(
			Standings::<Test>::get(0, BOB),
			Standing {
				accepted: 1,
				rejected: 0,
				score_sum: 80
			}
		);
		System::assert_last_event(
			Event::ItemAccepted {
				item: 0,
				datanet: 0,
				version: 1,
				root,
				points: 8 * POINT,
				epoch: EPOCH,
			}
			.into(),
		);
	});
}

#[test]
fn conclude_should_award_contributor_and_owner_the_same_points() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(Net::conclude(0, Some(ACCEPT), 33));
		let points = 8 * u128::from(POINT);
		let expected = [
			((Pool::Contributors(Modality::Text), BOB), points),
			((Pool::Owners, ALICE), points),
		];
		assert_eq!(Awards::get(), expected.into());
		assert_eq!(AwardedAt::get(), 33);
	});
}

#[test]
fn conclude_should_count_no_more_units_than_bytes_when_a_panel_says_more() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 20));
		let panel = Verdict::Accept {
			score: 80,
			units: u32::MAX,
		};
		let counted = Verdict::Accept { score: 80, units: 20 };
		assert_eq!(Net::conclude(0, Some(panel), 33), Ok(Some(counted)));
		assert_eq!(Datanets::<Test>::get(0).unwrap().points, 16 * u128::from(POINT));
	});
}

#[test]
fn conclude_should_count_a_rejection() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_eq!(Net::conclude(0, Some(OFF_TOPIC), 3), Ok(Some(OFF_TOPIC)));
		assert_eq!(
			Items::<Test>::get(0).unwrap().outcome,
			Outcome::Rejected {
				reason: Reason::OffTopic
			}
		);
		assert_eq!(
			Standings::<Test>::get(0, BOB),
			Standing {
				accepted: 0,
				rejected: 1,
				score_sum: 0
			}
		);
		assert_eq!(Datanets::<Test>::get(0).unwrap().rejected, 1);
		assert!(Awards::get().is_empty());
		System::assert_last_event(
			Event::ItemRejected {
				item: 0,
				reason: Reason::OffTopic,
			}
			.into(),
		);
		// The content is free again.
		assert_ok!(submit(CAROL, 0, 5, 100));
	});
}

#[test]
fn conclude_should_not_count_when_no_round_decided() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_eq!(Net::conclude(0, None, 3), Ok(None));
		assert_eq!(Items::<Test>::get(0).unwrap().outcome, Outcome::Expired);
		assert_eq!(Standings::<Test>::get(0, BOB), Standing::default());
		System::assert_last_event(Event::ItemExpired { item: 0 }.into());
		assert_ok!(submit(BOB, 0, 5, 100));
	});
}

#[test]
fn conclude_should_fail_when_an_earlier_claim_is_open() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(submit(CAROL, 0, 5, 100));
		assert_noop!(Net::conclude(1, Some(ACCEPT), 3), Error::<Test>::EarlierClaimOpen);
		assert_ok!(Net::conclude(0, Some(OFF_TOPIC), 3));
		assert_eq!(Net::conclude(1, Some(ACCEPT), 3), Ok(Some(ACCEPT)));
	});
}

#[test]
fn conclude_should_reject_a_later_claim_without_waiting_when_its_verdict_is_to_reject() {
	text_net().execute(|| {
		for who in [BOB, CAROL, ALICE] {
			assert_ok!(submit(who, 0, 5, 100));
		}
		assert_ok!(Net::conclude(1, Some(OFF_TOPIC), 3));
		assert_noop!(Net::conclude(2, Some(ACCEPT), 3), Error::<Test>::EarlierClaimOpen);
		assert_ok!(Net::conclude(0, None, 3));
		assert_ok!(Net::conclude(2, Some(ACCEPT), 3));
		assert_eq!(Neighbours::<Test>::iter().count(), 0);
	});
}

#[test]
fn conclude_should_reject_as_duplicate_when_an_earlier_claim_was_accepted() {
	text_net().with_datanet(Modality::Text).execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(submit(CAROL, 1, 5, 100));
		assert_ok!(Net::conclude(0, Some(ACCEPT), 3));
		assert_eq!(Net::conclude(1, Some(ACCEPT), 3), Ok(Some(DUPLICATE)));
		assert_eq!(
			Items::<Test>::get(1).unwrap().outcome,
			Outcome::Rejected {
				reason: Reason::Duplicate
			}
		);
		assert_eq!(Datanets::<Test>::get(1).unwrap().version, 0);
		assert_eq!(Contents::<Test>::get([5; 32]).accepted, Some(0));
	});
}

#[test]
fn conclude_should_decide_what_was_in_review_when_the_datanet_was_closed() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_ok!(Net::conclude(0, Some(ACCEPT), 3));
		assert_eq!(Datanets::<Test>::get(0).unwrap().version, 1);
	});
}

#[test]
fn conclude_should_fail_when_there_is_no_such_item() {
	text_net().execute(|| {
		assert_noop!(Net::conclude(0, None, 3), Error::<Test>::ItemNotFound);
	});
}

#[test]
fn conclude_should_fail_when_the_item_is_decided() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(Net::conclude(0, None, 3));
		assert_noop!(Net::conclude(0, Some(ACCEPT), 3), Error::<Test>::ItemNotInReview);
	});
}

#[test]
fn conclude_should_fail_when_versions_are_used_up() {
	let mut ext = text_net().build();
	ext.execute_with(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		Datanets::<Test>::mutate(0, |datanet| datanet.as_mut().unwrap().version = u32::MAX);
		assert_noop!(Net::conclude(0, Some(ACCEPT), 3), ArithmeticError::Overflow);
	});
}

#[test]
fn conclude_planted_should_give_nothing_and_let_later_claims_go_on() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(submit(CAROL, 0, 5, 100));
		assert_ok!(Net::conclude_planted(0));
		System::assert_last_event(Event::ItemPlanted { item: 0 }.into());
		assert_eq!(Items::<Test>::get(0).unwrap().outcome, Outcome::Planted);
		assert_eq!(Standings::<Test>::get(0, BOB), Standing::default());
		assert_eq!(Datanets::<Test>::get(0).map(|datanet| datanet.version), Some(0));
		assert!(Awards::get().is_empty());
		// The content is still to be had.
		assert_eq!(Net::conclude(1, Some(ACCEPT), 33), Ok(Some(ACCEPT)));
	});
}

#[test]
fn conclude_planted_should_fail_when_there_is_nothing_in_review() {
	text_net().execute(|| {
		assert_noop!(Net::conclude_planted(0), Error::<Test>::ItemNotFound);
		assert_ok!(submit(BOB, 0, 5, 100));
		assert_ok!(Net::conclude(0, Some(ACCEPT), 33));
		assert_noop!(Net::conclude_planted(0), Error::<Test>::ItemNotInReview);
	});
}

#[test]
fn submission_should_name_content_and_block_while_the_item_is_in_review() {
	text_net().execute(|| {
		assert_eq!(Net::submission(0), None);
		assert_ok!(submit(BOB, 0, 5, 100));
		let submission = Net::submission(0).map(|submission| (submission.sha256, submission.submitted_at));
		assert_eq!(
			submission,
			Items::<Test>::get(0).map(|item| (item.payload.sha256, item.submitted_at))
		);
		assert_ok!(Net::conclude_planted(0));
		assert_eq!(Net::submission(0), None);
	});
}
