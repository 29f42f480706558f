//! Files by their sha256, fetched once and verified every time.

use super::error::{Result, WorkerError};
use openledger_finetune::hash::hash_file;
use openledger_primitives::model::{Artifact, JobResult};
use payload_store::{Cid, PayloadStore};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one file may take: a checkpoint of many gigabytes over a slow line.
const DEADLINE: Duration = Duration::from_secs(3_600);

/// A file as the chain names it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
	pub cid: Cid,
	pub sha256: [u8; 32],
	pub bytes: u64,
}

impl From<&Artifact> for Wanted {
	fn from(artifact: &Artifact) -> Self {
		Self {
			cid: artifact.cid,
			sha256: artifact.sha256,
			bytes: artifact.bytes,
		}
	}
}

/// A folder of verified files.
pub struct Cache {
	folder: PathBuf,
}

impl Cache {
	pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
		let folder = folder.into();
		create_dir(&folder)?;
		Ok(Self { folder })
	}

	/// [`Self::fetch`], and a link to the file.
	pub async fn place(&self, store: &dyn PayloadStore, wanted: Wanted, what: &str, to: &Path) -> Result<()> {
		link(&self.fetch(store, wanted, what).await?, to)
	}

	/// Places a result's tensors and configuration in a folder, under these names.
	pub async fn place_result(
		&self,
		store: &dyn PayloadStore,
		result: &JobResult,
		names: [&str; 2],
		what: &str,
		into: &Path,
	) -> Result<()> {
		for (name, artifact) in names.into_iter().zip([&result.adapter, &result.adapter_config]) {
			let what = format!("{what}: {name}");
			self.place(store, artifact.into(), &what, &into.join(name)).await?;
		}
		Ok(())
	}

	/// The path of a file whose bytes are those that the chain names; fetched where it is missing or damaged.
	pub async fn fetch(&self, store: &dyn PayloadStore, wanted: Wanted, what: &str) -> Result<PathBuf> {
		let path = self.folder.join(hex::encode(wanted.sha256));
		if path.exists() {
			if verify(&path, &wanted.sha256, what).await.is_ok() {
				return Ok(path);
			}
			std::fs::remove_file(&path).map_err(WorkerError::io(&path))?;
		}
		let stored = store.get_file(&wanted.cid, wanted.bytes, DEADLINE, &path).await?;
		if stored.sha256 != wanted.sha256 {
			std::fs::remove_file(&path).map_err(WorkerError::io(&path))?;
			return Err(wrong(what, &wanted.sha256, hex::encode(stored.sha256)));
		}
		Ok(path)
	}
}

/// A verified file under another name, without another copy of it; its folder is made. A link that leads there already stays.
pub fn link(from: &Path, to: &Path) -> Result<()> {
	let from = from.canonicalize().map_err(WorkerError::io(from))?;
	if to.canonicalize().is_ok_and(|already| already == from) {
		return Ok(());
	}
	if let Some(folder) = to.parent() {
		create_dir(folder)?;
	}
	std::os::unix::fs::symlink(from, to).map_err(WorkerError::io(to))
}

pub fn create_dir(path: &Path) -> Result<()> {
	std::fs::create_dir_all(path).map_err(WorkerError::io(path))
}

/// Checks that a file's bytes have this sha256.
pub async fn verify(path: &Path, sha256: &[u8; 32], what: &str) -> Result<()> {
	let owned = path.to_owned();
	let found = tokio::task::spawn_blocking(move || hash_file(&owned, ""))
		.await
		.map_err(|error| WorkerError::Crashed(error.to_string()))??;
	if found.sha256 != hex::encode(sha256) {
		return Err(wrong(what, sha256, found.sha256));
	}
	Ok(())
}

fn wrong(what: &str, expected: &[u8; 32], got: String) -> WorkerError {
	WorkerError::WrongFile {
		what: what.into(),
		expected: hex::encode(expected),
		got,
	}
}
