use crate::{
	mock::*, Contents, DatanetParams, Datanets, DayUses, Error, Event, Holds, Items, Neighbours, NextItem, Params,
};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::{Format, FormatSet, Modality},
	item::{Content, Item, Neighbours as LineNeighbours, Outcome},
	payload::{CidCodec, Payload, CHUNK_BYTES},
	quota::{Limits, DAY_MILLIS},
	vote::Verdict,
	OPEN,
};
use sp_runtime::{ArithmeticError, TokenError};

const MB: u32 = 1_000_000;

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn submit_should_store_the_item_and_open_its_case() {
	text_net().execute(|| {
		assert_ok!(Net::submit(RuntimeOrigin::signed(BOB), 0, payload(5, 1_500), [9; 32]));
		let fee = OPEN / 100 + 2 * OPEN / 10_000;
		let expected = Item {
			datanet: 0,
			contributor: BOB,
			payload: payload(5, 1_500),
			possession: Some([9; 32]),
			submitted_at: 1,
			day: 20_000,
			outcome: Outcome::InReview,
		};
		assert_eq!(Items::<Test>::get(0), Some(expected));
		assert_eq!(Cases::get().get(&0), Some(&fee));
		assert_eq!(Datanets::<Test>::get(0).unwrap().in_review, 1);
		assert_eq!(
			Contents::<Test>::get([5; 32]),
			Content {
				accepted: None,
				last: Some(0),
				attempts: 1
			}
		);
		assert_eq!(free(BOB), ENDOWMENT - fee - 10 * OPEN);
		assert_eq!(free(FEE_ACCOUNT), ENDOWMENT + fee);
		System::assert_has_event(
			Event::HoldTaken {
				who: BOB,
				amount: 10 * OPEN,
			}
			.into(),
		);
		System::assert_last_event(
			Event::ItemSubmitted {
				item: 0,
				datanet: 0,
				contributor: BOB,
				sha256: [5; 32],
				fee,
			}
			.into(),
		);
	});
}

#[test]
fn submit_should_fail_when_there_is_no_such_datanet() {
	text_net().execute(|| {
		assert_noop!(submit(BOB, 1, 5, 10), Error::<Test>::DatanetNotFound);
	});
}

#[test]
fn submit_should_fail_when_the_datanet_is_closed() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 4, 10));
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_noop!(submit(BOB, 0, 5, 10), Error::<Test>::DatanetClosed);
	});
}

#[test]
fn submit_should_fail_when_the_file_is_empty() {
	text_net().execute(|| {
		assert_noop!(submit(BOB, 0, 5, 0), Error::<Test>::EmptyFile);
	});
}

#[test]
fn submit_should_fail_when_the_file_is_over_the_datanets_cap() {
	text_net().execute(|| {
		set_policy(0, |policy| policy.max_file_bytes = 100);
		assert_noop!(submit(BOB, 0, 5, 101), Error::<Test>::FileTooLarge);
		assert_ok!(submit(BOB, 0, 5, 100));
	});
}

#[test]
fn submit_should_fail_when_the_file_is_over_the_chains_cap() {
	text_net().execute(|| {
		assert_noop!(submit(BOB, 0, 5, 10 * MB + 1), Error::<Test>::FileTooLarge);
		assert_ok!(submit(BOB, 0, 5, 10 * MB));
	});
}

#[test]
fn submit_should_fail_when_the_file_is_smaller_than_the_datanet_takes() {
	text_net().execute(|| {
		set_policy(0, |policy| policy.min_file_bytes = 100);
		assert_noop!(submit(BOB, 0, 5, 99), Error::<Test>::FileTooSmall);
		assert_ok!(submit(BOB, 0, 5, 100));
	});
}

#[test]
fn submit_should_fail_when_the_datanet_does_not_take_the_format() {
	text_net().execute(|| {
		set_policy(0, |policy| policy.formats = FormatSet::of(&[Format::Pdf]));
		assert_noop!(submit(BOB, 0, 5, 10), Error::<Test>::FormatNotTaken);
		let pdf = Payload {
			format: Format::Pdf,
			..payload(5, 10)
		};
		assert_ok!(Net::submit(RuntimeOrigin::signed(BOB), 0, pdf, [0; 32]));
	});
}

#[test]
fn submit_should_fail_when_the_format_is_of_another_modality() {
	text_net().execute(|| {
		let mut image = payload(5, 10);
		image.format = Format::Png;
		assert_noop!(
			Net::submit(RuntimeOrigin::signed(BOB), 0, image, [0; 32]),
			Error::<Test>::WrongFormat
		);
	});
}

#[test]
fn submit_should_fail_when_the_cid_is_not_the_import_profiles() {
	text_net().execute(|| {
		let submit = |payload| Net::submit(RuntimeOrigin::signed(BOB), 0, payload, [0; 32]);
		let mut other_root = payload(5, CHUNK_BYTES);
		other_root.root = [6; 32];
		assert_noop!(submit(other_root), Error::<Test>::NotCanonicalCid);
		let mut wrapped = payload(5, CHUNK_BYTES);
		wrapped.codec = CidCodec::DagPb;
		assert_noop!(submit(wrapped), Error::<Test>::NotCanonicalCid);
		let mut raw = payload(5, CHUNK_BYTES + 1);
		raw.codec = CidCodec::Raw;
		assert_noop!(submit(raw), Error::<Test>::NotCanonicalCid);
		assert_ok!(submit(payload(5, CHUNK_BYTES + 1)));
	});
}

#[test]
fn submit_should_fail_when_the_content_was_accepted() {
	text_net().with_datanet(Modality::Text).execute(|| {
		assert_ok!(submit(BOB, 0, 5, 10));
		conclude(0, Some(Verdict::Accept { score: 80, units: 4 }));
		assert_noop!(submit(CAROL, 1, 5, 10), Error::<Test>::ContentAlreadyAccepted);
	});
}

#[test]
fn submit_should_fail_when_the_days_bytes_are_used_in_small_calls() {
	text_net().with_datanet(Modality::Text).execute(|| {
		for seed in 0..3 {
			assert_ok!(submit(BOB, u32::from(seed) % 2, seed, 3 * MB));
		}
		assert_noop!(submit(BOB, 1, 9, MB + 1), Error::<Test>::DailyBytesExceeded);
		assert_ok!(submit(BOB, 1, 9, MB));
		assert_noop!(submit(BOB, 1, 10, 1), Error::<Test>::DailyBytesExceeded);
		// The quota is an account's, not the chain's.
		assert_ok!(submit(CAROL, 1, 10, MB));
	});
}

#[test]
fn submit_should_fail_when_the_days_files_are_used_in_repeated_calls() {
	text_net().execute(|| {
		for seed in 0..20 {
			assert_ok!(submit(BOB, 0, seed, 1));
		}
		for seed in 20..40 {
			assert_noop!(submit(BOB, 0, seed, 1), Error::<Test>::DailyFilesExceeded);
		}
	});
}

#[test]
fn submit_should_fail_when_the_days_bytes_to_a_datanet_are_used() {
	let limits = Limits {
		datanet_bytes: 4 * MB,
		..Limits::default()
	};
	let params = DatanetParams {
		limits,
		..DatanetParams::default()
	};
	text_net().with_datanet(Modality::Text).with_params(params).execute(|| {
		assert_ok!(submit(BOB, 0, 0, 3 * MB));
		assert_noop!(submit(BOB, 0, 1, MB + 1), Error::<Test>::DatanetDailyBytesExceeded);
		assert_ok!(submit(BOB, 0, 1, MB));
		assert_ok!(submit(BOB, 1, 2, 4 * MB));
	});
}

#[test]
fn submit_should_succeed_again_when_midnight_utc_has_passed() {
	text_net().execute(|| {
		advance_millis(DAY_MILLIS / 2 - 1);
		assert_ok!(submit(BOB, 0, 0, 10 * MB));
		assert_noop!(submit(BOB, 0, 1, 1), Error::<Test>::DailyBytesExceeded);
		advance_millis(1);
		assert_ok!(submit(BOB, 0, 1, 10 * MB));
		assert_noop!(submit(BOB, 0, 2, 1), Error::<Test>::DailyBytesExceeded);
		assert_eq!(DayUses::<Test>::get(BOB).day, 20_001);
	});
}

#[test]
fn submit_should_take_the_hold_once_and_renew_it() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 0, 1_024));
		let first = Holds::<Test>::get(BOB).unwrap();
		assert_eq!(first.until_millis, NOON + 30 * DAY_MILLIS);
		let before = free(BOB);
		advance_millis(1_000);
		assert_ok!(submit(BOB, 0, 1, 1_024));
		let second = Holds::<Test>::get(BOB).unwrap();
		assert_eq!(
			(second.amount, second.until_millis),
			(first.amount, first.until_millis + 1_000)
		);
		assert_eq!(before - free(BOB), Params::<Test>::get().review_fee(1_024, 0));
	});
}

#[test]
fn submit_should_fail_when_the_hold_is_too_much() {
	text_net().execute(|| {
		assert_noop!(submit(POOR, 0, 0, 1), TokenError::FundsUnavailable);
	});
}

#[test]
fn submit_should_fail_when_the_fee_is_too_much() {
	let params = DatanetParams {
		contributor_hold: OPEN / 2,
		review_fee_base: OPEN,
		..DatanetParams::default()
	};
	text_net().with_params(params).execute(|| {
		assert_noop!(submit(POOR, 0, 0, 1), TokenError::FundsUnavailable);
	});
}

#[test]
fn submit_should_double_the_fee_with_each_attempt_at_the_same_content() {
	text_net().execute(|| {
		for (attempt, who) in [BOB, CAROL, BOB].into_iter().enumerate() {
			assert_ok!(submit(who, 0, 5, 1));
			let once = OPEN / 100 + OPEN / 10_000;
			assert_eq!(Cases::get()[&(attempt as u64)], once << attempt);
		}
	});
}

#[test]
fn submit_should_line_up_claims_on_the_same_content() {
	text_net().execute(|| {
		for who in [BOB, CAROL, ALICE] {
			assert_ok!(submit(who, 0, 5, 1));
		}
		assert_eq!(
			Neighbours::<Test>::get(0),
			Some(LineNeighbours {
				previous: None,
				next: Some(1)
			})
		);
		assert_eq!(
			Neighbours::<Test>::get(1),
			Some(LineNeighbours {
				previous: Some(0),
				next: Some(2)
			})
		);
		assert_eq!(
			Neighbours::<Test>::get(2),
			Some(LineNeighbours {
				previous: Some(1),
				next: None
			})
		);
		assert_eq!(Contents::<Test>::get([5; 32]).last, Some(2));
	});
}

#[test]
fn submit_should_fail_when_ids_are_used_up() {
	text_net().execute(|| {
		NextItem::<Test>::put(u64::MAX);
		assert_noop!(submit(BOB, 0, 0, 1), ArithmeticError::Overflow);
	});
}
