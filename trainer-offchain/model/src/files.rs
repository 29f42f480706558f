//! Writing so that a crash leaves the old file or the new one, never half of one.

use crate::error::{ModelError, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The path's sibling under a temporary name.
fn sibling(path: &Path, mark: &str) -> PathBuf {
	let name = path
		.file_name()
		.map(|n| n.to_string_lossy().into_owned())
		.unwrap_or_default();
	path.with_file_name(format!(".{name}.{mark}.tmp"))
}

/// Makes the entries of a folder durable; where the system cannot, the data still are.
fn sync_dir(path: &Path) {
	if let Ok(dir) = File::open(path) {
		let _ = dir.sync_all();
	}
}

/// Writes a file by temporary, fsync and rename.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
	let temporary = sibling(path, "new");
	let mut file = File::create(&temporary).map_err(ModelError::io(&temporary))?;
	file.write_all(bytes).map_err(ModelError::io(&temporary))?;
	file.sync_all().map_err(ModelError::io(&temporary))?;
	fs::rename(&temporary, path).map_err(ModelError::io(path))?;
	if let Some(parent) = path.parent() {
		sync_dir(parent);
	}
	Ok(())
}

/// Fills a new folder by `fill` and puts it in the place of `path`, whose old content stays until then.
pub fn replace_dir<E: From<ModelError>>(
	path: &Path,
	fill: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
	let (new, old) = (sibling(path, "new"), sibling(path, "old"));
	for leftover in [&new, &old] {
		if leftover.exists() {
			fs::remove_dir_all(leftover).map_err(ModelError::io(leftover))?;
		}
	}
	fs::create_dir_all(&new).map_err(ModelError::io(&new))?;
	fill(&new)?;
	sync_dir(&new);
	if path.exists() {
		fs::rename(path, &old).map_err(ModelError::io(path))?;
	}
	fs::rename(&new, path).map_err(ModelError::io(path))?;
	if old.exists() {
		fs::remove_dir_all(&old).map_err(ModelError::io(&old))?;
	}
	if let Some(parent) = path.parent() {
		sync_dir(parent);
	}
	Ok(())
}

/// Reads and parses a JSON file.
pub fn read_json(path: &Path) -> Result<serde_json::Value> {
	let bytes = fs::read(path).map_err(ModelError::io(path))?;
	serde_json::from_slice(&bytes).map_err(|source| ModelError::Json {
		path: path.to_owned(),
		source,
	})
}

/// Writes indented JSON with a final newline.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
	let mut bytes = serde_json::to_vec_pretty(value).map_err(|source| ModelError::Json {
		path: path.to_owned(),
		source,
	})?;
	bytes.push(b'\n');
	write_file(path, &bytes)
}
