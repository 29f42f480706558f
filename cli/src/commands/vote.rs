use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result};
use chain_client::{calls, Chain, ChainExt, Outcome, Signer, Wait};
use clap::ArgGroup;
use futures::StreamExt;
use openledger_primitives::{
	item::{Round, Vote},
	vote::{Reason, Verdict, MAX_SCORE},
	ItemId,
};
use payload_store::PayloadStore;
use serde::Serialize;

use crate::{
	context::Context,
	failure::Failure,
	validator::{
		assess::{assess, ballot, recover, Assessment},
		view::{CaseView, View},
	},
};

#[derive(clap::Args)]
#[command(group = ArgGroup::new("verdict").args(["accept", "reject"]))]
pub struct Args {
	/// The item's number
	item: ItemId,
	/// Accept it
	#[arg(long, requires = "score")]
	accept: bool,
	/// Its quality, 0 to 100
	#[arg(long, value_name = "0-100", requires = "accept", value_parser = clap::value_parser!(u8).range(0..=MAX_SCORE as i64))]
	score: Option<u8>,
	/// Reject it for this reason: unavailable, wrong_format, unreadable, not_possessed, duplicate, off_topic,
	/// low_quality, unlawful, licence
	#[arg(long, value_name = "REASON", value_parser = parse_reason)]
	reject: Option<Reason>,
	/// Do not wait to reveal; the daemon, or the same command later, reveals
	#[arg(long)]
	no_wait: bool,
}

#[derive(Serialize)]
struct Done {
	item: ItemId,
	round: u8,
	verdict: Option<Verdict>,
	/// The block of the commitment, if this run made it.
	committed: Option<u32>,
	/// The block of the reveal, if this run made it.
	revealed: Option<u32>,
}

/// Reads a reason as JSON writes it; dashes do as well.
pub(super) fn parse_reason(text: &str) -> Result<Reason, String> {
	let name = text.to_lowercase().replace('-', "_");
	serde_json::from_value(serde_json::Value::String(name)).map_err(|_| {
		let names: Vec<_> = Reason::ALL.into_iter().map(super::item::reason_name).collect();
		format!("the reasons are {}", names.join(", "))
	})
}

pub async fn run(context: &Context, args: Args) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let store: Arc<dyn PayloadStore> = Arc::new(context.payloads()?);
	let case = case(&chain, &signer, args.item).await?;
	let index = case.case.round;
	let round = open_round(&case)?.clone();
	let mut done = Done {
		item: args.item,
		round: index,
		verdict: None,
		committed: None,
		revealed: None,
	};

	if own_vote(&case).is_none() {
		let (verdict, outcome) = commit(&chain, &store, &signer, &args, &case).await?;
		context.note(format!(
			"committed in block {}; it can be revealed after active block {}",
			outcome.block, round.commit_until
		));
		done.verdict = Some(verdict);
		done.committed = Some(outcome.block);
	}
	if !args.no_wait {
		let (verdict, outcome) = reveal(&chain, &store, &signer, args.item, index).await?;
		done.verdict = Some(verdict);
		done.revealed = Some(outcome.block);
	}
	context.print(&done, |done| match done.revealed {
		Some(block) => format!("revealed in block {block}"),
		None => {
			"run the same command again in the reveal window, or the daemon: what is not revealed is slashed".into()
		}
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn case<C: Chain + ?Sized>(chain: &C, signer: &Signer, item: ItemId) -> Result<CaseView> {
	let view = View::read(chain, signer.account()).await?;
	if view.validator.is_none() {
		return Err(Failure::new("this account is not a validator")
			.hint("see `openledger stake register --help`")
			.into());
	}
	let case = view.cases.into_iter().find(|case| case.item == item);
	case.ok_or_else(|| {
		Failure::new(format!("item {item} is not in review"))
			.hint(format!("see `openledger item show {item}`"))
			.into()
	})
}

fn open_round(case: &CaseView) -> Result<&Round> {
	let round = case.round.as_ref().filter(|_| case.case.phase.is_voting());
	round.ok_or_else(|| Failure::new(format!("no round on item {} is open", case.item)).into())
}

fn own_vote(case: &CaseView) -> Option<Vote> {
	case.votes
		.iter()
		.find(|(round, _)| *round == case.case.round)
		.map(|(_, vote)| *vote)
}

/// Units of the item's file as this program measures them.
async fn units<C: Chain + ?Sized>(chain: &C, store: &Arc<dyn PayloadStore>, item: ItemId) -> Result<Option<u32>> {
	Ok(match assess(chain, store, item).await? {
		Assessment::Judged { units, .. } => Some(units),
		Assessment::Unavailable(_) | Assessment::Unknown(_) => None,
	})
}

async fn commit<C: Chain + ?Sized>(
	chain: &C,
	store: &Arc<dyn PayloadStore>,
	signer: &Signer,
	args: &Args,
	case: &CaseView,
) -> Result<(Verdict, Outcome)> {
	let verdict = match (args.score, args.reject) {
		(Some(score), _) => {
			let units = units(chain, store, args.item)
				.await?
				.context("an item whose file cannot be fetched cannot be accepted")?;
			Verdict::Accept { score, units }
		}
		(None, Some(reason)) => Verdict::Reject { reason },
		(None, None) => {
			return Err(Failure::usage("there is no vote to reveal yet")
				.hint("say --accept --score N, or --reject REASON")
				.into())
		}
	};
	match case.weight {
		Some(0) => {
			return Err(Failure::new("this account is not on the panel of this round")
				.hint("a wider round may draw it, if this one does not decide")
				.into())
		}
		None => wait_for_seed(chain, signer, args.item).await?,
		Some(_) => {}
	}
	let genesis = chain.genesis().await?;
	let ballot = ballot(genesis, args.item, case.case.round, signer.account());
	let commitment = ballot.commitment(&verdict, &ballot.salt(&signer.salt_secret()));
	let call = calls::commit(args.item, case.case.round, commitment);
	Ok((verdict, chain.submit(signer, call, Wait::InBlock).await?))
}

/// Waits until the round's seed is known and draws this account.
async fn wait_for_seed<C: Chain + ?Sized>(chain: &C, signer: &Signer, item: ItemId) -> Result<()> {
	let mut heads = chain.heads().await?;
	loop {
		match case(chain, signer, item).await?.weight {
			Some(0) => return Err(Failure::new("this account was not drawn for this round").into()),
			Some(_) => return Ok(()),
			None => {}
		}
		heads
			.next()
			.await
			.transpose()?
			.context("the node ended the subscription")?;
	}
}

/// Waits for the reveal window, and reveals what was committed.
async fn reveal<C: Chain + ?Sized>(
	chain: &C,
	store: &Arc<dyn PayloadStore>,
	signer: &Signer,
	item: ItemId,
	index: u8,
) -> Result<(Verdict, Outcome)> {
	let mut heads = chain.heads().await?;
	loop {
		let view = View::read(chain, signer.account()).await?;
		let (now, genesis) = (view.now, view.genesis);
		let case = view
			.cases
			.into_iter()
			.find(|case| case.item == item && case.case.round == index);
		let case = case.context("the round is over")?;
		let round = open_round(&case)?;
		let vote = own_vote(&case).context("this account did not vote in this round")?;
		if let Some(verdict) = vote.verdict {
			return Err(Failure::new(format!("the vote is revealed already: {verdict:?}")).into());
		}
		if vote.weight == 0 {
			return Err(Failure::new("the vote is void: somebody reported its verdict and salt").into());
		}
		if now >= round.reveal_until {
			return Err(Failure::new("the time to reveal is over").into());
		}
		if now > round.commit_until {
			let ballot = ballot(genesis, item, index, signer.account());
			let secret = signer.salt_secret();
			let units = units(chain, store, item).await?;
			let verdict = recover(&ballot, &secret, &vote, units)
				.context("the vote was made with another key, or the item's file cannot be fetched")?;
			let call = calls::reveal(item, index, verdict, ballot.salt(&secret));
			return Ok((verdict, chain.submit(signer, call, Wait::InBlock).await?));
		}
		heads
			.next()
			.await
			.transpose()?
			.context("the node ended the subscription")?;
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn reasons_should_be_read_as_they_are_printed() {
		for reason in Reason::ALL {
			assert_eq!(parse_reason(&super::super::item::reason_name(reason)), Ok(reason));
		}
		assert_eq!(parse_reason("off-topic"), Ok(Reason::OffTopic));
		assert!(parse_reason("ugly").unwrap_err().contains("low_quality"));
	}
}
