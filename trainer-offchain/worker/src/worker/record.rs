//! manifest.json: all that is needed to repeat a job.

use super::cache::Wanted;
use openledger_finetune::{data::TEXT_EXTENSIONS, Manifest};
use openledger_primitives::{
	format::Format,
	model::Artifact,
	payload::{hex32, Payload},
	training::{DatasetRef, TrainingSpec},
	BaseModelId, DatanetId, ItemId, JobId, ModelId,
};
use payload_store::Cid;
use serde::{Deserialize, Serialize};

/// Version of this layout.
pub const MANIFEST_VERSION: u32 = 1;

/// The record of a finished job: what the chain ordered, what it was trained from, and the run itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobManifest {
	pub manifest_version: u32,
	/// Hash of block 0 of the chain that ordered it.
	#[serde(with = "hex32")]
	pub genesis: [u8; 32],
	pub job: JobId,
	/// The worker's address.
	pub worker: String,
	/// The whole order.
	pub spec: TrainingSpec,
	pub base_model: BaseRecord,
	/// The earlier result that was continued.
	pub parent: Option<ParentRecord>,
	/// In the order of the order.
	pub datasets: Vec<DatasetRecord>,
	/// Hyperparameters, seed, code, device, dtype, kernel path, threads, losses, and the checkpoints, published.
	pub run: Manifest,
	/// The result: of a full training the model.
	pub adapter: FileRecord,
	pub adapter_config: FileRecord,
	/// The key and value that the adapter's safetensors metadata has beyond what the run wrote.
	pub mark: (String, String),
}

/// A published file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileRecord {
	pub name: String,
	#[serde(with = "hex32")]
	pub sha256: [u8; 32],
	pub cid: Cid,
	pub bytes: u64,
}

impl FileRecord {
	pub fn of(name: impl Into<String>, artifact: &Artifact) -> Self {
		Self {
			name: name.into(),
			sha256: artifact.sha256,
			cid: artifact.cid,
			bytes: artifact.bytes,
		}
	}
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BaseRecord {
	pub id: BaseModelId,
	pub name: String,
	pub files: Vec<FileRecord>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ParentRecord {
	pub model: ModelId,
	pub adapter: FileRecord,
	pub adapter_config: FileRecord,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DatasetRecord {
	pub datanet: DatanetId,
	pub version: u32,
	/// How many exclusions the order knew of.
	pub exclusions: u32,
	/// Of all items of the version.
	#[serde(with = "hex32")]
	pub root: [u8; 32],
	/// Trained on, in this order.
	pub items: Vec<ItemRecord>,
	/// The split that the job's id chooses: not trained on, to evaluate the result on where too few items come later.
	pub held_out: Vec<ItemRecord>,
	/// Of a format that this trainer reads no text from.
	pub unreadable: Vec<ItemRecord>,
	/// Taken down by one of those exclusions: neither fetched nor trained on.
	pub excluded: Vec<ItemRecord>,
}

impl DatasetRecord {
	/// Without its items.
	pub fn of(dataset: DatasetRef, root: [u8; 32]) -> Self {
		Self {
			datanet: dataset.datanet,
			version: dataset.version,
			exclusions: dataset.exclusions,
			root,
			items: Vec::new(),
			held_out: Vec::new(),
			unreadable: Vec::new(),
			excluded: Vec::new(),
		}
	}
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ItemRecord {
	/// The version that this item made.
	pub version: u32,
	pub item: ItemId,
	#[serde(with = "hex32")]
	pub sha256: [u8; 32],
	pub cid: Cid,
	pub bytes: u64,
	pub format: Format,
}

impl ItemRecord {
	pub fn of(version: u32, item: ItemId, payload: &Payload) -> Self {
		Self {
			version,
			item,
			sha256: payload.sha256,
			cid: payload.cid(),
			bytes: payload.size.into(),
			format: payload.format,
		}
	}

	/// Whether this trainer reads text from it.
	pub fn is_text(&self) -> bool {
		TEXT_EXTENSIONS.contains(&self.format.extension())
	}

	/// Of the file that it is trained on as: names sort in the order of the versions.
	pub fn file_name(&self) -> String {
		format!("{:010}.{}", self.version, self.format.extension())
	}

	pub fn wanted(&self) -> Wanted {
		Wanted {
			cid: self.cid,
			sha256: self.sha256,
			bytes: self.bytes,
		}
	}
}
