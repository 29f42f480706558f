//! What contributors and owners have on hold, and what requests for access and grants are.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{ActiveBlock, Balance};

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

/// A request for access to a restricted Datanet, or a grant.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Access<AccountId> {
	/// The last active block at which the account may request a training; `None`: it has asked, and nobody answered.
	pub until: Option<ActiveBlock>,
	/// Of the account if it asked, else of the owner that granted unasked.
	pub deposit: Deposit<AccountId>,
}
