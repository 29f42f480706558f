use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, calls, AccountId, Call, ChainExt, Query, Wait};
use clap::Subcommand;
use openledger_primitives::{
	format::{Modality, ModalitySet},
	validator::{Unbonding, Validator},
};
use serde::Serialize;

use super::datanet::ModalityArg;
use crate::{amount::Amount, context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// Become a validator; the stake counts two sessions later
	Register {
		/// In OPEN
		#[arg(long, value_name = "OPEN")]
		stake: Amount,
		/// What to judge
		#[arg(long, value_enum, value_delimiter = ',', default_value = "text")]
		modality: Vec<ModalityArg>,
	},
	/// Add stake
	Add {
		/// In OPEN
		amount: Amount,
	},
	/// Take out stake; it can be withdrawn when the unbonding is over
	Unbond {
		/// In OPEN
		amount: Amount,
	},
	/// Free the stake whose unbonding is over
	Withdraw,
	/// Judge other modalities
	Modalities {
		/// What to judge
		#[arg(value_enum, value_delimiter = ',', required = true)]
		modality: Vec<ModalityArg>,
	},
	/// Show a validator's stake
	Show {
		/// An address, or //Alice; by default the key's own account
		account: Option<String>,
	},
	/// List all validators
	List,
}

#[derive(Serialize)]
struct Shown {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	stake: Amount,
	/// What counts in the current session.
	counting: Amount,
	at_risk: Amount,
	unbonding: Vec<Chunk>,
	slashed: Amount,
	modalities: Vec<Modality>,
	/// A deficit of points that is carried on, zero or below.
	credit: i64,
}

#[derive(Serialize)]
struct Chunk {
	amount: Amount,
	from_session: u32,
}

impl Shown {
	fn new(account: AccountId, record: Validator, session: u32) -> Self {
		let chunk = |chunk: &Unbonding| Chunk {
			amount: Amount(chunk.amount),
			from_session: chunk.from_session,
		};
		Self {
			account,
			stake: Amount(record.stake),
			counting: Amount(record.schedule.at(session).map_or(0, |(stake, _)| stake)),
			at_risk: Amount(record.at_risk),
			unbonding: record.unbonding.iter().map(chunk).collect(),
			slashed: Amount(record.slashed),
			modalities: Modality::ALL
				.into_iter()
				.filter(|modality| record.modalities.contains(*modality))
				.collect(),
			credit: record.credit,
		}
	}
}

fn set(modalities: Vec<ModalityArg>) -> ModalitySet {
	ModalitySet::of(&modalities.into_iter().map(Modality::from).collect::<Vec<_>>())
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	let call = match command {
		Command::Register { stake, modality } => calls::register_validator(stake.0, set(modality)),
		Command::Add { amount } => calls::bond_more(amount.0),
		Command::Unbond { amount } => calls::unbond(amount.0),
		Command::Withdraw => calls::withdraw_unbonded(),
		Command::Modalities { modality } => calls::set_modalities(set(modality)),
		Command::Show { account } => return show(context, account.as_deref()).await,
		Command::List => return list(context).await,
	};
	submit(context, call).await
}

async fn submit(context: &Context, call: Call) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let query = Query::new(&chain);
	let record = query.validator(signer.account()).await?;
	let session = query.session().await?;
	let shown = record.map(|record| Shown::new(signer.account().clone(), record, session));
	let done = serde_json::json!({ "block": outcome.block, "validator": shown });
	context.print(&done, |_| match &shown {
		Some(shown) => format!("done in block {}\n{}", outcome.block, describe(shown)),
		None => format!("done in block {}; this account is no validator any more", outcome.block),
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn show(context: &Context, account: Option<&str>) -> Result<ExitCode> {
	let account = context.account(account)?;
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	let record = query.validator(&account).await?.ok_or_else(|| {
		Failure::new(format!("{} is not a validator", address(&account)))
			.hint("`openledger stake register --stake OPEN` makes it one")
	})?;
	let shown = Shown::new(account, record, query.session().await?);
	context.print(&shown, describe)?;
	Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context) -> Result<ExitCode> {
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	let session = query.session().await?;
	let validators = query.validators().await?.into_iter();
	let shown: Vec<_> = validators
		.map(|(account, record)| Shown::new(account, record, session))
		.collect();
	context.print(&shown, |shown| {
		let row = |validator: &Shown| {
			vec![
				address(&validator.account),
				validator.stake.to_string(),
				validator.counting.to_string(),
				validator.at_risk.to_string(),
				validator.slashed.to_string(),
			]
		};
		output::table(
			&["validator", "stake", "counting", "at risk", "slashed"],
			&shown.iter().map(row).collect::<Vec<_>>(),
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

fn describe(shown: &Shown) -> String {
	let unbonding: Vec<_> = shown
		.unbonding
		.iter()
		.map(|chunk| format!("{} OPEN from session {}", chunk.amount, chunk.from_session))
		.collect();
	let modalities: Vec<_> = shown
		.modalities
		.iter()
		.map(|modality| format!("{modality:?}").to_lowercase())
		.collect();
	output::fields(&[
		("validator", address(&shown.account)),
		("stake", format!("{} OPEN", shown.stake)),
		("counting now", format!("{} OPEN", shown.counting)),
		("at risk", format!("{} OPEN", shown.at_risk)),
		(
			"unbonding",
			if unbonding.is_empty() {
				"none".into()
			} else {
				unbonding.join(", ")
			},
		),
		("slashed so far", format!("{} OPEN", shown.slashed)),
		("judges", modalities.join(", ")),
	])
}
