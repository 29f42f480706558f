use crate::{mock::*, Contents, Datanets, Error, Event, Items, Standings};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::Content,
	rank::Standing,
	traits::Docket,
	vote::{Reason, Verdict},
};
use sp_runtime::DispatchResult;

const REJECT: Verdict = Verdict::Reject {
	reason: Reason::OffTopic,
};

fn prune(item: u64) -> DispatchResult {
	Net::prune(RuntimeOrigin::signed(POOR), item)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn prune_should_remove_a_rejected_item_and_leave_attempts_and_standing() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		conclude(0, Some(REJECT));
		assert_ok!(prune(0));
		assert_eq!(Items::<Test>::get(0), None);
		assert_eq!(
			Contents::<Test>::get([5; 32]),
			Content {
				attempts: 1,
				..Content::default()
			}
		);
		assert_eq!(
			Standings::<Test>::get(0, BOB),
			Standing {
				rejected: 1,
				..Standing::default()
			}
		);
		assert_eq!(Datanets::<Test>::get(0).unwrap().rejected, 1);
		System::assert_last_event(Event::ItemPruned { item: 0 }.into());
		assert_noop!(prune(0), Error::<Test>::ItemNotFound);
	});
}

#[test]
fn prune_should_remove_what_expired_was_withdrawn_or_planted() {
	text_net().execute(|| {
		for seed in 0..3 {
			assert_ok!(submit(BOB, 0, seed, 1));
		}
		conclude(0, None);
		assert_ok!(Net::withdraw(RuntimeOrigin::signed(BOB), 1));
		assert_ok!(Net::conclude_planted(2));
		Cases::mutate(|cases| cases.clear());
		for item in 0..3 {
			assert_ok!(prune(item));
		}
		assert_eq!(Items::<Test>::iter().count(), 0);
	});
}

#[test]
fn prune_should_leave_the_days_quota_used() {
	text_net().execute(|| {
		for seed in 0..20 {
			assert_ok!(submit(BOB, 0, seed, 1));
			conclude(seed.into(), Some(REJECT));
			assert_ok!(prune(seed.into()));
		}
		assert_noop!(submit(BOB, 0, 20, 1), Error::<Test>::DailyFilesExceeded);
	});
}

#[test]
fn prune_should_fail_when_the_court_is_not_done() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		assert_noop!(prune(0), Error::<Test>::ItemHasCase);
		assert_ok!(Net::conclude(0, Some(REJECT), 3));
		assert_noop!(prune(0), Error::<Test>::ItemHasCase);
		Cases::mutate(|cases| cases.clear());
		assert_ok!(prune(0));
	});
}

#[test]
fn prune_should_fail_when_the_item_is_in_review_without_a_case() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 1));
		Cases::mutate(|cases| cases.clear());
		assert_noop!(prune(0), Error::<Test>::ItemHasCase);
	});
}

#[test]
fn prune_should_fail_when_the_item_is_in_a_version() {
	text_net().execute(|| {
		let item = accepted(5);
		assert_noop!(prune(item), Error::<Test>::ItemInVersion);
	});
}
