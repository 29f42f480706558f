use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use chain_client::{address, calls, AccountId, Chain, ChainExt, Query, Wait};
use clap::Subcommand;
use futures::StreamExt;
use openledger_primitives::{
	item::{self, Outcome, Phase, Round},
	vote::Reason,
	DatanetId, ItemId,
};
use serde::Serialize;

use super::not_found;
use crate::{
	amount::Amount,
	context::{read_account, Context},
	failure::Failure,
	output,
};

#[derive(Subcommand)]
pub enum Command {
	/// Show one item and how far its review is
	Show {
		/// Its number
		item: ItemId,
		/// Wait until its outcome is final
		#[arg(long)]
		wait_final: bool,
		/// Give up waiting after this time
		#[arg(long, value_name = "SECONDS", default_value_t = 900)]
		timeout: u64,
	},
	/// List the items of a Datanet
	List {
		/// Its number
		#[arg(long, value_name = "NUMBER")]
		datanet: DatanetId,
		/// Only those of this account
		#[arg(long, value_name = "ACCOUNT")]
		contributor: Option<String>,
	},
	/// Take an item back, before its first panel is drawn; the fee is refunded
	Withdraw {
		/// Its number
		item: ItemId,
	},
	/// Remove the record of an item that is in no version and whose votes are settled
	Prune {
		/// Its number
		item: ItemId,
	},
	/// Challenge a provisional verdict with a bond; a wide panel decides
	Challenge {
		/// Its number
		item: ItemId,
	},
	/// Take the contributor's hold back, 30 days after the last contribution
	ReleaseHold,
}

/// An item for output.
#[derive(Serialize)]
pub struct Shown {
	item: ItemId,
	datanet: DatanetId,
	#[serde(serialize_with = "output::account")]
	contributor: AccountId,
	cid: String,
	sha256: String,
	size: u32,
	format: openledger_primitives::format::Format,
	submitted_at: u32,
	/// `in_review`, `withdrawn`, `accepted`, `rejected`, `expired` or `planted`.
	status: &'static str,
	version: Option<u32>,
	score: Option<u8>,
	units: Option<u32>,
	reason: Option<Reason>,
	/// How far the review is, while it lasts.
	review: Option<Review>,
}

#[derive(Serialize)]
struct Review {
	round: u8,
	phase: Phase,
	/// The open or last round, while its votes are not settled.
	details: Option<Round>,
	fee: Amount,
}

impl Shown {
	fn new(id: ItemId, record: item::Item<AccountId>) -> Self {
		let (status, version, score, units, reason) = match record.outcome {
			Outcome::InReview => ("in_review", None, None, None, None),
			Outcome::Withdrawn => ("withdrawn", None, None, None, None),
			Outcome::Accepted { version, score, units } => ("accepted", Some(version), Some(score), Some(units), None),
			Outcome::Rejected { reason } => ("rejected", None, None, None, Some(reason)),
			Outcome::Expired => ("expired", None, None, None, None),
			Outcome::Planted => ("planted", None, None, None, None),
		};
		Self {
			item: id,
			datanet: record.datanet,
			contributor: record.contributor,
			cid: record.payload.cid().to_string(),
			sha256: hex::encode(record.payload.sha256),
			size: record.payload.size,
			format: record.payload.format,
			submitted_at: record.submitted_at,
			status,
			version,
			score,
			units,
			reason,
			review: None,
		}
	}

	fn outcome(&self) -> String {
		match (self.reason, self.version, self.score) {
			(Some(reason), ..) => format!("rejected: {}", reason_name(reason)),
			(_, Some(version), Some(score)) => format!("accepted: version {version}, score {score}"),
			_ => self.status.replace('_', " "),
		}
	}
}

/// A reason as it is written in JSON and on the command line.
pub fn reason_name(reason: Reason) -> String {
	let name = serde_json::to_value(reason).ok();
	name.as_ref()
		.and_then(|name| name.as_str())
		.unwrap_or("unknown")
		.to_owned()
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Show {
			item,
			wait_final,
			timeout,
		} => {
			let chain = context.chain().await?;
			if wait_final {
				wait(&chain, item, Duration::from_secs(timeout)).await?;
			}
			let shown = show(&chain, item).await?;
			context.print(&shown, describe)?;
		}
		Command::List { datanet, contributor } => {
			let contributor = contributor.as_deref().map(read_account).transpose()?;
			let chain = context.chain().await?;
			let items = Query::new(&chain).all_items().await?;
			let wanted = |record: &item::Item<AccountId>| {
				record.datanet == datanet && contributor.as_ref().is_none_or(|who| record.contributor == *who)
			};
			let items = items.into_iter().filter(|(_, record)| wanted(record));
			let shown: Vec<_> = items.map(|(id, record)| Shown::new(id, record)).collect();
			context.print(&shown, |shown| table(shown))?;
		}
		Command::Withdraw { item } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let outcome = chain.submit(&signer, calls::withdraw(item), Wait::InBlock).await?;
			let (_, refund): (ItemId, u128) = outcome.field("Datanets", "ItemWithdrawn")?;
			let done = serde_json::json!({ "item": item, "refund": Amount(refund), "block": outcome.block });
			context.print(&done, |_| {
				format!("item {item} was withdrawn, {} OPEN came back", Amount(refund))
			})?;
		}
		Command::Prune { item } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let outcome = chain.submit(&signer, calls::prune(item), Wait::InBlock).await?;
			let done = serde_json::json!({ "item": item, "block": outcome.block });
			context.print(&done, |_| format!("item {item} was removed in block {}", outcome.block))?;
		}
		Command::Challenge { item } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let outcome = chain.submit(&signer, calls::challenge(item), Wait::InBlock).await?;
			let (_, _, bond): (ItemId, AccountId, u128) = outcome.field("Validation", "Challenged")?;
			let done = serde_json::json!({ "item": item, "bond": Amount(bond), "block": outcome.block });
			context.print(&done, |_| {
				format!("item {item} was challenged, {} OPEN are on hold", Amount(bond))
			})?;
		}
		Command::ReleaseHold => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let outcome = chain.submit(&signer, calls::release_hold(), Wait::InBlock).await?;
			let (_, amount): (AccountId, u128) = outcome.field("Datanets", "HoldReleased")?;
			let done = serde_json::json!({ "released": Amount(amount), "block": outcome.block });
			context.print(&done, |_| format!("{} OPEN are free again", Amount(amount)))?;
		}
	}
	Ok(ExitCode::SUCCESS)
}

async fn show<C: Chain + ?Sized>(chain: &C, id: ItemId) -> Result<Shown> {
	let query = Query::new(chain);
	let record = query.item(id).await?;
	let record =
		record.ok_or_else(|| not_found("item", id, "see a Datanet's with `openledger item list --datanet N`"))?;
	let mut shown = Shown::new(id, record);
	if let Some(case) = query.case(id).await? {
		let details = query.rounds(&[(id, case.round)]).await?.pop().flatten();
		shown.review = Some(Review {
			round: case.round,
			phase: case.phase,
			details,
			fee: Amount(case.fee),
		});
	}
	Ok(shown)
}

/// Waits until the item is not in review any more.
async fn wait<C: Chain + ?Sized>(chain: &C, id: ItemId, limit: Duration) -> Result<()> {
	let waiting = async {
		let mut heads = chain.heads().await?;
		loop {
			match Query::new(chain).item(id).await? {
				Some(record) if record.outcome == Outcome::InReview => {}
				_ => return Ok(()),
			}
			match heads.next().await {
				Some(head) => drop(head?),
				None => heads = chain.heads().await?,
			}
		}
	};
	tokio::time::timeout(limit, waiting).await.unwrap_or_else(|_| {
		Err(
			Failure::new(format!("item {id} was still in review after {} s", limit.as_secs()))
				.hint("do validators run? A round needs half of its panel's weight")
				.into(),
		)
	})
}

fn describe(shown: &Shown) -> String {
	let mut rows = vec![
		("item", shown.item.to_string()),
		("datanet", shown.datanet.to_string()),
		("contributor", address(&shown.contributor)),
		("cid", shown.cid.clone()),
		("size", output::bytes(shown.size.into())),
		("outcome", shown.outcome()),
	];
	if let Some(units) = shown.units {
		rows.push(("units", units.to_string()));
	}
	if let Some(review) = &shown.review {
		let phase = match review.phase {
			Phase::Voting => "a round is open".into(),
			Phase::Provisional { until, .. } => format!("provisional until active block {until}"),
			Phase::Challenged { .. } => "challenged; a wide round is open".into(),
			Phase::OnTrial { .. } => "planted by the Datanet's owner; a wide round is open".into(),
			Phase::Final { .. } => "final; votes are being settled".into(),
		};
		rows.push(("review", format!("round {}: {phase}", review.round)));
		if let Some(round) = &review.details {
			let tally = &round.tally;
			rows.push((
				"votes",
				format!(
					"weight {} committed, {} for, {} against; commit until {}, reveal until {}",
					tally.committed, tally.accept, tally.reject, round.commit_until, round.reveal_until
				),
			));
		}
	}
	output::fields(&rows)
}

fn table(items: &[Shown]) -> String {
	let row = |item: &Shown| {
		vec![
			item.item.to_string(),
			output::short(&address(&item.contributor)),
			output::bytes(item.size.into()),
			item.outcome(),
			item.cid.clone(),
		]
	};
	output::table(
		&["item", "contributor", "size", "outcome", "cid"],
		&items.iter().map(row).collect::<Vec<_>>(),
	)
}
