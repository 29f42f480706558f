//! The stored encodings.

use super::*;
use crate::{fee::Fee, format::Modality, params::PerKind, traits::Pool};
use alloc::{format, string::String};

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
