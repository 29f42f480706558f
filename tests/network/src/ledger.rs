use std::future::Future;

use anyhow::{Context, Result};
use chain_client::{keys, AccountId, Call, Chain, ChainExt, Event, Hash, Head, Outcome, Query, Signer, Subxt, Wait};
use codec::{Compact, Decode};
use futures::future::try_join_all;

/// What a node says of the chain's state, for a caller that is not async.
pub struct Ledger {
	executor: tokio::runtime::Runtime,
	chain: Subxt,
}

impl Ledger {
	pub fn connect(url: &str) -> Result<Self> {
		let executor = tokio::runtime::Builder::new_multi_thread()
			.worker_threads(1)
			.enable_all()
			.build()?;
		let chain = executor.block_on(Subxt::connect(url))?;
		Ok(Self { executor, chain })
	}

	pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
		self.executor.block_on(future)
	}

	/// Questions at one block.
	pub fn at(&self, block: Hash) -> Query<'_, Subxt> {
		Query::at(&self.chain, block)
	}

	pub fn genesis(&self) -> Result<Hash> {
		Ok(self.wait(self.chain.genesis())?)
	}

	/// The newest final block.
	pub fn finalized(&self) -> Result<Head> {
		Ok(self.wait(self.chain.finalized())?)
	}

	pub fn block_hash(&self, number: u32) -> Result<Hash> {
		let hash = self.wait(self.chain.block_hash(number))?;
		hash.with_context(|| format!("there is no block {number}"))
	}

	/// Active blocks up to the newest final block.
	pub fn active_block(&self) -> Result<u32> {
		let head = self.finalized()?;
		Ok(self.wait(self.at(head.hash).active_block())?)
	}

	/// Sends a call and fails if it fails.
	pub fn submit(&self, signer: &Signer, call: Call, wait: Wait) -> Result<Outcome> {
		let name = format!("{}.{}", call.pallet, call.name);
		self.wait(self.chain.submit(signer, call, wait)).context(name)
	}

	/// Sends one call of each signer at the same time, and waits for all of them to be in blocks.
	pub fn submit_each(&self, calls: Vec<(&Signer, Call)>) -> Result<()> {
		let sent = calls
			.into_iter()
			.map(|(signer, call)| self.chain.submit(signer, call, Wait::InBlock));
		self.wait(try_join_all(sent))?;
		Ok(())
	}

	pub fn events(&self, block: Hash) -> Result<Vec<Event>> {
		Ok(self.wait(self.chain.events(block))?)
	}

	/// An open motion's call, as a councillor sees it.
	pub fn motion(&self, index: u32, block: Hash) -> Result<String> {
		let motions = self.wait(self.at(block).motions())?;
		let motion = motions.into_iter().find(|motion| motion.votes.index == index);
		let motion = motion.with_context(|| format!("there is no motion {index}"))?;
		Ok(self.wait(self.chain.describe_call(&motion.call))?)
	}

	/// A stored value that chain-client has no question for.
	pub fn value<T: Decode>(&self, pallet: &str, name: &str, block: Hash) -> Result<Option<T>> {
		let what = format!("{pallet}.{name}");
		Ok(self.wait(self.at(block).value(keys::entry(pallet, name), &what))?)
	}

	/// All keys and values that a pallet stores, as they are.
	pub fn storage(&self, pallet: &str, name: &str, block: Hash) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
		Ok(self.wait(self.chain.entries(&keys::entry(pallet, name), Some(block)))?)
	}

	/// The accounts that make blocks in the session of this block.
	pub fn authorities(&self, block: Hash) -> Result<Vec<AccountId>> {
		Ok(self.value("Session", "Validators", block)?.unwrap_or_default())
	}

	/// The version of the runtime that last ran its migrations.
	pub fn migrated_to(&self, block: Hash) -> Result<u32> {
		let last: Option<(Compact<u32>, String)> = self.value("System", "LastRuntimeUpgrade", block)?;
		let (version, _) = last.context("no version ran its migrations")?;
		Ok(version.0)
	}
}
