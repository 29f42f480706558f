//! What the job reads from the chain itself, past the command line.

use std::{collections::BTreeMap, future::Future};

use anyhow::{Context, Result};
use chain_client::{keys, AccountId, Chain, ChainExt, Query, Signer, Subxt};
use codec::Decode;
use openledger_primitives::{
	epoch::EpochState,
	item::{Datanet, Item, Outcome},
	model::Job,
	Balance, DatanetId, ItemId, JobId,
};

/// A connection with an executor of its own, for a caller that is not async.
pub struct View {
	executor: tokio::runtime::Runtime,
	chain: Subxt,
}

impl View {
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

	pub fn query(&self) -> Query<'_, Subxt> {
		Query::new(&self.chain)
	}

	/// Number of the best block.
	pub fn block(&self) -> Result<u32> {
		Ok(self.wait(self.chain.head())?.number)
	}

	/// Milliseconds until the UTC day ends, by the chain's clock.
	pub fn millis_left_today(&self) -> Result<u64> {
		let now = self.wait(self.query().now())?;
		Ok(openledger_primitives::quota::resets_at(now) - now)
	}

	pub fn datanet(&self, id: DatanetId) -> Result<Datanet<AccountId>> {
		self.wait(self.query().datanet(id))?
			.with_context(|| format!("there is no Datanet {id}"))
	}

	pub fn items(&self) -> Result<Vec<(ItemId, Item<AccountId>)>> {
		Ok(self.wait(self.query().all_items())?)
	}

	/// How many items are still in review.
	pub fn in_review(&self) -> Result<usize> {
		Ok(self
			.items()?
			.iter()
			.filter(|(_, item)| item.outcome == Outcome::InReview)
			.count())
	}

	pub fn job(&self, id: JobId) -> Result<Job<AccountId>> {
		self.wait(self.query().job(id))?
			.with_context(|| format!("there is no job {id}"))
	}

	pub fn total_issuance(&self) -> Result<Balance> {
		Ok(self.wait(self.query().total_issuance())?)
	}

	/// Sum of what all accounts have, free and on hold.
	pub fn sum_of_balances(&self) -> Result<Balance> {
		/// The beginning of `System.Account`'s record: nonce, three reference counters, free, reserved.
		type AccountInfo = (u32, (u32, u32, u32), Balance, Balance);
		let entries = self.wait(self.chain.entries(&keys::entry("System", "Account"), None))?;
		entries.iter().try_fold(0, |sum, (_, value)| {
			let (_, _, free, reserved) = AccountInfo::decode(&mut &value[..]).context("read an account")?;
			Ok(sum + free + reserved)
		})
	}

	/// What closed pools and fees of use have paid so far, plancks.
	pub fn rewards_paid(&self) -> Result<Balance> {
		let query = self.query();
		self.wait(async {
			let paid: Balance = query.pools().await?.iter().map(|(_, book)| book.claimed).sum();
			Ok(paid + query.fees().await?.iter().map(|(_, fee)| fee.claimed).sum::<Balance>())
		})
	}

	/// Whether every epoch in which `who` earned something has closed.
	pub fn epochs_closed(&self, who: &str) -> Result<bool> {
		let account = account(who)?;
		let earnings = self.wait(self.query().earnings(&account))?;
		Ok(earnings.iter().all(|earning| earning.state != EpochState::Open))
	}

	/// Votes revealed, and contributions refused by the chain under the names of the errors, in all blocks so far.
	pub fn history(&self) -> Result<(usize, BTreeMap<String, usize>)> {
		let (mut revealed, mut refusals) = (0, BTreeMap::new());
		for number in 1..=self.block()? {
			let events = self.wait(async {
				match self.chain.block_hash(number).await? {
					Some(hash) => self.chain.events(hash).await,
					None => Ok(vec![]),
				}
			})?;
			for event in events {
				if event.is("Validation", "Revealed") {
					revealed += 1;
				}
				let refusal = event
					.error
					.as_ref()
					.filter(|error| event.is("System", "ExtrinsicFailed") && error.pallet == "Datanets");
				if let Some(error) = refusal {
					*refusals.entry(error.name.clone()).or_default() += 1;
				}
			}
		}
		Ok((revealed, refusals))
	}
}

/// The account of a development key, by its name.
pub fn account(who: &str) -> Result<AccountId> {
	Ok(Signer::from_suri(&format!("//{who}"))?.account().clone())
}
