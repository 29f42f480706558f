//! The node and the gateway go away and come back.

use super::job::submitted;
use super::world::{signer, steps, World, JOB};
use crate::worker::status::Phase;
use crate::worker::Service;
use async_trait::async_trait;
use bytes::Bytes;
use chain_client::{
	keys, At, Call, Chain, ChainError, Event, Hash, Head, Memory, Result as ChainResult, Sent, Signer, Wait,
};
use futures::stream::BoxStream;
use openledger_primitives::capability::{Capability, Device, DtypeSet, MethodSet};
use openledger_primitives::model::Worker;
use openledger_primitives::training::{Dtype, Method};
use payload_store::{Cid, Health, LocalStore, Opened, PayloadStore, Result as StoreResult, StoreError, Stored};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether what it is in front of is away, and how often that was noticed.
#[derive(Default)]
struct Switch {
	away: AtomicBool,
	refused: AtomicU64,
}

impl Switch {
	fn refuses(&self) -> bool {
		let away = self.away.load(Ordering::SeqCst);
		self.refused.fetch_add(away.into(), Ordering::SeqCst);
		away
	}

	fn set(&self, away: bool) {
		self.away.store(away, Ordering::SeqCst);
		self.refused.store(0, Ordering::SeqCst);
	}

	/// Waits until it was noticed so often.
	async fn noticed(&self, times: u64) {
		until("it is noticed", || self.refused.load(Ordering::SeqCst) >= times).await;
	}
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
	let started = Instant::now();
	while !is_so() {
		assert!(started.elapsed() < Duration::from_secs(120), "{what}");
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
}

/// A node that can go away.
struct Node {
	chain: Arc<Memory>,
	switch: Switch,
}

impl Node {
	fn chain(&self) -> ChainResult<&Memory> {
		match self.switch.refuses() {
			true => Err(ChainError::Unreachable {
				url: "ws://node".into(),
				reason: "away".into(),
			}),
			false => Ok(&self.chain),
		}
	}
}

#[async_trait]
impl Chain for Node {
	async fn genesis(&self) -> ChainResult<Hash> {
		self.chain()?.genesis().await
	}
	async fn head(&self) -> ChainResult<Head> {
		self.chain()?.head().await
	}
	async fn finalized(&self) -> ChainResult<Head> {
		self.chain()?.finalized().await
	}
	async fn block_hash(&self, number: u32) -> ChainResult<Option<Hash>> {
		self.chain()?.block_hash(number).await
	}
	async fn heads(&self) -> ChainResult<BoxStream<'static, ChainResult<Head>>> {
		self.chain()?.heads().await
	}
	async fn get_many(&self, keys: &[Vec<u8>], at: At) -> ChainResult<Vec<Option<Vec<u8>>>> {
		self.chain()?.get_many(keys, at).await
	}
	async fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: u32, at: At) -> ChainResult<Vec<Vec<u8>>> {
		self.chain()?.keys(prefix, after, limit, at).await
	}
	async fn events(&self, block: Hash) -> ChainResult<Vec<Event>> {
		self.chain()?.events(block).await
	}
	async fn constant(&self, pallet: &str, name: &str) -> ChainResult<Vec<u8>> {
		self.chain()?.constant(pallet, name).await
	}
	async fn send(&self, signer: &Signer, calls: Vec<Call>, wait: Wait) -> ChainResult<Sent> {
		self.chain()?.send(signer, calls, wait).await
	}
	async fn nonce(&self, account: &chain_client::AccountId) -> ChainResult<u64> {
		self.chain()?.nonce(account).await
	}
}

/// A gateway that can go away.
struct Gateway {
	store: Arc<LocalStore>,
	switch: Switch,
}

impl Gateway {
	fn store(&self) -> StoreResult<&LocalStore> {
		match self.switch.refuses() {
			true => Err(StoreError::Unreachable {
				url: "http://gateway".into(),
				reason: "away".into(),
			}),
			false => Ok(&self.store),
		}
	}
}

#[async_trait]
impl PayloadStore for Gateway {
	async fn put(&self, bytes: Bytes) -> StoreResult<Stored> {
		self.store()?.put(bytes).await
	}
	async fn put_file(&self, file: &Path) -> StoreResult<Stored> {
		self.store()?.put_file(file).await
	}
	async fn open(&self, cid: &Cid, cap: u64, deadline: Duration) -> StoreResult<Opened> {
		self.store()?.open(cid, cap, deadline).await
	}
	async fn pin(&self, cid: &Cid) -> StoreResult<()> {
		self.store()?.pin(cid).await
	}
	async fn unpin(&self, cid: &Cid) -> StoreResult<()> {
		self.store()?.unpin(cid).await
	}
	async fn has(&self, cid: &Cid) -> StoreResult<bool> {
		self.store()?.has(cid).await
	}
	async fn health(&self) -> StoreResult<Health> {
		self.store()?.health().await
	}
}

/// The same worker behind this node.
fn behind<C>(service: Service<C>, chain: Arc<Node>) -> Service<Node> {
	Service {
		chain,
		payloads: service.payloads,
		artifacts: service.artifacts,
		signer: service.signer,
		genesis: service.genesis,
		home: service.home,
		base_dirs: service.base_dirs,
		device: service.device,
		judges: service.judges,
		memory_mib: service.memory_mib,
		status: service.status,
		stop: service.stop,
	}
}

fn able() -> Worker {
	Worker {
		bond: 10,
		active_jobs: 0,
		endpoint: Default::default(),
		capability: Capability {
			device: Device::Cpu,
			memory_mib: 1_000,
			methods: MethodSet::of(&[Method::Lora]),
			dtypes: DtypeSet::of(&[Dtype::F32]),
		},
		registered_at: 0,
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_away_should_be_waited_for_before_and_during_a_training() {
	const STEPS: u32 = 3_000;
	let world = World::new().await;
	world.order(JOB, steps(STEPS), vec![world.roots[3]]);
	world
		.chain
		.set(keys::map("Models", "Workers", signer("//Worker").account()), able());
	world.script_claim();
	let node = Arc::new(Node {
		chain: world.chain.clone(),
		switch: Switch::default(),
	});
	node.switch.set(true);
	let plain = world.service().await;
	let service = behind(world.service().await, node.clone());
	let status = service.status.clone();
	let step = || status.job(JOB).map_or(0, |view| view.step);
	let started = Instant::now();
	let weather = async {
		node.switch.noticed(2).await;
		assert!(started.elapsed() >= Duration::from_millis(500), "it backs off");
		node.switch.set(false);
		until("it trains", || step() > 10).await;
		node.switch.set(true);
		let before = step();
		node.switch.noticed(2).await;
		until("it goes on training meanwhile", || step() > before).await;
		node.switch.set(false);
	};
	let (worked, ()) = tokio::join!(service.work(true), weather);
	worked.unwrap();
	submitted(&world, &plain);
	assert_eq!(status.job(JOB).map(|view| view.phase), Some(Phase::Done));
	let text = status.exposition().text().to_owned();
	assert!(
		text.contains("jobs_done_total 1\n") && !text.contains("chain_errors_total 0\n"),
		"{text}"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_goes_away_should_be_waited_for_with_heartbeats() {
	let world = World::new().await;
	world.order(JOB, steps(60), vec![world.roots[3]]);
	world.script_claim();
	let gateway = Arc::new(Gateway {
		store: world.artifacts.clone(),
		switch: Switch::default(),
	});
	let mut service = world.service().await;
	service.artifacts = gateway.clone();
	let status = service.status.clone();
	let phase = || status.job(JOB).map(|view| view.phase);
	let weather = async {
		until("it trains", || phase() == Some(Phase::Training)).await;
		gateway.switch.set(true);
		until("it publishes", || phase() == Some(Phase::Publishing)).await;
		gateway.switch.noticed(2).await;
		let calls = world.calls().len();
		// A third of the window of ten blocks.
		world.chain.set(keys::entry("Authorities", "ActiveBlockCount"), 4u32);
		until("it is kept alive", || world.calls().len() > calls).await;
		gateway.switch.set(false);
	};
	let (trained, ()) = tokio::join!(service.train(JOB, true), weather);
	trained.unwrap();
	submitted(&world, &service);
	assert!(!status.exposition().text().contains("store_errors_total 0\n"));
}
