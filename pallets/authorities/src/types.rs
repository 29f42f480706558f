//! What the pallet stores and answers.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{Balance, OPEN};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::Perbill;
use sp_staking::SessionIndex;

/// What it takes to be an authority, and to cease to be one.
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
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuthorityParams {
	/// Least bond of an account that is put on the list, plancks; above zero.
	pub min_bond: Balance,
	/// Least part of the bond that an equivocation costs, parts of a billion; above zero. With many authorities the
	/// fraction that consensus asks for a single offender is next to nothing.
	pub min_slash: Perbill,
}

impl Default for AuthorityParams {
	fn default() -> Self {
		Self {
			// Five times the stake that makes a validator of note: an authority can hurt everybody.
			min_bond: 50_000 * OPEN,
			min_slash: Perbill::from_percent(10),
		}
	}
}

impl AuthorityParams {
	/// Whether an authority has something to lose, and loses it.
	pub fn is_valid(&self) -> bool {
		self.min_bond > 0 && !self.min_slash.is_zero()
	}
}

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
