//! What the pallet stores and answers.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::Balance;
use scale_info::TypeInfo;
use sp_runtime::Perbill;
use sp_staking::SessionIndex;

/// A runtime that waits to be authorized.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Upgrade<Hash, BlockNumber> {
	/// Of its code.
	pub code_hash: Hash,
	/// The block from which anybody may enact it.
	pub enact_at: BlockNumber,
}

/// Who left the list for an offence, and still has a place in the set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Offender<AccountId> {
	/// The account.
	pub who: AccountId,
	/// How grave its gravest offence is.
	pub severity: Perbill,
	/// The last session that it has a place in.
	pub until: SessionIndex,
}

/// What the chain knows of somebody as an authority.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct AuthorityStatus {
	/// Whether it is on the list.
	pub listed: bool,
	/// What it has put up, plancks.
	pub bond: Balance,
	/// The session from which it can withdraw; `None` as long as it is listed.
	pub withdrawable_in: Option<SessionIndex>,
}
