//! The outcome, verified from outside: nothing here trusts the processes that made it.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use openledger_primitives::{
	item::{next_root, Outcome},
	model::{Artifact, JobResult, JobStatus},
	DatanetId, JobId, TOTAL_ISSUANCE,
};
use payload_store::{import, GatewayClient, Kind, PayloadStore};
use sha2::{Digest, Sha256};

use crate::view::View;

const DEADLINE: Duration = Duration::from_secs(30);

/// Fetches the payload of every item of the Datanet that is in review or accepted by its CID and hashes it again. Returns
/// how many there were.
pub fn payloads(view: &View, gateway: &str, datanet: DatanetId) -> Result<usize> {
	let store = GatewayClient::new(gateway, Kind::Payload, DEADLINE)?;
	let mut verified = 0;
	for (id, item) in view.items()? {
		if item.datanet != datanet || !matches!(item.outcome, Outcome::Accepted { .. }) {
			continue;
		}
		let payload = item.payload;
		let bytes = view.wait(store.get(&payload.cid(), payload.size.into(), DEADLINE))?;
		let imported = import(&bytes);
		ensure!(
			imported.cid == payload.cid() && imported.sha256 == payload.sha256,
			"item {id}: the gateway gave other bytes than the chain names"
		);
		verified += 1;
	}
	Ok(verified)
}

/// Computes the Datanet's newest root again from its items and compares it, and every one before it, with the chain's.
pub fn roots(view: &View, datanet: DatanetId) -> Result<bool> {
	let record = view.datanet(datanet)?;
	let entries = view.wait(view.query().versions(datanet, 1..=record.version))?;
	ensure!(
		entries.len() == record.version as usize,
		"the chain lists {} of {} versions",
		entries.len(),
		record.version
	);
	let mut root = [0; 32];
	for (entry, n) in entries.iter().zip(1..) {
		let item = view
			.wait(view.query().item(entry.item))?
			.with_context(|| format!("there is no item {}", entry.item))?;
		root = next_root(root, datanet, n, &item.payload, &item.contributor);
		if entry.root != root {
			return Ok(false);
		}
	}
	Ok(root == record.root)
}

/// The result of an accepted job, from the registry.
pub fn result(view: &View, job: JobId) -> Result<JobResult> {
	let JobStatus::Accepted { model } = view.job(job)?.status else {
		anyhow::bail!("job {job} is not accepted");
	};
	let model = view
		.wait(view.query().model(model))?
		.context("the registry lacks the job's model")?;
	Ok(model.result)
}

/// Fetches an artifact by its CID and hashes it again.
pub fn artifact(view: &View, gateway: &str, artifact: &Artifact) -> Result<Vec<u8>> {
	let store = GatewayClient::new(gateway, Kind::Artifact, DEADLINE)?;
	let bytes = view.wait(store.get(&artifact.cid, artifact.bytes, DEADLINE))?;
	let sha256: [u8; 32] = Sha256::digest(&bytes).into();
	ensure!(
		sha256 == artifact.sha256,
		"the bytes of {} hash to something else than the chain says",
		artifact.cid
	);
	Ok(bytes.to_vec())
}

/// Whether issuance is what genesis made, and all balances add up to it.
pub fn issuance(view: &View) -> Result<bool> {
	Ok(view.total_issuance()? == TOTAL_ISSUANCE && view.sum_of_balances()? == TOTAL_ISSUANCE)
}
