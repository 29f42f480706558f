//! Merkle trees of hashes: `2^depth` leaves, the last ones zero where there are fewer. Who states a root states the number of
//! leaves with it: without that, leaves of zeros could be added.

use alloc::vec::Vec;
use codec::Encode;
use sp_crypto_hashing::blake2_256;

const NODE_DOMAIN: &[u8] = b"openledger/merkle-node/1";

/// The hash above two others.
pub fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
	blake2_256(&(NODE_DOMAIN, left, right).encode())
}

/// The levels of a tree, from its leaves to its root.
pub fn levels(leaves: &[[u8; 32]]) -> Vec<Vec<[u8; 32]>> {
	let mut level = leaves.to_vec();
	level.resize(leaves.len().max(1).next_power_of_two(), [0; 32]);
	let mut levels = Vec::new();
	while level.len() > 1 {
		let above = level.chunks_exact(2).map(|pair| node(&pair[0], &pair[1])).collect();
		levels.push(core::mem::replace(&mut level, above));
	}
	levels.push(level);
	levels
}

/// The root of a tree of leaves.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
	levels(leaves)
		.last()
		.and_then(|top| top.first())
		.copied()
		.unwrap_or_default()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_root_binds_every_leaf_and_their_order() {
		let leaves: Vec<[u8; 32]> = (1..6).map(|n| [n; 32]).collect();
		let of = |leaves: &[[u8; 32]]| root(leaves);
		let whole = of(&leaves);
		for at in 0..leaves.len() {
			let mut other = leaves.clone();
			other[at][31] ^= 1;
			assert_ne!(of(&other), whole);
		}
		let mut swapped = leaves.clone();
		swapped.swap(0, 1);
		assert_ne!(of(&swapped), whole);
		assert_ne!(of(&leaves[..4]), whole);
		assert_eq!(of(&leaves[..1]), leaves[0]);
		assert_eq!(of(&leaves[..2]), node(&leaves[0], &leaves[1]));
	}
}
