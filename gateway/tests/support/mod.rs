//! A gateway on loopback, with a chain that the test plays.

use std::{
	collections::HashSet,
	path::{Path, PathBuf},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Mutex,
	},
	time::Duration,
};

use async_trait::async_trait;
use openledger_gateway::{Announced, App, ChainUnavailable, Kind, Limits};
use openledger_primitives::model::Artifact;
use payload_store::{Cid, GatewayClient, KuboStore};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub const SOON: Duration = Duration::from_secs(20);

/// What is on chain, as the test says.
#[derive(Default)]
pub struct Played {
	announced: Mutex<HashSet<(Kind, Cid)>>,
	waiting: Mutex<Vec<Artifact>>,
	down: AtomicBool,
}

impl Played {
	pub fn announce(&self, kind: Kind, cid: &Cid) {
		self.announced.lock().unwrap().insert((kind, *cid));
	}

	/// The manifests of results that are not accepted.
	pub fn set_waiting(&self, manifests: Vec<Artifact>) {
		*self.waiting.lock().unwrap() = manifests;
	}

	pub fn set_down(&self, down: bool) {
		self.down.store(down, Ordering::SeqCst);
	}

	fn check(&self) -> Result<(), ChainUnavailable> {
		if self.down.load(Ordering::SeqCst) {
			return Err(ChainUnavailable("played down".into()));
		}
		Ok(())
	}
}

#[async_trait]
impl Announced for Played {
	async fn is_announced(&self, kind: Kind, cid: &Cid) -> Result<bool, ChainUnavailable> {
		self.check()?;
		Ok(self.announced.lock().unwrap().contains(&(kind, *cid)))
	}

	async fn waiting(&self) -> Result<Vec<Artifact>, ChainUnavailable> {
		self.check()?;
		Ok(self.waiting.lock().unwrap().clone())
	}

	async fn head(&self) -> Result<u32, ChainUnavailable> {
		self.check().map(|()| 7)
	}
}

pub struct Gateway {
	pub url: String,
	pub chain: Arc<Played>,
	pub app: App,
	pub folder: TempDir,
	stop: Option<oneshot::Sender<()>>,
	served: JoinHandle<std::io::Result<()>>,
}

impl Gateway {
	pub async fn start() -> Self {
		Self::with(
			Limits {
				reserve_bytes: 0,
				..Limits::default()
			},
			None,
		)
		.await
	}

	pub async fn with(limits: Limits, mirror: Option<KuboStore>) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let chain = Arc::<Played>::default();
		let app = App::open(folder.path(), mirror, chain.clone(), limits).unwrap();
		let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
		let url = format!("http://{}", listener.local_addr().unwrap());
		let (stop, stopped) = oneshot::channel();
		let shutdown = async {
			let _ = stopped.await;
		};
		let served = tokio::spawn(openledger_gateway::serve(listener, app.clone(), shutdown));
		Self {
			url,
			chain,
			app,
			folder,
			stop: Some(stop),
			served,
		}
	}

	pub fn address(&self) -> &str {
		self.url.strip_prefix("http://").unwrap()
	}

	pub fn client(&self, kind: Kind) -> GatewayClient {
		GatewayClient::new(&self.url, kind, SOON).unwrap()
	}

	/// Tells the gateway to shut down and waits until it has.
	pub async fn stop(mut self) {
		self.stop.take().unwrap().send(()).unwrap();
		tokio::time::timeout(SOON, self.served)
			.await
			.expect("it stops")
			.unwrap()
			.unwrap();
	}

	pub fn incoming(&self) -> Vec<PathBuf> {
		files(&self.folder.path().join("incoming"))
	}
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
	std::fs::read_dir(folder)
		.unwrap()
		.map(|entry| entry.unwrap().path())
		.collect()
}

/// Waits until `condition` holds; fails the test when it does not in time.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
	let end = tokio::time::Instant::now() + SOON;
	while !condition() {
		assert!(tokio::time::Instant::now() < end, "waited too long: {what}");
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
}
