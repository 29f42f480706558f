//! Motions of the council, and calls that only an administrator may make.

use std::process::ExitCode;

use anyhow::Result;
use chain_client::{
	address, calls, AccountId, Call, Chain, ChainError, ChainExt, Hash, Motion, Outcome, Query, Signer, Wait,
};
use clap::Subcommand;
use serde::Serialize;

use super::not_found;
use crate::{context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// List the open motions
	List,
	/// Vote on a motion, as a member of the council
	Vote {
		/// Its number
		motion: u32,
		/// Vote against it
		#[arg(long)]
		nay: bool,
	},
	/// Close a motion that is decided; a carried one does what it says
	Close {
		/// Its number
		motion: u32,
	},
}

/// In whose name an administrator's call is made.
#[derive(clap::Args, Clone, Copy)]
pub struct Administrator {
	/// Make the call as root, on a development chain; otherwise the key's account, a member of the council, proposes it
	#[arg(long)]
	pub sudo: bool,
}

/// How much of the council has to agree.
#[derive(Clone, Copy)]
pub enum Part {
	TwoThirds,
	MoreThanAThird,
}

impl Part {
	/// The least number of ayes of so many seats.
	fn of(self, seats: u32) -> u32 {
		match self {
			Self::TwoThirds => (2 * seats).div_ceil(3),
			Self::MoreThanAThird => seats / 3 + 1,
		}
	}
}

/// What became of an administrator's call.
#[derive(Serialize)]
pub struct Done {
	block: u32,
	/// What the council votes on; null where the call was made at once.
	motion: Option<Proposed>,
}

#[derive(Serialize)]
struct Proposed {
	motion: u32,
	/// blake2-256 of the call.
	hash: String,
	/// Ayes that carry it; the proposer's is one.
	threshold: u32,
}

impl Done {
	pub fn describe(&self) -> String {
		match &self.motion {
			None => format!("done in block {}", self.block),
			Some(Proposed { motion, threshold, .. }) => format!(
				"proposed in block {} as motion {motion}, with this account's aye; {threshold} ayes carry it. Others: \
				`openledger council vote {motion}`; then anybody: `openledger council close {motion}`",
				self.block
			),
		}
	}
}

/// An open motion, for output.
#[derive(Serialize)]
struct Shown {
	motion: u32,
	hash: String,
	/// As the node's runtime reads it.
	call: String,
	threshold: u32,
	ayes: Vec<String>,
	nays: Vec<String>,
	/// The block from which it can be closed, whoever has voted.
	end: u32,
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	let chain = context.chain().await?;
	match command {
		Command::List => {
			let mut shown = Vec::new();
			for motion in Query::new(&chain).motions().await? {
				let call = chain.describe_call(&motion.call).await?;
				shown.push(show(motion, call));
			}
			context.print(&shown, |shown| describe(shown))?;
		}
		Command::Vote { motion, nay } => {
			let signer = context.signer()?;
			let (hash, outcome) = vote(&chain, &signer, motion, !nay).await?;
			let done = serde_json::json!({ "motion": motion, "hash": hash, "aye": !nay, "block": outcome.block });
			let word = if nay { "nay" } else { "aye" };
			context.print(&done, |_| {
				format!("{word} to motion {motion} in block {}", outcome.block)
			})?;
		}
		Command::Close { motion } => {
			let signer = context.signer()?;
			let (carried, block) = close(&chain, &signer, motion).await?;
			let done = serde_json::json!({ "motion": motion, "carried": carried, "block": block });
			let word = if carried { "carried out" } else { "dropped" };
			context.print(&done, |_| format!("motion {motion} was {word} in block {block}"))?;
		}
	}
	Ok(ExitCode::SUCCESS)
}

/// Makes a call that only an administrator may make, or proposes it to the council.
pub async fn administer<C: Chain + ?Sized>(
	chain: &C,
	signer: &Signer,
	call: Call,
	administrator: Administrator,
	part: Part,
) -> Result<Done> {
	if administrator.sudo {
		let outcome = chain.submit(signer, calls::sudo(call), Wait::InBlock).await?;
		let block = outcome.block;
		inner(outcome, "Sudo", "Sudid")?;
		return Ok(Done { block, motion: None });
	}
	let council = Query::new(chain).council().await?;
	if !council.contains(signer.account()) {
		let who = address(signer.account());
		return Err(Failure::new(format!("{who} is not a member of the council"))
			.hint("sign with a member's key; on a development chain, --sudo --suri //Alice does it at once")
			.into());
	}
	let threshold = part.of(council.len() as u32);
	let outcome = chain
		.submit(signer, calls::propose(threshold, call), Wait::InBlock)
		.await?;
	// A council in which one is enough does not vote.
	if threshold < 2 {
		let block = outcome.block;
		inner(outcome, "Council", "Executed")?;
		return Ok(Done { block, motion: None });
	}
	let (_, motion, hash): (AccountId, u32, Hash) = outcome.field("Council", "Proposed")?;
	let voted = chain
		.submit(signer, calls::council_vote(hash, motion, true), Wait::InBlock)
		.await?;
	let hash = hex(&hash);
	Ok(Done {
		block: voted.block,
		motion: Some(Proposed {
			motion,
			hash,
			threshold,
		}),
	})
}

/// The error of the call inside, which this event reports.
fn inner(outcome: Outcome, pallet: &str, event: &str) -> Result<()> {
	match outcome.find(pallet, event).and_then(|event| event.error.clone()) {
		Some(error) => Err(ChainError::Dispatch {
			error,
			block: outcome.block,
		}
		.into()),
		None => Ok(()),
	}
}

async fn vote<C: Chain + ?Sized>(chain: &C, signer: &Signer, index: u32, aye: bool) -> Result<(String, Outcome)> {
	let motion = find(chain, index).await?;
	let call = calls::council_vote(motion.hash, index, aye);
	Ok((hex(&motion.hash), chain.submit(signer, call, Wait::InBlock).await?))
}

/// Closes a motion; whether it was carried, and the block.
async fn close<C: Chain + ?Sized>(chain: &C, signer: &Signer, index: u32) -> Result<(bool, u32)> {
	let motion = find(chain, index).await?;
	let seats = Query::new(chain).council().await?.len() as u32;
	let votes = &motion.votes;
	if !votes.can_close(seats, chain.head().await?.number) {
		let (ayes, nays) = (votes.ayes.len(), votes.nays.len());
		return Err(
			Failure::new(format!("motion {index} is not decided: {ayes} ayes, {nays} nays"))
				.hint(format!(
					"{} ayes carry it; without them it can be closed from block {} on",
					votes.threshold, votes.end
				))
				.into(),
		);
	}
	let outcome = chain
		.submit(signer, calls::council_close(motion.hash, index), Wait::InBlock)
		.await?;
	let (carried, block) = (outcome.find("Council", "Approved").is_some(), outcome.block);
	inner(outcome, "Council", "Executed")?;
	Ok((carried, block))
}

async fn find<C: Chain + ?Sized>(chain: &C, index: u32) -> Result<Motion> {
	let motions = Query::new(chain).motions().await?;
	let motion = motions.into_iter().find(|motion| motion.votes.index == index);
	motion.ok_or_else(|| not_found("open motion", index, "see them with `openledger council list`"))
}

pub(super) fn hex(hash: &Hash) -> String {
	format!("0x{}", ::hex::encode(hash))
}

fn show(motion: Motion, call: String) -> Shown {
	Shown {
		motion: motion.votes.index,
		hash: hex(&motion.hash),
		call,
		threshold: motion.votes.threshold,
		ayes: motion.votes.ayes.iter().map(address).collect(),
		nays: motion.votes.nays.iter().map(address).collect(),
		end: motion.votes.end,
	}
}

fn describe(motions: &[Shown]) -> String {
	if motions.is_empty() {
		return "no motion is open".into();
	}
	let one = |motion: &Shown| {
		output::fields(&[
			("motion", motion.motion.to_string()),
			("call", motion.call.clone()),
			("ayes", format!("{} of {} needed", motion.ayes.len(), motion.threshold)),
			("nays", motion.nays.len().to_string()),
			("ends at block", motion.end.to_string()),
		])
	};
	motions.iter().map(one).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
	use super::*;
	use chain_client::{keys, DispatchError, Event, Memory, Votes};
	use codec::Encode;

	const HASH: Hash = [9; 32];

	fn signer(name: &str) -> Signer {
		Signer::from_suri(name).unwrap()
	}

	/// A council of Alice, Bob and Charlie.
	fn council() -> Memory {
		let chain = Memory::new();
		let members = ["//Alice", "//Bob", "//Charlie"].map(|name| signer(name).account().clone());
		chain.set(keys::entry("Council", "Members"), members.to_vec());
		chain
	}

	fn open(chain: &Memory, ayes: Vec<AccountId>) {
		let under = |name: &str| [&keys::entry("Council", name)[..], &HASH].concat();
		let votes = Votes {
			index: 5,
			threshold: 2,
			ayes,
			nays: vec![],
			end: 100,
		};
		chain.set(keys::entry("Council", "Proposals"), vec![HASH]);
		chain.set(under("Voting"), votes);
		// Two bytes of an encoded call.
		chain.set(under("ProposalOf"), (1u8, 2u8));
	}

	fn event(pallet: &str, name: &str, fields: impl Encode, error: Option<DispatchError>) -> Event {
		Event {
			pallet: pallet.into(),
			name: name.into(),
			fields: fields.encode(),
			extrinsic: Some(1),
			error,
		}
	}

	fn refused() -> DispatchError {
		DispatchError {
			pallet: "Validation".into(),
			name: "InvalidParams".into(),
			docs: String::new(),
		}
	}

	#[test]
	fn no_less_of_the_council_than_the_chain_asks_for_should_do() {
		for seats in 1..=32 {
			let (admin, veto) = (Part::TwoThirds.of(seats), Part::MoreThanAThird.of(seats));
			assert!(3 * admin >= 2 * seats && 3 * (admin - 1) < 2 * seats, "{seats}");
			assert!(3 * veto > seats && 3 * (veto - 1) <= seats, "{seats}");
		}
	}

	#[tokio::test]
	async fn a_members_call_should_be_proposed_with_its_aye() {
		let (chain, alice) = (council(), signer("//Alice"));
		let proposed = event("Council", "Proposed", (alice.account(), 5u32, HASH, 2u32), None);
		chain.script(Ok(chain.outcome(vec![proposed])));
		let council = Administrator { sudo: false };
		let call = calls::veto_upgrade();
		let done = administer(&chain, &alice, call.clone(), council, Part::TwoThirds)
			.await
			.unwrap();
		assert!(done.describe().contains("council vote 5"));
		let sent: Vec<_> = chain.submitted().into_iter().map(|submitted| submitted.call).collect();
		assert_eq!(sent, [calls::propose(2, call), calls::council_vote(HASH, 5, true)]);
	}

	#[tokio::test]
	async fn who_is_no_member_should_be_told_before_anything_is_sent() {
		let chain = council();
		let council = Administrator { sudo: false };
		let (dave, call) = (signer("//Dave"), calls::veto_upgrade());
		let error = administer(&chain, &dave, call, council, Part::TwoThirds);
		let error = error.await.err().unwrap();
		assert!(crate::failure::classify(&error).1.unwrap().contains("--sudo"));
		assert!(chain.submitted().is_empty());
	}

	#[tokio::test]
	async fn roots_call_that_fails_should_be_an_error() {
		let chain = council();
		let failed = event("Sudo", "Sudid", (), Some(refused()));
		chain.script(Ok(chain.outcome(vec![failed])));
		let call = calls::veto_upgrade();
		let sudo = Administrator { sudo: true };
		let error = administer(&chain, &signer("//Alice"), call.clone(), sudo, Part::TwoThirds).await;
		assert!(error.err().unwrap().to_string().contains("InvalidParams"));
		assert_eq!(chain.submitted().pop().unwrap().call, calls::sudo(call));
	}

	#[tokio::test]
	async fn a_motion_should_be_closed_only_once_it_is_decided() {
		let (chain, alice) = (council(), signer("//Alice"));
		let error = close(&chain, &alice, 5).await.unwrap_err();
		assert!(error.to_string().contains("no open motion 5"));
		open(&chain, vec![alice.account().clone()]);
		let error = close(&chain, &alice, 5).await.unwrap_err();
		assert!(error.to_string().contains("1 ayes") && chain.submitted().is_empty());

		vote(&chain, &signer("//Bob"), 5, true).await.unwrap();
		open(&chain, vec![alice.account().clone(), signer("//Bob").account().clone()]);
		let approved = event("Council", "Approved", HASH, None);
		chain.script(Ok(chain.outcome(vec![approved.clone()])));
		assert!(close(&chain, &alice, 5).await.unwrap().0);
		let sent: Vec<_> = chain.submitted().into_iter().map(|submitted| submitted.call).collect();
		assert_eq!(
			sent,
			[calls::council_vote(HASH, 5, true), calls::council_close(HASH, 5)]
		);

		let failed = event("Council", "Executed", HASH, Some(refused()));
		chain.script(Ok(chain.outcome(vec![approved, failed])));
		assert!(close(&chain, &alice, 5).await.is_err(), "carried, and its call failed");
	}

	#[tokio::test]
	async fn a_motion_should_be_shown_with_its_call() {
		let chain = council();
		open(&chain, vec![signer("//Bob").account().clone()]);
		let motion = Query::new(&chain).motions().await.unwrap().pop().unwrap();
		assert_eq!(motion.call, [1, 2]);
		let text = describe(&[show(motion, "Authorities.veto_upgrade".into())]);
		assert!(text.contains("Authorities.veto_upgrade") && text.contains("1 of 2 needed"));
		assert_eq!(describe(&[]), "no motion is open");
	}
}
