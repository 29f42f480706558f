//! The checkpoints of results that are not accepted yet. The chain carries their root only; their manifests name them.

use std::{collections::HashSet, time::Duration};

use openledger_primitives::model::Artifact;
use payload_store::{Cid, PayloadStore};
use serde::Deserialize;

use crate::{App, ChainUnavailable, Kind};

/// Largest manifest that is read: it names every item of the datasets.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
/// Checkpoints of one manifest that count; a worker publishes fewer.
const MAX_CHECKPOINTS: usize = 64;
/// For a manifest to be read from the local disk.
const DEADLINE: Duration = Duration::from_secs(60);

/// What of a manifest is read here.
#[derive(Deserialize)]
struct Manifest {
	run: Run,
}

#[derive(Deserialize)]
struct Run {
	checkpoints: Vec<Checkpoint>,
}

#[derive(Deserialize)]
struct Checkpoint {
	cid: Option<String>,
}

/// All that a judge may ask for now. A manifest that is not here or cannot be read names none.
pub(crate) async fn needed(app: &App) -> Result<HashSet<Cid>, ChainUnavailable> {
	let mut needed = HashSet::new();
	for manifest in app.announced().waiting().await? {
		needed.extend(named_by(app, &manifest).await);
	}
	Ok(needed)
}

async fn named_by(app: &App, manifest: &Artifact) -> Vec<Cid> {
	let cap = manifest.bytes.min(MAX_MANIFEST_BYTES);
	let read = app.store(Kind::Artifact).get(&manifest.cid, cap, DEADLINE).await;
	let parsed = read.map(|bytes| serde_json::from_slice::<Manifest>(&bytes));
	match parsed {
		Ok(Ok(manifest)) => {
			let cids = manifest.run.checkpoints.into_iter().take(MAX_CHECKPOINTS);
			cids.filter_map(|checkpoint| Cid::parse(&checkpoint.cid?).ok())
				.collect()
		}
		Ok(Err(error)) => {
			tracing::debug!(cid = %manifest.cid, %error, "a manifest names no checkpoints");
			Vec::new()
		}
		Err(error) => {
			tracing::debug!(cid = %manifest.cid, %error, "a manifest is not here");
			Vec::new()
		}
	}
}
