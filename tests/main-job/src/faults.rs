//! Contributions that are wrong on purpose, one for each way to be refused.

use std::{
	fs,
	path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// A complete PNG of one pixel.
const PNG: &[u8] = &[
	0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
	0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1,
	0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// The files by what is wrong with them.
pub struct Faults {
	/// The same bytes as a good file.
	pub duplicate: PathBuf,
	/// A picture that calls itself markdown.
	pub disguised: PathBuf,
	/// A picture, honestly named, for a Datanet of text.
	pub picture: PathBuf,
	/// No bytes.
	pub empty: PathBuf,
	/// One byte over the cap of 10 MB.
	pub too_large: PathBuf,
	/// One sentence, over and over, 6 MB of it.
	pub repetitive: PathBuf,
	/// With the one before, more than a day's 10 MB.
	pub over_quota: PathBuf,
}

/// Writes them to `folder`; the duplicate is of `original`.
pub fn write(folder: &Path, original: &Path) -> Result<Faults> {
	fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
	let file = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
		let path = folder.join(name);
		fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
		Ok(path)
	};
	let repeated = |sentence: &str, bytes: usize| sentence.bytes().cycle().take(bytes).collect::<Vec<u8>>();
	Ok(Faults {
		duplicate: file("duplicate.md", &fs::read(original)?)?,
		disguised: file("disguised.md", PNG)?,
		picture: file("picture.png", PNG)?,
		empty: file("empty.md", b"")?,
		too_large: file("too-large.md", &repeated("This file is too large. ", 10_000_001))?,
		repetitive: file(
			"repetitive.md",
			&repeated("All work and no play makes a dull corpus. ", 6_000_000),
		)?,
		over_quota: file(
			"over-quota.md",
			&repeated("One file more than the day allows. ", 6_000_000),
		)?,
	})
}
