//! What a job is trained from: base model, datasets and the adapter to continue, all verified against the chain.

use super::cache::{create_dir, link, verify, Cache};
use super::config::{self, Paths};
use super::error::{Result, WorkerError};
use super::evaluation::hold_out;
use super::record::{BaseRecord, DatasetRecord, FileRecord, ItemRecord, ParentRecord};
use super::Service;
use chain_client::{AccountId, Chain, Query, Terms};
use futures::{stream, StreamExt, TryStreamExt};
use openledger_finetune::RunConfig;
use openledger_model::peft;
use openledger_primitives::{
	item::{next_root, Item, VersionEntry},
	model::{BaseModel, Job},
	training::{DatasetRef, Parent, TrainingSpec},
	BaseModelId, DatanetId, JobId, ModelId,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the training writes, in a job's folder.
pub const RUN: &str = "run";
/// The manifest as it was published, in a job's folder.
pub const PUBLISHED: &str = "manifest.json";
/// Payloads fetched at once.
const FETCHES: usize = 8;

/// A job that can be trained at once.
pub struct Prepared {
	pub id: JobId,
	pub job: Job<AccountId>,
	pub terms: Terms,
	pub base: BaseRecord,
	pub parent: Option<ParentRecord>,
	pub datasets: Vec<DatasetRecord>,
	/// The job's folder.
	pub folder: PathBuf,
	/// As run.toml in the folder has it.
	pub config: RunConfig,
}

impl<C: Chain> Service<C> {
	/// Fetches and verifies everything that a job names, and writes its run.toml.
	pub async fn prepare(&self, id: JobId) -> Result<Prepared> {
		let folder = self.folder("jobs", id);
		clear(&folder, &[])?;
		self.prepare_in(id, folder).await
	}

	/// The same for a job that was begun: what was trained of it stays.
	pub async fn prepare_again(&self, id: JobId) -> Result<Prepared> {
		let folder = self.folder("jobs", id);
		clear(&folder, &[RUN, PUBLISHED])?;
		self.prepare_in(id, folder).await
	}

	/// A folder for what is done about a job.
	pub fn folder(&self, what: &str, id: JobId) -> PathBuf {
		self.home
			.join(what)
			.join(format!("{}-{id}", hex::encode(&self.genesis[..4])))
	}

	/// The same in an empty folder.
	pub async fn prepare_in(&self, id: JobId, folder: PathBuf) -> Result<Prepared> {
		let query = Query::new(&*self.chain);
		let job = query.job(id).await?.ok_or(WorkerError::JobMissing(id))?;
		let terms = query.job_terms(id).await?.ok_or(WorkerError::JobMissing(id))?;
		create_dir(&folder)?;

		let (base_id, parent_id) = match job.spec.parent {
			Parent::Base(base) => (base, None),
			Parent::Model(model) => {
				let found = query.model(model).await?.ok_or(WorkerError::ModelMissing(model))?;
				(found.base, Some(model))
			}
		};
		let (model, base) = self.base_model(base_id, &folder).await?;
		let (init_adapter, parent) = match parent_id {
			Some(model) => self
				.parent(model, &folder)
				.await
				.map(|(path, record)| (Some(path), Some(record)))?,
			None => (None, None),
		};
		let data = folder.join("data");
		let datasets = self.datasets(id, &job.spec, &terms.roots).await?;
		if datasets.iter().all(|dataset| dataset.items.is_empty()) {
			return Err(WorkerError::NoText(id));
		}
		for (at, dataset) in datasets.iter().enumerate() {
			let name = format!("{at}-datanet-{}", dataset.datanet);
			self.place(dataset.datanet, &dataset.items, &data.join(&name)).await?;
			// The evaluation may need them: what cannot be fetched is not bid on.
			let held_out = folder.join("held_out").join(&name);
			self.place(dataset.datanet, &dataset.held_out, &held_out).await?;
		}
		let paths = Paths {
			model,
			data,
			output: folder.join(RUN),
			init_adapter,
		};
		let config = config::write(
			&config::run_config(&job.spec, &paths, &self.device)?,
			&folder.join("run.toml"),
		)?;
		Ok(Prepared {
			id,
			job,
			terms,
			base,
			parent,
			datasets,
			folder,
			config,
		})
	}

	/// A folder with exactly the base model's files: those of `--base-dir` where the name has one, otherwise fetched.
	pub async fn base_model(&self, id: BaseModelId, folder: &Path) -> Result<(PathBuf, BaseRecord)> {
		let base = Query::new(&*self.chain)
			.base_model(id)
			.await?
			.ok_or(WorkerError::BaseModelMissing(id))?;
		let name = String::from_utf8_lossy(&base.name).into_owned();
		let into = folder.join("base").join(folder_name(&name));
		create_dir(&into)?;
		let local = self.base_dirs.get(&name);
		let record = BaseRecord {
			id,
			name,
			files: self.base_files(&base, local.map(PathBuf::as_path), &into).await?,
		};
		Ok((into, record))
	}

	async fn base_files(
		&self,
		base: &BaseModel<AccountId>,
		local: Option<&Path>,
		into: &Path,
	) -> Result<Vec<FileRecord>> {
		let cache = Cache::new(self.home.join("artifacts"))?;
		let mut records = Vec::new();
		for file in &base.files {
			let name = file_name(&file.name)?;
			let path = match local {
				Some(dir) => {
					let path = dir.join(&name);
					verify(&path, &file.artifact.sha256, &path.display().to_string()).await?;
					path.canonicalize().map_err(WorkerError::io(&path))?
				}
				None => {
					tracing::info!("base model: {name}, {} bytes", file.artifact.bytes);
					cache.fetch(&*self.artifacts, (&file.artifact).into(), &name).await?
				}
			};
			link(&path, &into.join(&name))?;
			records.push(FileRecord::of(name, &file.artifact));
		}
		Ok(records)
	}

	/// The adapter of an earlier result, in a folder of its own.
	async fn parent(&self, id: ModelId, folder: &Path) -> Result<(PathBuf, ParentRecord)> {
		let model = Query::new(&*self.chain)
			.model(id)
			.await?
			.ok_or(WorkerError::ModelMissing(id))?;
		let into = folder.join("init_adapter");
		let (result, names) = (&model.result, [peft::TENSORS, peft::CONFIG]);
		let what = format!("model {id}");
		let cache = Cache::new(self.home.join("artifacts"))?;
		cache
			.place_result(&*self.artifacts, result, names, &what, &into)
			.await?;
		let record = ParentRecord {
			model: id,
			adapter: FileRecord::of(peft::TENSORS, &result.adapter),
			adapter_config: FileRecord::of(peft::CONFIG, &result.adapter_config),
		};
		Ok((into, record))
	}

	/// The items of an order's datasets by what becomes of them, their roots verified; nothing is fetched.
	pub async fn datasets(&self, id: JobId, spec: &TrainingSpec, roots: &[[u8; 32]]) -> Result<Vec<DatasetRecord>> {
		let mut datasets = Vec::new();
		for (dataset, root) in spec.datasets.iter().zip(roots) {
			datasets.push(self.dataset(*dataset, *root).await?);
		}
		hold_out(id, &mut datasets);
		Ok(datasets)
	}

	/// The items of a dataset version. The root is verified over all of them.
	async fn dataset(&self, dataset: DatasetRef, root: [u8; 32]) -> Result<DatasetRecord> {
		let query = Query::new(&*self.chain);
		let entries = query.versions(dataset.datanet, 1..=dataset.version).await?;
		let ids: Vec<_> = entries.iter().map(|entry| entry.item).collect();
		let items = verify_dataset(dataset, &entries, query.items(&ids).await?, root)?;
		let exclusions = query.exclusions(dataset.datanet, dataset.exclusions).await?;
		let excluded: BTreeSet<_> = exclusions.iter().map(|exclusion| exclusion.version).collect();
		let mut record = DatasetRecord::of(dataset, root);
		for ((version, item), entry) in (1..).zip(items).zip(&entries) {
			let item = ItemRecord::of(version, entry.item, &item.payload);
			let fate = if excluded.contains(&version) {
				&mut record.excluded
			} else if item.is_text() {
				&mut record.items
			} else {
				&mut record.unreadable
			};
			fate.push(item);
		}
		if !record.unreadable.is_empty() {
			tracing::warn!(
				"Datanet {}: {} items are not text files and are left out",
				dataset.datanet,
				record.unreadable.len()
			);
		}
		tracing::info!(
			"Datanet {} version {}: {} files, {} taken down and left out, root verified",
			dataset.datanet,
			dataset.version,
			record.items.len(),
			record.excluded.len()
		);
		Ok(record)
	}

	/// Fetches items into a folder, as files whose names sort in the order of the versions.
	pub async fn place(&self, datanet: DatanetId, items: &[ItemRecord], into: &Path) -> Result<()> {
		create_dir(into)?;
		let cache = Cache::new(self.home.join("payloads"))?;
		stream::iter(items)
			.map(|item| {
				let cache = &cache;
				async move {
					let ItemRecord { version, item: id, .. } = item;
					let what = format!("item {id} (version {version} of Datanet {datanet})");
					let to = into.join(item.file_name());
					cache.place(&*self.payloads, item.wanted(), &what, &to).await
				}
			})
			.buffered(FETCHES)
			.try_collect()
			.await
	}
}

/// Recomputes the roots of all versions up to this one; each must be the chain's, and the last the one that the job was
/// ordered on. Returns the items in the order of the versions.
pub fn verify_dataset(
	dataset: DatasetRef,
	entries: &[VersionEntry],
	items: Vec<Option<Item<AccountId>>>,
	ordered: [u8; 32],
) -> Result<Vec<Item<AccountId>>> {
	let datanet = dataset.datanet;
	let mut verified = Vec::with_capacity(entries.len());
	let mut root = [0; 32];
	for (version, (entry, item)) in (1u32..).zip(entries.iter().zip(items)) {
		let missing = WorkerError::ItemMissing { datanet, version };
		let item = item.filter(|item| item.datanet == datanet).ok_or(missing)?;
		root = next_root(root, datanet, version, &item.payload, &item.contributor);
		ensure_root(dataset.datanet, version, entry.root, root)?;
		verified.push(item);
	}
	if verified.len() != dataset.version as usize {
		return Err(WorkerError::ItemMissing {
			datanet,
			version: verified.len() as u32 + 1,
		});
	}
	ensure_root(datanet, dataset.version, ordered, root)?;
	Ok(verified)
}

pub fn ensure_root(datanet: u32, version: u32, expected: [u8; 32], got: [u8; 32]) -> Result<()> {
	if expected == got {
		return Ok(());
	}
	Err(WorkerError::WrongRoot {
		datanet,
		version,
		expected: hex::encode(expected),
		got: hex::encode(got),
	})
}

/// A name from the chain that stays in its folder. The chain checks this too; a worker does not rely on it.
pub fn file_name(name: &[u8]) -> Result<String> {
	let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
	let text = String::from_utf8_lossy(name).into_owned();
	if name.is_empty() || name.starts_with(b".") || !name.iter().all(safe) {
		return Err(WorkerError::UnsafeName(text));
	}
	Ok(text)
}

/// A folder's name that is like the model's: it becomes the adapter's `base_model_name_or_path`.
fn folder_name(name: &str) -> String {
	let safe = |c: char| {
		if c.is_ascii_alphanumeric() || "._-".contains(c) {
			c
		} else {
			'-'
		}
	};
	let name: String = name.chars().map(safe).collect();
	let name = name.trim_start_matches('.');
	if name.is_empty() {
		"base".into()
	} else {
		name.into()
	}
}

/// Empties a folder but for the entries named `kept`.
fn clear(folder: &Path, kept: &[&str]) -> Result<()> {
	let entries = match std::fs::read_dir(folder) {
		Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
		entries => entries.map_err(WorkerError::io(folder))?,
	};
	for entry in entries {
		let entry = entry.map_err(WorkerError::io(folder))?;
		if kept.iter().any(|kept| entry.file_name() == *kept) {
			continue;
		}
		let path = entry.path();
		// A link to a folder is not one: what it leads to stays.
		let is_dir = entry.file_type().map_err(WorkerError::io(&path))?.is_dir();
		let removed = if is_dir {
			std::fs::remove_dir_all(&path)
		} else {
			std::fs::remove_file(&path)
		};
		removed.map_err(WorkerError::io(&path))?;
	}
	Ok(())
}
