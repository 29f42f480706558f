//! Payloads as blocks in a directory.
//!
//! ```text
//! blocks/xy/<cid>   one block; written to tmp/, flushed, renamed
//! pins/xy/<cid>     sha2-256 and length of a payload whose blocks are all there; written last
//! tmp/              what is being written; emptied when the store is opened
//! lock              held while the store is open
//! ```
//! A payload exists once its pin does. Blocks that no pin needs are leftovers of a crash: deleted at the next open.

mod disk;
mod index;
mod walk;

use std::{
	collections::HashSet,
	fs::{self, File, TryLockError},
	io::Read,
	path::Path,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{stream, StreamExt};
use openledger_primitives::payload::Cid;
use sha2::{Digest, Sha256};

use self::{
	disk::{BlockRead, Disk, Folder, WriteAll},
	index::Index,
	walk::{blocks_of, Leaves},
};
use crate::{import::import_reader, within, Block, Health, Opened, PayloadStore, Result, StoreError, Stored};

pub use index::Pinned;

/// A directory of payloads, open in one process at a time. Clones share it.
#[derive(Clone)]
pub struct LocalStore {
	inner: Arc<Inner>,
}

/// What a check of every stored block found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audit {
	/// Blocks that are what their name says.
	pub whole: u64,
	/// Blocks that are not.
	pub corrupt: Vec<Cid>,
	/// Blocks that a pinned payload needs and that are gone.
	pub missing: Vec<Cid>,
}

struct Inner {
	disk: Disk,
	index: Mutex<Index>,
	/// Released by the system when the process ends, however it ends.
	_lock: File,
}

impl LocalStore {
	/// Opens the store in `directory`, or makes one there. Blocking.
	///
	/// # Errors
	/// [`StoreError::Locked`] where another process has it open.
	pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
		Self::open_on(directory.as_ref(), disk::write_all())
	}

	fn open_on(directory: &Path, write_all: Box<WriteAll>) -> Result<Self> {
		fs::create_dir_all(directory).map_err(|source| StoreError::io(directory, source))?;
		let lock = lock(directory)?;
		let disk = Disk::open(directory, write_all)?;
		let index = load(&disk)?;
		Ok(Self {
			inner: Arc::new(Inner {
				disk,
				index: Mutex::new(index),
				_lock: lock,
			}),
		})
	}

	/// All payloads that the store keeps, in no order.
	pub fn pinned(&self) -> Vec<Pinned> {
		self.inner.index().all().copied().collect()
	}

	/// What the store knows of one payload.
	pub fn stat(&self, cid: &Cid) -> Option<Pinned> {
		self.inner.index().get(cid).copied()
	}

	/// Bytes left on the store's disk.
	pub fn free_bytes(&self) -> Result<u64> {
		self.inner.disk.free_bytes()
	}

	/// Reads and hashes every block.
	pub async fn audit(&self) -> Result<Audit> {
		self.blocking(Inner::audit).await
	}

	async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
		let inner = self.inner.clone();
		tokio::task::spawn_blocking(move || work(&inner))
			.await
			.unwrap_or(Err(StoreError::Stopped))
	}
}

#[async_trait]
impl PayloadStore for LocalStore {
	async fn put(&self, bytes: Bytes) -> Result<Stored> {
		self.blocking(move |inner| inner.put(&mut &bytes[..], inner.disk.root()))
			.await
	}

	async fn put_file(&self, file: &Path) -> Result<Stored> {
		let path = file.to_owned();
		self.blocking(move |inner| {
			let mut file = File::open(&path).map_err(|source| StoreError::io(&path, source))?;
			inner.put(&mut file, &path)
		})
		.await
	}

	async fn open(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Opened> {
		let root = *cid;
		let size = self.stat(cid).ok_or(StoreError::NotFound { cid: root })?.stored.size;
		if size > cap {
			return Err(StoreError::TooLarge { cid: root, cap });
		}
		// The first leaf is read here, so that a missing or damaged payload is an error before anything is sent.
		let store = self.clone();
		let next = move |mut leaves: Leaves| {
			let store = store.clone();
			async move {
				let read = store
					.blocking(move |inner| Ok((leaves.next(&inner.disk)?, leaves)))
					.await;
				read.map(|(leaf, leaves)| leaf.map(|leaf| (leaf, leaves)))
			}
		};
		let Some((first, leaves)) = within("open", deadline, next(Leaves::of(root))).await? else {
			return Err(StoreError::Incomplete { cid: root, block: root });
		};
		let rest = stream::try_unfold(leaves, next);
		Ok(Opened {
			size,
			bytes: stream::once(async { Ok(first) }).chain(rest).boxed(),
		})
	}

	async fn pin(&self, cid: &Cid) -> Result<()> {
		self.stat(cid).map(|_| ()).ok_or(StoreError::NotFound { cid: *cid })
	}

	async fn unpin(&self, cid: &Cid) -> Result<()> {
		let cid = *cid;
		self.blocking(move |inner| inner.unpin(&cid)).await
	}

	async fn has(&self, cid: &Cid) -> Result<bool> {
		Ok(self.stat(cid).is_some())
	}

	async fn health(&self) -> Result<Health> {
		self.blocking(|inner| {
			Ok(Health {
				store: "local".into(),
				payloads: Some(inner.index().len() as u64),
				free_bytes: Some(inner.disk.free_bytes()?),
			})
		})
		.await
	}
}

impl Inner {
	/// Every change of the index is one statement that cannot fail halfway, so a panic elsewhere leaves it usable.
	fn index(&self) -> MutexGuard<'_, Index> {
		self.index.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn put(&self, reader: &mut impl Read, path: &Path) -> Result<Stored> {
		let mut import = Import {
			inner: self,
			blocks: HashSet::new(),
		};
		let stored = import_reader(reader, path, &mut |block| import.take(block))?;
		self.pin(stored, std::mem::take(&mut import.blocks))?;
		Ok(stored)
	}

	/// Writes the pin of a payload whose blocks are there and marked as needed.
	fn pin(&self, stored: Stored, blocks: HashSet<Cid>) -> Result<()> {
		let blocks: Box<[Cid]> = blocks.into_iter().collect();
		// The lock is held while the pin is written: an unpin of the same payload comes before or after, not between.
		let mut index = self.index();
		if let Err(error) = self.disk.write(Folder::Pins, &stored.cid, &pin_bytes(&stored)) {
			self.release(&mut index, &blocks);
			return Err(error);
		}
		if let Some(before) = index.insert(
			Pinned {
				stored,
				since: SystemTime::now(),
			},
			blocks,
		) {
			self.release(&mut index, &before);
		}
		Ok(())
	}

	fn unpin(&self, cid: &Cid) -> Result<()> {
		let mut index = self.index();
		self.disk.remove(Folder::Pins, cid)?;
		if let Some(blocks) = index.remove(cid) {
			self.release(&mut index, &blocks);
		}
		Ok(())
	}

	/// Takes needs back and deletes the blocks that nobody needs any more. A block that cannot be deleted now is deleted
	/// at the next open.
	fn release(&self, index: &mut Index, blocks: &[Cid]) {
		for block in blocks {
			if index.release(block) {
				if let Err(error) = self.disk.remove(Folder::Blocks, block) {
					tracing::warn!(%block, %error, "cannot delete a block that nobody needs");
				}
			}
		}
	}

	fn audit(&self) -> Result<Audit> {
		let mut audit = Audit {
			whole: 0,
			corrupt: Vec::new(),
			missing: Vec::new(),
		};
		let needed: HashSet<Cid> = {
			let index = self.index();
			index
				.all()
				.filter_map(|root| index.blocks(&root.stored.cid))
				.flatten()
				.copied()
				.collect()
		};
		let present: HashSet<Cid> = self.disk.cids(Folder::Blocks)?.into_iter().collect();
		for block in &present {
			match self.disk.read_block(block)? {
				BlockRead::Whole(_) => audit.whole += 1,
				BlockRead::Corrupt => audit.corrupt.push(*block),
				// Deleted since the folder was listed.
				BlockRead::Missing => {}
			}
		}
		audit.missing.extend(needed.difference(&present));
		Ok(audit)
	}
}

/// An import under way: its blocks are needed until it is pinned or dropped.
struct Import<'a> {
	inner: &'a Inner,
	blocks: HashSet<Cid>,
}

impl Import<'_> {
	/// Stores a block, unless a whole copy is there. A damaged one is replaced: putting a payload again repairs it.
	fn take(&mut self, block: Block) -> Result<()> {
		if !self.blocks.insert(block.cid) {
			return Ok(());
		}
		// Needed before it is looked for: from here on nobody else deletes it.
		self.inner.index().need(block.cid);
		match self.inner.disk.read_block(&block.cid)? {
			BlockRead::Whole(_) => Ok(()),
			BlockRead::Corrupt | BlockRead::Missing => self.inner.disk.write(Folder::Blocks, &block.cid, &block.bytes),
		}
	}
}

impl Drop for Import<'_> {
	fn drop(&mut self) {
		let blocks: Vec<Cid> = self.blocks.drain().collect();
		if !blocks.is_empty() {
			self.inner.release(&mut self.inner.index(), &blocks);
		}
	}
}

fn lock(directory: &Path) -> Result<File> {
	let path = directory.join("lock");
	let file = File::options()
		.create(true)
		.truncate(false)
		.write(true)
		.open(&path)
		.map_err(|source| StoreError::io(&path, source))?;
	match file.try_lock() {
		Ok(()) => Ok(file),
		Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
			path: directory.to_owned(),
		}),
		Err(TryLockError::Error(source)) => Err(StoreError::io(path, source)),
	}
}

/// Reads all pins, finds the blocks that they need, and deletes the others.
fn load(disk: &Disk) -> Result<Index> {
	let mut index = Index::default();
	let mut all_readable = true;
	for cid in disk.cids(Folder::Pins)? {
		let blocks = blocks_of(disk, &cid).or_else(|error| match error {
			StoreError::Corrupt { .. } | StoreError::Incomplete { .. } => {
				tracing::warn!(%cid, %error, "a pinned payload is damaged");
				all_readable = false;
				Ok(HashSet::from([cid]))
			}
			error => Err(error),
		})?;
		let pinned = match read_pin(disk, &cid)? {
			Some(pinned) => pinned,
			None => match rebuild_pin(disk, &cid) {
				Ok(pinned) => pinned,
				Err(error @ (StoreError::Corrupt { .. } | StoreError::Incomplete { .. })) => {
					tracing::warn!(%cid, %error, "dropping a payload whose pin and blocks are both damaged");
					disk.remove(Folder::Pins, &cid)?;
					continue;
				}
				Err(error) => return Err(error),
			},
		};
		blocks.iter().for_each(|block| index.need(*block));
		let _none_before = index.insert(pinned, blocks.into_iter().collect());
	}
	// Where a tree cannot be read, blocks that look like leftovers may be its leaves: they stay until it is repaired.
	if all_readable {
		for block in disk.cids(Folder::Blocks)? {
			if !index.is_needed(&block) {
				disk.remove(Folder::Blocks, &block)?;
			}
		}
	}
	Ok(index)
}

/// Length of a pin: sha2-256, length of the payload, and the first bytes of the hash of both.
const PIN_BYTES: usize = 32 + 8 + 8;

fn pin_bytes(stored: &Stored) -> [u8; PIN_BYTES] {
	let mut pin = [0; PIN_BYTES];
	pin[..32].copy_from_slice(&stored.sha256);
	pin[32..40].copy_from_slice(&stored.size.to_le_bytes());
	let check = Sha256::digest(&pin[..40]);
	pin[40..].copy_from_slice(&check[..8]);
	pin
}

/// The pin of a payload; none where its file is damaged.
fn read_pin(disk: &Disk, cid: &Cid) -> Result<Option<Pinned>> {
	let path = disk.path(Folder::Pins, cid);
	let failed = |source| StoreError::io(&path, source);
	let file = File::open(&path).map_err(failed)?;
	let since = file
		.metadata()
		.and_then(|metadata| metadata.modified())
		.map_err(failed)?;
	let mut pin = Vec::new();
	file.take(PIN_BYTES as u64 + 1).read_to_end(&mut pin).map_err(failed)?;
	let (Some(sha256), Some(size)) = (
		pin.first_chunk::<32>(),
		pin.get(32..40).and_then(|size| size.first_chunk::<8>()),
	) else {
		return Ok(None);
	};
	let stored = Stored {
		cid: *cid,
		sha256: *sha256,
		size: u64::from_le_bytes(*size),
	};
	Ok((pin == pin_bytes(&stored)).then_some(Pinned { stored, since }))
}

/// Reads a whole payload to write its damaged pin anew.
fn rebuild_pin(disk: &Disk, cid: &Cid) -> Result<Pinned> {
	let (mut hasher, mut size) = (Sha256::new(), 0);
	let mut leaves = Leaves::of(*cid);
	while let Some(leaf) = leaves.next(disk)? {
		hasher.update(&leaf);
		size += leaf.len() as u64;
	}
	let stored = Stored {
		cid: *cid,
		sha256: hasher.finalize().into(),
		size,
	};
	disk.write(Folder::Pins, cid, &pin_bytes(&stored))?;
	Ok(Pinned {
		stored,
		since: SystemTime::now(),
	})
}

#[cfg(test)]
mod tests;
