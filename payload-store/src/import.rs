//! From bytes to a CID under the import profile `unixfs-v1-2025` (IPIP-499): CIDv1, sha2-256, raw leaves, chunks of 1 MiB,
//! balanced, width 1024.

use std::{convert::Infallible, fs::File, io::Read, path::Path};

use bytes::Bytes;
use openledger_primitives::{
	format::Format,
	payload::{Cid, Payload, CHUNK_BYTES},
};
use rust_unixfs::file::adder::{BalancedCollector, Chunker, FileAdder};
use sha2::{Digest, Sha256};

use crate::{Result, StoreError, Stored};

/// Children of one node of the balanced tree.
const WIDTH: usize = 1024;

/// One block of a payload's tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
	pub cid: Cid,
	pub bytes: Bytes,
}

/// A payload cut into blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
	pub cid: Cid,
	/// sha2-256 of the bytes.
	pub sha256: [u8; 32],
	/// Length in bytes.
	pub size: u64,
	/// The leaves in order, each node behind its children, the root last.
	pub blocks: Vec<Block>,
}

impl Imported {
	pub fn stored(&self) -> Stored {
		Stored {
			cid: self.cid,
			sha256: self.sha256,
			size: self.size,
		}
	}

	/// What the chain records of a file of this content, declared as `format`.
	pub fn payload(&self, format: Format) -> Payload {
		Payload {
			sha256: self.sha256,
			root: self.cid.digest,
			codec: self.cid.codec,
			size: u32::try_from(self.size).unwrap_or(u32::MAX),
			format,
		}
	}
}

/// Cuts `bytes` into blocks.
pub fn import(bytes: &[u8]) -> Imported {
	let mut blocks = Vec::new();
	let mut importer = Importer::default();
	let mut keep = |block| {
		blocks.push(block);
		Ok::<(), Infallible>(())
	};
	let Ok(()) = importer.push(bytes, &mut keep);
	let Ok(Stored { cid, sha256, size }) = importer.finish(&mut keep);
	Imported {
		cid,
		sha256,
		size,
		blocks,
	}
}

/// What a file would be stored as; blocking, holds one chunk in memory.
pub fn import_file(path: &Path) -> Result<Stored> {
	let mut file = File::open(path).map_err(|source| StoreError::io(path, source))?;
	import_reader(&mut file, path, &mut |_| Ok(()))
}

/// Imports all of `reader`, handing every block to `sink`; `path` names the reader in errors.
pub(crate) fn import_reader(
	reader: &mut impl Read,
	path: &Path,
	sink: &mut impl FnMut(Block) -> Result<()>,
) -> Result<Stored> {
	let mut importer = Importer::default();
	let mut chunk = vec![0; CHUNK_BYTES as usize];
	loop {
		match reader.read(&mut chunk) {
			Ok(0) => return importer.finish(sink),
			Ok(read) => importer.push(&chunk[..read], sink)?,
			Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
			Err(error) => return Err(StoreError::io(path, error)),
		}
	}
}

/// Cuts a stream of bytes into blocks, holding one chunk in memory.
pub struct Importer {
	adder: FileAdder,
	hasher: Sha256,
	size: u64,
}

impl Default for Importer {
	fn default() -> Self {
		let adder = FileAdder::builder()
			.with_chunker(Chunker::Size(CHUNK_BYTES as usize))
			.with_collector(BalancedCollector::with_branching_factor(WIDTH))
			.with_raw_leaves(true)
			.build();
		Self {
			adder,
			hasher: Sha256::new(),
			size: 0,
		}
	}
}

impl Importer {
	/// Bytes taken so far.
	pub fn size(&self) -> u64 {
		self.size
	}

	/// Takes the next bytes; blocks that became whole go to `sink`, whose error ends the import.
	pub fn push<E>(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(Block) -> Result<(), E>) -> Result<(), E> {
		self.hasher.update(bytes);
		self.size += bytes.len() as u64;
		while !bytes.is_empty() {
			let (blocks, taken) = self.adder.push(bytes);
			for (cid, block) in blocks {
				sink(block_of(cid.to_bytes(), block))?;
			}
			bytes = &bytes[taken..];
		}
		Ok(())
	}

	/// Ends the payload: the blocks that were waiting for its end go to `sink`, the root last.
	pub fn finish<E>(self, sink: &mut impl FnMut(Block) -> Result<(), E>) -> Result<Stored, E> {
		let sha256: [u8; 32] = self.hasher.finalize().into();
		// A payload that ends with its only chunk has no block left for the end: then the chunk is the root.
		let mut root = Cid::new(openledger_primitives::payload::CidCodec::Raw, sha256);
		for (cid, block) in self.adder.finish() {
			let block = block_of(cid.to_bytes(), block);
			root = block.cid;
			sink(block)?;
		}
		Ok(Stored {
			cid: root,
			sha256,
			size: self.size,
		})
	}
}

fn block_of(cid: Vec<u8>, bytes: Vec<u8>) -> Block {
	let cid = Cid::from_bytes(&cid).expect("the importer is set to CIDv1 and sha2-256, raw or dag-pb");
	Block {
		cid,
		bytes: bytes.into(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::sample;
	use openledger_primitives::payload::CidCodec;
	use proptest::prelude::*;

	const MIB: usize = 1 << 20;

	/// CIDs that three other importers gave the sample bytes of these lengths.
	const GOLDEN: [(usize, &str); 5] = [
		(0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
		(1, "bafkreihhponjv2pdbmg33nxvccrgj34546avahl3nojk5cplawofvn2d3m"),
		(262_145, "bafkreihknkuejwrxiuyclphj4zyhomzxnrate2jp6rmqyqqqatej6fv6z4"),
		(MIB, "bafkreicatucopd3smvbu6uwyhgga6z6oog5err6z6d3s5mdaysq4edwiou"),
		(10 * MIB, "bafybeidxy5iyl5jz6ooqm6saytipo7zvsuuj5kzg777objzr6etwriwmoy"),
	];

	fn stream(bytes: &[u8], piece: usize) -> Imported {
		let mut blocks = Vec::new();
		let mut keep = |block| {
			blocks.push(block);
			Ok::<(), Infallible>(())
		};
		let mut importer = Importer::default();
		for piece in bytes.chunks(piece) {
			let Ok(()) = importer.push(piece, &mut keep);
		}
		let Ok(Stored { cid, sha256, size }) = importer.finish(&mut keep);
		Imported {
			cid,
			sha256,
			size,
			blocks,
		}
	}

	#[test]
	fn import_should_give_the_golden_cids() {
		for (length, cid) in GOLDEN {
			let bytes = sample(length);
			let imported = import(&bytes);
			assert_eq!(imported.cid.to_string(), cid, "{length} bytes");
			assert_eq!(imported.cid.codec, CidCodec::of_size(length as u64), "{length} bytes");
			assert_eq!(imported.size, length as u64);
			assert_eq!(imported.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
			assert_eq!(imported.blocks.last().unwrap().cid, imported.cid);
		}
	}

	#[test]
	fn import_should_not_depend_on_the_pieces() {
		for length in [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 7] {
			let bytes = sample(length);
			let whole = import(&bytes);
			for piece in [1009, MIB - 1, MIB, MIB + 1, 8 * MIB] {
				assert_eq!(stream(&bytes, piece), whole, "{length} bytes in pieces of {piece}");
			}
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]
		#[test]
		fn small_payload_should_be_one_raw_block(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
			let imported = import(&bytes);
			prop_assert_eq!(imported.cid, Cid::new(CidCodec::Raw, imported.sha256));
			prop_assert_eq!(imported.blocks.len(), 1);
			prop_assert_eq!(&imported.blocks[0].bytes[..], &bytes[..]);
		}
	}
}
