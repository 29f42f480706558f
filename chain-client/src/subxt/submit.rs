//! Sending transactions and waiting for their blocks.

use std::{sync::Arc, time::Duration};

use futures::{stream::FuturesUnordered, StreamExt};
use serde_json::Value;
use subxt::rpcs::client::{RpcParams, RpcSubscription};
use tokio::sync::OwnedMutexGuard;

use super::{params, parse_hash, print_bytes, print_hash, Link};
use crate::{Call, ChainError, Event, Hash, Head, Outcome, Result, Sent, Signer, Wait};

/// How long a transaction may wait for a block: the 64 blocks of its life, and finality, at 6 s a block.
const PATIENCE: Duration = Duration::from_secs(600);

/// Blocks that a fork hardly ever has: a tenth of a transaction's life.
const LONGEST_FORK: u32 = 6;

/// Signs and sends `calls`; the stream yields each outcome when it is known. `sending` is released once all are sent.
pub(super) async fn send(
	link: Arc<Link>,
	sending: OwnedMutexGuard<()>,
	signer: &Signer,
	calls: Vec<Call>,
	mut nonce: u64,
	wait: Wait,
) -> Result<Sent> {
	let runtime = link.runtime().await?;
	for call in &calls {
		runtime.check(call)?;
	}
	let birth = birth(&link).await?;
	let outcomes = FuturesUnordered::new();
	for (index, call) in calls.iter().enumerate() {
		let bytes = runtime.sign(signer, call, nonce, &birth)?;
		let watch = watch(&link, &bytes).await;
		if let Err(ChainError::Unreachable { .. }) = &watch {
			// What was sent before may be in a block all the same; those futures report the broken connection.
			tracing::warn!(call = call.name, "the connection to the node broke while sending");
		}
		nonce += u64::from(watch.is_ok());
		let link = link.clone();
		outcomes.push(async move {
			let outcome = async { follow(&link, watch?, &bytes, wait).await };
			let limited = tokio::time::timeout(PATIENCE, outcome).await;
			let late = || ChainError::Timeout {
				what: "the block with the transaction".into(),
				limit: PATIENCE,
			};
			(index, limited.unwrap_or_else(|_| Err(late())))
		});
	}
	drop(sending);
	Ok(outcomes.boxed())
}

/// The block from which a transaction lives. It names that block by its hash, and is void where another has the number: so
/// it is a final block, or, where finality stands still, one that hardly any fork is without.
async fn birth(link: &Link) -> Result<Head> {
	let best: String = link.request("chain_getBlockHash", params![]).await?;
	let last: String = link.request("chain_getFinalizedHead", params![]).await?;
	let last = parse_hash(&last)?;
	let (best, finalized) = tokio::try_join!(link.block_number(parse_hash(&best)?), link.block_number(last))?;
	let settled = best.saturating_sub(LONGEST_FORK);
	if settled <= finalized {
		return link.head(last).await;
	}
	let hash: String = link.request("chain_getBlockHash", params![settled]).await?;
	link.head(parse_hash(&hash)?).await
}

async fn watch(link: &Link, bytes: &[u8]) -> Result<RpcSubscription<Value>> {
	let params: RpcParams = params![print_bytes(bytes)];
	match link
		.subscribe("author_submitAndWatchExtrinsic", params, "author_unwatchExtrinsic")
		.await
	{
		Err(ChainError::Rpc { message, .. }) => Err(ChainError::Pool(message)),
		result => result,
	}
}

async fn follow(link: &Link, mut watch: RpcSubscription<Value>, bytes: &[u8], wait: Wait) -> Result<Outcome> {
	while let Some(status) = watch.next().await {
		let status = status.map_err(|error| super::rpc_error(&link.url, "author_submitAndWatchExtrinsic", error))?;
		match (
			status.as_str(),
			status.as_object().and_then(|fields| fields.iter().next()),
		) {
			(Some("dropped"), _) => return Err(ChainError::Pool("the node's pool is full and dropped it".into())),
			(Some("invalid"), _) => return Err(ChainError::Pool("it became invalid before a block took it".into())),
			(_, Some((key, _))) if key == "usurped" => {
				return Err(ChainError::Pool(
					"another transaction with the same nonce took its place".into(),
				))
			}
			(_, Some((key, Value::String(block))))
				if key == "finalized" || (key == "inBlock" && wait == Wait::InBlock) =>
			{
				return outcome(link, parse_hash(block)?, bytes).await
			}
			_ => {}
		}
	}
	Err(ChainError::Unreachable {
		url: link.url.clone(),
		reason: "the connection broke while waiting for a block".into(),
	})
}

/// Reads what became of the transaction `bytes` in `block`.
async fn outcome(link: &Link, block: Hash, bytes: &[u8]) -> Result<Outcome> {
	let body: Value = link.request("chain_getBlock", params![print_hash(block)]).await?;
	let extrinsics = body["block"]["extrinsics"].as_array().cloned().unwrap_or_default();
	let printed = print_bytes(bytes);
	let index = extrinsics
		.iter()
		.position(|extrinsic| extrinsic.as_str() == Some(&printed))
		.ok_or_else(|| ChainError::decode("a block", "the transaction is not in it"))? as u32;
	let (number, events) = tokio::try_join!(link.block_number(block), link.events(block))?;
	let events: Vec<Event> = events
		.into_iter()
		.filter(|event| event.extrinsic == Some(index))
		.collect();
	// Utility's failures belong to single calls of a batch; only this one says that the extrinsic itself failed.
	let error = events
		.iter()
		.find(|event| event.is("System", "ExtrinsicFailed"))
		.and_then(|event| event.error.clone());
	let fee = events
		.iter()
		.find(|event| event.is("TransactionPayment", "TransactionFeePaid"))
		.and_then(|event| event.decode::<([u8; 32], u128)>().ok())
		.map(|(_, fee)| fee);
	let extrinsic = sp_crypto_hashing::blake2_256(bytes);
	Ok(Outcome {
		block: number,
		block_hash: block,
		extrinsic,
		events,
		error,
		fee,
	})
}
