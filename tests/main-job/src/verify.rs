//! The outcome, verified from outside: nothing here trusts the processes that made it.

use std::{path::Path, time::Duration};

use anyhow::{ensure, Context, Result};
use chain_client::AccountId;
use openledger_primitives::{
	evaluation::{draw, held_out, EvaluatedOn},
	format::Format,
	item::{next_root, Outcome},
	model::{Artifact, JobStatus, Model},
	payload::Payload,
	DatanetId, JobId, ModelId, TOTAL_ISSUANCE,
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

/// The model that an accepted job made, by its number in the registry.
pub fn model(view: &View, job: JobId) -> Result<(ModelId, Model<AccountId>)> {
	let JobStatus::Accepted { model } = view.job(job)?.status else {
		anyhow::bail!("job {job} is not accepted");
	};
	let registered = view.wait(view.query().model(model))?;
	Ok((model, registered.context("the registry lacks the job's model")?))
}

/// Fetches the items of a job on one dataset that its result was evaluated on into a folder. Returns how many there are.
pub fn evaluated(view: &View, gateway: &str, job: JobId, model: &Model<AccountId>, into: &Path) -> Result<usize> {
	let evaluation = model.evaluation.as_ref().context("the model has no evaluation")?;
	let [dataset] = model.spec.datasets.as_slice() else {
		anyhow::bail!("job {job} is not on one dataset");
	};
	let items = |versions: &mut dyn Iterator<Item = u32>| -> Result<Vec<(u32, Payload)>> {
		let mut found = Vec::new();
		for version in versions {
			let entry = view.wait(view.query().versions(dataset.datanet, version..=version))?;
			let item = view.wait(view.query().item(entry[0].item))?;
			let payload = item.with_context(|| format!("version {version} has no item"))?.payload;
			if matches!(payload.format, Format::Markdown | Format::PlainText) {
				found.push((version, payload));
			}
		}
		Ok(found)
	};
	let wanted = match &evaluation.on {
		EvaluatedOn::Later { seed, until } => {
			let drawn = draw(seed, job, &model.spec.datasets, until).context("too few items came later")?;
			items(&mut drawn.iter().map(|item| item.version))?
		}
		EvaluatedOn::Split => {
			let ordered = items(&mut (1..=dataset.version))?;
			let held = held_out(job, ordered.len() as u32);
			let split = ordered.into_iter().zip(held).filter(|(_, held)| *held);
			split.map(|(item, _)| item).collect()
		}
	};
	std::fs::create_dir_all(into)?;
	let store = GatewayClient::new(gateway, Kind::Payload, DEADLINE)?;
	for (version, payload) in &wanted {
		let bytes = view.wait(store.get(&payload.cid(), payload.size.into(), DEADLINE))?;
		std::fs::write(into.join(format!("{version:06}.{}", payload.format.extension())), bytes)?;
	}
	Ok(wanted.len())
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
