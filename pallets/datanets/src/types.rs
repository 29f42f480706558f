//! Records of this pallet alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{item::Item, ActiveBlock};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

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
