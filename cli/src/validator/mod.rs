//! The daemon behind `openledger validate`.
//!
//! In each new block it reads what concerns it ([`view`]), decides what to do ([`plan`]) and does it, all in one
//! batch. Files are fetched and judged beside that ([`assess`]). Nothing is kept on disk: salts follow from the key, and
//! what was voted is found again from the commitment.

pub mod assess;
pub mod plan;
#[cfg(test)]
mod tests;
pub mod view;

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Result;
use chain_client::{calls, AccountId, Call, Chain, ChainError, ChainExt, Signer, Wait};
use futures::StreamExt;
use openledger_primitives::{
	item::Phase,
	vote::{Reason, Verdict},
	ActiveBlock, Balance, ItemId,
};
use payload_store::PayloadStore;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};
use tracing::{info, warn};

use self::{
	assess::{assess, ballot, recover, Assessment},
	plan::{plan, Action},
	view::{CaseView, View},
};
use crate::amount::Amount;

/// Calls in one batch: a batch of this many is a small part of a block.
const BATCH: usize = 60;
/// Files fetched and judged at once.
const FETCHES: usize = 4;
/// Active blocks before a call that failed is made again.
const BACKOFF: ActiveBlock = 5;
/// Pause before a node that went away is asked again.
const RETRY: Duration = Duration::from_secs(2);
/// A block that never comes is looked for this often.
const STALL: Duration = Duration::from_secs(30);

/// What a daemon did, for its last line and for tests.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Counts {
	pub committed: u32,
	pub revealed: u32,
	pub closed: u32,
	pub finalized: u32,
	pub settled: u32,
	pub failed: u32,
}

/// A validator at work.
pub struct Daemon<C: Chain + 'static> {
	chain: Arc<C>,
	store: Arc<dyn PayloadStore>,
	signer: Signer,
	/// Whose stake it votes with: the signer's own, or that of an account that made it its proxy.
	validator: AccountId,
	secret: [u8; 32],
	assessments: HashMap<ItemId, Assessment>,
	running: JoinSet<(ItemId, Result<Assessment>)>,
	fetching: Vec<ItemId>,
	slots: Arc<Semaphore>,
	/// Calls that failed, and the block from which they may be made again: a failed call costs a fee too.
	failed: HashMap<(&'static str, ItemId), ActiveBlock>,
	counts: Counts,
}

impl<C: Chain + 'static> Daemon<C> {
	pub fn new(chain: Arc<C>, store: Arc<dyn PayloadStore>, signer: Signer) -> Self {
		let validator = signer.account().clone();
		Self::new_for(validator, chain, store, signer)
	}

	/// A daemon that votes with the stake of `validator`, whose proxy the signer is if it is another account.
	pub fn new_for(validator: AccountId, chain: Arc<C>, store: Arc<dyn PayloadStore>, signer: Signer) -> Self {
		let secret = signer.salt_secret();
		Self {
			chain,
			store,
			signer,
			validator,
			secret,
			assessments: HashMap::new(),
			running: JoinSet::new(),
			fetching: Vec::new(),
			slots: Arc::new(Semaphore::new(FETCHES)),
			failed: HashMap::new(),
			counts: Counts::default(),
		}
	}

	pub fn counts(&self) -> Counts {
		self.counts
	}

	fn me(&self) -> &AccountId {
		&self.validator
	}

	/// The call in the name of the validator.
	fn in_name(&self, call: Call) -> Call {
		if self.validator == *self.signer.account() {
			call
		} else {
			calls::proxy(&self.validator, call)
		}
	}

	/// Works until `stop` is done. A node that goes away is waited for.
	pub async fn run(&mut self, stop: impl std::future::Future<Output = ()>) -> Result<()> {
		let mut stop = std::pin::pin!(stop);
		loop {
			tokio::select! {
				() = &mut stop => return Ok(()),
				result = self.follow() => match result {
					Ok(()) => info!("the node ended the subscription; subscribing again"),
					Err(error) if is_passing(&error) => warn!("{error:#}; trying again"),
					Err(error) => return Err(error),
				},
			}
			tokio::select! {
				() = &mut stop => return Ok(()),
				() = sleep(RETRY) => {},
			}
		}
	}

	/// Works through new blocks until the subscription ends.
	async fn follow(&mut self) -> Result<()> {
		let mut heads = self.chain.heads().await?;
		loop {
			self.step().await?;
			// Blocks that came while the last step was at work are skipped: only the newest one matters.
			match tokio::time::timeout(STALL, heads.next()).await {
				Ok(Some(head)) => {
					head?;
					while let Some(Some(newer)) = futures::FutureExt::now_or_never(heads.next()) {
						newer?;
					}
				}
				Ok(None) => return Ok(()),
				Err(_) => warn!("no new block for {} s", STALL.as_secs()),
			}
		}
	}

	/// Does what is to be done at the best block.
	pub async fn step(&mut self) -> Result<()> {
		self.collect();
		let view = View::read(&*self.chain, self.me()).await?;
		let known: Vec<_> = view.cases.iter().map(|case| case.item).collect();
		self.assessments.retain(|item, _| known.contains(item));
		self.prefetch(&view);
		self.failed.retain(|_, again| *again > view.now);
		let mut free = view
			.validator
			.as_ref()
			.map_or(0, |own| own.stake.saturating_sub(own.at_risk));
		let mut chosen = Vec::new();
		for action in plan(&view, self.me()) {
			if self.failed.contains_key(&key(&action)) {
				continue;
			}
			let Some(call) = self.call(&view, &action) else {
				continue;
			};
			let reserve = reserve(&view, &action);
			let free_for_it = free.saturating_sub(kept(&view, &action));
			if reserve > free_for_it {
				warn!(
					?action,
					needed = %Amount(reserve),
					free = %Amount(free_for_it),
					"not committed: the vote puts more stake at risk than is free for it (OPEN); votes that are settled free theirs, and `openledger stake add` adds some"
				);
				continue;
			}
			free -= reserve;
			chosen.push((action, call));
		}
		for batch in chosen.chunks(BATCH) {
			self.submit(batch, view.now).await?;
		}
		Ok(())
	}

	/// Waits until every file that is being fetched is judged.
	pub async fn finish_fetches(&mut self) {
		while let Some(done) = self.running.join_next().await {
			self.keep(done);
		}
	}

	/// Takes in the files that are judged by now.
	fn collect(&mut self) {
		while let Some(done) = self.running.try_join_next() {
			self.keep(done);
		}
	}

	fn keep(&mut self, done: Result<(ItemId, Result<Assessment>), tokio::task::JoinError>) {
		let (item, assessment) = match done {
			Ok(done) => done,
			Err(error) => return warn!("judging a file was given up: {error}"),
		};
		self.fetching.retain(|fetching| *fetching != item);
		match assessment {
			Ok(assessment) => {
				match &assessment {
					Assessment::Judged {
						verdict: Some(verdict), ..
					} => info!(item, ?verdict, "judged"),
					Assessment::Judged { verdict: None, .. } => {
						info!(
							item,
							"no automatic check for this kind of file; vote by hand with `openledger vote`"
						)
					}
					Assessment::Unavailable(reason) | Assessment::Unknown(reason) => {
						warn!(item, "not fetched: {reason}")
					}
				}
				self.assessments.insert(item, assessment);
			}
			Err(error) => warn!(item, "not judged: {error:#}"),
		}
	}

	/// Starts fetching the files of the items that this validator votes on.
	fn prefetch(&mut self, view: &View) {
		for case in &view.cases {
			let judged = matches!(self.assessments.get(&case.item), Some(Assessment::Judged { .. }));
			if !judged && is_needed(case) && !self.fetching.contains(&case.item) {
				let (chain, store, slots) = (self.chain.clone(), self.store.clone(), self.slots.clone());
				let item = case.item;
				self.fetching.push(item);
				self.running.spawn(async move {
					let _slot = slots.acquire().await;
					(item, assess(&*chain, &store, item).await)
				});
			}
		}
	}

	/// The call for an action, if it can be made now.
	fn call(&self, view: &View, action: &Action) -> Option<Call> {
		match action.clone() {
			Action::Commit { item, round, last_call } => {
				let verdict = match self.assessments.get(&item)? {
					Assessment::Judged { verdict, .. } => (*verdict)?,
					Assessment::Unavailable(_) if last_call => Verdict::Reject {
						reason: Reason::Unavailable,
					},
					Assessment::Unavailable(_) | Assessment::Unknown(_) => return None,
				};
				let ballot = ballot(view.genesis, item, round, self.me());
				let commitment = ballot.commitment(&verdict, &ballot.salt(&self.secret));
				Some(calls::commit(item, round, commitment))
			}
			Action::Reveal { item, round, vote } => {
				let units = match self.assessments.get(&item) {
					Some(Assessment::Judged { units, .. }) => Some(*units),
					_ => None,
				};
				let ballot = ballot(view.genesis, item, round, self.me());
				let verdict = recover(&ballot, &self.secret, &vote, units)?;
				Some(calls::reveal(item, round, verdict, ballot.salt(&self.secret)))
			}
			Action::CloseRound { item } => Some(calls::close_round(item)),
			Action::Finalize { item } => Some(calls::finalize(item)),
			Action::Settle { item, round, voter } => Some(calls::settle(item, round, &voter)),
		}
	}

	/// Sends a batch and waits for its block. Calls that fail are reported and decided again at the next block.
	async fn submit(&mut self, batch: &[(Action, Call)], now: ActiveBlock) -> Result<()> {
		let calls = batch.iter().map(|(_, call)| call.clone()).collect();
		let outcome = match self
			.chain
			.submit(&self.signer, self.in_name(calls::force_batch(calls)), Wait::InBlock)
			.await
		{
			Ok(outcome) => outcome,
			// The pool refuses, for example, what another process with this key has just sent.
			Err(error @ (ChainError::Pool(_) | ChainError::Dispatch { .. } | ChainError::Timeout { .. })) => {
				self.counts.failed += batch.len() as u32;
				warn!("{error}");
				return Ok(());
			}
			Err(error) => return Err(error.into()),
		};
		if let Some(error) = outcome
			.find("Proxy", "ProxyExecuted")
			.and_then(|event| event.error.as_ref())
		{
			self.counts.failed += batch.len() as u32;
			warn!("the proxy may not vote: {}", error.name);
			return Ok(());
		}
		let results = outcome.batch();
		for (index, (action, _)) in batch.iter().enumerate() {
			match results.get(index) {
				Some(Err(error)) => {
					self.counts.failed += 1;
					self.failed.insert(key(action), now.saturating_add(BACKOFF));
					// Somebody else was faster, or the block came too late.
					info!(?action, "{}", error.name);
				}
				_ => self.count(action, outcome.block),
			}
		}
		Ok(())
	}

	fn count(&mut self, action: &Action, block: u32) {
		let (counter, item, what) = match action {
			Action::Commit { item, .. } => (&mut self.counts.committed, item, "committed"),
			Action::Reveal { item, .. } => (&mut self.counts.revealed, item, "revealed"),
			Action::CloseRound { item } => (&mut self.counts.closed, item, "closed the round"),
			Action::Finalize { item } => (&mut self.counts.finalized, item, "finalized"),
			Action::Settle { item, .. } => (&mut self.counts.settled, item, "settled"),
		};
		*counter += 1;
		info!(item, block, "{what}");
	}
}

/// What a failed call is remembered by.
fn key(action: &Action) -> (&'static str, ItemId) {
	match action {
		Action::Commit { item, .. } => ("commit", *item),
		Action::Reveal { item, .. } => ("reveal", *item),
		Action::CloseRound { item } => ("close", *item),
		Action::Finalize { item } => ("finalize", *item),
		Action::Settle { item, .. } => ("settle", *item),
	}
}

/// What an action puts at risk, plancks.
fn reserve(view: &View, action: &Action) -> Balance {
	let Action::Commit { item, .. } = action else { return 0 };
	let case = view.cases.iter().find(|case| case.item == *item);
	let weight = case.and_then(|case| case.weight).unwrap_or(0);
	let risk = case.and_then(|case| case.round.as_ref()).map_or(0, |round| round.risk);
	risk.saturating_mul(weight.into())
}

/// What of the stake the chain keeps for challenges while anything else is voted on, plancks.
fn kept(view: &View, action: &Action) -> Balance {
	let Action::Commit { item, .. } = action else { return 0 };
	let case = view.cases.iter().find(|case| case.item == *item);
	match case.map(|case| case.case.phase) {
		Some(Phase::Challenged { .. }) => 0,
		_ => view.validator.as_ref().map_or(0, |own| own.stake / 2),
	}
}

/// Whether this validator needs the file of a case: it is drawn, or has a vote to reveal.
fn is_needed(case: &CaseView) -> bool {
	let open = case.case.phase.is_voting();
	let unrevealed = case
		.votes
		.iter()
		.any(|(round, vote)| *round == case.case.round && vote.verdict.is_none() && vote.weight > 0);
	let voted = case.votes.iter().any(|(round, _)| *round == case.case.round);
	open && (unrevealed || !voted && case.weight.is_some_and(|weight| weight > 0))
}

/// Whether the same may succeed a little later.
fn is_passing(error: &anyhow::Error) -> bool {
	matches!(
		error.downcast_ref::<ChainError>(),
		Some(ChainError::Unreachable { .. } | ChainError::Rpc { .. } | ChainError::Timeout { .. })
	)
}
