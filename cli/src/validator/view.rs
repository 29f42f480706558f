//! What a validator looks at in one block.

use anyhow::Result;
use chain_client::{AccountId, Chain, Head, Query};
use openledger_primitives::{
	item::{Case, Phase, Round, Vote},
	sortition::Draw,
	validator::Validator,
	ActiveBlock, ItemId, RoundIndex,
};

/// Active blocks that validators have for settling their own votes.
const GRACE: ActiveBlock = 30;

/// Everything on chain that concerns a validator, at one block.
#[derive(Clone, Debug)]
pub struct View {
	pub head: Head,
	pub genesis: [u8; 32],
	/// Active blocks so far: what is sent now is executed in `now + 1` at the earliest.
	pub now: ActiveBlock,
	/// The validator's own record; `None` if it is not registered.
	pub validator: Option<Validator>,
	pub cases: Vec<CaseView>,
}

/// One case from one validator's side.
#[derive(Clone, Debug)]
pub struct CaseView {
	pub item: ItemId,
	pub case: Case<AccountId>,
	/// The record of the case's round; `None` once it is settled.
	pub round: Option<Round>,
	/// The validator's weight in the open round; `None` while its seed is not known.
	pub weight: Option<u32>,
	/// The validator's own votes that are not settled, by round.
	pub votes: Vec<(RoundIndex, Vote)>,
	/// Votes of others that nobody has settled long after the outcome: without this nobody would be slashed who does not
	/// settle.
	pub strays: Vec<(RoundIndex, AccountId)>,
	/// Whether an earlier claim on the same content is still open: then the case cannot become final.
	pub waits: bool,
}

impl View {
	/// Reads the chain at its best block, by a few requests however many cases there are.
	pub async fn read<C: Chain + ?Sized>(chain: &C, me: &AccountId) -> Result<Self> {
		let (genesis, head) = (chain.genesis().await?, chain.head().await?);
		let query = Query::at(chain, head.hash);
		let (now, validator, cases) = tokio::try_join!(query.active_block(), query.validator(me), query.cases())?;
		let current: Vec<_> = cases.iter().map(|(item, case)| (*item, case.round)).collect();
		let all: Vec<_> = cases
			.iter()
			.flat_map(|(item, case)| (0..=case.round).map(|round| (*item, round)))
			.collect();
		let (rounds, votes) = tokio::try_join!(query.rounds(&current), query.votes(me, &all))?;
		let seed_blocks: Vec<_> = rounds
			.iter()
			.map(|round| round.as_ref().map_or(0, |round| round.seed_at))
			.collect();
		let seeds = query.seeds(&seed_blocks).await?;
		let votes: Vec<_> = all
			.into_iter()
			.zip(votes)
			.filter_map(|(key, vote)| Some((key, vote?)))
			.collect();

		let mut views = Vec::with_capacity(cases.len());
		for (((item, case), round), seed) in cases.into_iter().zip(rounds).zip(seeds) {
			let has_called = case.phase.is_voting()
				&& case.phase != Phase::Voting
				&& query.trial_bond(item).await?.is_some_and(|bond| bond.who == *me);
			let weight = round.as_ref().filter(|_| !has_called).and_then(|round| {
				// The ring still holds what was written a day ago; only a block that is over has its own randomness.
				let seed = seed.filter(|_| round.seed_at <= now)?;
				Some(weight(genesis, item, &case, round, seed, me, validator.as_ref()))
			});
			let votes = votes
				.iter()
				.filter(|((voted, _), _)| *voted == item)
				.map(|((_, round), vote)| (*round, *vote));
			let waits = match case.phase {
				Phase::Provisional { until, .. } if now >= until => query
					.neighbours(item)
					.await?
					.is_some_and(|neighbours| neighbours.previous.is_some()),
				_ => false,
			};
			let strays = match case.phase {
				Phase::Final { at, .. } if now >= at.saturating_add(GRACE) => {
					strays(&query, item, case.round, me).await?
				}
				_ => Vec::new(),
			};
			views.push(CaseView {
				item,
				votes: votes.collect(),
				case,
				round,
				weight,
				strays,
				waits,
			});
		}
		Ok(Self {
			head,
			genesis,
			now,
			validator,
			cases: views,
		})
	}
}

async fn strays<C: Chain + ?Sized>(
	query: &Query<'_, C>,
	item: ItemId,
	last: RoundIndex,
	me: &AccountId,
) -> Result<Vec<(RoundIndex, AccountId)>> {
	let mut strays = Vec::new();
	for round in 0..=last {
		let votes = query.round_votes(item, round).await?.into_iter();
		strays.extend(votes.filter(|(voter, _)| voter != me).map(|(voter, _)| (round, voter)));
	}
	Ok(strays)
}

fn weight(
	genesis: [u8; 32],
	item: ItemId,
	case: &Case<AccountId>,
	round: &Round,
	seed: [u8; 32],
	me: &AccountId,
	validator: Option<&Validator>,
) -> u32 {
	if case.contributor == *me {
		return 0;
	}
	let stake = validator.map_or(0, |validator| validator.stake_in(round.session, case.modality));
	let draw = Draw {
		genesis,
		item,
		round: case.round,
		seed,
		total_stake: round.total_stake,
		panel: round.width.panel,
	};
	draw.weight(me, stake)
}
