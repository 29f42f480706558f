//! Datanets, items, and what became of them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{
	challenge::Penalty,
	format::{Format, FormatSet, Modality},
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

/// Longest licence in bytes: an SPDX identifier, an expression of some, or a name.
pub const MAX_LICENCE: u32 = 64;

/// UTF-8 text of at most `N` bytes.
pub type Text<const N: u32> = BoundedVec<u8, ConstU32<N>>;

/// What a Datanet takes, and under which terms it gives.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Policy {
	/// Largest file taken, in bytes.
	pub max_file_bytes: u32,
	/// Smallest file taken, in bytes.
	pub min_file_bytes: u32,
	/// Formats taken, all of the Datanet's modality.
	pub formats: FormatSet,
	/// What the items may be used for: an SPDX identifier or a name, UTF-8; empty where the owner says nothing.
	pub licence: Text<MAX_LICENCE>,
	/// Whether training asks for a grant. A gate for the licence, not for the bytes: payloads are not secret.
	pub restricted: bool,
}

/// Why a Datanet does not take a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
	/// It has no bytes.
	Empty,
	/// It is larger than the Datanet or the chain takes.
	TooLarge,
	/// It is smaller than the Datanet takes.
	TooSmall,
	/// Its format is of another modality.
	WrongFormat,
	/// Its format is of the Datanet's modality, but the Datanet does not take it.
	FormatNotTaken,
}

impl Policy {
	/// Everything of a modality, up to `max_file_bytes`, free for training.
	pub fn open(modality: Modality, max_file_bytes: u32) -> Self {
		Self {
			max_file_bytes,
			min_file_bytes: 1,
			formats: FormatSet::all(modality),
			licence: Text::default(),
			restricted: false,
		}
	}

	/// Whether some file can be taken on a chain that takes files of at most `chain_cap` bytes.
	pub fn has_valid_sizes(&self, chain_cap: u32) -> bool {
		0 < self.min_file_bytes && self.min_file_bytes <= self.max_file_bytes && self.max_file_bytes <= chain_cap
	}

	/// Whether a Datanet of this policy and modality takes a file of `size` bytes.
	pub fn check(&self, modality: Modality, chain_cap: u32, size: u32, format: Format) -> Result<(), Misfit> {
		if size == 0 {
			return Err(Misfit::Empty);
		}
		if size > self.max_file_bytes.min(chain_cap) {
			return Err(Misfit::TooLarge);
		}
		if size < self.min_file_bytes {
			return Err(Misfit::TooSmall);
		}
		if format.modality() != modality {
			return Err(Misfit::WrongFormat);
		}
		if !self.formats.contains(format) {
			return Err(Misfit::FormatNotTaken);
		}
		Ok(())
	}
}

/// A collection of accepted items of one modality.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Datanet<AccountId> {
	pub owner: AccountId,
	pub modality: Modality,
	/// UTF-8.
	pub name: Text<MAX_NAME>,
	/// UTF-8, markdown.
	pub description: Text<MAX_DESCRIPTION>,
	pub policy: Policy,
	/// Closed Datanets take no items and no training jobs.
	pub closed: bool,
	/// The newest version: how many items were accepted.
	pub version: u32,
	/// The digest that names the newest version: see [`next_root`].
	pub root: [u8; 32],
	/// Sum of the points of all accepted items.
	pub points: u128,
	pub rejected: u32,
	/// Items in review.
	pub in_review: u32,
	/// How many versions' items were taken down.
	pub exclusions: u32,
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

/// An item that was taken down: jobs do not train on it any more, and models that did are marked. What it earned stays earned.
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
pub struct Exclusion {
	/// The version that the item made.
	pub version: u32,
	pub item: ItemId,
	pub reason: ExclusionReason,
}

/// Why an item was taken down.
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
pub enum ExclusionReason {
	/// It may not be had or passed on.
	Unlawful,
	/// Its rights are not as the Datanet's licence says.
	Licence,
}

/// A contribution.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Item<AccountId> {
	pub datanet: DatanetId,
	pub contributor: AccountId,
	pub payload: Payload,
	/// `blake2_256(account ‖ bytes)`: only who has the bytes can make it. Kept while the item is in review.
	pub possession: Option<[u8; 32]>,
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
	/// The file's size, which decides what a vote on it puts at risk.
	pub bytes: u32,
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
	fn a_policy_takes_what_is_within_it_and_names_what_is_not() {
		let policy = Policy {
			min_file_bytes: 10,
			formats: FormatSet::of(&[Format::Markdown]),
			..Policy::open(Modality::Text, 100)
		};
		let check = |size, format| policy.check(Modality::Text, 1_000, size, format);
		assert_eq!([10, 100].map(|size| check(size, Format::Markdown)), [Ok(()); 2]);
		assert_eq!(check(0, Format::Markdown), Err(Misfit::Empty));
		assert_eq!(check(9, Format::Markdown), Err(Misfit::TooSmall));
		assert_eq!(check(101, Format::Markdown), Err(Misfit::TooLarge));
		assert_eq!(check(50, Format::Png), Err(Misfit::WrongFormat));
		assert_eq!(check(50, Format::Pdf), Err(Misfit::FormatNotTaken));
		assert_eq!(
			policy.check(Modality::Text, 49, 50, Format::Markdown),
			Err(Misfit::TooLarge)
		);
	}

	#[test]
	fn sizes_are_valid_when_some_file_fits() {
		let valid = |min_file_bytes, max_file_bytes| {
			Policy {
				min_file_bytes,
				..Policy::open(Modality::Text, max_file_bytes)
			}
			.has_valid_sizes(100)
		};
		assert!(valid(1, 1) && valid(1, 100) && valid(100, 100));
		assert!(!valid(0, 1) && !valid(2, 1) && !valid(1, 101));
	}

	#[test]
	fn the_review_fee_doubles_with_each_attempt() {
		assert_eq!(review_fee(100, 1, 1, 0), 101);
		assert_eq!(review_fee(100, 1, 1_025, 0), 102);
		assert_eq!(review_fee(100, 1, 1_025, 3), 816);
		assert!(review_fee(100, 1, 1, u16::MAX) >= 101 << 20);
	}
}
