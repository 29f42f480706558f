use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Result;
use chain_client::{address, Query};
use payload_store::{LocalStore, PayloadStore};
use tracing::info;

use crate::{
	context::{read_account, Context},
	failure::Failure,
	validator::Daemon,
};

#[derive(clap::Args)]
pub struct Args {
	/// Take files from this local store instead of the gateway
	#[arg(long, value_name = "FOLDER")]
	store: Option<PathBuf>,
	/// Vote with this account's stake; the key is its proxy
	#[arg(long = "for", value_name = "ACCOUNT")]
	validator: Option<String>,
	/// Do what is to be done at the newest block, and exit
	#[arg(long)]
	once: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = Arc::new(context.chain().await?);
	let validator = match &args.validator {
		Some(account) => read_account(account)?,
		None => signer.account().clone(),
	};
	let me = address(&validator);
	if Query::new(&*chain).validator(&validator).await?.is_none() {
		return Err(Failure::new(format!("{me} is not a validator"))
			.hint("put down a stake with `openledger stake register --stake OPEN`; it counts two sessions later")
			.into());
	}
	let store: Arc<dyn PayloadStore> = match args.store {
		Some(folder) => Arc::new(LocalStore::open(folder)?),
		None => Arc::new(context.payloads()?),
	};
	let mut daemon = Daemon::new_for(validator, chain, store, signer);
	if args.once {
		daemon.step().await?;
		daemon.finish_fetches().await;
		daemon.step().await?;
	} else {
		info!("validating as {me}; Ctrl-C stops");
		daemon.run(stopped()).await?;
	}
	context.print(&daemon.counts(), |counts| {
		format!(
			"{} commitments, {} reveals, {} rounds closed, {} verdicts made final, {} votes settled; {} calls failed",
			counts.committed, counts.revealed, counts.closed, counts.finalized, counts.settled, counts.failed
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

/// Done when the process is asked to end.
async fn stopped() {
	let terminate = async {
		match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
			Ok(mut signal) => {
				signal.recv().await;
			}
			Err(_) => std::future::pending().await,
		}
	};
	tokio::select! {
		_ = tokio::signal::ctrl_c() => {},
		() = terminate => {},
	}
}
