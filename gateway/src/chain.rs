use std::collections::HashSet;

use async_trait::async_trait;
use chain_client::{AccountId, Chain, ChainError, Hash, Query, Subxt};
use openledger_primitives::{
	model::{Artifact, Job, JobResult, JobStatus},
	ItemId,
};
use payload_store::Cid;
use tokio::sync::Mutex;

use crate::{Announced, ChainUnavailable, Kind};

/// Items read by one request.
const PAGE: u64 = 1000;

/// [`Announced`] by a node: what its storage names is read once and remembered.
pub struct OnChain<C> {
	chain: C,
	payloads: Mutex<Payloads>,
	artifacts: Mutex<Artifacts>,
}

#[derive(Default)]
struct Payloads {
	seen: HashSet<Cid>,
	/// The block at which `seen` was brought up to date.
	at: Option<Hash>,
	/// Items below this id are final and never read again; a fork may still replace the others.
	settled: ItemId,
}

#[derive(Default)]
struct Artifacts {
	seen: HashSet<Cid>,
	at: Option<Hash>,
}

impl OnChain<Subxt> {
	/// Connects to a node's WebSocket; a connection that breaks later is made anew.
	pub async fn connect(url: &str) -> Result<Self, ChainError> {
		Ok(Self::new(Subxt::connect(url).await?))
	}
}

impl<C: Chain> OnChain<C> {
	pub fn new(chain: C) -> Self {
		Self {
			chain,
			payloads: Mutex::default(),
			artifacts: Mutex::default(),
		}
	}

	/// Whether an item carries `cid`. New items are read only where the answer would be no, once a block: callers that
	/// wait for the lock find what the one before them read.
	async fn is_payload(&self, cid: &Cid) -> Result<bool, ChainError> {
		let mut payloads = self.payloads.lock().await;
		if payloads.seen.contains(cid) {
			return Ok(true);
		}
		let head = self.chain.head().await?;
		if payloads.at == Some(head.hash) {
			return Ok(false);
		}
		let finalized = self.chain.finalized().await?;
		let settled = Query::at(&self.chain, finalized.hash).item_count().await?;
		let query = Query::at(&self.chain, head.hash);
		let end = query.item_count().await?;
		let mut next = payloads.settled;
		while next < end {
			let ids: Vec<ItemId> = (next..end.min(next + PAGE)).collect();
			// A pruned item is gone from the chain.
			let items = query.items(&ids).await?;
			payloads
				.seen
				.extend(items.into_iter().flatten().map(|item| item.payload.cid()));
			next += ids.len() as u64;
		}
		payloads.settled = payloads.settled.max(settled.min(end));
		payloads.at = Some(head.hash);
		Ok(payloads.seen.contains(cid))
	}

	/// Whether a base model, a submitted result, a registered model or an evaluation carries `cid`. Reads them all, once a block, where
	/// the answer would be no: asked when uploads are swept, not when they are served.
	async fn is_artifact(&self, cid: &Cid) -> Result<bool, ChainError> {
		let mut artifacts = self.artifacts.lock().await;
		if artifacts.seen.contains(cid) {
			return Ok(true);
		}
		let head = self.chain.head().await?;
		if artifacts.at == Some(head.hash) {
			return Ok(false);
		}
		let query = Query::at(&self.chain, head.hash);
		let bases = query.base_models().await?;
		let jobs = query.jobs().await?;
		let models = query.models().await?;
		let evaluations = query.all_evaluations().await?;
		let files = bases.iter().flat_map(|(_, base)| &base.files).map(|file| file.artifact);
		let results = jobs
			.iter()
			.filter_map(|(_, job)| submitted(job))
			.chain(models.iter().map(|(_, model)| &model.result))
			.flat_map(files_of);
		let manifests = evaluations.iter().map(|evaluation| evaluation.manifest);
		artifacts
			.seen
			.extend(files.chain(results).chain(manifests).map(|artifact| artifact.cid));
		artifacts.at = Some(head.hash);
		Ok(artifacts.seen.contains(cid))
	}
}

/// The result of a job that waits to be accepted.
fn submitted(job: &Job<AccountId>) -> Option<&JobResult> {
	match &job.status {
		JobStatus::Submitted { result, .. } | JobStatus::Disputed { result, .. } => Some(result),
		_ => None,
	}
}

fn files_of(result: &JobResult) -> [Artifact; 3] {
	[result.adapter, result.adapter_config, result.manifest]
}

#[async_trait]
impl<C: Chain> Announced for OnChain<C> {
	async fn is_announced(&self, kind: Kind, cid: &Cid) -> Result<bool, ChainUnavailable> {
		match kind {
			Kind::Payload => self.is_payload(cid).await,
			Kind::Artifact => self.is_artifact(cid).await,
		}
		.map_err(unavailable)
	}

	async fn waiting(&self) -> Result<Vec<Artifact>, ChainUnavailable> {
		let jobs = Query::new(&self.chain).jobs().await.map_err(unavailable)?;
		Ok(jobs
			.iter()
			.filter_map(|(_, job)| Some(submitted(job)?.manifest))
			.collect())
	}

	async fn head(&self) -> Result<u32, ChainUnavailable> {
		self.chain.head().await.map(|head| head.number).map_err(unavailable)
	}
}

fn unavailable(error: ChainError) -> ChainUnavailable {
	ChainUnavailable(error.to_string())
}

#[cfg(test)]
mod tests {
	use super::*;
	use chain_client::{keys, Memory};
	use openledger_primitives::{
		evaluation::ResultEvaluation,
		format::Format,
		item::{Item, Outcome},
		model::{BaseModel, ModelFile},
		payload::Payload,
		training::{Dtype, Method, Parent, TrainingSpec},
	};
	use payload_store::import;

	fn item(bytes: &[u8]) -> Item<AccountId> {
		let imported = import(bytes);
		let payload = Payload {
			sha256: imported.sha256,
			root: imported.cid.digest,
			codec: imported.cid.codec,
			size: imported.size as u32,
			format: Format::PlainText,
		};
		Item {
			datanet: 0,
			contributor: AccountId::new([1; 32]),
			payload,
			possession: Some([0; 32]),
			submitted_at: 1,
			day: 0,
			outcome: Outcome::InReview,
		}
	}

	fn submit(chain: &Memory, id: ItemId, block: u32, bytes: &[u8]) {
		chain.set(keys::numbered("Datanets", "Items", id), item(bytes));
		chain.set(keys::entry("Datanets", "NextItem"), id + 1);
		chain.set_head(block, 0);
	}

	async fn is_payload(chain: &OnChain<Memory>, bytes: &[u8]) -> bool {
		chain.is_announced(Kind::Payload, &import(bytes).cid).await.unwrap()
	}

	#[tokio::test]
	async fn payload_should_be_announced_from_the_block_of_its_item_on() {
		let chain = OnChain::new(Memory::new());
		let long = vec![3; (1 << 20) + 1];
		assert!(!is_payload(&chain, b"first").await);
		submit(&chain.chain, 0, 1, b"first");
		submit(&chain.chain, 1, 2, &long);
		assert_eq!(chain.head().await, Ok(2));
		assert!(is_payload(&chain, b"first").await);
		assert!(is_payload(&chain, &long).await);
		assert!(!is_payload(&chain, b"second").await);
		submit(&chain.chain, 2, 3, b"second");
		assert!(is_payload(&chain, b"second").await);
		// Pruned: what was public stays so.
		chain.chain.remove(&keys::numbered("Datanets", "Items", 0u64));
		chain.chain.set_head(4, 0);
		assert!(is_payload(&chain, b"first").await);
	}

	#[tokio::test]
	async fn many_items_should_be_read_in_pages() {
		let chain = OnChain::new(Memory::new());
		let last = PAGE as u32 + 7;
		for id in 0..=last {
			submit(&chain.chain, id.into(), 1, &id.to_le_bytes());
		}
		assert!(is_payload(&chain, &last.to_le_bytes()).await);
		assert_eq!(chain.payloads.lock().await.seen.len(), last as usize + 1);
	}

	#[tokio::test]
	async fn artifact_should_be_announced_by_its_base_model() {
		let chain = OnChain::new(Memory::new());
		let imported = import(b"weights");
		assert_eq!(chain.is_announced(Kind::Artifact, &imported.cid).await, Ok(false));
		let artifact = Artifact {
			cid: imported.cid,
			sha256: imported.sha256,
			bytes: imported.size,
		};
		let file = ModelFile {
			name: b"model.safetensors".to_vec().try_into().unwrap(),
			artifact,
		};
		let base = BaseModel {
			owner: AccountId::new([1; 32]),
			name: b"base".to_vec().try_into().unwrap(),
			files: vec![file].try_into().unwrap(),
		};
		chain.chain.set(keys::map("Models", "BaseModels", 0u32), base);
		chain.chain.set_head(1, 0);
		assert_eq!(chain.is_announced(Kind::Artifact, &imported.cid).await, Ok(true));
		assert_eq!(chain.is_announced(Kind::Payload, &imported.cid).await, Ok(false));
	}

	#[tokio::test]
	async fn manifests_should_wait_until_their_job_is_accepted() {
		let chain = OnChain::new(Memory::new());
		let artifact = |bytes: &[u8]| {
			let imported = import(bytes);
			Artifact {
				cid: imported.cid,
				sha256: imported.sha256,
				bytes: imported.size,
			}
		};
		let result = JobResult {
			adapter: artifact(b"adapter"),
			adapter_config: artifact(b"config"),
			manifest: artifact(b"manifest"),
			checkpoints: Default::default(),
			steps: 1,
			train_loss_micro: 0,
		};
		let who = AccountId::new([1; 32]);
		let set = |status| {
			let spec = TrainingSpec {
				parent: Parent::Base(0),
				datasets: Default::default(),
				method: Method::Lora,
				dtype: Dtype::F32,
				min_memory_mib: 0,
				hyperparameters: Default::default(),
			};
			let job = Job {
				requester: who.clone(),
				spec,
				price: 1,
				created_at: 0,
				bids_until: 0,
				expires_at: 9,
				failures: 0,
				paused_blocks: 0,
				status,
			};
			chain.chain.set(keys::map("Models", "Jobs", 0u32), job);
		};
		set(JobStatus::Open);
		assert_eq!(chain.waiting().await, Ok(vec![]));
		for disputed in [false, true] {
			let (worker, accept_at, result) = (who.clone(), 5, result.clone());
			let evaluation = ResultEvaluation::Due {
				until: Default::default(),
				seed_at: 1,
				evaluate_by: 2,
			};
			set(if disputed {
				JobStatus::Disputed {
					worker,
					accept_at,
					result,
					evaluation,
				}
			} else {
				JobStatus::Submitted {
					worker,
					accept_at,
					result,
					evaluation,
				}
			});
			assert_eq!(chain.waiting().await, Ok(vec![artifact(b"manifest")]));
		}
		set(JobStatus::Accepted { model: 0 });
		assert_eq!(chain.waiting().await, Ok(vec![]));
	}
}
