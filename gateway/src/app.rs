use std::{
	fs,
	path::{Path, PathBuf},
	sync::Arc,
};

use payload_store::{KuboStore, LocalStore, StoreError};
use tokio::sync::Semaphore;

use crate::{Announced, Limits};

pub use payload_store::Kind;

/// What all requests share. Clones are the same gateway.
#[derive(Clone)]
pub struct App {
	inner: Arc<Inner>,
}

struct Inner {
	payloads: LocalStore,
	artifacts: LocalStore,
	/// Bytes on their way in, one file an upload.
	incoming: PathBuf,
	/// Gets a copy of what is announced, and is asked for what is not here.
	mirror: Option<KuboStore>,
	announced: Arc<dyn Announced>,
	uploads: Semaphore,
	limits: Limits,
}

impl App {
	/// Opens the stores under `directory`. Blocking.
	pub fn open(
		directory: &Path,
		mirror: Option<KuboStore>,
		announced: Arc<dyn Announced>,
		limits: Limits,
	) -> Result<Self, StoreError> {
		let payloads = LocalStore::open(directory.join("payloads"))?;
		let artifacts = LocalStore::open(directory.join("artifacts"))?;
		let incoming = directory.join("incoming");
		// The stores are locked, so nobody else's uploads lie here: only those that a crash cut off.
		let renewed = match fs::remove_dir_all(&incoming) {
			Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
			_ => fs::create_dir(&incoming),
		};
		renewed.map_err(|source| StoreError::Io {
			path: incoming.clone(),
			source,
		})?;
		let uploads = Semaphore::new(limits.max_uploads);
		let inner = Inner {
			payloads,
			artifacts,
			incoming,
			mirror,
			announced,
			uploads,
			limits,
		};
		Ok(Self { inner: Arc::new(inner) })
	}

	pub fn store(&self, kind: Kind) -> &LocalStore {
		match kind {
			Kind::Payload => &self.inner.payloads,
			Kind::Artifact => &self.inner.artifacts,
		}
	}

	pub fn mirror(&self) -> Option<&KuboStore> {
		self.inner.mirror.as_ref()
	}

	pub fn announced(&self) -> &dyn Announced {
		&*self.inner.announced
	}

	pub fn limits(&self) -> &Limits {
		&self.inner.limits
	}

	pub(crate) fn uploads(&self) -> &Semaphore {
		&self.inner.uploads
	}

	pub(crate) fn incoming(&self) -> &Path {
		&self.inner.incoming
	}
}

/// One of the two collections, as its handlers see it.
#[derive(Clone)]
pub(crate) struct Shelf {
	pub app: App,
	pub kind: Kind,
}

impl Shelf {
	pub fn new(app: App, kind: Kind) -> Self {
		Self { app, kind }
	}

	pub fn store(&self) -> &LocalStore {
		self.app.store(self.kind)
	}

	/// Most bytes of one file.
	pub fn cap(&self) -> u64 {
		self.app.limits().cap(self.kind)
	}
}
