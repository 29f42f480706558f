//! Which payloads are pinned, and which blocks they need. Held in memory, rebuilt when the store is opened.

use std::{collections::HashMap, time::SystemTime};

use openledger_primitives::payload::Cid;

use crate::Stored;

/// A payload that the store keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pinned {
	pub stored: Stored,
	/// When it was last put.
	pub since: SystemTime,
}

struct Root {
	pinned: Pinned,
	/// Distinct blocks of the payload's tree, the root among them.
	blocks: Box<[Cid]>,
}

/// Counts for every block how many pinned payloads and running imports need it; a block that nobody needs is deleted.
#[derive(Default)]
pub(super) struct Index {
	roots: HashMap<Cid, Root>,
	needed: HashMap<Cid, u32>,
}

impl Index {
	pub(super) fn get(&self, root: &Cid) -> Option<&Pinned> {
		self.roots.get(root).map(|root| &root.pinned)
	}

	pub(super) fn blocks(&self, root: &Cid) -> Option<&[Cid]> {
		self.roots.get(root).map(|root| &root.blocks[..])
	}

	pub(super) fn all(&self) -> impl Iterator<Item = &Pinned> {
		self.roots.values().map(|root| &root.pinned)
	}

	pub(super) fn len(&self) -> usize {
		self.roots.len()
	}

	pub(super) fn is_needed(&self, block: &Cid) -> bool {
		self.needed.contains_key(block)
	}

	/// Marks a block as needed once more.
	pub(super) fn need(&mut self, block: Cid) {
		*self.needed.entry(block).or_default() += 1;
	}

	/// Takes one need back; true when nobody needs the block any more.
	#[must_use]
	pub(super) fn release(&mut self, block: &Cid) -> bool {
		let Some(count) = self.needed.get_mut(block) else {
			return true;
		};
		*count -= 1;
		if *count > 0 {
			return false;
		}
		self.needed.remove(block);
		true
	}

	/// Pins a payload whose `blocks` are marked as needed for it. The root that was there before comes back: its needs
	/// are the caller's to release.
	#[must_use]
	pub(super) fn insert(&mut self, pinned: Pinned, blocks: Box<[Cid]>) -> Option<Box<[Cid]>> {
		self.roots
			.insert(pinned.stored.cid, Root { pinned, blocks })
			.map(|root| root.blocks)
	}

	/// Unpins a payload; its needs are the caller's to release.
	pub(super) fn remove(&mut self, root: &Cid) -> Option<Box<[Cid]>> {
		self.roots.remove(root).map(|root| root.blocks)
	}
}
