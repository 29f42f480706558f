//! What is measured: blocks full of one call each.

use anyhow::{bail, ensure, Context, Result};
use codec::{Decode, Encode};
use openledger_primitives::{
	format::Modality,
	item::Round,
	sortition::Draw,
	traits::Pool,
	vote::{Ballot, Verdict},
	ItemId, OPEN,
};
use openledger_runtime::{Hash, Runtime, RuntimeCall, RuntimeEvent};
use pallet_validation::RING_BLOCKS;
use serde_json::json;

use crate::{
	node::{Made, Node},
	sender::Sender,
	state::{account, payload, DATANET, EPOCH, SENDERS, SLOT_MILLIS, VALIDATORS},
};

pub const VERDICT: Verdict = Verdict::Accept {
	score: 70,
	units: 8_000,
};
pub const SALT: [u8; 32] = [9; 32];
/// How many of each are sent: three blocks full and more, but no more blocks than the windows of votes leave. Accounts send
/// one each.
const TRANSFERS: usize = SENDERS as usize;
const SUBMISSIONS: usize = 4_500;
const CLAIMS: usize = 10_000;
/// Items that are voted on; seven votes each are expected.
const JUDGED: u64 = 1_250;

/// Full blocks of one call.
#[derive(Clone, Debug)]
pub struct Measured {
	pub call: &'static str,
	pub blocks: Vec<Made>,
}

impl Measured {
	/// Extrinsics a second of chain time, in full blocks.
	pub fn rate(&self) -> f64 {
		self.mean(|block| f64::from(block.extrinsics)) * 1_000. / SLOT_MILLIS as f64
	}

	/// Milliseconds to make a full block: the fastest, since all are equally full, and whatever else the machine did only
	/// adds.
	pub fn block_millis(&self) -> f64 {
		self.blocks
			.iter()
			.map(|block| block.millis)
			.fold(f64::INFINITY, f64::min)
	}

	/// Microseconds of each extrinsic, the block's own work included.
	pub fn call_micros(&self) -> f64 {
		self.block_millis() * 1_000. / self.mean(|block| f64::from(block.extrinsics))
	}

	fn mean(&self, of: impl Fn(&Made) -> f64) -> f64 {
		self.blocks.iter().map(of).sum::<f64>() / self.blocks.len() as f64
	}
}

/// Sends all calls to a node, one kind after the other.
pub struct Load {
	node: Node,
	genesis: Hash,
	senders: Vec<Sender>,
	validators: Vec<Sender>,
	/// The last block that was made.
	now: u32,
}

impl Load {
	pub fn new(node: Node, genesis: Hash) -> Self {
		Self {
			node,
			genesis,
			senders: Sender::all("sender", SENDERS),
			validators: Sender::all("validator", VALIDATORS),
			now: 0,
		}
	}

	pub async fn measure(&mut self) -> Result<Vec<Measured>> {
		self.now = self.node.next_block(1).await?;
		let transfers = self.signed_by_senders(TRANSFERS, |number| {
			let to = account("sender", (number + 1) % SENDERS);
			pallet_balances::Call::transfer_keep_alive {
				dest: to.into(),
				value: OPEN,
			}
			.into()
		});
		let transfer = self.run("transfer", transfers).await?;

		let first: ItemId = self
			.value(pallet_datanets::NextItem::<Runtime>::hashed_key().to_vec())
			.await?;
		let submissions = self.signed_by_senders(SUBMISSIONS, |number| {
			pallet_datanets::Call::submit {
				datanet: DATANET,
				payload: payload("new", number),
				possession: [number as u8; 32],
			}
			.into()
		});
		let submit = self.run("submit", submissions).await?;

		let votes = self.votes(first).await?;
		let commits = votes.iter().map(|(voter, item)| {
			let voter = &mut self.validators[*voter];
			let ballot = Ballot {
				genesis: self.genesis.0,
				item: *item,
				round: 0,
				voter: &voter.account(),
			};
			let commitment = ballot.commitment(&VERDICT, &SALT);
			voter
				.sign(
					pallet_validation::Call::commit {
						item: *item,
						round: 0,
						commitment,
					}
					.into(),
					self.genesis,
				)
				.encode()
		});
		let commits = commits.collect();
		let commit = self.run("commit", commits).await?;

		let claims = self.signed_by_senders(CLAIMS, |_| {
			pallet_rewards::Call::claim {
				epoch: EPOCH,
				pool: Pool::Contributors(Modality::Text),
			}
			.into()
		});
		let claim = self.run("claim", claims).await?;

		let last = votes.last().map(|(_, item)| *item).context("somebody voted")?;
		let round = self.rounds(&[last]).await?.remove(0);
		while self.now <= round.commit_until {
			self.now = self.node.next_block(self.now).await?;
		}
		let reveals = votes.iter().map(|(voter, item)| {
			let call = pallet_validation::Call::reveal {
				item: *item,
				round: 0,
				verdict: VERDICT,
				salt: SALT,
			};
			self.validators[*voter].sign(call.into(), self.genesis).encode()
		});
		let reveals = reveals.collect();
		let reveal = self.run("reveal", reveals).await?;
		Ok(vec![transfer, submit, commit, claim, reveal])
	}

	fn signed_by_senders(&mut self, count: usize, call: impl Fn(u32) -> RuntimeCall) -> Vec<Vec<u8>> {
		let genesis = self.genesis;
		(0..)
			.zip(self.senders.iter_mut().take(count))
			.map(|(number, sender)| sender.sign(call(number), genesis).encode())
			.collect()
	}

	/// Who has a vote on which of the items from `first` on.
	async fn votes(&mut self, first: ItemId) -> Result<Vec<(usize, ItemId)>> {
		let items: Vec<ItemId> = (first..first + JUDGED).collect();
		let rounds = self.rounds(&items).await?;
		let seeded = rounds.iter().map(|round| round.seed_at).max().unwrap_or_default();
		while self.now <= seeded {
			self.now = self.node.next_block(self.now).await?;
		}
		let mut votes = vec![];
		for (item, round) in items.iter().zip(rounds) {
			let key = pallet_validation::Ring::<Runtime>::hashed_key_for(round.seed_at % RING_BLOCKS);
			let draw = Draw {
				genesis: self.genesis.0,
				item: *item,
				round: 0,
				seed: self.value(key).await?,
				total_stake: round.total_stake,
				panel: round.width.panel,
			};
			let stake = round.total_stake / u128::from(VALIDATORS);
			for (index, validator) in self.validators.iter().enumerate() {
				if draw.weight(&validator.account(), stake) > 0 {
					votes.push((index, *item));
				}
			}
		}
		Ok(votes)
	}

	async fn rounds(&self, items: &[ItemId]) -> Result<Vec<Round>> {
		let key = |item: &ItemId| pallet_validation::Rounds::<Runtime>::hashed_key_for((*item, 0u8));
		let values = self.node.storage(&items.iter().map(key).collect::<Vec<_>>()).await?;
		values
			.into_iter()
			.map(|value| Ok(Round::decode(&mut &value.context("the item has a round")?[..])?))
			.collect()
	}

	/// An extrinsic that fails is in a block as well, and would be counted.
	async fn check_success(&self, call: &str, number: u32) -> Result<()> {
		let hash = self.node.call("chain_getBlockHash", json!([number])).await?;
		let key = format!(
			"0x{}",
			hex::encode(frame_support::storage::storage_prefix(b"System", b"Events"))
		);
		let events = self.node.call("state_getStorage", json!([key, hash])).await?;
		let events = hex::decode(events.as_str().context("a block has events")?.trim_start_matches("0x"))?;
		let events = Vec::<frame_system::EventRecord<RuntimeEvent, Hash>>::decode(&mut &events[..])?;
		for record in events {
			if let RuntimeEvent::System(frame_system::Event::ExtrinsicFailed { dispatch_error, .. }) = record.event {
				bail!("{call}: an extrinsic of block {number} failed: {dispatch_error:?}");
			}
		}
		Ok(())
	}

	async fn value<V: Decode>(&self, key: Vec<u8>) -> Result<V> {
		let value = self.node.storage(&[key]).await?.remove(0).context("the value is set")?;
		Ok(V::decode(&mut &value[..])?)
	}

	/// Submits right after a block was made, and returns the full blocks that follow. Those that are not full say nothing
	/// of a rate: if there is none, too little was submitted.
	async fn run(&mut self, call: &'static str, extrinsics: Vec<Vec<u8>>) -> Result<Measured> {
		let before = self.node.next_block(self.now).await?;
		self.node.submit(&extrinsics).await?;
		let mut taken = 0;
		self.now = before;
		while taken < extrinsics.len() {
			self.now = self.node.next_block(self.now).await?;
			let blocks = self.node.made()?.into_iter().filter(|block| block.number > before);
			taken = blocks.map(|block| block.extrinsics as usize).sum();
			if taken == 0 && self.now > before + 3 {
				bail!("{call}: the node takes none of {} extrinsics", extrinsics.len());
			}
		}
		let made = self.node.made()?;
		let blocks: Vec<Made> = made
			.into_iter()
			.filter(|block| block.number > before && block.full)
			.collect();
		ensure!(
			!blocks.is_empty(),
			"{call}: {} extrinsics fill no block",
			extrinsics.len()
		);
		for block in &blocks {
			self.check_success(call, block.number).await?;
		}
		eprintln!("bench-chain: {call}: {blocks:?}");
		Ok(Measured { call, blocks })
	}
}
