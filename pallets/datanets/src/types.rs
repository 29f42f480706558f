//! Parameters and records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{
	item::{self, Item},
	quota::{Limits, DAY_MILLIS},
	ActiveBlock, Balance, OPEN,
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
	/// Held for a request for access or a grant, while it stands.
	pub access_deposit: Balance,
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
			access_deposit: OPEN,
		}
	}
}

impl DatanetParams {
	/// Whether files can be contributed, and whatever is stored is paid for.
	pub fn is_valid(&self) -> bool {
		let Limits {
			file_bytes,
			account_bytes,
			account_files,
			datanet_bytes,
		} = self.limits;
		let prices = [
			self.contributor_hold,
			self.review_fee_base,
			self.datanet_deposit,
			self.access_deposit,
		];
		[file_bytes, account_bytes, account_files, datanet_bytes]
			.iter()
			.all(|limit| *limit > 0)
			&& prices.iter().all(|price| *price > 0)
	}

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

/// A request for access to a restricted Datanet, or a grant.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Access<AccountId> {
	/// The last active block at which the account may request a training; `None`: it has asked, and nobody answered.
	pub until: Option<ActiveBlock>,
	/// Of the account if it asked, else of the owner that granted unasked.
	pub deposit: Deposit<AccountId>,
}

/// Whether an account may train on a Datanet.
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
#[serde(rename_all = "snake_case")]
pub enum AccessStatus {
	/// No: the Datanet is closed.
	Closed,
	/// Yes: everybody may.
	Open,
	/// Yes: it is its own.
	Owner,
	/// No: the Datanet is restricted, and the account has not asked.
	Denied,
	/// Not yet: the account has asked.
	Requested,
	/// Yes, up to and with this active block.
	Granted {
		/// The last block.
		until: ActiveBlock,
	},
	/// Not any more.
	Expired {
		/// The last block at which it could.
		until: ActiveBlock,
	},
}

/// An item and what can become of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ItemView<AccountId> {
	/// The record.
	pub item: Item<AccountId>,
	/// The number of the exclusion that took it down, if it was.
	pub exclusion: Option<u32>,
	/// Whether anybody can remove the record.
	pub can_be_pruned: bool,
}
