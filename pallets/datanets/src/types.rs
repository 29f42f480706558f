//! Records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{item::Item, ActiveBlock, Balance};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

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
