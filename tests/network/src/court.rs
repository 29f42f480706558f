//! A Datanet, a contributor and the validators of genesis, who bring items into every state that an item can be in.

use std::collections::BTreeMap;

use anyhow::{bail, ensure, Context, Result};
use chain_client::{calls, AccountId, Call, Hash, Signer, Wait};
use openledger_primitives::{
	format::{Format, Modality},
	item::{Case, Item, Outcome, Phase, Policy, Round},
	payload::possession,
	plant::{self, Plant},
	vote::{Ballot, Verdict},
	ActiveBlock, Balance, BatchId, DatanetId, ItemId, RoundIndex,
};

use crate::{Ledger, Network};

/// Validators that the preset's genesis staked: they are on every panel.
const VALIDATORS: usize = 5;
/// Everything that is stored of items and the votes on them, and of jobs.
const STORAGE: [(&str, &str); 15] = [
	("Datanets", "Datanets"),
	("Datanets", "Items"),
	("Datanets", "Neighbours"),
	("Datanets", "Contents"),
	("Datanets", "Versions"),
	("Validation", "Cases"),
	("Validation", "Rounds"),
	("Validation", "Votes"),
	("Validation", "TrialBonds"),
	("Validation", "PlantBatches"),
	("Validation", "Validators"),
	("Models", "Jobs"),
	("Models", "JobTerms"),
	("Models", "Disputes"),
	("Models", "Workers"),
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
	Provisional {
		accept: bool,
	},
	/// Decided, and on trial by a challenge.
	Challenged,
	/// Decided, and on trial because its Datanet's owner had planted it.
	OnTrial,
	Accepted,
	Rejected,
	Withdrawn,
	Expired,
	/// Was on trial by a plant, and that is over.
	Planted,
}

/// A known answer that the Datanet's owner committed to, alone under its root.
pub struct Planting {
	batch: BatchId,
	/// Submissions after this active block can be opened.
	from: ActiveBlock,
	plant: Plant,
}

/// Keys and values of one map.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Who takes part.
pub struct Court<'a> {
	ledger: &'a Ledger,
	genesis: Hash,
	owner: Signer,
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
		let owner = Signer::from_suri("//Owner")?;
		let created = ledger.submit(&owner, create, Wait::InBlock)?;
		let validators = (1..=VALIDATORS).map(|n| Signer::from_suri(&format!("//Validator{n}")));
		Ok(Self {
			ledger,
			genesis: ledger.genesis()?,
			owner,
			contributor: Signer::from_suri("//Contributor1")?,
			validators: validators.collect::<Result<_, _>>()?,
			datanet: created.field("Datanets", "DatanetCreated")?,
		})
	}

	/// Whose items these are.
	pub fn datanet(&self) -> DatanetId {
		self.datanet
	}

	/// The owner commits to the verdict that is right for the text about `topic`.
	pub fn plant(&self, topic: &str, right: bool) -> Result<Planting> {
		let plant = Plant {
			genesis: self.genesis,
			datanet: self.datanet,
			sha256: payload_store::import(text(topic).as_bytes()).sha256,
			right,
			salt: [7; 32],
		};
		let call = calls::plant(self.datanet, plant::root(&[plant.leaf()]), 1);
		let planted = self.ledger.submit(&self.owner, call, Wait::InBlock)?;
		type Planted = (BatchId, DatanetId, [u8; 32], u16, Balance, ActiveBlock);
		let (batch, _, _, _, _, from): Planted = planted.field("Validation", "Planted")?;
		Ok(Planting { batch, from, plant })
	}

	/// Waits until what is submitted next can be a plant's item.
	pub fn wait_planted(&self, network: &mut Network, planting: &Planting) -> Result<()> {
		self.wait_active(network, planting.from)
	}

	/// The call that shows that an item was planted.
	pub fn opening(&self, planting: &Planting, item: ItemId) -> Call {
		let Plant { right, salt, .. } = planting.plant;
		calls::open_plant(planting.batch, 0, item, right, salt, &[])
	}

	/// The call that contributes a text about `topic`.
	pub fn submission(&self, topic: &str) -> Call {
		let text = text(topic);
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
		let rounds = self.wait_after(network, &items(votes), |round| round.seed_at)?;
		self.vote(votes, &rounds, |(item, verdict), round, voter| {
			let (commitment, _) = self.ballot(item, round, verdict, voter);
			calls::commit(item, round, commitment)
		})
	}

	/// Every validator reveals these verdicts, once nobody can commit any more.
	pub fn reveal(&self, network: &mut Network, votes: &[(ItemId, Verdict)]) -> Result<()> {
		let rounds = self.wait_after(network, &items(votes), |round| round.commit_until)?;
		self.vote(votes, &rounds, |(item, verdict), round, voter| {
			let (_, salt) = self.ballot(item, round, verdict, voter);
			calls::reveal(item, round, verdict, salt)
		})
	}

	/// Closes the items' rounds, once nobody can reveal any more, and makes the calls `then` in the same block, before the
	/// verdicts can become final.
	pub fn close(&self, network: &mut Network, items: &[ItemId], then: Vec<Call>) -> Result<()> {
		self.wait_after(network, items, |round| round.reveal_until)?;
		let closing = items.iter().map(|item| calls::close_round(*item));
		self.anybody(closing.chain(then))
	}

	/// Makes the items' verdicts final, once nobody can challenge them any more.
	pub fn finalize(&self, network: &mut Network, items: &[ItemId]) -> Result<()> {
		let head = self.ledger.finalized()?;
		let mut last = 0;
		for item in items {
			match self.case(*item, head.hash)?.phase {
				Phase::Provisional { until, .. } => last = last.max(until),
				other => bail!("item {item} has no provisional verdict in a final block: {other:?}"),
			}
		}
		self.wait_active(network, last + 1)?;
		self.anybody(items.iter().map(|item| calls::finalize(*item)))
	}

	/// Pays or slashes everybody's votes on an item, in all rounds. Every validator is on every panel.
	pub fn settle(&self, item: ItemId) -> Result<()> {
		let last = self.case(item, self.ledger.finalized()?.hash)?.round;
		let votes = (0..=last).flat_map(|round| self.validators.iter().map(move |voter| (round, voter)));
		self.anybody(votes.map(|(round, voter)| calls::settle(item, round, voter.account())))
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
				let case = self.case(item, block)?;
				let round = self.round(item, case.round, block)?;
				match case.phase {
					Phase::Voting if round.tally.revealed() > 0 => State::Revealed,
					Phase::Voting if round.tally.committed > 0 => State::Committed,
					Phase::Voting if self.ledger.wait(query.active_block())? > round.seed_at => State::Drawn,
					Phase::Voting => State::BeforeSeed,
					Phase::Provisional { verdict, .. } => State::Provisional {
						accept: verdict.is_accept(),
					},
					Phase::Challenged { .. } => State::Challenged,
					Phase::OnTrial { .. } => State::OnTrial,
					other => bail!("item {item} is in review and {other:?}"),
				}
			}
			Outcome::Planted => State::Planted,
		}))
	}

	/// An item's record in a block.
	pub fn item(&self, item: ItemId, block: Hash) -> Result<Option<Item<AccountId>>> {
		Ok(self.ledger.wait(self.ledger.at(block).item(item))?)
	}

	/// Everything that a block stores of items and the votes on them, and of jobs, as bytes, by the name of the entry.
	pub fn snapshot(&self, block: Hash) -> Result<BTreeMap<String, Entries>> {
		let entries = STORAGE.iter().map(|(pallet, name)| {
			let entries = self.ledger.storage(pallet, name, block)?;
			Ok((format!("{pallet}.{name}"), entries))
		});
		entries.collect()
	}

	/// Has each validator send one batch with its calls for all items, in their open rounds.
	fn vote(
		&self,
		votes: &[(ItemId, Verdict)],
		rounds: &[RoundIndex],
		call: impl Fn((ItemId, Verdict), RoundIndex, &Signer) -> Call,
	) -> Result<()> {
		let batch = |voter| {
			let calls = votes.iter().zip(rounds).map(|(vote, round)| call(*vote, *round, voter));
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
	fn ballot(&self, item: ItemId, round: RoundIndex, verdict: Verdict, voter: &Signer) -> ([u8; 32], [u8; 32]) {
		let ballot = Ballot {
			genesis: self.genesis,
			item,
			round,
			voter: voter.account(),
		};
		let salt = ballot.salt(&voter.salt_secret());
		(ballot.commitment(&verdict, &salt), salt)
	}

	fn case(&self, item: ItemId, block: Hash) -> Result<Case<AccountId>> {
		let case = self.ledger.wait(self.ledger.at(block).case(item))?;
		case.with_context(|| format!("item {item} has no case"))
	}

	fn round(&self, item: ItemId, index: RoundIndex, block: Hash) -> Result<Round> {
		let rounds = self.ledger.wait(self.ledger.at(block).rounds(&[(item, index)]))?;
		let round = rounds.into_iter().next().flatten();
		round.with_context(|| format!("item {item} has no round {index}"))
	}

	/// Waits until a block is final that comes after a deadline of each of these items' last rounds. What is then sent is in
	/// time on every fork. Returns the rounds' indices.
	fn wait_after(
		&self,
		network: &mut Network,
		items: &[ItemId],
		deadline: impl Fn(&Round) -> ActiveBlock,
	) -> Result<Vec<RoundIndex>> {
		let (mut last, mut indices) = (0, Vec::new());
		for item in items {
			let (index, round) = network.wait(&format!("item {item} to have a round in a final block"), |_| {
				let block = self.ledger.finalized()?.hash;
				if self.item(*item, block)?.is_none() {
					return Ok(None);
				}
				let index = self.case(*item, block)?.round;
				Ok(Some((index, self.round(*item, index, block)?)))
			})?;
			last = last.max(deadline(&round));
			indices.push(index);
		}
		self.wait_active(network, last + 1)?;
		Ok(indices)
	}

	fn wait_active(&self, network: &mut Network, block: ActiveBlock) -> Result<()> {
		network.wait(&format!("active block {block} to be final"), |_| {
			Ok((self.ledger.active_block()? >= block).then_some(()))
		})
	}
}

/// What an item about `topic` says.
fn text(topic: &str) -> String {
	format!("# {topic}\n\nWhat a running network does with an item about {topic}.\n").repeat(20)
}

fn items(votes: &[(ItemId, Verdict)]) -> Vec<ItemId> {
	votes.iter().map(|(item, _)| *item).collect()
}
