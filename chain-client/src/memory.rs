//! A chain in memory, for tests: storage is a map that the test fills, and what is submitted is written down.

use std::{
	collections::{BTreeMap, VecDeque},
	sync::Mutex,
};

use async_trait::async_trait;
use codec::Encode;
use futures::{stream, stream::BoxStream, StreamExt};

use crate::{AccountId, At, Call, Chain, ChainError, Event, Hash, Head, Outcome, Result, Sent, Signer, Wait};

/// A call that somebody submitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submitted {
	pub account: AccountId,
	pub call: Call,
}

/// A chain in memory. Every question is answered at the best block.
#[derive(Default)]
pub struct Memory {
	state: Mutex<State>,
}

#[derive(Default)]
struct State {
	storage: BTreeMap<Vec<u8>, Vec<u8>>,
	constants: BTreeMap<(String, String), Vec<u8>>,
	number: u32,
	timestamp: u64,
	submitted: Vec<Submitted>,
	scripted: VecDeque<Result<Outcome>>,
}

impl Memory {
	pub fn new() -> Self {
		Self::default()
	}

	/// Stores a value under a key of [`crate::keys`].
	pub fn set(&self, key: Vec<u8>, value: impl Encode) {
		self.lock().storage.insert(key, value.encode());
	}

	pub fn remove(&self, key: &[u8]) {
		self.lock().storage.remove(key);
	}

	pub fn set_constant(&self, pallet: &str, name: &str, value: impl Encode) {
		self.lock()
			.constants
			.insert((pallet.into(), name.into()), value.encode());
	}

	/// Makes `number` the best block, with `timestamp` in milliseconds.
	pub fn set_head(&self, number: u32, timestamp: u64) {
		let mut state = self.lock();
		state.number = number;
		state.timestamp = timestamp;
	}

	/// What becomes of the next submitted call. Without a script a call succeeds without events.
	pub fn script(&self, outcome: Result<Outcome>) {
		self.lock().scripted.push_back(outcome);
	}

	/// An outcome in the best block with these events.
	pub fn outcome(&self, events: Vec<Event>) -> Outcome {
		let block = self.lock().number;
		Outcome {
			block,
			block_hash: hash_of(block),
			extrinsic: [0; 32],
			events,
			error: None,
			fee: None,
		}
	}

	/// Everything that was submitted so far, in order.
	pub fn submitted(&self) -> Vec<Submitted> {
		self.lock().submitted.clone()
	}

	fn lock(&self) -> std::sync::MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
	}
}

fn hash_of(number: u32) -> Hash {
	sp_crypto_hashing::blake2_256(&number.to_le_bytes())
}

#[async_trait]
impl Chain for Memory {
	async fn genesis(&self) -> Result<Hash> {
		Ok(hash_of(0))
	}

	async fn head(&self) -> Result<Head> {
		let state = self.lock();
		Ok(Head {
			number: state.number,
			hash: hash_of(state.number),
			timestamp: state.timestamp,
		})
	}

	async fn finalized(&self) -> Result<Head> {
		self.head().await
	}

	async fn block_hash(&self, number: u32) -> Result<Option<Hash>> {
		Ok((number <= self.lock().number).then(|| hash_of(number)))
	}

	async fn heads(&self) -> Result<BoxStream<'static, Result<Head>>> {
		Ok(stream::iter([self.head().await]).boxed())
	}

	async fn get_many(&self, keys: &[Vec<u8>], _: At) -> Result<Vec<Option<Vec<u8>>>> {
		let state = self.lock();
		Ok(keys.iter().map(|key| state.storage.get(key).cloned()).collect())
	}

	async fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: u32, _: At) -> Result<Vec<Vec<u8>>> {
		let state = self.lock();
		let keys = state.storage.keys().filter(|key| key.starts_with(prefix));
		let later = keys.filter(|key| after.is_none_or(|after| key.as_slice() > after));
		Ok(later.take(limit as usize).cloned().collect())
	}

	async fn events(&self, _: Hash) -> Result<Vec<Event>> {
		Ok(Vec::new())
	}

	async fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>> {
		let state = self.lock();
		let value = state.constants.get(&(pallet.to_owned(), name.to_owned()));
		value
			.cloned()
			.ok_or_else(|| ChainError::Missing(format!("constant {pallet}.{name}")))
	}

	async fn send(&self, signer: &Signer, calls: Vec<Call>, _: Wait) -> Result<Sent> {
		let plain = self.outcome(Vec::new());
		let mut state = self.lock();
		let mut outcomes = Vec::new();
		for (index, call) in calls.into_iter().enumerate() {
			state.submitted.push(Submitted {
				account: signer.account().clone(),
				call,
			});
			outcomes.push((index, state.scripted.pop_front().unwrap_or_else(|| Ok(plain.clone()))));
		}
		Ok(stream::iter(outcomes).boxed())
	}

	async fn nonce(&self, account: &AccountId) -> Result<u64> {
		Ok(self
			.lock()
			.submitted
			.iter()
			.filter(|submitted| submitted.account == *account)
			.count() as u64)
	}
}
