//! Reading a payload's tree of blocks.

use std::collections::HashSet;

use bytes::Bytes;
use openledger_primitives::payload::{Cid, CidCodec};
use rust_unixfs::file::adder::parse_file_branch;

use super::disk::{BlockRead, Disk};
use crate::{Result, StoreError};

/// The leaves of a payload in order. Every block is hashed before its links are followed, so the tree is the one that the
/// root names.
pub(super) struct Leaves {
	root: Cid,
	/// Blocks still to be visited, the next one last.
	ahead: Vec<Cid>,
}

impl Leaves {
	pub(super) fn of(root: Cid) -> Self {
		Self {
			root,
			ahead: vec![root],
		}
	}

	/// Reads the next leaf, blocking; none at the end.
	pub(super) fn next(&mut self, disk: &Disk) -> Result<Option<Bytes>> {
		while let Some(cid) = self.ahead.pop() {
			let bytes = read(disk, &self.root, &cid)?;
			match cid.codec {
				CidCodec::Raw => return Ok(Some(bytes.into())),
				CidCodec::DagPb => self.ahead.extend(links(&self.root, &cid, &bytes)?.into_iter().rev()),
			}
		}
		Ok(None)
	}
}

/// All distinct blocks of a payload's tree. Reads the nodes, not the leaves.
pub(super) fn blocks_of(disk: &Disk, root: &Cid) -> Result<HashSet<Cid>> {
	let mut blocks = HashSet::new();
	let mut ahead = vec![*root];
	while let Some(cid) = ahead.pop() {
		if blocks.insert(cid) && cid.codec == CidCodec::DagPb {
			ahead.extend(links(root, &cid, &read(disk, root, &cid)?)?);
		}
	}
	Ok(blocks)
}

fn read(disk: &Disk, root: &Cid, block: &Cid) -> Result<Vec<u8>> {
	match disk.read_block(block)? {
		BlockRead::Whole(bytes) => Ok(bytes),
		BlockRead::Corrupt => Err(StoreError::Corrupt {
			cid: *root,
			block: *block,
		}),
		BlockRead::Missing => Err(StoreError::Incomplete {
			cid: *root,
			block: *block,
		}),
	}
}

fn links(root: &Cid, block: &Cid, bytes: &[u8]) -> Result<Vec<Cid>> {
	// Only the importer's nodes get in, so one that cannot be read is damage.
	let damaged = || StoreError::Corrupt {
		cid: *root,
		block: *block,
	};
	let branch = parse_file_branch(bytes).ok_or_else(damaged)?;
	branch
		.links
		.iter()
		.map(|link| Cid::from_bytes(&link.cid.to_bytes()).map_err(|_| damaged()))
		.collect()
}
