use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, calls, AccountId, Call, Chain, ChainExt, Earning, FeeShare, Query, Wait};
use clap::Subcommand;
use openledger_primitives::{epoch::EpochState, fee::share, traits::Pool, Balance};
use serde::Serialize;

use crate::{
	amount::Amount,
	context::{read_account, Context},
	failure::Kind,
	output,
};

/// Claims in one transaction.
const BATCH: usize = 50;

#[derive(Subcommand)]
pub enum Command {
	/// Show what an account earned and has not claimed
	Show {
		/// An address, or //Alice; by default the key's own account
		account: Option<String>,
	},
	/// Claim all that can be claimed: points of closed epochs, and fees of use
	Claim {
		/// Claim for every account that has something to claim
		#[arg(long, conflicts_with = "for_account")]
		all: bool,
		/// Claim for another account, which gets the OPEN
		#[arg(long = "for", value_name = "ACCOUNT")]
		for_account: Option<String>,
	},
	/// Let what nobody claimed in time go back, of epochs, Datanets' own pools, fees and sponsorships, and remove records that
	/// nothing needs any more
	Sweep,
	/// Give OPEN for the contributors of a Datanet, beside what the chain pays them; a gift, which nobody gets back
	Sponsor {
		/// Whose contributors
		#[arg(long, value_name = "ID")]
		datanet: u32,
		/// OPEN
		amount: Amount,
	},
}

#[derive(Serialize)]
struct Shown {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	epoch: u32,
	claimable: Amount,
	points: Vec<Points>,
	fees: Vec<Fee>,
}

#[derive(Serialize)]
struct Points {
	epoch: u32,
	pool: Pool,
	points: String,
	state: EpochState,
	amount: Amount,
}

#[derive(Serialize)]
struct Fee {
	fee: u64,
	datanet: u32,
	version: u32,
	amount: Amount,
}

/// One claim and what became of it.
#[derive(Serialize)]
struct Claim {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	#[serde(flatten)]
	of: Of,
	amount: Amount,
	block: u32,
	error: Option<String>,
}

/// What a claim is paid for.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Of {
	Points { epoch: u32, pool: Pool },
	Fee { fee: u64 },
}

#[derive(Serialize)]
struct Claimed {
	paid: Amount,
	claims: Vec<Claim>,
}

/// A claim that can be made.
struct Due {
	account: AccountId,
	of: Of,
	amount: Balance,
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Show { account } => show(context, account.as_deref()).await,
		Command::Claim { all, for_account } => claim(context, all, for_account.as_deref()).await,
		Command::Sweep => sweep(context).await,
		Command::Sponsor { datanet, amount } => sponsor(context, datanet, amount).await,
	}
}

async fn sweep(context: &Context) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let (returned, swept) = super::sweep::sweep(&chain, &signer).await?;
	let failed = swept.iter().filter(|swept| swept.error.is_some()).count();
	let done = serde_json::json!({ "returned": returned, "swept": swept });
	context.print(&done, |_| match swept.len() {
		0 => "nothing to sweep: there is time left to claim everything".into(),
		all => format!(
			"{} of {all} were swept or removed, {returned} OPEN went back",
			all - failed
		),
	})?;
	Ok(if failed > 0 {
		Kind::Refused.code()
	} else {
		ExitCode::SUCCESS
	})
}

async fn sponsor(context: &Context, datanet: u32, amount: Amount) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain
		.submit(&signer, calls::sponsor(datanet, amount.0), Wait::InBlock)
		.await?;
	let left = Query::new(&chain).sponsorship(datanet).await?;
	let left = Amount(left.map_or(0, |sponsorship| sponsorship.balance));
	let done = serde_json::json!({ "block": outcome.block, "datanet": datanet, "given": amount, "balance": left });
	context.print(&done, |_| {
		format!(
			"gave {amount} OPEN for the contributors of Datanet {datanet} in block {}; {left} OPEN wait for its items",
			outcome.block
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn show(context: &Context, account: Option<&str>) -> Result<ExitCode> {
	let account = context.account(account)?;
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	let (earnings, fees) = (query.earnings(&account).await?, query.fee_shares(&account).await?);
	let sum: Balance = earnings
		.iter()
		.map(|earning| earning.amount)
		.chain(fees.iter().map(|fee| fee.amount))
		.sum();
	let points = |earning: &Earning| Points {
		epoch: earning.epoch,
		pool: earning.pool,
		points: earning.points.to_string(),
		state: earning.state,
		amount: Amount(earning.amount),
	};
	let fee = |share: &FeeShare| Fee {
		fee: share.fee,
		datanet: share.datanet,
		version: share.version,
		amount: Amount(share.amount),
	};
	let shown = Shown {
		account,
		epoch: query.current_epoch().await?,
		claimable: Amount(sum),
		points: earnings.iter().map(points).collect(),
		fees: fees.iter().map(fee).collect(),
	};
	context.print(&shown, describe)?;
	Ok(ExitCode::SUCCESS)
}

fn pool_name(pool: Pool) -> String {
	match pool {
		Pool::Contributors(modality) => format!("contributors ({})", format!("{modality:?}").to_lowercase()),
		Pool::Validators => "validators".into(),
		Pool::Owners => "owners".into(),
		Pool::Datanet(id) => format!("sponsors of Datanet {id}"),
	}
}

fn describe(shown: &Shown) -> String {
	let points = shown.points.iter().map(|points| {
		let amount = match points.state {
			EpochState::Open => format!("fixed when epoch {} begins", points.epoch + 2),
			EpochState::Closed => format!("{} OPEN", points.amount),
			EpochState::Swept => "went back to the pot".into(),
		};
		vec![
			format!("epoch {}", points.epoch),
			pool_name(points.pool),
			points.points.clone(),
			amount,
		]
	});
	let fees = shown.fees.iter().map(|fee| {
		let of = format!("Datanet {} at version {}", fee.datanet, fee.version);
		vec![
			format!("fee {}", fee.fee),
			of,
			String::new(),
			format!("{} OPEN", fee.amount),
		]
	});
	let rows: Vec<_> = points.chain(fees).collect();
	let table = output::table(&["from", "for", "points", "amount"], &rows);
	format!(
		"{table}\n{} OPEN can be claimed; this is epoch {}.",
		shown.claimable, shown.epoch
	)
}

async fn claim(context: &Context, all: bool, for_account: Option<&str>) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let due = match (all, for_account) {
		(true, _) => everybodys(&chain).await?,
		(false, Some(account)) => of_account(&chain, &read_account(account)?).await?,
		(false, None) => of_account(&chain, signer.account()).await?,
	};
	let mut claims = Vec::with_capacity(due.len());
	for batch in due.chunks(BATCH) {
		let calls = batch.iter().map(call).collect();
		let outcome = chain.submit(&signer, calls::force_batch(calls), Wait::InBlock).await?;
		let results = outcome.batch();
		for (index, due) in batch.iter().enumerate() {
			let error = results
				.get(index)
				.and_then(|result| result.as_ref().err())
				.map(|error| error.name.clone());
			let amount = Amount(if error.is_some() { 0 } else { due.amount });
			claims.push(Claim {
				account: due.account.clone(),
				of: due.of,
				amount,
				block: outcome.block,
				error,
			});
		}
	}
	let failed = claims.iter().any(|claim| claim.error.is_some());
	let paid = Amount(claims.iter().map(|claim| claim.amount.0).sum());
	context.print(&Claimed { paid, claims }, |claimed| {
		if claimed.claims.is_empty() {
			return "nothing to claim: an epoch pays when the second one after it begins".into();
		}
		let row = |claim: &Claim| {
			let what = match claim.of {
				Of::Points { epoch, pool } => format!("epoch {epoch}, {}", pool_name(pool)),
				Of::Fee { fee } => format!("fee {fee}"),
			};
			let amount = claim.error.clone().unwrap_or_else(|| format!("{} OPEN", claim.amount));
			vec![output::short(&address(&claim.account)), what, amount]
		};
		let rows: Vec<_> = claimed.claims.iter().map(row).collect();
		format!(
			"{}\n{} OPEN were paid.",
			output::table(&["account", "for", "amount"], &rows),
			claimed.paid
		)
	})?;
	Ok(if failed {
		Kind::Refused.code()
	} else {
		ExitCode::SUCCESS
	})
}

fn call(due: &Due) -> Call {
	match due.of {
		Of::Points { epoch, pool } => calls::claim_for(&due.account, epoch, pool),
		Of::Fee { fee } => calls::claim_fee(fee, &due.account),
	}
}

/// What one account can claim.
async fn of_account<C: Chain + ?Sized>(chain: &C, account: &AccountId) -> Result<Vec<Due>> {
	let query = Query::new(chain);
	let due = |of, amount| Due {
		account: account.clone(),
		of,
		amount,
	};
	let points = query
		.earnings(account)
		.await?
		.into_iter()
		.filter(|earning| earning.amount > 0);
	let mut all: Vec<_> = points
		.map(|e| {
			due(
				Of::Points {
					epoch: e.epoch,
					pool: e.pool,
				},
				e.amount,
			)
		})
		.collect();
	all.extend(
		query
			.fee_shares(account)
			.await?
			.into_iter()
			.map(|share| due(Of::Fee { fee: share.fee }, share.amount)),
	);
	Ok(all)
}

/// What everybody can claim.
async fn everybodys<C: Chain + ?Sized>(chain: &C) -> Result<Vec<Due>> {
	let query = Query::new(chain);
	let mut all = Vec::new();
	let shares = query.shares().await?;
	let indices: Vec<_> = shares.iter().map(|((epoch, ..), _)| *epoch).collect();
	for (((epoch, pool, account), points), record) in shares.into_iter().zip(query.epochs(&indices).await?) {
		if record.is_some_and(|record| record.state == EpochState::Closed) {
			let book = query.pool(epoch, pool).await?;
			let amount = share(book.payout, points, book.points);
			if amount > 0 {
				all.push(Due {
					account,
					of: Of::Points { epoch, pool },
					amount,
				});
			}
		}
	}
	let mut contributors: Vec<AccountId> = Vec::new();
	for (_, fee) in query.fees().await? {
		contributors.extend(
			query
				.standings(fee.datanet)
				.await?
				.into_iter()
				.map(|(account, _)| account),
		);
	}
	contributors.sort();
	contributors.dedup();
	for account in contributors {
		let shares = query.fee_shares(&account).await?;
		all.extend(shares.into_iter().map(|s| Due {
			account: account.clone(),
			of: Of::Fee { fee: s.fee },
			amount: s.amount,
		}));
	}
	Ok(all)
}
