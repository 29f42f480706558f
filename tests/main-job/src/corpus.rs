//! Real files that nobody here wrote: documentation of the workspace's own dependencies.
//!
//! They are found through `cargo metadata` when the job runs, and are not committed. Release notes become
//! contributions; READMEs and the rest of the documentation are the corpus that the base model is pretrained on. So the
//! Datanet holds something that the base model has not read: what a fine-tune is for.

use std::{
	collections::HashSet,
	fs,
	ops::RangeInclusive,
	path::{Path, PathBuf},
	process::Command,
};

use anyhow::{bail, ensure, Context, Result};
use openledger_cli::checks::{judge, Claim};
use openledger_primitives::{
	format::{Format, Modality},
	payload::possession,
};
use sha2::{Digest, Sha256};

/// Sizes of files taken, in bytes: smaller ones say little, larger ones would crowd out the rest.
const DOCUMENT_BYTES: RangeInclusive<u64> = 1_500..=40_000;
const RELEASE_NOTES_BYTES: RangeInclusive<u64> = 1_500..=12_000;
/// Of a user's own files: so many of the largest fit into the contributors' quotas of a day.
const OWN_BYTES: RangeInclusive<u64> = 1..=250_000;
/// Files that a run needs at least: the last fifth is what the models are measured on.
const LEAST_FILES: usize = 10;
/// What release notes are called.
const RELEASE_NOTES: [&str; 4] = ["changelog.md", "changes.md", "history.md", "releases.md"];
/// Directories below a user's folder are followed this deep.
const MAX_DEPTH: usize = 8;

/// A file and the bytes' sha2-256.
#[derive(Clone, Debug)]
pub struct Source {
	pub path: PathBuf,
	pub sha256: [u8; 32],
}

/// What the job works on.
pub struct Corpus {
	/// Good files, to be contributed, in order.
	pub contributions: Vec<Source>,
	/// Files that the base model is trained on; no content in common with the contributions.
	pub pretraining: Vec<Source>,
}

/// At most `wanted` files of the user's folder, or of the dependencies' documentation, and a pretraining corpus of at most
/// `pretraining_bytes`.
pub fn gather(workspace: &Path, data: Option<&Path>, wanted: usize, pretraining_bytes: u64) -> Result<Corpus> {
	let folders = dependencies(workspace)?;
	let documents = |wanted: fn(&Path) -> Vec<Source>| folders.iter().flat_map(|folder| wanted(folder)).collect();
	let mut pretraining: Vec<Source> = documents(readme_and_docs);
	let mut contributions: Vec<Source> = match data {
		Some(folder) => user_files(folder)?,
		None => documents(release_notes),
	};
	let mut seen = HashSet::new();
	contributions.retain(|source| seen.insert(source.sha256));
	let least = if data.is_some() { LEAST_FILES } else { wanted };
	ensure!(
		contributions.len() >= least,
		"found {} usable files{}, need {least}: distinct .md and .txt files of at most 250 kB that validators would accept",
		contributions.len(),
		data.map(|folder| format!(" in {}", folder.display())).unwrap_or_default(),
	);
	contributions.truncate(wanted);
	let mut total = 0;
	pretraining.retain(|source| {
		let bytes = fs::metadata(&source.path).map_or(0, |metadata| metadata.len());
		let keep = seen.insert(source.sha256) && total + bytes <= pretraining_bytes;
		total += if keep { bytes } else { 0 };
		keep
	});
	Ok(Corpus {
		contributions,
		pretraining,
	})
}

/// The folders of all packages that this workspace depends on, in order of their names.
fn dependencies(workspace: &Path) -> Result<Vec<PathBuf>> {
	let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
		.args([
			"metadata",
			"--format-version",
			"1",
			"--locked",
			"--offline",
			"--filter-platform",
			host()?.as_str(),
		])
		.current_dir(workspace)
		.output()
		.context("run cargo metadata")?;
	if !output.status.success() {
		bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
	}
	let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
	let mut folders: Vec<(String, PathBuf)> = metadata["packages"]
		.as_array()
		.context("cargo metadata lists no packages")?
		.iter()
		.filter(|package| !package["source"].is_null())
		.filter_map(|package| {
			let manifest = Path::new(package["manifest_path"].as_str()?);
			Some((package["name"].as_str()?.to_string(), manifest.parent()?.to_path_buf()))
		})
		.collect();
	folders.sort();
	// Several versions of a package have nearly the same README.
	folders.dedup_by(|a, b| a.0 == b.0);
	Ok(folders.into_iter().map(|(_, folder)| folder).collect())
}

fn release_notes(folder: &Path) -> Vec<Source> {
	sources_in(folder, RELEASE_NOTES_BYTES, |name| RELEASE_NOTES.contains(&name))
}

/// The README of a package and the markdown files under its `docs/`.
fn readme_and_docs(folder: &Path) -> Vec<Source> {
	let mut found = sources_in(folder, DOCUMENT_BYTES, |name| name == "readme.md");
	found.extend(sources_in(&folder.join("docs"), DOCUMENT_BYTES, |name| {
		name.ends_with(".md")
	}));
	found
}

/// The usable files of a folder whose names in lower case are `wanted`, in order.
fn sources_in(folder: &Path, bytes: RangeInclusive<u64>, wanted: fn(&str) -> bool) -> Vec<Source> {
	let entries = fs::read_dir(folder).into_iter().flatten().flatten();
	let mut paths: Vec<PathBuf> = entries
		.filter(|entry| wanted(&entry.file_name().to_string_lossy().to_lowercase()))
		.map(|entry| entry.path())
		.collect();
	paths.sort();
	paths
		.into_iter()
		.filter_map(|path| text_source(&path, bytes.clone()))
		.collect()
}

fn user_files(folder: &Path) -> Result<Vec<Source>> {
	ensure!(
		folder.is_dir(),
		"{} is not a folder; --data names a folder of .md and .txt files",
		folder.display()
	);
	let mut found = vec![];
	walk(folder, MAX_DEPTH, &mut found)?;
	found.sort();
	Ok(found
		.into_iter()
		.filter_map(|path| text_source(&path, OWN_BYTES))
		.collect())
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
	for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
		let entry = entry?;
		let kind = entry.file_type()?;
		if kind.is_dir() && depth > 0 {
			walk(&entry.path(), depth - 1, found)?;
		} else if kind.is_file() {
			found.push(entry.path());
		}
	}
	Ok(())
}

/// The file as a source if it is markdown or plain text of a size in `bytes`.
fn text_source(path: &Path, bytes: RangeInclusive<u64>) -> Option<Source> {
	let format = Format::from_extension(path.extension()?.to_str()?)?;
	if !matches!(format, Format::Markdown | Format::PlainText) || !bytes.contains(&fs::metadata(path).ok()?.len()) {
		return None;
	}
	let content = fs::read(path).ok()?;
	would_be_accepted(format, &content).then(|| Source {
		path: path.to_path_buf(),
		sha256: Sha256::digest(&content).into(),
	})
}

/// The host's target triple: only its packages have been downloaded by a build.
fn host() -> Result<String> {
	let output = Command::new("rustc").arg("-vV").output().context("run rustc -vV")?;
	let text = String::from_utf8_lossy(&output.stdout);
	let host = text
		.lines()
		.find_map(|line| line.strip_prefix("host: "))
		.context("rustc -vV names no host")?;
	Ok(host.to_string())
}

/// Whether the validators' checks accept this content.
fn would_be_accepted(format: Format, content: &[u8]) -> bool {
	let payload = payload_store::import(content).payload(format);
	let account = [0; 32];
	let possession = possession(&account, content);
	let claim = Claim {
		payload: &payload,
		account: &account,
		possession: &possession,
		modality: Modality::Text,
		accepted_before: false,
	};
	judge(&claim, content).is_some_and(|verdict| verdict.is_accept())
}
