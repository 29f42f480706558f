//! Files that appear whole or not at all.

use std::{
	fs::{self, File},
	io::{self, Read, Write},
	path::{Path, PathBuf},
};

use openledger_primitives::payload::Cid;
use sha2::{Digest, Sha256};

use crate::{Result, StoreError};

/// The largest block that is read: a chunk is 1 MiB, a node of 1024 links far less.
const MAX_BLOCK_BYTES: u64 = 2 << 20;

/// How bytes reach an open file; a test puts a failing disk in its place.
pub(super) type WriteAll = dyn Fn(&mut File, &[u8]) -> io::Result<()> + Send + Sync;

/// The folders of a store and the way its files are written.
pub(super) struct Disk {
	root: PathBuf,
	write_all: Box<WriteAll>,
}

/// What reading a block gave.
pub(super) enum BlockRead {
	Whole(Vec<u8>),
	Corrupt,
	Missing,
}

/// The two kinds of files in a store, each in a folder of its own.
#[derive(Clone, Copy)]
pub(super) enum Folder {
	/// One file per block, named by its CID.
	Blocks,
	/// One file per pinned payload, named by its CID.
	Pins,
}

impl Folder {
	const fn name(self) -> &'static str {
		match self {
			Self::Blocks => "blocks",
			Self::Pins => "pins",
		}
	}
}

impl Disk {
	/// Makes the folders and removes what an interrupted write left behind.
	pub(super) fn open(root: &Path, write_all: Box<WriteAll>) -> Result<Self> {
		let disk = Self {
			root: root.to_owned(),
			write_all,
		};
		for folder in [disk.folder(Folder::Blocks), disk.folder(Folder::Pins), disk.temporary()] {
			fs::create_dir_all(&folder).map_err(|source| StoreError::io(&folder, source))?;
		}
		for leftover in entries(&disk.temporary())? {
			fs::remove_file(&leftover).map_err(|source| StoreError::io(&leftover, source))?;
		}
		Ok(disk)
	}

	pub(super) fn root(&self) -> &Path {
		&self.root
	}

	fn folder(&self, folder: Folder) -> PathBuf {
		self.root.join(folder.name())
	}

	fn temporary(&self) -> PathBuf {
		self.root.join("tmp")
	}

	/// `blocks/xy/…xyz`: the two characters before the last spread evenly, as Kubo's flatfs has it.
	pub(super) fn path(&self, folder: Folder, cid: &Cid) -> PathBuf {
		let name = cid.to_string();
		let shard = &name[name.len() - 3..name.len() - 1];
		self.folder(folder).join(shard).join(&name)
	}

	/// Writes under a temporary name, flushes, renames, flushes the folder: after a crash at any point the file is
	/// there whole, or not there.
	pub(super) fn write(&self, folder: Folder, cid: &Cid, bytes: &[u8]) -> Result<()> {
		let path = self.path(folder, cid);
		let failed = |source| StoreError::io(&path, source);
		let shard = path.parent().expect("a sharded path has a folder");
		match fs::create_dir(shard) {
			Ok(()) => sync_folder(&self.folder(folder))?,
			Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
			Err(error) => return Err(failed(error)),
		}
		let mut file = tempfile::NamedTempFile::new_in(self.temporary()).map_err(failed)?;
		(self.write_all)(file.as_file_mut(), bytes).map_err(failed)?;
		file.as_file().sync_all().map_err(failed)?;
		file.persist(&path).map_err(|error| failed(error.error))?;
		sync_folder(shard)
	}

	/// Removes a file that may be gone already.
	pub(super) fn remove(&self, folder: Folder, cid: &Cid) -> Result<()> {
		let path = self.path(folder, cid);
		match fs::remove_file(&path) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path, error)),
			_ => Ok(()),
		}
	}

	/// Reads a block and hashes it.
	pub(super) fn read_block(&self, cid: &Cid) -> Result<BlockRead> {
		let path = self.path(Folder::Blocks, cid);
		let failed = |source| StoreError::io(&path, source);
		let file = match File::open(&path) {
			Ok(file) => file,
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BlockRead::Missing),
			Err(error) => return Err(failed(error)),
		};
		let mut bytes = Vec::new();
		file.take(MAX_BLOCK_BYTES).read_to_end(&mut bytes).map_err(failed)?;
		let whole = Sha256::digest(&bytes)[..] == cid.digest;
		Ok(if whole {
			BlockRead::Whole(bytes)
		} else {
			BlockRead::Corrupt
		})
	}

	/// All names of a folder that are CIDs. Other names are not ours and are left alone.
	pub(super) fn cids(&self, folder: Folder) -> Result<Vec<Cid>> {
		let mut cids = Vec::new();
		for shard in entries(&self.folder(folder))?.into_iter().filter(|path| path.is_dir()) {
			for path in entries(&shard)? {
				match path.file_name().and_then(|name| name.to_str()).map(Cid::parse) {
					Some(Ok(cid)) => cids.push(cid),
					_ => tracing::warn!(path = %path.display(), "a file in the store that is not named by a CID"),
				}
			}
		}
		Ok(cids)
	}

	/// Bytes that can still be written.
	pub(super) fn free_bytes(&self) -> Result<u64> {
		let stat = rustix::fs::statvfs(&self.root).map_err(|error| StoreError::io(&self.root, error.into()))?;
		Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
	}
}

/// Writes as a real disk does.
pub(super) fn write_all() -> Box<WriteAll> {
	Box::new(|file, bytes| file.write_all(bytes))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
	let failed = |source| StoreError::io(folder, source);
	fs::read_dir(folder)
		.map_err(failed)?
		.map(|entry| Ok(entry.map_err(failed)?.path()))
		.collect()
}

/// Makes a rename or a new name in `folder` survive a power cut.
fn sync_folder(folder: &Path) -> Result<()> {
	File::open(folder)
		.and_then(|folder| folder.sync_all())
		.map_err(|source| StoreError::io(folder, source))
}
