//! The pure rules of the parameters, and the stored encodings.

use super::*;
use openledger_primitives::format::Modality;
use proptest::prelude::*;

const TEXT: Pool = Pool::Contributors(Modality::Text);

#[test]
fn payout_should_be_the_pools_part_when_there_are_points_enough() {
	let params = RewardParams::default();
	let points = u128::MAX;
	assert_eq!(params.payout(TEXT, 3_000, points), 700);
	assert_eq!(params.payout(Pool::Validators, 3_000, points), 600);
	assert_eq!(params.payout(Pool::Owners, 3_000, points), 300);
}

#[test]
fn payout_should_be_capped_by_points_when_they_are_few() {
	let params = RewardParams::default();
	assert_eq!(params.payout(TEXT, u128::MAX, 3 * u128::from(POINT)), 3 * OPEN / 200);
	assert_eq!(params.payout(TEXT, u128::MAX, 0), 0);
}

#[test]
fn payout_should_be_nothing_for_a_pool_that_sponsors_pay() {
	assert_eq!(
		RewardParams::default().payout(Pool::Datanet(0), u128::MAX, u128::MAX),
		0
	);
}

#[test]
fn sponsored_should_be_a_part_then_the_least_then_the_rest() {
	let params = RewardParams::default();
	assert_eq!(params.sponsored(3_000 * OPEN), 100 * OPEN);
	assert_eq!(params.sponsored(299 * OPEN), 10 * OPEN);
	assert_eq!(params.sponsored(9 * OPEN), 9 * OPEN);
	assert_eq!(params.sponsored(0), 0);
}

#[test]
fn check_should_name_what_is_wrong() {
	type Change = fn(&mut RewardParams);
	let wrong: [(&str, Change); 6] = [
		("epoch_millis", |params| params.epoch_millis = 0),
		("budget_ppm", |params| params.budget_ppm = 1_000_001),
		("shares", |params| params.shares.owners = 11),
		("expire_epochs", |params| params.expire_epochs = 0),
		("sponsor_epochs", |params| params.sponsor_epochs = 0),
		("min_sponsorship", |params| params.min_sponsorship = 0),
	];
	assert_eq!(RewardParams::default().check(), Ok(()));
	for (name, change) in wrong {
		let mut params = RewardParams::default();
		change(&mut params);
		assert!(params.check().unwrap_err().starts_with(name), "{name}");
	}
}

/// The bytes of a value that fits its type, in hexadecimal digits.
fn digits(value: &impl Encode) -> String {
	value.using_encoded(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// 16 bytes, little-endian.
fn u128_digits(value: u8) -> String {
	format!("{value:02x}{}", "00".repeat(15))
}

#[test]
fn stored_encodings_should_not_move() {
	let (one, two, three) = (u128_digits(1), u128_digits(2), u128_digits(3));
	let pools = [
		(Pool::Contributors(Modality::Text), "0000"),
		(Pool::Contributors(Modality::Image), "0001"),
		(Pool::Contributors(Modality::Audio), "0002"),
		(Pool::Validators, "01"),
		(Pool::Owners, "02"),
		(Pool::Datanet(7), "0307000000"),
	];
	for (pool, expected) in pools {
		assert_eq!(digits(&pool), expected, "{pool:?}");
	}
	let params = RewardParams {
		epoch_millis: 4,
		budget_ppm: 5,
		shares: PerKind {
			contributors: 70,
			validators: 20,
			owners: 10,
		},
		max_pay_per_point: PerKind {
			contributors: 1,
			validators: 2,
			owners: 3,
		},
		expire_epochs: 6,
		sponsor_epochs: 7,
		min_sponsorship: 1,
	};
	let params_digits =
		format!("04000000000000000500000046000000140000000a000000{one}{two}{three}0600000007000000{one}");
	assert_eq!(digits(&params), params_digits);
	let epoch = Epoch {
		start_millis: 8,
		start_block: 9,
		budget: 2,
		state: EpochState::Closed,
		params,
	};
	assert_eq!(
		digits(&epoch),
		format!("080000000000000009000000{two}01{params_digits}")
	);
	let book = PoolBook {
		points: 1,
		payout: 2,
		claimed_points: 3,
		claimed: 4,
	};
	assert_eq!(digits(&book), format!("{one}{two}{three}{}", u128_digits(4)));
	let fee = Fee {
		datanet: 10,
		version: 11,
		amount: 1,
		epoch: 12,
		points: 2,
		claimed_points: 3,
		claimed: 1,
	};
	assert_eq!(digits(&fee), format!("0a0000000b000000{one}0c000000{two}{three}{one}"));
	let sponsorship = Sponsorship {
		balance: 3,
		touched: 13,
	};
	assert_eq!(digits(&sponsorship), format!("{three}0d000000"));
}

proptest! {
	#[test]
	fn payouts_should_never_exceed_the_budget(budget: u128, points: [u128; 5]) {
		let params = RewardParams::default();
		let budget = budget / 2;
		let paid: u128 = Pool::ALL.into_iter().zip(points).map(|(pool, points)| params.payout(pool, budget, points)).sum();
		prop_assert!(paid <= budget);
	}

	#[test]
	fn sponsored_pools_should_use_up_what_there_is(balance in 1u128..1_000_000 * OPEN) {
		let params = RewardParams::default();
		let (mut left, mut epochs) = (balance, 0);
		while left > 0 {
			let pays = params.sponsored(left);
			prop_assert!(pays > 0 && pays <= left);
			left -= pays;
			epochs += 1;
		}
		// By thirtieths a million OPEN falls below 300 within 240 epochs; ten a time are 30 more.
		prop_assert!(epochs <= 270, "{} epochs", epochs);
	}
}
