use crate::{mock::*, QuotaLeft};
use frame_support::assert_ok;
use openledger_primitives::{format::Modality, quota::DAY_MILLIS, rank::Standing, traits::Docket, vote::Verdict};

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
		assert!(standing.rank() > 0);
	});
}
