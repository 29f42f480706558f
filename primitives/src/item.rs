//! Datanets, items, and what became of them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{
	challenge::Penalty,
	format::Modality,
	payload::Payload,
	points::AcceptShare,
	tally::{Tally, Width},
	vote::{Reason, Verdict},
	ActiveBlock, Balance, DatanetId, ItemId, RoundIndex, SessionIndex,
};

/// Longest name of a Datanet in bytes: a line in a list.
pub const MAX_NAME: u32 = 64;
/// Longest description of a Datanet in bytes, markdown: a page.
pub const MAX_DESCRIPTION: u32 = 2_048;

/// UTF-8 text of at most `N` bytes.
pub type Text<const N: u32> = BoundedVec<u8, ConstU32<N>>;

/// A collection of accepted items of one modality.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Datanet<AccountId> {
	pub owner: AccountId,
	pub modality: Modality,
	/// UTF-8.
	pub name: Text<MAX_NAME>,
	/// UTF-8, markdown.
	pub description: Text<MAX_DESCRIPTION>,
	/// Largest file taken, in bytes.
	pub max_file_bytes: u32,
	/// Closed Datanets take no items and no training jobs.
	pub closed: bool,
	/// The newest version: how many items were accepted.
	pub version: u32,
	/// The digest that names the newest version: see [`next_root`].
	pub root: [u8; 32],
	/// Sum of the points of all accepted items.
	pub points: u128,
	pub rejected: u32,
}

/// The root of version `n` from that of version `n - 1`:
/// `blake2_256(root ‖ datanet ‖ n ‖ SCALE(payload) ‖ sha256 ‖ contributor)`, numbers in SCALE. The root of version 0 is zero.
pub fn next_root<AccountId: Encode>(
	root: [u8; 32],
	datanet: DatanetId,
	n: u32,
	payload: &Payload,
	contributor: &AccountId,
) -> [u8; 32] {
	blake2_256(&(root, datanet, n, payload, payload.sha256, contributor).encode())
}

/// What a version of a Datanet added: it is the first `n` entries, for ever.
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
pub struct VersionEntry {
	/// The item that made this version.
	pub item: ItemId,
	pub root: [u8; 32],
	/// Sum of the points of the items up to and with this one.
	pub points: u128,
}

/// A contribution.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Item<AccountId> {
	pub datanet: DatanetId,
	pub contributor: AccountId,
	pub payload: Payload,
	/// `blake2_256(account ‖ bytes)`: only who has the bytes can make it.
	pub possession: [u8; 32],
	pub submitted_at: ActiveBlock,
	/// The UTC day whose quota it was charged to.
	pub day: u32,
	pub outcome: Outcome,
}

/// What became of an item. While it is in review, the court's [`Case`] says how far it is.
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
pub enum Outcome {
	InReview,
	Withdrawn,
	Accepted {
		/// The version of the Datanet that this item made.
		version: u32,
		score: u8,
		units: u32,
	},
	Rejected {
		reason: Reason,
	},
	/// No round decided.
	Expired,
	/// A test of the panel by the Datanet's owner, opened before it became final.
	Planted,
}

/// The line of claims on one content, keyed by its sha2-256. Claims are judged in parallel, and one can be accepted
/// only when those before it have failed.
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
pub struct Content {
	/// The item that holds this content for good.
	pub accepted: Option<ItemId>,
	/// The last claim in the line.
	pub last: Option<ItemId>,
	/// How often this content was submitted and not withdrawn.
	pub attempts: u16,
}

/// A claim's neighbours in the line of its content.
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
pub struct Neighbours {
	pub previous: Option<ItemId>,
	pub next: Option<ItemId>,
}

/// The court's record of an item in review, kept until its last vote is settled.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Case<AccountId> {
	pub datanet: DatanetId,
	pub modality: Modality,
	/// May not vote on it.
	pub contributor: AccountId,
	/// The round that is open or was the last.
	pub round: RoundIndex,
	pub phase: Phase,
	/// The part of the review fee that no round has earned yet.
	pub fee: Balance,
	/// Votes of all rounds that are not settled.
	pub unsettled: u32,
	/// How often it was challenged.
	pub challenges: u8,
	/// Which of its votes were shown to be wrong and lose their reserve.
	pub penalty: Option<Penalty<AccountId>>,
}

/// How far a case is.
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
pub enum Phase {
	/// A round is open.
	Voting,
	/// Decided, and final after `until` unless challenged.
	Provisional { verdict: Verdict, until: ActiveBlock },
	/// A round on the verdict is open, which a challenge called.
	Challenged { verdict: Verdict },
	/// A round on the verdict is open, which an opened plant called. The Datanet's owner had committed to what is right.
	OnTrial {
		verdict: Verdict,
		/// Whether accepting the item is right, by the plant.
		right: bool,
	},
	/// Final since the deadline `at`; votes are settled by `outcome`, the panel's verdict. `None`: no round decided.
	Final {
		outcome: Option<Verdict>,
		recent: AcceptShare,
		at: ActiveBlock,
	},
}

impl Phase {
	/// Whether a round is open.
	pub fn is_voting(&self) -> bool {
		matches!(self, Phase::Voting | Phase::Challenged { .. } | Phase::OnTrial { .. })
	}
}

/// One round of votes on an item, with the parameters it was opened under.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct Round {
	pub opened_at: ActiveBlock,
	/// The block whose randomness is this round's seed. Votes are committed after it.
	pub seed_at: ActiveBlock,
	/// The last block that takes commitments.
	pub commit_until: ActiveBlock,
	/// The last block that takes reveals.
	pub reveal_until: ActiveBlock,
	/// The session whose stakes count.
	pub session: SessionIndex,
	/// Sum of the stakes for the item's modality in that session, plancks.
	pub total_stake: Balance,
	pub width: Width,
	/// What each unit of weight puts at risk, plancks.
	pub risk: Balance,
	pub tally: Tally,
	/// Votes not settled.
	pub unsettled: u32,
	/// The part of the review fee that this round's revealed weight shares.
	pub fee: Balance,
	/// What of `fee` settled votes were paid.
	pub paid: Balance,
}

/// One validator's vote in one round.
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
pub struct Vote {
	pub commitment: [u8; 32],
	/// Zero once somebody showed the preimage before reveals were due: the vote is void.
	pub weight: u32,
	pub verdict: Option<Verdict>,
}

/// A small fee for a review, the same whatever the verdict: `(base + per_kib * ceil(KiB)) * 2^(earlier attempts)`.
/// Resubmitting until a lucky panel comes does not pay.
pub fn review_fee(base: Balance, per_kib: Balance, bytes: u32, earlier_attempts: u16) -> Balance {
	let once = base.saturating_add(per_kib.saturating_mul(Balance::from(bytes.div_ceil(1_024))));
	once.saturating_mul(1 << earlier_attempts.min(20))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_review_fee_doubles_with_each_attempt() {
		assert_eq!(review_fee(100, 1, 1, 0), 101);
		assert_eq!(review_fee(100, 1, 1_025, 0), 102);
		assert_eq!(review_fee(100, 1, 1_025, 3), 816);
		assert!(review_fee(100, 1, 1, u16::MAX) >= 101 << 20);
	}
}
