use crate::{mock::*, AccessStatus, Items, QuotaLeft, Versions};
use frame_support::assert_ok;
use openledger_primitives::{
	format::Modality,
	item::{Exclusion, ExclusionReason},
	quota::DAY_MILLIS,
	rank::Standing,
	training::DatasetRef,
	traits::Docket,
	vote::{Reason, Verdict},
};

#[test]
fn quota_left_should_count_down_and_reset_at_midnight() {
	ExtBuilder::default()
		.with_datanet(Modality::Text)
		.with_datanet(Modality::Text)
		.execute(|| {
			let resets_at = NOON + DAY_MILLIS / 2;
			assert_ok!(submit(BOB, 0, 0, 1_000_000));
			assert_ok!(submit(BOB, 1, 1, 500_000));
			let left = QuotaLeft {
				bytes: 8_500_000,
				files: 18,
				datanet_bytes: 9_000_000,
				resets_at,
			};
			assert_eq!(Net::quota_left(BOB, 0), left);
			advance_millis(DAY_MILLIS / 2);
			let whole = QuotaLeft {
				bytes: 10_000_000,
				files: 20,
				datanet_bytes: 10_000_000,
				resets_at: resets_at + DAY_MILLIS,
			};
			assert_eq!(Net::quota_left(BOB, 0), whole);
		});
}

#[test]
fn rank_should_follow_from_the_standing() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		assert_eq!(Net::rank(0, BOB), 0);
		assert_ok!(submit(BOB, 0, 0, 1));
		assert_ok!(Net::conclude(0, Some(Verdict::Accept { score: 90, units: 1 }), 3));
		let standing = Standing {
			accepted: 1,
			rejected: 0,
			score_sum: 90,
		};
		assert_eq!(Net::rank(0, BOB), standing.rank());
		assert_eq!(Net::standing(0, BOB), standing);
		assert!(standing.rank() > 0);
	});
}

fn exclude(version: u32) {
	let origin = RuntimeOrigin::signed(ALICE);
	assert_ok!(Net::exclude(origin, 0, version, ExclusionReason::Unlawful));
}

#[test]
fn review_fee_should_be_what_the_next_submission_pays() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		for item in 0..3 {
			let fee = Net::review_fee([5; 32], 2_000);
			assert_ok!(submit(BOB, 0, 5, 2_000));
			assert_eq!(Cases::get()[&item], fee);
		}
	});
}

#[test]
fn item_should_tell_whether_it_is_taken_down_or_can_be_pruned() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		assert_eq!(Net::item(0), None);
		accepted(5);
		assert_ok!(submit(BOB, 0, 6, 1));
		let view = |item| Net::item(item).map(|view| (view.exclusion, view.can_be_pruned));
		assert_eq!(Net::item(0).unwrap().item, Items::<Test>::get(0).unwrap());
		assert_eq!([0, 1].map(view), [Some((None, false)); 2]);
		exclude(1);
		let reason = Reason::LowQuality;
		assert_ok!(Net::conclude(1, Some(Verdict::Reject { reason }), 3));
		assert_eq!([0, 1].map(view), [Some((Some(1), false)), Some((None, false))]);
		Cases::mutate(|cases| cases.clear());
		assert_eq!(view(1), Some((None, true)));
		assert_ok!(Net::prune(RuntimeOrigin::signed(BOB), 1));
		assert_eq!(view(1), None);
	});
}

#[test]
fn versions_and_the_newest_dataset_should_be_told() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		let newest = |version, exclusions| DatasetRef {
			datanet: 0,
			version,
			exclusions,
		};
		assert_eq!((Net::newest(1), Net::newest(0)), (None, Some(newest(0, 0))));
		accepted(5);
		accepted(6);
		exclude(1);
		assert_eq!(Net::newest(0), Some(newest(2, 1)));
		assert_eq!(Net::version(0, 2), Versions::<Test>::get(0, 2));
		assert!(Net::version(0, 2).is_some() && Net::version(0, 3).is_none() && Net::version(0, 0).is_none());
	});
}

#[test]
fn exclusions_should_be_listed_in_pages() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		for seed in 0..3 {
			accepted(seed);
		}
		[3, 1, 2].into_iter().for_each(exclude);
		let versions = |from, limit| -> Vec<u32> {
			let page = Net::exclusions(0, from, limit);
			page.iter().map(|exclusion| exclusion.version).collect()
		};
		assert_eq!(versions(1, 10), [3, 1, 2]);
		assert_eq!(versions(0, 2), [3, 1]);
		assert_eq!(versions(2, 1), [1]);
		assert_eq!(versions(4, u32::MAX), [0; 0]);
		assert_eq!(versions(u32::MAX, u32::MAX), [0; 0]);
		let first = Exclusion {
			version: 3,
			item: 2,
			reason: ExclusionReason::Unlawful,
		};
		assert_eq!(Net::exclusions(0, 1, 1), [first]);
		assert_eq!(Net::exclusions(7, 1, 1), []);
	});
}

#[test]
fn a_dataset_should_be_marked_when_something_of_it_was_taken_down_later() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		for seed in 0..3 {
			accepted(seed);
		}
		let is_marked = |version, exclusions| {
			Net::is_marked(DatasetRef {
				datanet: 0,
				version,
				exclusions,
			})
		};
		assert!(!is_marked(3, 0));
		exclude(2);
		// Its version has the item, and its exclusions do not.
		assert!(is_marked(2, 0) && is_marked(3, 0));
		assert!(!is_marked(1, 0) && !is_marked(3, 1));
		exclude(3);
		assert!(is_marked(3, 1) && !is_marked(2, 1) && !is_marked(3, 2));
	});
}

#[test]
fn access_should_tell_why_an_account_may_train_or_not() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		let access = |who| Net::access(0, who).unwrap();
		accepted(5);
		assert_eq!(Net::access(1, BOB), None);
		assert_eq!((access(ALICE), access(BOB)), (AccessStatus::Owner, AccessStatus::Open));
		set_policy(0, |policy| policy.restricted = true);
		assert_eq!(
			(access(ALICE), access(BOB)),
			(AccessStatus::Owner, AccessStatus::Denied)
		);
		assert_ok!(Net::request_access(RuntimeOrigin::signed(BOB), 0));
		assert_eq!(access(BOB), AccessStatus::Requested);
		assert_ok!(Net::grant(RuntimeOrigin::signed(ALICE), 0, BOB, 5));
		assert_eq!(access(BOB), AccessStatus::Granted { until: 5 });
		Now::set(6);
		assert_eq!(access(BOB), AccessStatus::Expired { until: 5 });
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_eq!(access(ALICE), AccessStatus::Closed);
	});
}
