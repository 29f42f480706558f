//! Adapters in memory: loaded when first asked for, the longest unused thrown out where the bytes run out.

use async_trait::async_trait;
use openledger_model::{peft, AdapterSet, Decoder, ModelError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Where adapters come from.
#[async_trait]
pub trait AdapterSource: Send + Sync {
	/// The folder of an adapter of PEFT's, verified; none where there is no model of this name.
	async fn fetch(&self, name: &str) -> Result<Option<PathBuf>, AdapterError>;

	/// Names that can be asked for.
	async fn names(&self) -> Vec<String>;
}

/// Why an adapter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
	/// It could not be fetched; it may be later.
	#[error("cannot be fetched now: {0}")]
	Unavailable(String),
	/// It never can.
	#[error("cannot be used here: {0}")]
	Unusable(String),
	/// Its files are damaged, or for another model.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// It alone is larger than all that may be kept.
	#[error("takes {bytes} bytes, and this server keeps at most {most}")]
	TooLarge {
		/// Its size.
		bytes: usize,
		/// The cap.
		most: usize,
	},
}

/// Adapters in memory.
pub struct Adapters {
	base: Arc<Decoder>,
	source: Arc<dyn AdapterSource>,
	most_bytes: usize,
	kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
	entries: BTreeMap<String, Entry>,
	/// Counts uses.
	clock: u64,
}

#[derive(Clone)]
struct Entry {
	/// Filled by the first who asked; the others wait for it.
	adapter: Arc<OnceCell<Arc<AdapterSet>>>,
	used: u64,
}

impl Adapters {
	/// At most `most_bytes` of tensors, and what requests under way still hold.
	pub fn new(base: Arc<Decoder>, source: Arc<dyn AdapterSource>, most_bytes: usize) -> Self {
		Self {
			base,
			source,
			most_bytes,
			kept: Mutex::default(),
		}
	}

	/// Names that can be asked for.
	pub async fn names(&self) -> Vec<String> {
		self.source.names().await
	}

	/// The adapter of this name; none where there is no such model.
	pub async fn get(&self, name: &str) -> Result<Option<Arc<AdapterSet>>, AdapterError> {
		let cell = {
			let mut kept = self.kept();
			kept.clock += 1;
			let used = kept.clock;
			let entry = kept.entries.entry(name.to_owned()).or_insert_with(|| Entry {
				adapter: Arc::default(),
				used,
			});
			entry.used = used;
			entry.adapter.clone()
		};
		let loaded = cell.get_or_try_init(|| self.load(name)).await.cloned();
		match loaded {
			Ok(adapter) => {
				self.kept().evict(self.most_bytes, name);
				Ok(Some(adapter))
			}
			Err(failed) => {
				// Nothing is kept of a failure: it may be there the next time.
				self.kept()
					.entries
					.retain(|_, entry| entry.adapter.initialized() || !Arc::ptr_eq(&entry.adapter, &cell));
				failed.map_or(Ok(None), Err)
			}
		}
	}

	/// Bytes kept.
	pub fn bytes(&self) -> usize {
		self.kept().bytes()
	}

	/// Fails with nothing where there is no such model.
	async fn load(&self, name: &str) -> Result<Arc<AdapterSet>, Option<AdapterError>> {
		let folder = self.source.fetch(name).await.map_err(Some)?.ok_or(None)?;
		let mut decoder = Decoder::clone(&self.base);
		let read = tokio::task::spawn_blocking(move || {
			peft::load(&mut decoder, &folder, false)?;
			Ok::<_, ModelError>(decoder.detach_adapter())
		});
		let crashed = |error: tokio::task::JoinError| AdapterError::Unavailable(error.to_string());
		let adapter = read
			.await
			.map_err(crashed)
			.map_err(Some)?
			.map_err(AdapterError::from)
			.map_err(Some)?;
		let (bytes, most) = (adapter.bytes(), self.most_bytes);
		if bytes > most {
			return Err(Some(AdapterError::TooLarge { bytes, most }));
		}
		Ok(Arc::new(adapter))
	}

	fn kept(&self) -> MutexGuard<'_, Kept> {
		// Nothing panics while it is held.
		self.kept.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Kept {
	fn bytes(&self) -> usize {
		let loaded = self.entries.values().filter_map(|entry| entry.adapter.get());
		loaded.map(|adapter| adapter.bytes()).sum()
	}

	/// Throws out what was unused the longest, never `name`, until the rest fits.
	fn evict(&mut self, most: usize, name: &str) {
		while self.bytes() > most {
			let loaded = self
				.entries
				.iter()
				.filter(|(key, entry)| *key != name && entry.adapter.initialized());
			let Some(oldest) = loaded.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone()) else {
				return;
			};
			self.entries.remove(&oldest);
		}
	}
}
