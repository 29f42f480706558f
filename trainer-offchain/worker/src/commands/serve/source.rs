//! Where served adapters come from: folders, and the chain's registry of models.

use crate::worker::{Cache, WorkerError};
use anyhow::{bail, Context, Result};
use async_trait::async_trait;
use chain_client::{Query, Subxt};
use openledger_finetune::hash::hash_file;
use openledger_model::peft;
use openledger_primitives::{training::Method, BaseModelId, ModelId};
use openledger_serve::{AdapterError, AdapterSource};
use payload_store::{GatewayClient, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Before the number of a model of the registry.
const PREFIX: &str = "openledger/";
/// Uploads do not happen here; the client asks for one.
const DEADLINE: Duration = Duration::from_secs(60);

/// All of them.
pub struct Source {
	/// By their name in the API.
	pub folders: BTreeMap<String, PathBuf>,
	pub registry: Option<Registry>,
}

/// The models of a chain that are built on the base model served here.
pub struct Registry {
	chain: Subxt,
	artifacts: GatewayClient,
	/// The base model under all ids that it is registered by.
	bases: BTreeSet<BaseModelId>,
	cache: Cache,
	folder: PathBuf,
}

impl Registry {
	/// Connects, and finds the base model on chain by the hashes of its files.
	pub async fn connect(node: &str, gateway: &str, model: &Path, work_dir: &Path) -> Result<Self> {
		let chain = Subxt::connect(node).await?;
		let artifacts = GatewayClient::new(gateway, Kind::Artifact, DEADLINE)?;
		let folder = work_dir.join("served");
		std::fs::create_dir_all(&folder).with_context(|| format!("--work-dir {}", work_dir.display()))?;
		let mut hashes = BTreeMap::new();
		let mut bases = BTreeSet::new();
		for (id, base) in Query::new(&chain).base_models().await? {
			let is_same = base.files.iter().all(|file| {
				let name = String::from_utf8_lossy(&file.name).into_owned();
				// Nothing outside the model's folder is looked at, whatever the chain calls its files.
				let is_plain = Path::new(&name).file_name().is_some_and(|plain| plain == name.as_str());
				let of_file = || hash_file(&model.join(&name), "").ok().map(|hash| hash.sha256);
				let hash = hashes
					.entry(name.clone())
					.or_insert_with(|| if is_plain { of_file() } else { None });
				*hash == Some(hex::encode(file.artifact.sha256))
			});
			if is_same {
				bases.insert(id);
			}
		}
		if bases.is_empty() {
			bail!(
				"no base model of this chain has the files of {}; leave --node out, or register it by `openledger model register`",
				model.display()
			);
		}
		Ok(Self {
			chain,
			artifacts,
			bases,
			cache: Cache::new(work_dir.join("artifacts"))?,
			folder,
		})
	}

	/// The verified files of a model's adapter, in a folder; none where there is no such model.
	async fn fetch(&self, id: ModelId) -> Result<Option<PathBuf>, AdapterError> {
		let unavailable = |error: &dyn std::fmt::Display| AdapterError::Unavailable(error.to_string());
		let model = Query::new(&self.chain)
			.model(id)
			.await
			.map_err(|error| unavailable(&error))?;
		let Some(model) = model else { return Ok(None) };
		if !self.bases.contains(&model.base) {
			let reason = format!(
				"it was trained on base model {}, which is not the one served here",
				model.base
			);
			return Err(AdapterError::Unusable(reason));
		}
		if model.spec.method == Method::Full {
			return Err(AdapterError::Unusable("it is a whole model, not an adapter".into()));
		}
		let folder = self.folder.join(hex::encode(model.result.adapter.sha256));
		let (names, what) = ([peft::TENSORS, peft::CONFIG], format!("model {id}"));
		let placed = self
			.cache
			.place_result(&self.artifacts, &model.result, names, &what, &folder);
		placed.await.map_err(|error| match error {
			WorkerError::WrongFile { .. } => AdapterError::Unusable(error.to_string()),
			error => unavailable(&error),
		})?;
		Ok(Some(folder))
	}

	async fn names(&self) -> Result<Vec<String>, chain_client::ChainError> {
		let models = Query::new(&self.chain).models().await?;
		let ours = models
			.into_iter()
			.filter(|(_, model)| self.bases.contains(&model.base) && model.spec.method != Method::Full);
		Ok(ours.map(|(id, _)| format!("{PREFIX}{id}")).collect())
	}
}

#[async_trait]
impl AdapterSource for Source {
	async fn fetch(&self, name: &str) -> Result<Option<PathBuf>, AdapterError> {
		if let Some(folder) = self.folders.get(name) {
			return Ok(Some(folder.clone()));
		}
		let id = name.strip_prefix(PREFIX).and_then(|id| id.parse().ok());
		match (&self.registry, id) {
			(Some(registry), Some(id)) => registry.fetch(id).await,
			_ => Ok(None),
		}
	}

	async fn names(&self) -> Vec<String> {
		let mut names: Vec<String> = self.folders.keys().cloned().collect();
		if let Some(registry) = &self.registry {
			match registry.names().await {
				Ok(of_chain) => names.extend(of_chain),
				Err(error) => tracing::warn!("the chain's models cannot be listed: {error}"),
			}
		}
		names
	}
}
