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
	if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
		// On a full disk half a file would take what room there is.
		let _ = fs::remove_file(&temporary);
		return Err(ModelError::io(&temporary)(error));
	}
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
	// A crash between the two renames below left the old content under its temporary name.
	if old.exists() && !path.exists() {
		fs::rename(&old, path).map_err(ModelError::io(path))?;
	}
	for leftover in [&new, &old] {
		if leftover.exists() {
			fs::remove_dir_all(leftover).map_err(ModelError::io(leftover))?;
		}
	}
	fs::create_dir_all(&new).map_err(ModelError::io(&new))?;
	if let Err(error) = fill(&new) {
		let _ = fs::remove_dir_all(&new);
		return Err(error);
	}
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

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn file_should_be_replaced_whole_whatever_a_crash_left() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("a.json");
		fs::write(sibling(&path, "new"), "half of").unwrap();
		write_file(&path, b"first").unwrap();
		write_file(&path, b"second").unwrap();
		assert_eq!(fs::read(&path).unwrap(), b"second");
		assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
		assert!(write_file(&dir.path().join("none/a"), b"x").is_err());
	}

	fn fill(text: &'static str) -> impl FnOnce(&Path) -> Result<()> {
		move |dir| write_file(&dir.join("content"), text.as_bytes())
	}

	#[test]
	fn folder_should_keep_its_content_when_filling_the_new_one_fails() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("adapter");
		replace_dir(&path, fill("first")).unwrap();
		let failed = replace_dir(&path, |dir| {
			fill("half")(dir)?;
			Err(ModelError::Input("disk full".into()))
		});
		assert!(failed.is_err());
		assert_eq!(fs::read_to_string(path.join("content")).unwrap(), "first");
		assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "half of it is gone");
		replace_dir(&path, fill("second")).unwrap();
		assert_eq!(fs::read_to_string(path.join("content")).unwrap(), "second");
		assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
	}

	#[test]
	fn old_folder_should_come_back_when_a_crash_came_between_the_renames() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("adapter");
		replace_dir(&path, fill("first")).unwrap();
		fs::rename(&path, sibling(&path, "old")).unwrap();
		let failed: Result<()> = replace_dir(&path, |_| Err(ModelError::Input("again".into())));
		assert!(failed.is_err());
		assert_eq!(fs::read_to_string(path.join("content")).unwrap(), "first");
	}
}
