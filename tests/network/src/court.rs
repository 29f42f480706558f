//! A Datanet, a contributor and the validators of genesis, who bring items into every state that an item can be in.

use std::collections::BTreeMap;

use anyhow::{bail, ensure, Context, Result};
use chain_client::{calls, AccountId, Call, Hash, Signer, Wait};
use openledger_primitives::{
	format::{Format, Modality},
	item::{Item, Outcome, Phase, Policy, Round},
	payload::possession,
	vote::{Ballot, Verdict},
	ActiveBlock, DatanetId, ItemId, RoundIndex,
};

use crate::{Ledger, Network};

/// Validators that the preset's genesis staked: they are on every panel.
const VALIDATORS: usize = 5;
/// The round that everything is decided in; the networks' court has no other.
const ROUND: RoundIndex = 0;
/// Everything that is stored of items and the votes on them.
const STORAGE: [(&str, &str); 9] = [
	("Datanets", "Datanets"),
	("Datanets", "Items"),
	("Datanets", "Neighbours"),
	("Datanets", "Contents"),
	("Datanets", "Versions"),
	("Validation", "Cases"),
	("Validation", "Rounds"),
	("Validation", "Votes"),
	("Validation", "Validators"),
];

/// What an item can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
	/// In review, its panel not drawn yet.
	BeforeSeed,
	/// In review, its panel drawn, no vote yet.
	Drawn,
	/// In review, with votes that nobody knows.
	Committed,
	/// In review, with votes that everybody knows.
	Revealed,
	/// Decided, and not final.
	Provisional,
	Accepted,
	Rejected,
	Withdrawn,
	Expired,
}

/// Keys and values of one map.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Who takes part.
pub struct Court<'a> {
	ledger: &'a Ledger,
	genesis: Hash,
	contributor: Signer,
	validators: Vec<Signer>,
	datanet: DatanetId,
}

impl<'a> Court<'a> {
	/// Founds a Datanet.
	pub fn new(ledger: &'a Ledger) -> Result<Self> {
		let name = b"Network".to_vec().try_into().expect("a short name");
		let create = calls::create_datanet(
			Modality::Text,
			name,
			Default::default(),
			Policy::open(Modality::Text, 100_000),
		);
		let created = ledger.submit(&Signer::from_suri("//Owner")?, create, Wait::InBlock)?;
		let validators = (1..=VALIDATORS).map(|n| Signer::from_suri(&format!("//Validator{n}")));
		Ok(Self {
			ledger,
			genesis: ledger.genesis()?,
			contributor: Signer::from_suri("//Contributor1")?,
			validators: validators.collect::<Result<_, _>>()?,
			datanet: created.field("Datanets", "DatanetCreated")?,
		})
	}

	/// The call that contributes a text about `topic`.
	pub fn submission(&self, topic: &str) -> Call {
		let text = format!("# {topic}\n\nWhat a running network does with an item about {topic}.\n").repeat(20);
		let payload = payload_store::import(text.as_bytes()).payload(Format::Markdown);
		let possession = possession(self.contributor.account().as_ref(), text.as_bytes());
		calls::submit(self.datanet, payload, possession)
	}

	/// Contributes a text about each topic, with `last` in the same block after them.
	pub fn submit(&self, topics: &[&str], last: Option<Call>) -> Result<Vec<ItemId>> {
		let calls = topics.iter().map(|topic| self.submission(topic)).chain(last).collect();
		let outcome = self
			.ledger
			.submit(&self.contributor, calls::batch_all(calls), Wait::InBlock)?;
		let submitted = outcome
			.events
			.iter()
			.filter(|event| event.is("Datanets", "ItemSubmitted"));
		let items: Vec<ItemId> = submitted.map(|event| event.decode()).collect::<Result<_, _>>()?;
		ensure!(items.len() == topics.len(), "{} items of {topics:?}", items.len());
		Ok(items)
	}

	pub fn withdraw(&self, item: ItemId) -> Result<()> {
		self.ledger
			.submit(&self.contributor, calls::withdraw(item), Wait::InBlock)?;
		Ok(())
	}

	/// Every validator commits to these verdicts, once the panels are drawn.
	pub fn commit(&self, network: &mut Network, votes: &[(ItemId, Verdict)]) -> Result<()> {
		self.wait_after(network, votes, |round| round.seed_at)?;
		self.vote(votes, |item, verdict, voter| {
			let (commitment, _) = self.ballot(item, verdict, voter);
			calls::commit(item, ROUND, commitment)
		})
	}

	/// Every validator reveals these verdicts, once nobody can commit any more.
	pub fn reveal(&self, network: &mut Network, votes: &[(ItemId, Verdict)]) -> Result<()> {
		self.wait_after(network, votes, |round| round.commit_until)?;
		self.vote(votes, |item, verdict, voter| {
			let (_, salt) = self.ballot(item, verdict, voter);
			calls::reveal(item, ROUND, verdict, salt)
		})
	}

	/// Closes the items' rounds, once nobody can reveal any more.
	pub fn close(&self, network: &mut Network, items: &[ItemId]) -> Result<()> {
		let votes: Vec<_> = items.iter().map(|item| (*item, ())).collect();
		self.wait_after(network, &votes, |round| round.reveal_until)?;
		self.anybody(items.iter().map(|item| calls::close_round(*item)))
	}

	/// Makes the items' verdicts final, once nobody can challenge them any more.
	pub fn finalize(&self, network: &mut Network, items: &[ItemId]) -> Result<()> {
		let head = self.ledger.finalized()?;
		let mut last = 0;
		for item in items {
			match self
				.ledger
				.wait(self.ledger.at(head.hash).case(*item))?
				.map(|case| case.phase)
			{
				Some(Phase::Provisional { until, .. }) => last = last.max(until),
				other => bail!("item {item} has no provisional verdict in a final block: {other:?}"),
			}
		}
		self.wait_active(network, last + 1)?;
		self.anybody(items.iter().map(|item| calls::finalize(*item)))
	}

	/// Pays everybody's vote on an item.
	pub fn settle(&self, item: ItemId) -> Result<()> {
		let voters = self.validators.iter();
		self.anybody(voters.map(|voter| calls::settle(item, ROUND, voter.account())))
	}

	/// Waits until these items are in these states in final blocks.
	pub fn wait_states(&self, network: &mut Network, expected: &[(ItemId, State)]) -> Result<()> {
		network.wait(&format!("items to be {expected:?}"), |_| {
			let block = self.ledger.finalized()?.hash;
			for (item, state) in expected {
				if self.state(*item, block)? != Some(*state) {
					return Ok(None);
				}
			}
			Ok(Some(()))
		})
	}

	/// What an item is in a block; `None` where there is none.
	pub fn state(&self, item: ItemId, block: Hash) -> Result<Option<State>> {
		let query = self.ledger.at(block);
		let Some(stored) = self.item(item, block)? else {
			return Ok(None);
		};
		Ok(Some(match stored.outcome {
			Outcome::Withdrawn => State::Withdrawn,
			Outcome::Accepted { .. } => State::Accepted,
			Outcome::Rejected { .. } => State::Rejected,
			Outcome::Expired => State::Expired,
			Outcome::InReview => {
				let case = self
					.ledger
					.wait(query.case(item))?
					.context("an item in review has a case")?;
				let round = self.round(item, block)?;
				match case.phase {
					Phase::Voting if round.tally.revealed() > 0 => State::Revealed,
					Phase::Voting if round.tally.committed > 0 => State::Committed,
					Phase::Voting if self.ledger.wait(query.active_block())? > round.seed_at => State::Drawn,
					Phase::Voting => State::BeforeSeed,
					Phase::Provisional { .. } => State::Provisional,
					other => bail!("item {item} is in review and {other:?}"),
				}
			}
			other => bail!("item {item} is {other:?}"),
		}))
	}

	/// An item's record in a block.
	pub fn item(&self, item: ItemId, block: Hash) -> Result<Option<Item<AccountId>>> {
		Ok(self.ledger.wait(self.ledger.at(block).item(item))?)
	}

	/// Everything that a block stores of items and the votes on them, as bytes, by the name of the entry.
	pub fn snapshot(&self, block: Hash) -> Result<BTreeMap<String, Entries>> {
		let entries = STORAGE.iter().map(|(pallet, name)| {
			let entries = self.ledger.storage(pallet, name, block)?;
			Ok((format!("{pallet}.{name}"), entries))
		});
		entries.collect()
	}

	/// Has each validator send one batch with its calls for all items.
	fn vote(&self, votes: &[(ItemId, Verdict)], call: impl Fn(ItemId, Verdict, &Signer) -> Call) -> Result<()> {
		let batch = |voter| {
			let calls = votes.iter().map(|(item, verdict)| call(*item, *verdict, voter));
			(voter, calls::batch_all(calls.collect()))
		};
		self.ledger.submit_each(self.validators.iter().map(batch).collect())
	}

	/// Sends calls that anybody may make.
	fn anybody(&self, calls: impl Iterator<Item = Call>) -> Result<()> {
		let batch = calls::batch_all(calls.collect());
		self.ledger.submit(&self.contributor, batch, Wait::Finalized)?;
		Ok(())
	}

	/// A commitment and its salt.
	fn ballot(&self, item: ItemId, verdict: Verdict, voter: &Signer) -> ([u8; 32], [u8; 32]) {
		let ballot = Ballot {
			genesis: self.genesis,
			item,
			round: ROUND,
			voter: voter.account(),
		};
		let salt = ballot.salt(&voter.salt_secret());
		(ballot.commitment(&verdict, &salt), salt)
	}

	fn round(&self, item: ItemId, block: Hash) -> Result<Round> {
		let rounds = self.ledger.wait(self.ledger.at(block).rounds(&[(item, ROUND)]))?;
		let round = rounds.into_iter().next().flatten();
		round.with_context(|| format!("item {item} has no round {ROUND}"))
	}

	/// Waits until a block is final that comes after a deadline of each of these items. What is then sent is in time on
	/// every fork.
	fn wait_after<T>(
		&self,
		network: &mut Network,
		items: &[(ItemId, T)],
		deadline: impl Fn(&Round) -> ActiveBlock,
	) -> Result<()> {
		let mut last = 0;
		for (item, _) in items {
			let round = network.wait(&format!("item {item} to have a round in a final block"), |_| {
				let block = self.ledger.finalized()?.hash;
				Ok(match self.item(*item, block)? {
					Some(_) => Some(self.round(*item, block)?),
					None => None,
				})
			})?;
			last = last.max(deadline(&round));
		}
		self.wait_active(network, last + 1)
	}

	fn wait_active(&self, network: &mut Network, block: ActiveBlock) -> Result<()> {
		network.wait(&format!("active block {block} to be final"), |_| {
			Ok((self.ledger.active_block()? >= block).then_some(()))
		})
	}
}
