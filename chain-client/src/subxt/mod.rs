//! A node behind a WebSocket.

mod runtime;
mod submit;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{stream::BoxStream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use subxt::rpcs::{
	client::{RpcClient, RpcParams, RpcSubscription},
	Error as RpcError,
};
use tokio::sync::{Mutex, RwLock};

use self::runtime::Runtime;
use crate::{keys, AccountId, At, Call, Chain, ChainError, Event, Hash, Head, Result, Sent, Signer, Ss58Codec, Wait};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Keys in one request: an answer of this many items stays far below the node's limit of 15 MB.
const KEYS_PER_REQUEST: usize = 256;

/// A node behind a WebSocket. A broken connection is made again once per request; where that fails too, the request
/// fails with [`ChainError::Unreachable`], and the next one tries again.
pub struct Subxt {
	url: String,
	link: RwLock<Option<Arc<Link>>>,
	/// Held from asking for a nonce until the transactions that use it and those after it are in the pool.
	sending: Arc<Mutex<()>>,
}

/// One connection.
pub(crate) struct Link {
	url: String,
	rpc: RpcClient,
	genesis: Hash,
	runtime: RwLock<Arc<Runtime>>,
}

macro_rules! params {
	($($param:expr),* $(,)?) => {{
		#[allow(unused_mut)]
		let mut params = RpcParams::new();
		$(params.push($param).expect("strings and numbers can be written as JSON");)*
		params
	}};
}
pub(crate) use params;

impl Subxt {
	/// Connects to the node at `url` (`ws://` or `wss://`).
	pub async fn connect(url: &str) -> Result<Self> {
		let link = Link::connect(url).await?;
		Ok(Self {
			url: url.into(),
			link: RwLock::new(Some(Arc::new(link))),
			sending: Arc::default(),
		})
	}

	/// The names of `calls` (pallet and call) and `storage` (pallet and entry) that the node's runtime does not have.
	pub async fn missing(&self, calls: &[(&str, &str)], storage: &[(&str, &str)]) -> Result<Vec<String>> {
		let runtime = self.link().await?.runtime().await?;
		Ok(runtime.missing(calls, storage))
	}

	/// An encoded call as the node's runtime reads it, for people.
	pub async fn describe_call(&self, call: &[u8]) -> Result<String> {
		self.link().await?.runtime().await?.describe(call)
	}

	async fn link(&self) -> Result<Arc<Link>> {
		if let Some(link) = &*self.link.read().await {
			return Ok(link.clone());
		}
		let mut slot = self.link.write().await;
		if let Some(link) = &*slot {
			return Ok(link.clone());
		}
		let link = Arc::new(Link::connect(&self.url).await?);
		*slot = Some(link.clone());
		Ok(link)
	}

	/// Forgets `broken`, unless somebody has replaced it already.
	async fn drop_link(&self, broken: &Arc<Link>) {
		let mut slot = self.link.write().await;
		if slot.as_ref().is_some_and(|link| Arc::ptr_eq(link, broken)) {
			*slot = None;
		}
	}

	async fn request<R: DeserializeOwned>(&self, method: &str, params: RpcParams) -> Result<R> {
		let link = self.link().await?;
		match link.request(method, params.clone()).await {
			Err(ChainError::Unreachable { .. }) => {
				self.drop_link(&link).await;
				self.link().await?.request(method, params).await
			}
			result => result,
		}
	}
}

impl Link {
	async fn connect(url: &str) -> Result<Self> {
		let unreachable = |reason: String| ChainError::Unreachable {
			url: url.into(),
			reason,
		};
		let rpc = tokio::time::timeout(CONNECT, RpcClient::from_insecure_url(url))
			.await
			.map_err(|_| unreachable(format!("no answer within {} s", CONNECT.as_secs())))?
			.map_err(|error| unreachable(root_cause(&error)))?;
		let genesis: String = call(&rpc, url, "chain_getBlockHash", params![0]).await?;
		let genesis = parse_hash(&genesis)?;
		let runtime = Arc::new(Runtime::load(&rpc, url, genesis).await?);
		Ok(Self {
			url: url.into(),
			rpc,
			genesis,
			runtime: RwLock::new(runtime),
		})
	}

	async fn request<R: DeserializeOwned>(&self, method: &str, params: RpcParams) -> Result<R> {
		call(&self.rpc, &self.url, method, params).await
	}

	async fn subscribe(&self, method: &str, params: RpcParams, end: &str) -> Result<RpcSubscription<Value>> {
		self.rpc
			.subscribe(method, params, end)
			.await
			.map_err(|error| rpc_error(&self.url, method, error))
	}

	/// The runtime of the best block: loaded again after an upgrade.
	async fn runtime(&self) -> Result<Arc<Runtime>> {
		let known = self.runtime.read().await.clone();
		let version: Value = self.request("state_getRuntimeVersion", params![]).await?;
		if version["specVersion"].as_u64() == Some(known.spec_version.into()) {
			return Ok(known);
		}
		let fresh = Arc::new(Runtime::load(&self.rpc, &self.url, self.genesis).await?);
		*self.runtime.write().await = fresh.clone();
		Ok(fresh)
	}

	async fn block_number(&self, hash: Hash) -> Result<u32> {
		let header: Option<Value> = self.request("chain_getHeader", params![print_hash(hash)]).await?;
		header
			.as_ref()
			.and_then(|header| header["number"].as_str())
			.and_then(|number| u32::from_str_radix(number.trim_start_matches("0x"), 16).ok())
			.ok_or_else(|| ChainError::decode("a block's header", "the node does not know the block"))
	}

	async fn get_many(&self, keys: &[Vec<u8>], at: At) -> Result<Vec<Option<Vec<u8>>>> {
		let mut values = Vec::with_capacity(keys.len());
		for chunk in keys.chunks(KEYS_PER_REQUEST) {
			let printed: Vec<_> = chunk.iter().map(|key| print_bytes(key)).collect();
			let sets: Value = self
				.request("state_queryStorageAt", params![&printed, at.map(print_hash)])
				.await?;
			let mut found = std::collections::HashMap::new();
			for change in sets[0]["changes"].as_array().into_iter().flatten() {
				if let (Some(key), Some(value)) = (change[0].as_str(), change[1].as_str()) {
					found.insert(key.to_owned(), parse_bytes(value)?);
				}
			}
			values.extend(printed.iter().map(|key| found.get(key).cloned()));
		}
		Ok(values)
	}

	async fn head(&self, hash: Hash) -> Result<Head> {
		let now = [keys::entry("Timestamp", "Now")];
		let (number, values) = tokio::try_join!(self.block_number(hash), self.get_many(&now, Some(hash)))?;
		let timestamp = values[0]
			.as_deref()
			.and_then(|bytes| bytes.try_into().ok())
			.map_or(0, u64::from_le_bytes);
		Ok(Head {
			number,
			hash,
			timestamp,
		})
	}

	async fn events(&self, block: Hash) -> Result<Vec<Event>> {
		let values = self.get_many(&[keys::entry("System", "Events")], Some(block)).await?;
		let bytes = values.into_iter().next().flatten().unwrap_or_default();
		self.runtime.read().await.events(bytes)
	}
}

#[async_trait]
impl Chain for Subxt {
	async fn genesis(&self) -> Result<Hash> {
		Ok(self.link().await?.genesis)
	}

	async fn head(&self) -> Result<Head> {
		let hash: String = self.request("chain_getBlockHash", params![]).await?;
		self.link().await?.head(parse_hash(&hash)?).await
	}

	async fn finalized(&self) -> Result<Head> {
		let hash: String = self.request("chain_getFinalizedHead", params![]).await?;
		self.link().await?.head(parse_hash(&hash)?).await
	}

	async fn block_hash(&self, number: u32) -> Result<Option<Hash>> {
		let hash: Option<String> = self.request("chain_getBlockHash", params![number]).await?;
		hash.as_deref().map(parse_hash).transpose()
	}

	async fn heads(&self) -> Result<BoxStream<'static, Result<Head>>> {
		let mut link = self.link().await?;
		let subscribe = |link: Arc<Link>| async move {
			link.subscribe("chain_subscribeNewHeads", params![], "chain_unsubscribeNewHeads")
				.await
		};
		let headers = match subscribe(link.clone()).await {
			Err(ChainError::Unreachable { .. }) => {
				self.drop_link(&link).await;
				link = self.link().await?;
				subscribe(link.clone()).await?
			}
			result => result?,
		};
		let heads = headers.then(move |header| {
			let link = link.clone();
			async move {
				header.map_err(|error| rpc_error(&link.url, "chain_subscribeNewHeads", error))?;
				// The header's hash is not in the header: the best block is asked for, which is it or a newer one.
				let hash: String = link.request("chain_getBlockHash", params![]).await?;
				link.head(parse_hash(&hash)?).await
			}
		});
		Ok(heads.boxed())
	}

	async fn get_many(&self, keys: &[Vec<u8>], at: At) -> Result<Vec<Option<Vec<u8>>>> {
		let link = self.link().await?;
		match link.get_many(keys, at).await {
			Err(ChainError::Unreachable { .. }) => {
				self.drop_link(&link).await;
				self.link().await?.get_many(keys, at).await
			}
			result => result,
		}
	}

	async fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: u32, at: At) -> Result<Vec<Vec<u8>>> {
		let params = params![print_bytes(prefix), limit, after.map(print_bytes), at.map(print_hash)];
		let keys: Vec<String> = self.request("state_getKeysPaged", params).await?;
		keys.iter().map(|key| parse_bytes(key)).collect()
	}

	async fn events(&self, block: Hash) -> Result<Vec<Event>> {
		self.link().await?.events(block).await
	}

	async fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>> {
		self.link().await?.runtime().await?.constant(pallet, name)
	}

	async fn send(&self, signer: &Signer, calls: Vec<Call>, wait: Wait) -> Result<Sent> {
		let sending = self.sending.clone().lock_owned().await;
		// The first request of a sending makes a broken connection again; after it nothing is repeated, because a
		// transaction must not be sent twice.
		let nonce = self.nonce(signer.account()).await?;
		submit::send(self.link().await?, sending, signer, calls, nonce, wait).await
	}

	async fn nonce(&self, account: &AccountId) -> Result<u64> {
		self.request("system_accountNextIndex", params![account.to_ss58check()])
			.await
	}
}

async fn call<R: DeserializeOwned>(rpc: &RpcClient, url: &str, method: &str, params: RpcParams) -> Result<R> {
	rpc.request(method, params)
		.await
		.map_err(|error| rpc_error(url, method, error))
}

fn rpc_error(url: &str, method: &str, error: RpcError) -> ChainError {
	match error {
		RpcError::User(error) => {
			let data = error
				.data
				.as_ref()
				.map(|data| format!(": {}", data.get().trim_matches('"')))
				.unwrap_or_default();
			ChainError::Rpc {
				method: method.into(),
				message: format!("{}{data}", error.message),
			}
		}
		RpcError::Deserialization(error) => ChainError::decode(format!("the answer to {method}"), error),
		error => ChainError::Unreachable {
			url: url.into(),
			reason: root_cause(&error),
		},
	}
}

/// The innermost error: the outer ones repeat it in general terms.
fn root_cause(error: &RpcError) -> String {
	let RpcError::Client(inner) = error else {
		return error.to_string();
	};
	if let Some(nested) = inner.downcast_ref::<RpcError>() {
		return root_cause(nested);
	}
	let mut cause: &dyn std::error::Error = &**inner;
	while let Some(deeper) = cause.source() {
		cause = deeper;
	}
	cause.to_string()
}

fn print_bytes(bytes: &[u8]) -> String {
	format!("0x{}", hex::encode(bytes))
}

fn print_hash(hash: Hash) -> String {
	print_bytes(&hash)
}

fn parse_bytes(text: &str) -> Result<Vec<u8>> {
	hex::decode(text.trim_start_matches("0x")).map_err(|error| ChainError::decode("hexadecimal digits", error))
}

fn parse_hash(text: &str) -> Result<Hash> {
	parse_bytes(text)?
		.try_into()
		.map_err(|_| ChainError::decode("a hash", "it has not 32 bytes"))
}
