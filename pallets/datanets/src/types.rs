//! Parameters and records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{
	item,
	quota::{Limits, DAY_MILLIS},
	Balance, OPEN,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What contributing is bounded by and costs. Amounts in plancks.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(default, deny_unknown_fields)]
pub struct DatanetParams {
	/// What an account may contribute in a UTC day.
	pub limits: Limits,
	/// Held from an account while it contributes: accounts are cheap, and each brings a quota.
	pub contributor_hold: Balance,
	/// Days after its last submission until an account can have its hold back.
	pub hold_days: u32,
	/// The part of the review fee that does not depend on the size.
	pub review_fee_base: Balance,
	/// The part of the review fee for each KiB begun.
	pub review_fee_per_kib: Balance,
	/// Held from the owner of a Datanet while it exists.
	pub datanet_deposit: Balance,
}

impl Default for DatanetParams {
	fn default() -> Self {
		Self {
			limits: Limits::default(),
			contributor_hold: 10 * OPEN,
			hold_days: 30,
			review_fee_base: OPEN / 100,
			review_fee_per_kib: OPEN / 10_000,
			datanet_deposit: 100 * OPEN,
		}
	}
}

impl DatanetParams {
	/// The review fee in plancks of a file of `bytes` whose content was submitted `earlier_attempts` times before.
	pub fn review_fee(&self, bytes: u32, earlier_attempts: u16) -> Balance {
		item::review_fee(self.review_fee_base, self.review_fee_per_kib, bytes, earlier_attempts)
	}

	/// The Unix time in milliseconds until which a hold lasts that is taken or refreshed at `now_millis`.
	pub fn hold_until(&self, now_millis: u64) -> u64 {
		now_millis.saturating_add(u64::from(self.hold_days) * DAY_MILLIS)
	}
}

/// What an account has on hold for contributing.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Hold {
	/// Plancks.
	pub amount: Balance,
	/// Unix time in milliseconds from which it can be released.
	pub until_millis: u64,
}

/// The deposit of a Datanet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Deposit<AccountId> {
	/// Whose balance it is held from.
	pub who: AccountId,
	/// Plancks.
	pub amount: Balance,
}

/// The points of one contributor at a version of a Datanet.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Checkpoint {
	/// The version that one of the contributor's items made.
	pub version: u32,
	/// Sum of the points of the contributor's items up to and with that version.
	pub points: u128,
}

/// How much an account may still contribute today.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct QuotaLeft {
	/// Bytes to all Datanets together.
	pub bytes: u32,
	/// Files to all Datanets together.
	pub files: u32,
	/// Bytes to the Datanet asked about.
	pub datanet_bytes: u32,
	/// Unix time in milliseconds at which the quota is whole again.
	pub resets_at: u64,
}
