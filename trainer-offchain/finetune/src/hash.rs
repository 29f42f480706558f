//! sha256 of files.

use crate::error::{FinetuneError, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// A file that a run read or wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
	/// Name, relative to the folder that was named.
	pub name: String,
	/// sha256 of its bytes, in hex.
	pub sha256: String,
	/// Its bytes.
	pub bytes: u64,
}

/// Hashes a file.
pub fn hash_file(path: &Path, name: impl Into<String>) -> Result<FileHash> {
	let mut file = std::fs::File::open(path).map_err(FinetuneError::io(path))?;
	let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0u8; 1 << 20], 0);
	loop {
		let read = file.read(&mut buffer).map_err(FinetuneError::io(path))?;
		if read == 0 {
			return Ok(FileHash {
				name: name.into(),
				sha256: hex::encode(hasher.finalize()),
				bytes,
			});
		}
		hasher.update(&buffer[..read]);
		bytes += read as u64;
	}
}
