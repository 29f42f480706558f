//! Known-answer items: an owner commits to right verdicts on items that are yet to be submitted, and shows them while
//! the panel's verdict is provisional.
//!
//! The commitment is the root of a [Merkle tree](crate::merkle) over leaves that nobody can guess without their salts. A
//! proof lists the siblings from the leaf up, and the bits of the leaf's index say on which side each stands.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_256;

pub use crate::merkle::root;
use crate::{
	merkle::{levels, node},
	tally::{Decision, Tally, Width},
	vote::Verdict,
	ActiveBlock, Balance, DatanetId,
};

const LEAF_DOMAIN: &[u8] = b"openledger/plant/1";

/// Most plants under one root: what a bitmap of 32 bytes tells apart.
pub const MAX_PLANTS: u16 = 256;
/// Longest proof: the depth of a tree of [`MAX_PLANTS`].
pub const MAX_PROOF: u32 = 8;

/// What an owner commits to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plant {
	/// The chain's genesis hash: a plant of one chain says nothing on another.
	pub genesis: [u8; 32],
	pub datanet: DatanetId,
	/// Of the item's content.
	pub sha256: [u8; 32],
	/// Whether accepting it is right.
	pub right: bool,
	pub salt: [u8; 32],
}

impl Plant {
	/// `blake2_256(SCALE(domain, genesis, datanet, sha256, right, salt))`.
	pub fn leaf(&self) -> [u8; 32] {
		blake2_256(
			&(
				LEAF_DOMAIN,
				self.genesis,
				self.datanet,
				self.sha256,
				self.right,
				self.salt,
			)
				.encode(),
		)
	}
}

/// The proof of leaf `index`: its siblings, from the leaf up. `None` where there is no such leaf.
pub fn proof(leaves: &[[u8; 32]], index: u16) -> Option<Vec<[u8; 32]>> {
	let index = usize::from(index);
	if index >= leaves.len() {
		return None;
	}
	let levels = levels(leaves);
	let below_root = levels.iter().take(levels.len() - 1).enumerate();
	below_root
		.map(|(height, level)| level.get((index >> height) ^ 1).copied())
		.collect()
}

/// Whether `leaf` is the one with this index under `root`. An index beyond the tree that the proof spans fits none: a leaf
/// has one index.
pub fn is_under(root: &[u8; 32], leaf: [u8; 32], index: u16, proof: &[[u8; 32]]) -> bool {
	if proof.len() > MAX_PROOF as usize || u32::from(index) >> proof.len() != 0 {
		return false;
	}
	let found = proof.iter().enumerate().fold(leaf, |hash, (height, sibling)| {
		if index >> height & 1 == 0 {
			node(&hash, sibling)
		} else {
			node(sibling, &hash)
		}
	});
	found == *root
}

/// The verdict by which a trial confirms what the owner says is right: two thirds of the revealed weight say so, with
/// the width's quorum. `None`: it does not.
pub fn confirm(tally: &Tally, width: Width, right: bool) -> Option<Verdict> {
	match tally.decide(width) {
		Decision::Decided(verdict) if verdict.is_accept() == right && tally.has_two_thirds(right) => Some(verdict),
		_ => None,
	}
}

/// Which plants of a root were opened, a bit each.
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
pub struct Opened([u8; MAX_PLANTS as usize / 8]);

impl Opened {
	pub fn contains(&self, index: u16) -> bool {
		let byte = self.0.get(usize::from(index / 8));
		byte.is_some_and(|byte| byte & (1 << (index % 8)) != 0)
	}

	pub fn insert(&mut self, index: u16) {
		if let Some(byte) = self.0.get_mut(usize::from(index / 8)) {
			*byte |= 1 << (index % 8);
		}
	}

	pub fn count(&self) -> u16 {
		self.0.iter().map(|byte| byte.count_ones() as u16).sum()
	}
}

/// A root of known-answer items of one Datanet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct PlantBatch<AccountId> {
	pub datanet: DatanetId,
	/// Who planted them, and whose the bonds are.
	pub owner: AccountId,
	/// See [`root`].
	pub root: [u8; 32],
	/// How many there are.
	pub count: u16,
	/// Held for each that is not opened, plancks.
	pub bond: Balance,
	/// Items submitted after this block can be opened.
	pub from: ActiveBlock,
	/// The last block in which they can be opened.
	pub until: ActiveBlock,
	/// Which ones were.
	pub opened: Opened,
}

impl<AccountId> PlantBatch<AccountId> {
	/// Plants that were not opened.
	pub fn left(&self) -> u16 {
		self.count.saturating_sub(self.opened.count())
	}

	/// The bond of those, plancks.
	pub fn bond_left(&self) -> Balance {
		self.bond.saturating_mul(self.left().into())
	}

	/// Whether nothing of it can be opened in block `now` or later.
	pub fn is_over(&self, now: ActiveBlock) -> bool {
		now > self.until || self.left() == 0
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{challenge::CHALLENGE_WIDTH, vote::Reason};
	use proptest::prelude::*;

	const PLANT: Plant = Plant {
		genesis: [1; 32],
		datanet: 7,
		sha256: [2; 32],
		right: true,
		salt: [3; 32],
	};

	#[test]
	fn a_leaf_binds_everything_that_it_says() {
		let others = [
			Plant {
				genesis: [9; 32],
				..PLANT
			},
			Plant { datanet: 8, ..PLANT },
			Plant {
				sha256: [9; 32],
				..PLANT
			},
			Plant { right: false, ..PLANT },
			Plant { salt: [9; 32], ..PLANT },
		];
		assert!(others.iter().all(|other| other.leaf() != PLANT.leaf()));
	}

	#[test]
	fn two_thirds_with_a_quorum_confirm() {
		let tally = |accept, reject| {
			let mut tally = Tally::default();
			tally.commit(accept + reject);
			tally.reveal(&Verdict::Accept { score: 80, units: 10 }, accept);
			tally.reveal(
				&Verdict::Reject {
					reason: Reason::OffTopic,
				},
				reject,
			);
			tally
		};
		let confirms = |accept, reject, right| confirm(&tally(accept, reject), CHALLENGE_WIDTH, right).is_some();
		assert!(confirms(100, 50, true) && !confirms(99, 51, true) && !confirms(100, 50, false));
		assert!(confirms(50, 100, false));
		assert!(confirms(76, 0, true) && !confirms(75, 0, true) && !confirms(0, 0, true));
	}

	#[test]
	fn a_tree_of_one_leaf_is_that_leaf() {
		let leaf = PLANT.leaf();
		assert_eq!(root(&[leaf]), leaf);
		assert!(is_under(&leaf, leaf, 0, &[]));
		assert!(!is_under(&leaf, leaf, 1, &[]));
		assert_eq!(proof(&[leaf], 1), None);
	}

	#[test]
	fn an_opened_plant_is_remembered() {
		let mut opened = Opened::default();
		opened.insert(0);
		opened.insert(MAX_PLANTS - 1);
		opened.insert(MAX_PLANTS - 1);
		opened.insert(MAX_PLANTS);
		assert_eq!(opened.count(), 2);
		assert!(opened.contains(0) && opened.contains(255) && !opened.contains(1) && !opened.contains(256));
	}

	proptest! {
		#[test]
		fn a_proof_fits_its_own_leaf_and_index_only(count in 1u16..=MAX_PLANTS, pick: u16, other: u16, flip in 0usize..MAX_PROOF as usize) {
			let leaves: Vec<_> = (0..count).map(|n| blake2_256(&n.encode())).collect();
			let (index, other) = (pick % count, other % count);
			let root = root(&leaves);
			let proof = proof(&leaves, index).expect("the leaf exists");
			prop_assert!(proof.len() <= MAX_PROOF as usize);
			let leaf = leaves[usize::from(index)];
			prop_assert!(is_under(&root, leaf, index, &proof));
			prop_assert_eq!(is_under(&root, leaves[usize::from(other)], index, &proof), other == index);
			prop_assert_eq!(is_under(&root, leaf, other, &proof), other == index);
			// The same path under another name of the same place.
			prop_assert!(!is_under(&root, leaf, index + (1 << proof.len()), &proof));
			if let Some(byte) = proof.get(flip) {
				let mut wrong = proof.clone();
				wrong[flip] = byte.map(|byte| !byte);
				prop_assert!(!is_under(&root, leaf, index, &wrong));
				prop_assert!(!is_under(&root, leaf, index, &proof[..proof.len() - 1]));
			}
		}
	}
}
