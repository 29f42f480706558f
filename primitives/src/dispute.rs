//! How other workers judge a result that somebody disputes.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::{blake2_128, blake2_256};
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{ActiveBlock, Balance, JobId};

const COMMIT_DOMAIN: &[u8] = b"openledger/finding/1";
const SALT_DOMAIN: &[u8] = b"openledger/finding-salt/1";
const SEGMENT_DOMAIN: &[u8] = b"openledger/segment/1";
const SEAT_DOMAIN: &[u8] = b"openledger/seat/1";

/// Judges of one dispute. Closing it reads and writes the record of each.
pub const MAX_JUDGES: u32 = 16;
/// Judges that must have revealed for a ruling.
pub const MIN_JUDGES: u32 = 3;

/// What somebody says is wrong with a result.
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
pub enum Claim {
	/// It was not trained as ordered: a segment that the seed draws does not lead from its first checkpoint to its second.
	Segment,
	/// A file that it names cannot be fetched.
	NotAvailable,
	/// Its loss on what it was evaluated on is another than its worker reported. No segment is run again.
	Evaluation,
}

/// What a judge found.
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
pub enum Finding {
	/// The result is right.
	Upheld,
	/// The segment, or the evaluation, gives something else.
	Broken,
	/// What is needed to judge cannot be fetched.
	Unavailable,
}

impl Finding {
	/// What it speaks for.
	pub fn ruling(self) -> Ruling {
		match self {
			Finding::Upheld => Ruling::Upheld,
			Finding::Broken | Finding::Unavailable => Ruling::Broken,
		}
	}
}

/// What a dispute ends with.
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
pub enum Ruling {
	/// The result stands.
	Upheld,
	/// The worker loses job and bond.
	Broken,
}

/// A judge's place in a dispute.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct Seat<AccountId> {
	pub judge: AccountId,
	pub commitment: [u8; 32],
	/// Once revealed.
	pub finding: Option<Finding>,
}

/// A dispute about a job's result.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Dispute<AccountId> {
	pub disputer: AccountId,
	/// Held of the disputer, plancks.
	pub bond: Balance,
	pub claim: Claim,
	/// Who became a worker later is no judge. With the job it names the dispute.
	pub opened_at: ActiveBlock,
	/// The block whose randomness draws the segment and orders the judges.
	pub seed_at: ActiveBlock,
	/// That randomness, kept once a judge needed it.
	pub seed: Option<[u8; 32]>,
	/// The last block to commit in.
	pub commit_until: ActiveBlock,
	/// The last block to reveal in.
	pub reveal_until: ActiveBlock,
	pub seats: BoundedVec<Seat<AccountId>, ConstU32<MAX_JUDGES>>,
	/// The judges came to no ruling: from this block on the price can be split.
	pub split_at: Option<ActiveBlock>,
}

/// The segment of a result that `seed` draws: number `k` leads from checkpoint `k - 1` (of the first: from the parent) to
/// checkpoint `k`. Without checkpoints the whole run is the only one.
pub fn segment(seed: &[u8; 32], job: JobId, checkpoints: u32) -> u32 {
	let random = u128::from_le_bytes(blake2_128(&(SEGMENT_DOMAIN, seed, job).encode()));
	(random % u128::from(checkpoints.max(1))) as u32
}

/// Where more judges come than there are seats, the lowest of these stay. Nobody knows them before the seed, and who
/// became a worker afterwards is no judge, so that keys cannot be ground for.
pub fn seat_key<AccountId: Encode>(seed: &[u8; 32], job: JobId, judge: &AccountId) -> [u8; 32] {
	blake2_256(&(SEAT_DOMAIN, seed, job, judge).encode())
}

/// What the judges who revealed say: the majority of at least [`MIN_JUDGES`], one vote each, as each puts the bond of one
/// job at risk; nothing where there are fewer, or as many on either side.
pub fn ruling<AccountId>(seats: &[Seat<AccountId>]) -> Option<Ruling> {
	let found = |ruling| {
		let with = seats
			.iter()
			.filter(|seat| seat.finding.map(Finding::ruling) == Some(ruling));
		with.count()
	};
	let (upheld, broken) = (found(Ruling::Upheld), found(Ruling::Broken));
	if upheld + broken < MIN_JUDGES as usize || upheld == broken {
		return None;
	}
	Some(if upheld > broken {
		Ruling::Upheld
	} else {
		Ruling::Broken
	})
}

/// The ballot that a finding is cast in: a commitment fits one chain, dispute and judge only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JudgeBallot<'a, AccountId> {
	pub genesis: [u8; 32],
	pub job: JobId,
	/// When the dispute was opened: a job can be disputed again.
	pub opened_at: ActiveBlock,
	pub judge: &'a AccountId,
}

impl<AccountId: Encode> JudgeBallot<'_, AccountId> {
	/// `blake2_256(SCALE(domain, genesis, job, opened_at, judge, finding, salt))`.
	pub fn commitment(&self, finding: Finding, salt: &[u8; 32]) -> [u8; 32] {
		let ballot = (self.genesis, self.job, self.opened_at, self.judge);
		blake2_256(&(COMMIT_DOMAIN, ballot, finding, salt).encode())
	}

	/// The salt that this judge uses in this ballot, from a secret only it has: it can be made again at any time.
	pub fn salt(&self, secret: &[u8]) -> [u8; 32] {
		let ballot = (self.genesis, self.job, self.opened_at, self.judge);
		blake2_256(&(SALT_DOMAIN, secret, ballot).encode())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn seats(findings: &[Option<Finding>]) -> alloc::vec::Vec<Seat<u8>> {
		let seat = |finding: &Option<Finding>| Seat {
			judge: 0,
			commitment: [0; 32],
			finding: *finding,
		};
		findings.iter().map(seat).collect()
	}

	#[test]
	fn a_majority_of_three_revealed_rules() {
		use Finding::*;
		let rules = |findings: &[Option<Finding>]| ruling(&seats(findings));
		assert_eq!(rules(&[]), None);
		assert_eq!(rules(&[Some(Broken), Some(Broken)]), None);
		assert_eq!(rules(&[Some(Broken), Some(Broken), None, None]), None);
		assert_eq!(
			rules(&[Some(Broken), Some(Unavailable), Some(Upheld)]),
			Some(Ruling::Broken)
		);
		assert_eq!(
			rules(&[Some(Upheld), Some(Upheld), Some(Unavailable)]),
			Some(Ruling::Upheld)
		);
		assert_eq!(rules(&[Some(Upheld), Some(Upheld), Some(Broken), Some(Broken)]), None);
	}

	#[test]
	fn stored_encoding_does_not_move() {
		let dispute = Dispute {
			disputer: 7u8,
			bond: 1,
			claim: Claim::NotAvailable,
			opened_at: 2,
			seed_at: 3,
			seed: Some([4; 32]),
			commit_until: 5,
			reveal_until: 6,
			seats: seats(&[Some(Finding::Unavailable)]).try_into().unwrap(),
			split_at: Some(8),
		};
		let expected = [
			&[7][..],
			&[1; 1],
			&[0; 15],
			&[1, 2, 0, 0, 0, 3, 0, 0, 0, 1],
			&[4; 32],
			&[5, 0, 0, 0, 6, 0, 0, 0, 4, 0],
			&[0; 32],
			&[1, 2, 1, 8, 0, 0, 0],
		]
		.concat();
		assert_eq!(dispute.encode(), expected);
	}

	#[test]
	fn segments_are_drawn_evenly() {
		let mut times = [0u32; 5];
		for n in 0..5_000u32 {
			let mut seed = [0; 32];
			seed[..4].copy_from_slice(&n.to_le_bytes());
			times[segment(&seed, 1, 5) as usize] += 1;
			assert_eq!(segment(&seed, 1, 0), 0);
		}
		// Six standard deviations.
		assert!(times.into_iter().all(|times| times.abs_diff(1_000) < 170), "{times:?}");
	}

	proptest! {
		#[test]
		fn a_commitment_fits_only_its_own_ballot(job: u32, other: u32, opened_at in 0u32..100, salt: [u8; 32], judge: [u8; 32], thief: [u8; 32]) {
			let ballot = JudgeBallot { genesis: [9; 32], job, opened_at, judge: &judge };
			let commitment = ballot.commitment(Finding::Broken, &salt);
			let fits = |ballot: JudgeBallot<[u8; 32]>| ballot.commitment(Finding::Broken, &salt) == commitment;
			prop_assert!(fits(ballot));
			prop_assert_eq!(fits(JudgeBallot { job: other, ..ballot }), other == job);
			prop_assert_eq!(fits(JudgeBallot { judge: &thief, ..ballot }), thief == judge);
			let elsewhere = [JudgeBallot { opened_at: opened_at + 1, ..ballot }, JudgeBallot { genesis: [8; 32], ..ballot }];
			prop_assert!(!elsewhere.into_iter().any(fits));
			prop_assert_ne!(ballot.commitment(Finding::Upheld, &salt), commitment);
			prop_assert_ne!(ballot.salt(&salt), JudgeBallot { opened_at: opened_at + 1, ..ballot }.salt(&salt));
		}
	}
}
