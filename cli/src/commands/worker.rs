use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, calls, AccountId, Call, ChainExt, Query, Wait};
use clap::Subcommand;
use openledger_primitives::model::{self, MAX_ENDPOINT};
use serde::Serialize;

use super::bounded;
use crate::{amount::Amount, context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// Become a worker, with a bond
	Register {
		/// In OPEN; it bounds the jobs held at once
		#[arg(long, value_name = "OPEN")]
		bond: Amount,
		/// Where metrics and chat are served, if anywhere
		#[arg(long, value_name = "URL", default_value = "")]
		endpoint: String,
	},
	/// Change the endpoint, raise the bond, or both
	Update {
		/// The new endpoint
		#[arg(long, value_name = "URL")]
		endpoint: Option<String>,
		/// To be added to the bond, in OPEN
		#[arg(long, value_name = "OPEN", default_value = "0")]
		add_bond: Amount,
	},
	/// Be no worker any more and get the bond back
	Deregister,
	/// List all workers
	List,
	/// Show a worker
	Show {
		/// An address, or //Alice; by default the key's own account
		account: Option<String>,
	},
}

#[derive(Serialize)]
struct Shown {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	bond: Amount,
	endpoint: String,
	active_jobs: u32,
}

impl Shown {
	fn new(account: AccountId, record: model::Worker) -> Self {
		Self {
			account,
			bond: Amount(record.bond),
			endpoint: output::text(&record.endpoint),
			active_jobs: record.active_jobs,
		}
	}
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Register { bond, endpoint } => {
			submit(
				context,
				calls::register_worker(bond.0, bounded::<MAX_ENDPOINT>("endpoint", &endpoint)?),
			)
			.await
		}
		Command::Update { endpoint, add_bond } => {
			let endpoint = endpoint
				.map(|endpoint| bounded::<MAX_ENDPOINT>("endpoint", &endpoint))
				.transpose()?;
			submit(context, calls::update_worker(endpoint, add_bond.0)).await
		}
		Command::Deregister => submit(context, calls::deregister_worker()).await,
		Command::List => {
			let chain = context.chain().await?;
			let workers = Query::new(&chain).workers().await?.into_iter();
			let shown: Vec<_> = workers.map(|(account, record)| Shown::new(account, record)).collect();
			context.print(&shown, |shown| {
				let row = |worker: &Shown| {
					vec![
						address(&worker.account),
						worker.bond.to_string(),
						worker.active_jobs.to_string(),
						worker.endpoint.clone(),
					]
				};
				output::table(
					&["worker", "bond", "jobs", "endpoint"],
					&shown.iter().map(row).collect::<Vec<_>>(),
				)
			})?;
			Ok(ExitCode::SUCCESS)
		}
		Command::Show { account } => {
			let account = context.account(account.as_deref())?;
			let chain = context.chain().await?;
			let record = Query::new(&chain).worker(&account).await?.ok_or_else(|| {
				Failure::new(format!("{} is not a worker", address(&account)))
					.hint("`openledger worker register --bond OPEN` makes it one")
			})?;
			context.print(&Shown::new(account, record), describe)?;
			Ok(ExitCode::SUCCESS)
		}
	}
}

async fn submit(context: &Context, call: Call) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let record = Query::new(&chain).worker(signer.account()).await?;
	let shown = record.map(|record| Shown::new(signer.account().clone(), record));
	let done = serde_json::json!({ "block": outcome.block, "worker": shown });
	context.print(&done, |_| match &shown {
		Some(shown) => format!("done in block {}\n{}", outcome.block, describe(shown)),
		None => format!("done in block {}; this account is no worker any more", outcome.block),
	})?;
	Ok(ExitCode::SUCCESS)
}

fn describe(shown: &Shown) -> String {
	output::fields(&[
		("worker", address(&shown.account)),
		("bond", format!("{} OPEN", shown.bond)),
		("jobs held", shown.active_jobs.to_string()),
		("endpoint", shown.endpoint.clone()),
	])
}
