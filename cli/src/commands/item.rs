use std::{
	path::{Path, PathBuf},
	process::ExitCode,
	time::Duration,
};

use anyhow::{bail, Context as _, Result};
use chain_client::{address, calls, AccountId, Chain, ChainExt, Outcome as ChainOutcome, Query, Signer, Wait};
use clap::{ArgGroup, Subcommand};
use futures::StreamExt;
use openledger_primitives::{
	format::{Format, Modality},
	item::{self, Outcome, Phase, Round},
	payload::possession,
	quota::Limits,
	vote::{Reason, Verdict, MAX_SCORE},
	DatanetId, ItemId, RoundIndex,
};
use serde::Serialize;

use super::{not_found, vote::parse_reason};
use crate::{
	amount::Amount,
	checks::{self, Claim},
	context::{read_account, Context},
	failure::Failure,
	output,
	validator::assess::ballot,
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
	/// Show what a validator committed to while its round still takes commitments: its vote is void, and half of what it had
	/// at risk is the reporter's
	ReportPreimage(Preimage),
	/// Say what validators will of a text file, without a chain
	Judge {
		/// The file
		file: PathBuf,
		/// Print the text that they read in it
		#[arg(long)]
		text: bool,
	},
	/// Take the contributor's hold back, 30 days after the last contribution
	ReleaseHold,
}

/// What a commitment was made of.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("verdict").args(["accept", "reject"]).required(true))]
pub struct Preimage {
	/// The item's number
	item: ItemId,
	/// Whose vote
	#[arg(long, value_name = "ACCOUNT")]
	voter: String,
	/// The salt of its commitment
	#[arg(long, value_name = "64 DIGITS", value_parser = parse_salt)]
	salt: [u8; 32],
	/// It was to accept
	#[arg(long, requires = "score", requires = "units")]
	accept: bool,
	/// The quality that it gave, 0 to 100
	#[arg(long, value_name = "0-100", requires = "accept", value_parser = clap::value_parser!(u8).range(0..=MAX_SCORE as i64))]
	score: Option<u8>,
	/// The units that it counted
	#[arg(long, value_name = "UNITS", requires = "accept")]
	units: Option<u32>,
	/// It was to reject for this reason, as `openledger vote --help` lists them
	#[arg(long, value_name = "REASON", value_parser = parse_reason)]
	reject: Option<Reason>,
}

fn parse_salt(text: &str) -> Result<[u8; 32], String> {
	let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok();
	let salt = bytes.and_then(|bytes| bytes.try_into().ok());
	salt.ok_or_else(|| "a salt has 64 hexadecimal digits".into())
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

/// What validators will say of a file.
#[derive(Serialize)]
struct Judged {
	format: Format,
	verdict: Verdict,
	/// What they read in it.
	text: String,
}

/// Judges a file as the daemon does one that is its contributor's and new.
fn judge(file: &Path) -> Result<Judged> {
	let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
	let format = file
		.extension()
		.and_then(|extension| Format::from_extension(&extension.to_string_lossy()));
	let format = format.filter(|format| openledger_extract::has_text(*format));
	let format =
		format.with_context(|| format!("{}: only .md .txt .pdf .docx have a text to judge", file.display()))?;
	let most = u64::from(Limits::default().file_bytes);
	if bytes.len() as u64 > most {
		bail!(
			"{}: the chain takes files of at most {}",
			file.display(),
			output::bytes(most)
		);
	}
	let (payload, account) = (payload_store::import(&bytes).payload(format), [0; 32]);
	let claim = Claim {
		payload: &payload,
		account: &account,
		possession: &possession(&account, &bytes),
		modality: Modality::Text,
		accepted_before: false,
	};
	Ok(Judged {
		format,
		verdict: checks::judge(&claim, &bytes).context("a text is judged by rules")?,
		text: openledger_extract::text(format, &bytes).unwrap_or_default(),
	})
}

fn describe_judged(judged: &Judged) -> String {
	match judged.verdict {
		Verdict::Accept { score, units } => {
			format!(
				"accepted: score {score}, {units} units, {} characters of text",
				judged.text.chars().count()
			)
		}
		Verdict::Reject { reason } => format!("rejected: {}", reason_name(reason)),
	}
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
		Command::ReportPreimage(preimage) => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let (item, voter) = (preimage.item, read_account(&preimage.voter)?);
			let outcome = report_preimage(&chain, &signer, &preimage, &voter).await?;
			type Reported = (ItemId, RoundIndex, AccountId, AccountId, u128, u128);
			let (_, round, _, _, rewarded, slashed): Reported = outcome.field("Validation", "PreimageReported")?;
			let done = serde_json::json!({
				"item": item,
				"round": round,
				"voter": address(&voter),
				"rewarded": Amount(rewarded),
				"slashed": Amount(slashed),
				"block": outcome.block,
			});
			context.print(&done, |_| {
				format!(
					"the vote of {} on item {item} is void: it lost {} OPEN, {} of them to you",
					address(&voter),
					Amount(slashed),
					Amount(rewarded)
				)
			})?;
		}
		Command::Judge { file, text } => {
			let judged = judge(&file)?;
			context.print(&judged, |judged| match text {
				true => judged.text.clone(),
				false => describe_judged(judged),
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

/// Reports what somebody committed to in the item's open round, after looking whether it fits.
async fn report_preimage<C: Chain + ?Sized>(
	chain: &C,
	signer: &Signer,
	preimage: &Preimage,
	voter: &AccountId,
) -> Result<ChainOutcome> {
	let (item, query) = (preimage.item, Query::new(chain));
	let verdict = match (preimage.score, preimage.units, preimage.reject) {
		(Some(score), Some(units), None) => Verdict::Accept { score, units },
		(_, _, Some(reason)) => Verdict::Reject { reason },
		_ => return Err(Failure::usage("a vote to accept has --score and --units").into()),
	};
	let hint = format!("see `openledger item show {item}`");
	let case = query.case(item).await?;
	let round = case.ok_or_else(|| not_found("item in review", item, &hint))?.round;
	let vote = query.votes(voter, &[(item, round)]).await?.pop().flatten();
	let vote = vote.ok_or_else(|| {
		Failure::new(format!(
			"{} did not vote in round {round} of item {item}",
			address(voter)
		))
		.hint(hint)
	})?;
	if ballot(chain.genesis().await?, item, round, voter).commitment(&verdict, &preimage.salt) != vote.commitment {
		return Err(Failure::usage("the commitment is not of this verdict and salt")
			.hint("verdict, score, units, reason and salt must be exactly what the validator committed to")
			.into());
	}
	let call = calls::report_preimage(item, round, voter, verdict, preimage.salt);
	Ok(chain.submit(signer, call, Wait::InBlock).await?)
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

#[cfg(test)]
mod tests {
	use super::*;
	use chain_client::{keys, Memory};
	use openledger_primitives::{
		format::Modality,
		item::{Case, Vote},
	};

	const ITEM: ItemId = 4;

	fn preimage(score: u8) -> Preimage {
		Preimage {
			item: ITEM,
			voter: "//Bob".into(),
			salt: [7; 32],
			accept: true,
			score: Some(score),
			units: Some(2),
			reject: None,
		}
	}

	#[tokio::test]
	async fn only_what_was_committed_to_should_be_reported() {
		let (chain, alice) = (Memory::new(), Signer::from_suri("//Alice").unwrap());
		let bob = read_account("//Bob").unwrap();
		let report = |score| {
			let (chain, alice, bob) = (&chain, &alice, &bob);
			async move { report_preimage(chain, alice, &preimage(score), bob).await }
		};
		assert!(report(80)
			.await
			.unwrap_err()
			.to_string()
			.contains("no item in review 4"));
		let case = Case {
			datanet: 1,
			bytes: 1_000,
			modality: Modality::Text,
			contributor: AccountId::new([1; 32]),
			round: 1,
			phase: Phase::Voting,
			fee: 0,
			unsettled: 0,
			challenges: 0,
			penalty: None,
		};
		chain.set(keys::map("Validation", "Cases", ITEM), case);
		assert!(report(80).await.unwrap_err().to_string().contains("did not vote"));
		let verdict = Verdict::Accept { score: 80, units: 2 };
		let genesis = chain.genesis().await.unwrap();
		let vote = Vote {
			commitment: ballot(genesis, ITEM, 1, &bob).commitment(&verdict, &[7; 32]),
			weight: 1,
			verdict: None,
		};
		chain.set(keys::double_map("Validation", "Votes", (ITEM, 1u8), &bob), vote);
		assert!(report(81)
			.await
			.unwrap_err()
			.to_string()
			.contains("not of this verdict"));
		assert!(chain.submitted().is_empty());
		report(80).await.unwrap();
		let call = calls::report_preimage(ITEM, 1, &bob, verdict, [7; 32]);
		assert_eq!(chain.submitted().pop().unwrap().call, call);
	}

	#[test]
	fn a_salt_should_have_all_its_digits() {
		assert_eq!(parse_salt(&format!("0x{}", "07".repeat(32))), Ok([7; 32]));
		assert!(parse_salt("07").is_err() && parse_salt(&"zz".repeat(32)).is_err());
	}
}
