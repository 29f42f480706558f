use crate::{
	item,
	quota::{Limits, DAY_MILLIS},
	Balance, OPEN,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
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
