//! A chain with one base model, one Datanet of three items and one open job.

use crate::stop::Stop;
use crate::worker::status::Status;
use crate::worker::Service;
use bytes::Bytes;
use chain_client::{exclusion_key, keys, version_key, AccountId, Call, Chain, Event, Memory, Signer, Terms};
use openledger_primitives::{
	format::Format,
	item::{next_root, Exclusion, ExclusionReason, Item, Outcome, VersionEntry},
	model::{Artifact, BaseModel, Job, JobStatus, ModelFile},
	params::ModelParams,
	payload::Payload,
	training::{DatasetRef, Dtype, Hyperparameters, Method, Parent, TrainingSpec},
	JobId,
};
use payload_store::{LocalStore, PayloadStore};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

pub const DATANET: u32 = 7;
pub const JOB: JobId = 0;

pub struct World {
	pub dir: TempDir,
	pub chain: Arc<Memory>,
	pub payloads: Arc<LocalStore>,
	pub artifacts: Arc<LocalStore>,
	pub items: Vec<Item<AccountId>>,
	pub roots: Vec<[u8; 32]>,
}

pub fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures/tiny-llama")
		.join(name)
}

pub fn params() -> ModelParams {
	ModelParams {
		min_bond: 1,
		bond_per_job: 1,
		min_price: 1,
		bid_blocks: 3,
		open_blocks: 100,
		heartbeat_blocks: 10,
		max_train_blocks: 1_000,
		accept_blocks: 10,
		evaluate_blocks: 5,
		..ModelParams::default()
	}
}

pub fn spec(version: u32) -> TrainingSpec {
	let hyperparameters = Hyperparameters {
		max_steps: 3,
		cutoff_length: 16,
		batch_size: 1,
		gradient_accumulation: 1,
		learning_rate_nano: 1_000_000,
		lora_rank: 4,
		..Default::default()
	};
	TrainingSpec {
		parent: Parent::Base(0),
		datasets: vec![DatasetRef {
			datanet: DATANET,
			version,
			exclusions: 0,
		}]
		.try_into()
		.unwrap(),
		method: Method::Lora,
		dtype: Dtype::F32,
		min_memory_mib: 0,
		hyperparameters,
	}
}

/// `spec(3)` of so many steps.
pub fn steps(max_steps: u32) -> TrainingSpec {
	let mut spec = spec(3);
	spec.hyperparameters.max_steps = max_steps;
	spec
}

impl World {
	pub async fn new() -> Self {
		let dir = tempfile::tempdir().unwrap();
		let mut world = Self {
			chain: Arc::new(Memory::new()),
			payloads: Arc::new(LocalStore::open(dir.path().join("payloads")).unwrap()),
			artifacts: Arc::new(LocalStore::open(dir.path().join("artifacts")).unwrap()),
			items: Vec::new(),
			roots: vec![[0; 32]],
			dir,
		};
		world.chain.set(keys::entry("Models", "Params"), params());
		world.add_base_model().await;
		for n in 0..3u8 {
			let text = format!("Item {n} tells of a river that runs past {n} mills. ").repeat(6);
			world
				.add_item(text, if n == 1 { Format::PlainText } else { Format::Markdown })
				.await;
		}
		world.order(JOB, spec(3), vec![world.roots[3]]);
		world
	}

	pub async fn publish(&self, path: &Path) -> Artifact {
		let stored = self.artifacts.put_file(path).await.unwrap();
		Artifact {
			cid: stored.cid,
			sha256: stored.sha256,
			bytes: stored.size,
		}
	}

	async fn add_base_model(&self) {
		let mut files = Vec::new();
		for name in ["config.json", "model.safetensors", "tokenizer.json"] {
			let artifact = self.publish(&fixture("model").join(name)).await;
			files.push(ModelFile {
				name: name.as_bytes().to_vec().try_into().unwrap(),
				artifact,
			});
		}
		let name = b"tiny llama".to_vec().try_into().unwrap();
		let owner = signer("//Owner").account().clone();
		self.set_base_model(BaseModel {
			owner,
			name,
			files: files.try_into().unwrap(),
		});
	}

	pub fn set_base_model(&self, model: BaseModel<AccountId>) {
		self.chain.set(keys::map("Models", "BaseModels", 0u32), model);
	}

	pub async fn add_item(&mut self, text: String, format: Format) {
		let stored = self.payloads.put(Bytes::from(text)).await.unwrap();
		let payload = Payload {
			sha256: stored.sha256,
			root: stored.cid.digest,
			codec: stored.cid.codec,
			size: stored.size as u32,
			format,
		};
		let version = self.items.len() as u32 + 1;
		let contributor = signer("//Contributor").account().clone();
		let root = next_root(*self.roots.last().unwrap(), DATANET, version, &payload, &contributor);
		let item = Item {
			datanet: DATANET,
			contributor,
			payload,
			possession: None,
			submitted_at: 0,
			day: 0,
			outcome: Outcome::Accepted {
				version,
				score: 100,
				units: 1,
			},
		};
		let id = 100 + u64::from(version);
		self.chain.set(keys::numbered("Datanets", "Items", id), item.clone());
		let entry = VersionEntry {
			item: id,
			root,
			points: 0,
		};
		self.chain.set(version_key(DATANET, version), entry);
		self.items.push(item);
		self.roots.push(root);
	}

	/// Takes down the items of these versions, one exclusion each, from number 1.
	pub fn exclude(&self, versions: &[u32]) {
		for (number, version) in (1..).zip(versions) {
			let exclusion = Exclusion {
				version: *version,
				item: 100 + u64::from(*version),
				reason: ExclusionReason::Unlawful,
			};
			self.chain.set(exclusion_key(DATANET, number), exclusion);
		}
	}

	pub fn order(&self, id: JobId, spec: TrainingSpec, roots: Vec<[u8; 32]>) {
		let job = Job {
			requester: signer("//Requester").account().clone(),
			spec,
			price: 100,
			created_at: 0,
			bids_until: 3,
			expires_at: 100,
			failures: 0,
			paused_blocks: 0,
			status: JobStatus::Open,
		};
		self.chain.set(keys::map("Models", "Jobs", id), job);
		self.chain.set(
			keys::map("Models", "JobTerms", id),
			Terms {
				params: params(),
				roots,
			},
		);
		self.chain.set(keys::entry("Models", "NextJob"), id + 1);
	}

	pub fn set_status(&self, id: JobId, status: JobStatus<AccountId>) {
		let job = Job {
			requester: signer("//Requester").account().clone(),
			spec: spec(3),
			price: 100,
			created_at: 0,
			bids_until: 3,
			expires_at: 100,
			failures: 0,
			paused_blocks: 0,
			status,
		};
		self.chain.set(keys::map("Models", "Jobs", id), job);
	}

	/// The next call, a bid, takes the job at once.
	pub fn script_claim(&self) {
		let claimed = Event {
			pallet: "Models".into(),
			name: "JobClaimed".into(),
			fields: Vec::new(),
			extrinsic: None,
			error: None,
		};
		self.chain.script(Ok(self.chain.outcome(vec![claimed])));
	}

	pub async fn service(&self) -> Service<Memory> {
		self.service_of("//Worker", "work").await
	}

	/// A worker with this key and folder.
	pub async fn service_of(&self, suri: &str, home: &str) -> Service<Memory> {
		Service {
			chain: self.chain.clone(),
			payloads: self.payloads.clone(),
			artifacts: self.artifacts.clone(),
			signer: signer(suri),
			genesis: self.chain.genesis().await.unwrap(),
			home: self.dir.path().join(home),
			base_dirs: BTreeMap::new(),
			device: "cpu".into(),
			judges: true,
			memory_mib: 1_000,
			status: Arc::new(Status::new(1_000)),
			stop: Stop::default(),
		}
	}

	/// What the worker submitted, by name.
	pub fn calls(&self) -> Vec<Call> {
		self.chain
			.submitted()
			.into_iter()
			.map(|submitted| submitted.call)
			.collect()
	}
}

pub fn signer(suri: &str) -> Signer {
	Signer::from_suri(suri).unwrap()
}
