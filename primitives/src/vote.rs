//! Verdicts, and the commitments that hide them until everybody has voted.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_256;

use crate::{ItemId, RoundIndex};

const COMMIT_DOMAIN: &[u8] = b"openledger/vote/1";
const SALT_DOMAIN: &[u8] = b"openledger/salt/1";

/// The highest quality score.
pub const MAX_SCORE: u8 = 100;

/// Why an item is refused.
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
pub enum Reason {
	/// The bytes could not be fetched under the item's CID in the commit window.
	Unavailable,
	/// The content is not what the declared format says.
	WrongFormat,
	/// The format is right but the file cannot be parsed, or holds no content.
	Unreadable,
	/// The contributor's proof of possession does not fit the bytes.
	NotPossessed,
	/// The same or nearly the same content was contributed before.
	Duplicate,
	/// It does not belong to what the Datanet asks for.
	OffTopic,
	/// Too poor to learn from: repetition, noise, gibberish.
	LowQuality,
	/// Personal data, malware, or against the law.
	Unlawful,
	/// The Datanet's licence does not allow it.
	Licence,
}

impl Reason {
	pub const COUNT: usize = 9;
	pub const ALL: [Reason; Self::COUNT] = [
		Reason::Unavailable,
		Reason::WrongFormat,
		Reason::Unreadable,
		Reason::NotPossessed,
		Reason::Duplicate,
		Reason::OffTopic,
		Reason::LowQuality,
		Reason::Unlawful,
		Reason::Licence,
	];
}

/// What a validator says of an item.
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
pub enum Verdict {
	Accept {
		/// Quality, 0 to [`MAX_SCORE`].
		score: u8,
		/// How much there is of it, by the format's measure: see [`crate::points`].
		units: u32,
	},
	Reject {
		reason: Reason,
	},
}

impl Verdict {
	pub fn is_accept(&self) -> bool {
		matches!(self, Verdict::Accept { .. })
	}

	/// Whether its numbers are in range.
	pub fn is_valid(&self) -> bool {
		!matches!(self, Verdict::Accept { score, .. } if *score > MAX_SCORE)
	}

	/// The same, with no more units than a file of `bytes` can have: no format's measure counts more than one a byte, and
	/// a bought panel could say any number.
	pub fn within(self, bytes: u32) -> Self {
		match self {
			Verdict::Accept { score, units } => Verdict::Accept {
				score,
				units: units.min(bytes),
			},
			reject => reject,
		}
	}
}

/// The ballot a vote is cast in: a commitment fits one chain, item, round and voter only, so that it can
/// neither be copied nor replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ballot<'a, AccountId> {
	pub genesis: [u8; 32],
	pub item: ItemId,
	pub round: RoundIndex,
	pub voter: &'a AccountId,
}

impl<AccountId: Encode> Ballot<'_, AccountId> {
	/// `blake2_256(SCALE(domain, genesis, item, round, voter, verdict, salt))`.
	pub fn commitment(&self, verdict: &Verdict, salt: &[u8; 32]) -> [u8; 32] {
		blake2_256(
			&(
				COMMIT_DOMAIN,
				self.genesis,
				self.item,
				self.round,
				self.voter,
				verdict,
				salt,
			)
				.encode(),
		)
	}

	/// The salt that this voter uses in this ballot, from a secret only it has: it can be made again at any
	/// time, so that a lost disk costs no reveal.
	pub fn salt(&self, secret: &[u8]) -> [u8; 32] {
		blake2_256(&(SALT_DOMAIN, secret, self.genesis, self.item, self.round, self.voter).encode())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const VERDICT: Verdict = Verdict::Accept { score: 80, units: 12 };

	#[test]
	fn a_file_has_no_more_units_than_bytes() {
		assert_eq!(VERDICT.within(12), VERDICT);
		assert_eq!(VERDICT.within(11), Verdict::Accept { score: 80, units: 11 });
		let reject = Verdict::Reject {
			reason: Reason::Licence,
		};
		assert_eq!(reject.within(0), reject);
	}

	#[test]
	fn stored_encoding_does_not_move() {
		assert_eq!(VERDICT.encode(), [0, 80, 12, 0, 0, 0]);
		assert_eq!(
			Verdict::Reject {
				reason: Reason::Licence
			}
			.encode(),
			[1, 8]
		);
		for (index, reason) in Reason::ALL.iter().enumerate() {
			assert_eq!(reason.encode(), [index as u8]);
		}
	}

	#[test]
	fn a_score_above_the_maximum_is_invalid() {
		assert!(VERDICT.is_valid());
		assert!(!Verdict::Accept { score: 101, units: 1 }.is_valid());
	}

	proptest! {
		#[test]
		fn a_commitment_fits_only_its_own_ballot(item: u64, other: u64, round in 0u8..4, salt: [u8; 32], voter: [u8; 32], thief: [u8; 32]) {
			let ballot = Ballot { genesis: [9; 32], item, round, voter: &voter };
			let commitment = ballot.commitment(&VERDICT, &salt);
			let fits = |ballot: Ballot<[u8; 32]>| ballot.commitment(&VERDICT, &salt) == commitment;
			prop_assert!(fits(ballot));
			prop_assert_eq!(fits(Ballot { item: other, ..ballot }), other == item);
			prop_assert_eq!(fits(Ballot { voter: &thief, ..ballot }), thief == voter);
			let elsewhere = [Ballot { round: round + 1, ..ballot }, Ballot { genesis: [8; 32], ..ballot }];
			prop_assert!(!elsewhere.into_iter().any(fits));
			prop_assert_ne!(ballot.commitment(&Verdict::Accept { score: 81, units: 12 }, &salt), commitment);
		}

		#[test]
		fn salts_differ_by_secret_and_ballot(secret: [u8; 32], item: u64) {
			let ballot = Ballot { genesis: [9; 32], item, round: 0, voter: &[1u8; 32] };
			prop_assert_eq!(ballot.salt(&secret), ballot.salt(&secret));
			prop_assert_ne!(ballot.salt(&secret), Ballot { round: 1, ..ballot }.salt(&secret));
			prop_assert_ne!(ballot.salt(&secret), ballot.salt(&[&secret[..], &[0]].concat()));
		}
	}
}
