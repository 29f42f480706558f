//! One model's files, of one commit, checked before they get their folder.

use anyhow::{bail, ensure, Context, Result};
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Repo, RepoType};
use openledger_finetune::hash::{hash_file, FileHash};
use openledger_model::checkpoint::{shards, Checkpoint, EXTRAS, INDEX, SINGLE};
use openledger_model::{DecoderConfig, ModelTokenizer, RawConfig};
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// The file that says what a model is.
const CONFIG: &str = "config.json";
/// Times that a broken download of a file goes on.
const RETRIES: usize = 5;
/// Hexadecimal digits of a commit, and of a sha256.
const COMMIT: usize = 40;
const SHA256: usize = 64;

/// What was downloaded.
pub struct Downloaded {
	/// The commit that the revision stands for.
	pub commit: String,
	/// In the order of their names.
	pub files: Vec<FileHash>,
}

/// Downloads into the new folder `out`. What is there of a download that broke off lies beside it, and is used by the next
/// one; of a model that cannot be used nothing is left.
pub fn download(name: &str, revision: &str, out: &Path) -> Result<Downloaded> {
	let folder = out.file_name().context("--out: names no folder")?.to_string_lossy();
	let staging = out.with_file_name(format!(".{folder}.download"));
	let done = fetch(name, revision, &staging, out);
	let is_broken_off = matches!(&done, Err(error) if error.downcast_ref::<ApiError>().is_some());
	if !is_broken_off && staging.exists() {
		std::fs::remove_dir_all(&staging).with_context(|| super::super::show(&staging))?;
	}
	done
}

fn fetch(name: &str, revision: &str, staging: &Path, out: &Path) -> Result<Downloaded> {
	let mut builder = ApiBuilder::from_env()
		.with_cache_dir(absolute(staging)?.join("hub"))
		.with_retries(RETRIES)
		.with_progress(std::io::stderr().is_terminal());
	if let Ok(token) = std::env::var("HF_TOKEN") {
		builder = builder.with_token(Some(token));
	}
	let api = builder.build()?;
	let of = |revision: &str| Repo::with_revision(name.into(), RepoType::Model, revision.into());
	let info = api.repo(of(revision)).info().map_err(unresolved)?;
	let commit = info.sha;
	ensure!(
		commit.len() == COMMIT && is_hex(&commit),
		"the revision does not resolve to a commit"
	);
	let published = info.siblings.into_iter().map(|file| file.rfilename).collect();
	let model = Model {
		repo: api.repo(of(&commit)),
		published,
		folder: staging.join(&commit),
	};
	let files = model.fetch()?;
	std::fs::rename(&model.folder, out).with_context(|| super::super::show(out))?;
	Ok(Downloaded { commit, files })
}

/// A model at a commit.
struct Model {
	repo: ApiRepo,
	/// The files that the hub has of it.
	published: BTreeSet<String>,
	/// Where they are collected.
	folder: PathBuf,
}

impl Model {
	/// Fetches what is read, from what is small to what is large, so that what cannot be used is refused early.
	fn fetch(&self) -> Result<Vec<FileHash>> {
		std::fs::create_dir_all(&self.folder).with_context(|| super::super::show(&self.folder))?;
		let mut files = vec![self.file(CONFIG)?];
		let config = DecoderConfig::from_raw(&RawConfig::read_file(&self.folder.join(CONFIG))?)?;
		let extras = EXTRAS.into_iter().filter(|name| self.published.contains(*name));
		for name in extras {
			files.push(self.file(name)?);
		}
		if self.published.contains("tokenizer.json") {
			ModelTokenizer::load(&self.folder, &config)?;
		} else {
			tracing::warn!("there is no tokenizer.json: only data of token ids can be used with it");
		}
		if self.published.contains(SINGLE) {
			files.push(self.file(SINGLE)?);
		} else {
			if self.published.contains(INDEX) {
				files.push(self.file(INDEX)?);
			}
			for path in shards(&self.folder)? {
				let name = path.file_name().unwrap_or_default().to_string_lossy();
				ensure!(
					name.ends_with(".safetensors"),
					"{INDEX} names `{name}`, which is no safetensors file"
				);
				files.push(self.file(&name)?);
			}
		}
		// Every file is whole, and has the tensors that the index says.
		Checkpoint::open(&self.folder)?;
		files.sort_by(|a, b| a.name.cmp(&b.name));
		Ok(files)
	}

	/// A file, from where an earlier download left it or from the hub.
	fn file(&self, name: &str) -> Result<FileHash> {
		let path = self.folder.join(name);
		if !path.exists() {
			ensure!(self.published.contains(name), "the hub has no {name} of it");
			let pointer = self.repo.download(name).with_context(|| name.to_owned())?;
			let blob = pointer.canonicalize().with_context(|| name.to_owned())?;
			let declared = blob.file_name().unwrap_or_default().to_string_lossy();
			// Large files are known to the hub by their sha256, others by git's hash.
			if declared.len() == SHA256 && is_hex(&declared) {
				let found = hash_file(&blob, name)?.sha256;
				if found != *declared {
					// Not to be gone on from.
					std::fs::remove_file(&blob)?;
					bail!("{name} has sha256 {found}, but the hub says {declared}");
				}
			}
			std::fs::rename(&blob, &path).with_context(|| name.to_owned())?;
		}
		Ok(hash_file(&path, name)?)
	}
}

/// Why the hub did not tell of a model.
fn unresolved(error: ApiError) -> anyhow::Error {
	let ApiError::RequestError(request) = error else {
		return error.into();
	};
	let message = request.to_string();
	match request.into_response().map(|response| response.status()) {
		Some(401 | 403 | 404) => anyhow::anyhow!(
			"the hub knows no such model or revision, or does not show it: see name and revision, and HF_TOKEN if it is private"
		),
		_ => anyhow::anyhow!("the hub does not answer: {message}"),
	}
}

fn is_hex(text: &str) -> bool {
	text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// hf-hub links within its folder by absolute paths.
fn absolute(path: &Path) -> Result<PathBuf> {
	std::path::absolute(path).with_context(|| super::super::show(path))
}
