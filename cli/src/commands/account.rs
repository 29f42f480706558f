use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use chain_client::{address, calls, AccountId, ChainExt, Query, Wait};
use clap::Subcommand;
use serde::Serialize;

use crate::{
	amount::Amount,
	context::{read_account, Context},
	key, output,
};

#[derive(Subcommand)]
pub enum Command {
	/// Make a key and write its phrase into a new file that only you can read
	New {
		/// The file; must not exist
		#[arg(long, value_name = "FILE")]
		out: PathBuf,
	},
	/// Show an account's address and balance
	Show {
		/// An address, or //Alice; by default the key's own account
		account: Option<String>,
	},
	/// Send OPEN
	Transfer {
		/// Who gets it: an address, or //Bob
		#[arg(long, value_name = "ACCOUNT")]
		to: String,
		/// How much, in OPEN
		#[arg(long, value_name = "OPEN")]
		amount: Amount,
	},
}

#[derive(Serialize)]
struct Shown {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	free: Amount,
	held: Amount,
	nonce: u32,
}

#[derive(Serialize)]
struct Transferred {
	#[serde(serialize_with = "output::account")]
	from: AccountId,
	#[serde(serialize_with = "output::account")]
	to: AccountId,
	amount: Amount,
	block: u32,
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::New { out } => {
			let signer = key::create(&out)?;
			let account = address(signer.account());
			let made = serde_json::json!({ "account": account, "file": out });
			context.print(&made, |_| {
				format!(
					"{account}\nThe phrase is in {}: keep a copy of it; nobody can restore it.",
					out.display()
				)
			})?;
		}
		Command::Show { account } => {
			let account = context.account(account.as_deref())?;
			let chain = context.chain().await?;
			let balance = Query::new(&chain).account(&account).await?;
			let shown = Shown {
				account,
				free: Amount(balance.free),
				held: Amount(balance.held),
				nonce: balance.nonce,
			};
			context.print(&shown, |shown| {
				output::fields(&[
					("account", address(&shown.account)),
					("free", format!("{} OPEN", shown.free)),
					("on hold", format!("{} OPEN", shown.held)),
					("transactions", shown.nonce.to_string()),
				])
			})?;
		}
		Command::Transfer { to, amount } => {
			let (signer, to) = (context.signer()?, read_account(&to)?);
			let chain = context.chain().await?;
			let outcome = chain
				.submit(&signer, calls::transfer(&to, amount.0), Wait::InBlock)
				.await?;
			let done = Transferred {
				from: signer.account().clone(),
				to,
				amount,
				block: outcome.block,
			};
			context.print(&done, |done| {
				format!(
					"sent {} OPEN to {} in block {}",
					done.amount,
					address(&done.to),
					done.block
				)
			})?;
		}
	}
	Ok(ExitCode::SUCCESS)
}
