//! Payload bytes under their CIDs.
//!
//! A *payload* is the bytes of one file; its CID follows from the bytes under one import profile ([`import`]). A
//! [`PayloadStore`] keeps payloads and gives them out again: [`LocalStore`] in a directory of its own, [`KuboStore`] in
//! an IPFS daemon, [`GatewayClient`] through a gateway. No store is believed: whatever comes back is hashed again, and
//! only bytes whose CID is the one asked for are given out.

mod error;
mod gateway_client;
mod import;
mod kubo;
mod local;
mod receive;

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{stream::BoxStream, TryStreamExt};
use serde::{Deserialize, Serialize};

pub use error::StoreError;
pub use gateway_client::{GatewayClient, Kind};
pub use import::{import, import_file, Block, Imported, Importer};
pub use kubo::KuboStore;
pub use local::{Audit, LocalStore, Pinned};
pub use openledger_primitives::payload::{hex32, Cid, CidCodec, CidError};

/// Largest file of a model that gateways take. Base models come in shards; what is trained is one file.
pub const MAX_ARTIFACT_BYTES: u64 = 2 << 30;

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What a store says of a payload that it took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stored {
	pub cid: Cid,
	/// sha2-256 of the bytes, in hexadecimal where it is printed.
	#[serde(with = "hex32")]
	pub sha256: [u8; 32],
	/// Length in bytes.
	pub size: u64,
}

/// A payload on its way out. Every piece is verified before it is yielded; an error ends the stream.
pub struct Opened {
	/// Length in bytes of the whole payload.
	pub size: u64,
	pub bytes: BoxStream<'static, Result<Bytes>>,
}

/// What a healthy store tells about itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Health {
	/// Which store this is, and its version where it has one.
	pub store: String,
	/// How many payloads it keeps, where it knows.
	pub payloads: Option<u64>,
	/// Bytes left on its disk, where it knows.
	pub free_bytes: Option<u64>,
}

/// Keeps payloads. All calls may be made at once from many tasks; putting what is there already changes nothing.
#[async_trait]
pub trait PayloadStore: Send + Sync {
	/// Stores and pins `bytes`.
	async fn put(&self, bytes: Bytes) -> Result<Stored>;

	/// Stores and pins a file without holding it in memory.
	async fn put_file(&self, file: &Path) -> Result<Stored>;

	/// Opens a payload of at most `cap` bytes; `deadline` bounds the time until its first byte can be read.
	async fn open(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Opened>;

	/// Fetches a payload of at most `cap` bytes within `deadline`.
	async fn get(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Bytes> {
		within("get", deadline, async {
			let opened = self.open(cid, cap, deadline).await?;
			let capacity = usize::try_from(opened.size).unwrap_or(0);
			let bytes = opened
				.bytes
				.try_fold(BytesMut::with_capacity(capacity), |mut all, piece| async move {
					all.extend_from_slice(&piece);
					Ok(all)
				});
			Ok(bytes.await?.freeze())
		})
		.await
	}

	/// Fetches a payload of at most `cap` bytes within `deadline` into the file `to`, which appears whole or not at all.
	async fn get_file(&self, cid: &Cid, cap: u64, deadline: Duration, to: &Path) -> Result<Stored> {
		within("get_file", deadline, async {
			let opened = self.open(cid, cap, deadline).await?;
			receive::to_file(opened.bytes, cid, cap, to).await
		})
		.await
	}

	/// Keeps a payload that the store has, until it is unpinned.
	async fn pin(&self, cid: &Cid) -> Result<()>;

	/// Lets go of a payload; its bytes may be deleted at any time. Nothing happens where it was not pinned.
	async fn unpin(&self, cid: &Cid) -> Result<()>;

	/// Whether the store keeps this payload.
	async fn has(&self, cid: &Cid) -> Result<bool>;

	/// Whether the store can work, and what it says about itself.
	async fn health(&self) -> Result<Health>;
}

/// Runs `work`, or gives up on it after `deadline`.
pub(crate) async fn within<T>(
	operation: &'static str,
	deadline: Duration,
	work: impl std::future::Future<Output = Result<T>>,
) -> Result<T> {
	tokio::time::timeout(deadline, work)
		.await
		.unwrap_or(Err(StoreError::Deadline { operation, deadline }))
}

#[cfg(test)]
pub(crate) mod testing {
	/// The bytes that the golden CIDs were computed for: a linear congruential generator's high bytes.
	pub(crate) fn sample(length: usize) -> Vec<u8> {
		let mut state = 12345u32;
		let next = || {
			state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
			(state >> 24) as u8
		};
		std::iter::repeat_with(next).take(length).collect()
	}
}
