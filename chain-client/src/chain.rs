use async_trait::async_trait;
use futures::{stream::BoxStream, StreamExt};

use crate::{AccountId, Call, ChainError, DispatchError, Result, Signer};

pub type Hash = [u8; 32];

/// The block to read at; `None` is the best block of the moment.
pub type At = Option<Hash>;

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
	pub number: u32,
	pub hash: Hash,
	/// Unix time in milliseconds that the block's author set.
	pub timestamp: u64,
}

/// When a submitted call counts as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wait {
	/// In the best chain; a fork may undo it.
	#[default]
	InBlock,
	/// For good.
	Finalized,
}

/// An event with its fields as the runtime encoded them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
	pub pallet: String,
	pub name: String,
	/// The fields in order, SCALE.
	pub fields: Vec<u8>,
	/// The extrinsic that it comes from; `None`: the block itself.
	pub extrinsic: Option<u32>,
	/// The error that the event reports, where it reports one.
	pub error: Option<DispatchError>,
}

impl Event {
	pub fn is(&self, pallet: &str, name: &str) -> bool {
		self.pallet == pallet && self.name == name
	}

	/// The first fields of the event as `T`; later fields are left alone.
	pub fn decode<T: codec::Decode>(&self) -> Result<T> {
		T::decode(&mut &self.fields[..])
			.map_err(|error| ChainError::decode(format!("event {}.{}", self.pallet, self.name), error))
	}
}

/// What became of a call that came into a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
	pub block: u32,
	pub block_hash: Hash,
	/// blake2-256 of the extrinsic.
	pub extrinsic: Hash,
	/// The extrinsic's own events.
	pub events: Vec<Event>,
	/// Why it failed, if it did.
	pub error: Option<DispatchError>,
	/// Plancks paid for the inclusion.
	pub fee: Option<u128>,
}

impl Outcome {
	/// This outcome, or the error of a failed call.
	pub fn ok(self) -> Result<Self> {
		match self.error {
			Some(error) => Err(ChainError::Dispatch {
				error,
				block: self.block,
			}),
			None => Ok(self),
		}
	}

	/// The first event of this name.
	pub fn find(&self, pallet: &str, name: &str) -> Option<&Event> {
		self.events.iter().find(|event| event.is(pallet, name))
	}

	/// The first fields of the first event of this name; an error where there is none.
	pub fn field<T: codec::Decode>(&self, pallet: &str, name: &str) -> Result<T> {
		self.find(pallet, name)
			.ok_or_else(|| ChainError::decode(format!("event {pallet}.{name}"), "the call did not emit it"))?
			.decode()
	}

	/// Of a `Utility.force_batch`: what became of each call, in order.
	pub fn batch(&self) -> Vec<Result<(), DispatchError>> {
		let result = |event: &Event| match event.name.as_str() {
			"ItemCompleted" => Some(Ok(())),
			"ItemFailed" => event.error.clone().map(Err),
			_ => None,
		};
		self.events
			.iter()
			.filter(|event| event.pallet == "Utility")
			.filter_map(result)
			.collect()
	}
}

/// The calls' outcomes in the order in which they become known, each with the index of its call.
pub type Sent = BoxStream<'static, (usize, Result<Outcome>)>;

/// What a service needs of a node.
#[async_trait]
pub trait Chain: Send + Sync {
	/// The hash of block 0, which names the chain.
	async fn genesis(&self) -> Result<Hash>;

	/// The best block.
	async fn head(&self) -> Result<Head>;

	/// The newest block that cannot be undone.
	async fn finalized(&self) -> Result<Head>;

	/// The best chain's block of this number.
	async fn block_hash(&self, number: u32) -> Result<Option<Hash>>;

	/// New best blocks as they come. Blocks may be skipped. Ends when the connection does.
	async fn heads(&self) -> Result<BoxStream<'static, Result<Head>>>;

	/// The raw values of many storage keys, in the keys' order, by one request.
	async fn get_many(&self, keys: &[Vec<u8>], at: At) -> Result<Vec<Option<Vec<u8>>>>;

	/// At most `limit` keys that begin with `prefix`, in order, those after `after`.
	async fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: u32, at: At) -> Result<Vec<Vec<u8>>>;

	/// All events of a block.
	async fn events(&self, block: Hash) -> Result<Vec<Event>>;

	/// The value of a runtime constant, SCALE.
	async fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>>;

	/// Signs and sends the calls in order, with consecutive nonces and without waiting in between. A call that fails in
	/// its block is `Ok` with [`Outcome::error`].
	async fn send(&self, signer: &Signer, calls: Vec<Call>, wait: Wait) -> Result<Sent>;

	/// The signer's next nonce, counting what waits for a block.
	async fn nonce(&self, account: &AccountId) -> Result<u64>;
}

/// Conveniences over [`Chain`].
#[async_trait]
pub trait ChainExt: Chain {
	/// The raw value of one storage key.
	async fn get(&self, key: Vec<u8>, at: At) -> Result<Option<Vec<u8>>> {
		Ok(self.get_many(&[key], at).await?.pop().flatten())
	}

	/// All keys and values under `prefix`.
	async fn entries(&self, prefix: &[u8], at: At) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
		const PAGE: u32 = 512;
		let mut entries = Vec::new();
		let mut after: Option<Vec<u8>> = None;
		loop {
			let keys = self.keys(prefix, after.as_deref(), PAGE, at).await?;
			let Some(last) = keys.last().cloned() else {
				return Ok(entries);
			};
			let whole = keys.len() < PAGE as usize;
			let values = self.get_many(&keys, at).await?;
			entries.extend(
				keys.into_iter()
					.zip(values)
					.filter_map(|(key, value)| value.map(|value| (key, value))),
			);
			if whole {
				return Ok(entries);
			}
			after = Some(last);
		}
	}

	/// One call; an error if it fails in its block.
	async fn submit(&self, signer: &Signer, call: Call, wait: Wait) -> Result<Outcome> {
		let mut outcomes = self.submit_all(signer, vec![call], wait).await?;
		outcomes
			.pop()
			.unwrap_or_else(|| Err(ChainError::Pool("the node said nothing about it".into())))?
			.ok()
	}

	/// Many calls of one account, sent at once; the outcomes in the calls' order.
	async fn submit_all(&self, signer: &Signer, calls: Vec<Call>, wait: Wait) -> Result<Vec<Result<Outcome>>> {
		let silent = || Err(ChainError::Pool("the node said nothing about it".into()));
		let mut outcomes: Vec<_> = calls.iter().map(|_| silent()).collect();
		let mut sent = self.send(signer, calls, wait).await?;
		while let Some((index, outcome)) = sent.next().await {
			outcomes[index] = outcome;
		}
		Ok(outcomes)
	}
}

impl<C: Chain + ?Sized> ChainExt for C {}
