//! What a payload is on chain, and the one kind of CID that names it.
//!
//! Terms: a *payload* is the bytes of one file. Its *identity* is their sha2-256; its *root* is the digest inside the CID
//! that the import profile `unixfs-v1-2025` gives it (CIDv1, sha2-256, raw leaves, chunks of 1 MiB, balanced, width 1024).
//! A payload of at most one chunk is a single raw block, so there the root equals the identity.

use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{de, Deserialize, Deserializer, Serialize, Serializer};

use crate::format::Format;

/// Bytes of one chunk of the import profile. A payload up to this size is one raw block.
pub const CHUNK_BYTES: u32 = 1 << 20;

/// Length of a CID in bytes: version, codec, hash function, digest length, digest.
pub const CID_BYTES: usize = 36;

/// Length of a printed CID: the multibase prefix `b` and 288 bits in base32.
const CID_CHARS: usize = 1 + (CID_BYTES * 8).div_ceil(5);

const VERSION_1: u8 = 0x01;
const RAW: u8 = 0x55;
const DAG_PB: u8 = 0x70;
const SHA2_256: u8 = 0x12;
const DIGEST_BYTES: u8 = 32;
const BASE32_LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How the block that a CID names is to be read.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum CidCodec {
	/// The block is the payload itself.
	Raw,
	/// The block is a UnixFS node that links to chunks.
	DagPb,
}

impl CidCodec {
	/// The multicodec code of this codec, one varint byte.
	pub const fn code(self) -> u8 {
		match self {
			Self::Raw => RAW,
			Self::DagPb => DAG_PB,
		}
	}

	/// The codec that the import profile gives a payload of `size` bytes.
	pub const fn of_size(size: u64) -> Self {
		if size <= CHUNK_BYTES as u64 {
			Self::Raw
		} else {
			Self::DagPb
		}
	}
}

/// A CIDv1 of a sha2-256 digest, raw or dag-pb: the only CIDs of this project.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub struct Cid {
	pub codec: CidCodec,
	pub digest: [u8; 32],
}

/// Why something is not a CID of this project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CidError {
	/// Nothing was given.
	Empty,
	/// A CIDv0 (`Qm…`): it names another import profile, so its bytes cannot be checked here.
	Version0,
	/// A CID version other than 1.
	UnknownVersion,
	/// The multibase prefix is not `b` (base32, lower case).
	NotBase32,
	/// A character outside `a-z2-7`.
	InvalidCharacter,
	/// Too short or too long, or bits that are set behind the end.
	WrongLength,
	/// The codec is neither raw nor dag-pb.
	UnknownCodec,
	/// The hash function is not sha2-256.
	NotSha256,
}

impl fmt::Display for CidError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Empty => "the CID is empty",
			Self::Version0 => "this is a CIDv0 (Qm…); add the file again as CIDv1 with raw leaves",
			Self::UnknownVersion => "the CID's version is not 1",
			Self::NotBase32 => "the CID is not in base32: it does not begin with a lower-case b",
			Self::InvalidCharacter => "the CID has a character outside a-z and 2-7",
			Self::WrongLength => "the CID is too short, too long or has bits behind its end",
			Self::UnknownCodec => "the CID's codec is neither raw nor dag-pb",
			Self::NotSha256 => "the CID's hash function is not sha2-256",
		})
	}
}

impl core::error::Error for CidError {}

impl Cid {
	pub const fn new(codec: CidCodec, digest: [u8; 32]) -> Self {
		Self { codec, digest }
	}

	/// Reads the printed form: `b` and base32 in lower case, without padding.
	pub fn parse(text: &str) -> Result<Self, CidError> {
		let Some(prefix) = text.bytes().next() else {
			return Err(CidError::Empty);
		};
		if text.starts_with("Qm") && text.len() == 46 {
			return Err(CidError::Version0);
		}
		if prefix != b'b' {
			return Err(CidError::NotBase32);
		}
		// No CID of this kind is much longer: what is, is not decoded at all.
		if text.len() > 2 * CID_CHARS {
			return Err(CidError::WrongLength);
		}
		Self::from_bytes(&from_base32(&text.as_bytes()[1..])?)
	}

	/// Reads the binary form. The header is read field by field, so that a foreign CID gets the error that names it.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
		let (header, digest) = bytes.split_at_checked(4).ok_or(CidError::WrongLength)?;
		if header[0] == SHA2_256 && header[1] == DIGEST_BYTES {
			return Err(CidError::Version0);
		}
		if header[0] != VERSION_1 {
			return Err(CidError::UnknownVersion);
		}
		let codec = match header[1] {
			RAW => CidCodec::Raw,
			DAG_PB => CidCodec::DagPb,
			_ => return Err(CidError::UnknownCodec),
		};
		if header[2] != SHA2_256 {
			return Err(CidError::NotSha256);
		}
		if header[3] != DIGEST_BYTES {
			return Err(CidError::WrongLength);
		}
		let digest = digest.try_into().map_err(|_| CidError::WrongLength)?;
		Ok(Self { codec, digest })
	}

	/// The binary form: version, codec, hash function, digest length, digest.
	pub fn to_bytes(&self) -> [u8; CID_BYTES] {
		let mut bytes = [0; CID_BYTES];
		bytes[..4].copy_from_slice(&[VERSION_1, self.codec.code(), SHA2_256, DIGEST_BYTES]);
		bytes[4..].copy_from_slice(&self.digest);
		bytes
	}
}

impl fmt::Display for Cid {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.pad(&to_base32(&self.to_bytes()))
	}
}

impl fmt::Debug for Cid {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "Cid({self})")
	}
}

impl FromStr for Cid {
	type Err = CidError;

	fn from_str(text: &str) -> Result<Self, CidError> {
		Self::parse(text)
	}
}

impl Serialize for Cid {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

impl<'de> Deserialize<'de> for Cid {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		struct Text;
		impl de::Visitor<'_> for Text {
			type Value = Cid;

			fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				f.write_str("a CIDv1 in base32")
			}

			fn visit_str<E: de::Error>(self, text: &str) -> Result<Cid, E> {
				Cid::parse(text).map_err(E::custom)
			}
		}
		deserializer.deserialize_str(Text)
	}
}

/// A payload as the chain stores it.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Serialize,
	Deserialize,
)]
pub struct Payload {
	/// sha2-256 of the bytes: the payload's identity everywhere.
	#[serde(with = "hex32")]
	pub sha256: [u8; 32],
	/// Digest of the CID's root block.
	#[serde(with = "hex32")]
	pub root: [u8; 32],
	pub codec: CidCodec,
	/// Length in bytes.
	pub size: u32,
	pub format: Format,
}

impl Payload {
	/// The CID under which the bytes are fetched.
	pub const fn cid(&self) -> Cid {
		Cid {
			codec: self.codec,
			digest: self.root,
		}
	}

	/// Whether root and codec can belong to this size and identity under the import profile: a payload of one chunk is
	/// one raw block whose digest is the identity; a larger one has a dag-pb root, which the bytes alone can prove.
	pub fn is_consistent(&self) -> bool {
		match CidCodec::of_size(self.size.into()) {
			CidCodec::Raw => self.codec == CidCodec::Raw && self.root == self.sha256,
			CidCodec::DagPb => self.codec == CidCodec::DagPb,
		}
	}
}

/// Proof that `account` held the bytes: `blake2_256(account ‖ bytes)`. Who only saw the CID cannot make it, and one
/// account's proof is worth nothing to another. Copies `bytes` once.
pub fn possession(account: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
	let mut preimage = Vec::with_capacity(account.len() + bytes.len());
	preimage.extend_from_slice(account);
	preimage.extend_from_slice(bytes);
	sp_crypto_hashing::blake2_256(&preimage)
}

/// Digests as people write them: 64 hexadecimal digits in lower case, an optional `0x` before them when read.
pub mod hex32 {
	use alloc::{borrow::Cow, string::String};
	use core::fmt::Write;
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	pub fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
		let mut text = String::with_capacity(64);
		for byte in digest {
			write!(text, "{byte:02x}").expect("writing to a string cannot fail");
		}
		serializer.serialize_str(&text)
	}

	pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
		let text = Cow::<str>::deserialize(deserializer)?;
		let digits = text.strip_prefix("0x").unwrap_or(&text).as_bytes();
		if digits.len() != 64 {
			return Err(D::Error::custom("a digest has 64 hexadecimal digits"));
		}
		let mut digest = [0; 32];
		for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
			let value = |digit: u8| {
				char::from(digit)
					.to_digit(16)
					.ok_or_else(|| D::Error::custom("not a hexadecimal digit"))
			};
			*byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
		}
		Ok(digest)
	}
}

/// Multibase `b`: RFC 4648 base32 in lower case without padding.
fn to_base32(bytes: &[u8]) -> String {
	let mut text = String::with_capacity(CID_CHARS);
	text.push('b');
	let (mut buffer, mut bits) = (0u32, 0u32);
	for byte in bytes {
		buffer = (buffer << 8) | u32::from(*byte);
		bits += 8;
		while bits >= 5 {
			bits -= 5;
			text.push(BASE32_LOWER[(buffer >> bits) as usize & 31] as char);
		}
		// Only the bits that are still to be printed stay.
		buffer &= (1 << bits) - 1;
	}
	if bits > 0 {
		text.push(BASE32_LOWER[(buffer << (5 - bits)) as usize & 31] as char);
	}
	text
}

/// Inverse of [`to_base32`] without the prefix. Strict, so that every CID has exactly one printed form: bits behind the
/// last byte must be zero, and there must be fewer than five of them.
fn from_base32(text: &[u8]) -> Result<Vec<u8>, CidError> {
	let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
	let (mut buffer, mut bits) = (0u32, 0u32);
	for character in text {
		let value = match character {
			b'a'..=b'z' => character - b'a',
			b'2'..=b'7' => character - b'2' + 26,
			_ => return Err(CidError::InvalidCharacter),
		};
		buffer = (buffer << 5) | u32::from(value);
		bits += 5;
		if bits >= 8 {
			bits -= 8;
			bytes.push((buffer >> bits) as u8);
			buffer &= (1 << bits) - 1;
		}
	}
	if bits >= 5 || buffer != 0 {
		return Err(CidError::WrongLength);
	}
	Ok(bytes)
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::{format, string::ToString};
	use proptest::prelude::*;

	/// The empty file under the import profile.
	const EMPTY: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
	/// A dag-pb root.
	const TEN_MIB: &str = "bafybeidxy5iyl5jz6ooqm6saytipo7zvsuuj5kzg777objzr6etwriwmoy";

	fn any_cid() -> impl Strategy<Value = Cid> {
		(any::<bool>(), any::<[u8; 32]>())
			.prop_map(|(raw, digest)| Cid::new(if raw { CidCodec::Raw } else { CidCodec::DagPb }, digest))
	}

	fn with_header(header: [u8; 4]) -> Result<Cid, CidError> {
		let mut bytes = Cid::parse(EMPTY).unwrap().to_bytes();
		bytes[..4].copy_from_slice(&header);
		Cid::parse(&to_base32(&bytes))
	}

	#[test]
	fn golden_cids_should_parse_to_their_digests() {
		let empty = Cid::parse(EMPTY).unwrap();
		assert_eq!(empty, Cid::new(CidCodec::Raw, sp_crypto_hashing::sha2_256(b"")));
		assert_eq!(empty.to_string(), EMPTY);
		let ten = Cid::parse(TEN_MIB).unwrap();
		assert_eq!(ten.codec, CidCodec::DagPb);
		assert_eq!(ten.to_string(), TEN_MIB);
	}

	#[test]
	fn foreign_cids_should_be_refused_by_name() {
		assert_eq!(Cid::parse(""), Err(CidError::Empty));
		assert_eq!(
			Cid::parse("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"),
			Err(CidError::Version0)
		);
		assert_eq!(
			Cid::parse("zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA"),
			Err(CidError::NotBase32)
		);
		assert_eq!(Cid::parse(&EMPTY.to_uppercase()), Err(CidError::NotBase32));
		assert_eq!(Cid::parse("b"), Err(CidError::WrongLength));
		assert_eq!(Cid::parse(&EMPTY[..EMPTY.len() - 1]), Err(CidError::WrongLength));
		assert_eq!(Cid::parse(&format!("{EMPTY}aaaaaaaa")), Err(CidError::WrongLength));
		assert_eq!(Cid::parse(&format!("{EMPTY} ")), Err(CidError::InvalidCharacter));
		assert_eq!(Cid::parse(&"b".repeat(10_000_000)), Err(CidError::WrongLength));
		assert_eq!(with_header([2, RAW, SHA2_256, 32]), Err(CidError::UnknownVersion));
		assert_eq!(with_header([1, 0x71, SHA2_256, 32]), Err(CidError::UnknownCodec));
		assert_eq!(with_header([1, RAW, 0x13, 32]), Err(CidError::NotSha256));
		assert_eq!(with_header([1, RAW, SHA2_256, 31]), Err(CidError::WrongLength));
		assert_eq!(with_header([SHA2_256, 32, 0, 0]), Err(CidError::Version0));
	}

	#[test]
	fn possession_should_be_the_hash_of_account_then_bytes() {
		let mut preimage = [7u8; 35];
		preimage[32..].copy_from_slice(b"abc");
		assert_eq!(possession(&[7; 32], b"abc"), sp_crypto_hashing::blake2_256(&preimage));
		assert_ne!(possession(&[7; 32], b"abc"), possession(&[8; 32], b"abc"));
	}

	proptest! {
		#[test]
		fn parse_should_undo_print(cid in any_cid()) {
			prop_assert_eq!(Cid::parse(&cid.to_string()), Ok(cid));
			prop_assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
			prop_assert_eq!(Cid::decode(&mut &cid.encode()[..]), Ok(cid));
		}

		#[test]
		fn any_changed_character_should_fail_or_differ(cid in any_cid(), at in 0..CID_CHARS, other in "\\PC") {
			let text = cid.to_string();
			let mut characters: Vec<char> = text.chars().collect();
			let other = other.chars().next().unwrap();
			prop_assume!(characters[at] != other);
			characters[at] = other;
			let changed: String = characters.into_iter().collect();
			prop_assert_ne!(Cid::parse(&changed), Ok(cid));
		}

		#[test]
		fn parse_should_never_panic(text in "\\PC*") {
			let _ = Cid::parse(&text);
		}

		#[test]
		fn what_parses_should_print_the_same(text in "b[a-z2-7]{58}") {
			if let Ok(cid) = Cid::parse(&text) {
				prop_assert_eq!(cid.to_string(), text);
			}
		}
	}
}
