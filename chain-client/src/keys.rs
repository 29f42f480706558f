//! Keys of the runtime's storage: `twox128(pallet) ‖ twox128(entry)`, then for each key of a map its hash and itself.

use codec::Encode;
use sp_crypto_hashing::{blake2_128, twox_128, twox_64};

/// The key of a value, or the prefix of a map.
pub fn entry(pallet: &str, name: &str) -> Vec<u8> {
	[twox_128(pallet.as_bytes()), twox_128(name.as_bytes())].concat()
}

/// The key of a map whose keys are hashed by blake2-128 and kept.
pub fn map(pallet: &str, name: &str, key: impl Encode) -> Vec<u8> {
	with_blake2(entry(pallet, name), key)
}

/// The key of a double map, both keys hashed by blake2-128 and kept.
pub fn double_map(pallet: &str, name: &str, first: impl Encode, second: impl Encode) -> Vec<u8> {
	with_blake2(map(pallet, name, first), second)
}

/// The key of a map whose keys are numbers that the chain gives: hashed by twox-64 and kept.
pub fn numbered(pallet: &str, name: &str, key: impl Encode) -> Vec<u8> {
	with_twox(entry(pallet, name), key)
}

/// Appends a key hashed by blake2-128 and kept.
pub fn with_blake2(mut prefix: Vec<u8>, key: impl Encode) -> Vec<u8> {
	let key = key.encode();
	prefix.extend(blake2_128(&key));
	prefix.extend(key);
	prefix
}

/// Appends a key hashed by twox-64 and kept.
pub fn with_twox(mut prefix: Vec<u8>, key: impl Encode) -> Vec<u8> {
	let key = key.encode();
	prefix.extend(twox_64(&key));
	prefix.extend(key);
	prefix
}

/// What follows a map's prefix and the hash of a blake2-128 key: the key itself.
pub fn blake2_suffix<'a>(key: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
	key.strip_prefix(prefix)?.get(16..)
}

/// What follows a map's prefix and the hash of a twox-64 key: the key itself.
pub fn twox_suffix<'a>(key: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
	key.strip_prefix(prefix)?.get(8..)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_account_of_alice_has_the_key_that_every_substrate_chain_gives_it() {
		let alice = hex::decode("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d").unwrap();
		let alice: [u8; 32] = alice.try_into().unwrap();
		let expected =
			"26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59f\
			d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
		let key = map("System", "Account", alice);
		assert_eq!(hex::encode(&key), expected);
		assert_eq!(blake2_suffix(&key, &entry("System", "Account")), Some(&alice[..]));
		let key = numbered("Datanets", "Items", 7u64);
		assert_eq!(
			twox_suffix(&key, &entry("Datanets", "Items")),
			Some(&7u64.to_le_bytes()[..])
		);
	}
}
