use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::processes::tail;

/// A temporary folder with the logs of processes in `logs`. It goes when it is dropped, except in a test that fails: then
/// it stays, and says where it is and how each log ends.
pub struct Folder(Option<tempfile::TempDir>);

impl Folder {
	pub fn new() -> Result<Self> {
		let folder = tempfile::Builder::new().prefix("openledger-").tempdir();
		Ok(Self(Some(folder.context("make a working folder")?)))
	}

	pub fn path(&self) -> &Path {
		self.0.as_ref().expect("there is a folder until it is dropped").path()
	}

	pub fn logs(&self) -> PathBuf {
		self.path().join("logs")
	}
}

impl Drop for Folder {
	fn drop(&mut self) {
		if !std::thread::panicking() {
			return;
		}
		let Some(folder) = self.0.take() else { return };
		let logs = folder.keep().join("logs");
		eprintln!("the logs of this run are kept in {}", logs.display());
		for entry in std::fs::read_dir(&logs).into_iter().flatten().flatten() {
			eprintln!("--- {}\n{}", entry.path().display(), tail(&entry.path()));
		}
	}
}
