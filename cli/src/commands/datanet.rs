use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, calls, AccountId, Call, Chain, ChainExt, Query, Wait};
use clap::{Args, Subcommand, ValueEnum};
use openledger_primitives::{
	format::{Format, FormatSet, Modality},
	hold::Access,
	item::{self, Exclusion, ExclusionReason, Policy, MAX_DESCRIPTION, MAX_LICENCE, MAX_NAME},
	ActiveBlock, DatanetId,
};
use serde::Serialize;

use super::{bounded, not_found};
use crate::{
	context::{read_account, Context},
	failure::Failure,
	output,
};

#[derive(Clone, Copy, ValueEnum)]
pub enum ModalityArg {
	Text,
	Image,
	Audio,
}

impl From<ModalityArg> for Modality {
	fn from(argument: ModalityArg) -> Self {
		match argument {
			ModalityArg::Text => Self::Text,
			ModalityArg::Image => Self::Image,
			ModalityArg::Audio => Self::Audio,
		}
	}
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ReasonArg {
	Unlawful,
	Licence,
}

impl From<ReasonArg> for ExclusionReason {
	fn from(argument: ReasonArg) -> Self {
		match argument {
			ReasonArg::Unlawful => Self::Unlawful,
			ReasonArg::Licence => Self::Licence,
		}
	}
}

/// What a Datanet takes, and under which terms it gives. What is not said stays as it is.
#[derive(Args, Default)]
pub struct PolicyArgs {
	/// Largest file taken [at first: the chain's cap]
	#[arg(long, value_name = "BYTES")]
	max_file_bytes: Option<u32>,
	/// Smallest file taken [at first: 1]
	#[arg(long, value_name = "BYTES")]
	min_file_bytes: Option<u32>,
	/// Formats taken, as md,txt [at first: all of the modality]
	#[arg(long, value_name = "EXTENSIONS", value_delimiter = ',', value_parser = format)]
	formats: Option<Vec<Format>>,
	/// SPDX identifier or name of the items' licence, at most 64 bytes [at first: nothing said]
	#[arg(long)]
	licence: Option<String>,
	/// Whether training needs a grant [at first: false]
	#[arg(long, num_args = 0..=1, default_missing_value = "true")]
	restricted: Option<bool>,
}

fn format(extension: &str) -> Result<Format, String> {
	Format::from_extension(extension).ok_or_else(|| format!("no Datanet takes .{extension} files"))
}

impl PolicyArgs {
	/// `policy` with what was said.
	fn change(self, policy: Policy) -> Result<Policy> {
		Ok(Policy {
			max_file_bytes: self.max_file_bytes.unwrap_or(policy.max_file_bytes),
			min_file_bytes: self.min_file_bytes.unwrap_or(policy.min_file_bytes),
			formats: self.formats.map_or(policy.formats, |formats| FormatSet::of(&formats)),
			licence: match self.licence {
				Some(licence) => bounded::<MAX_LICENCE>("licence", &licence)?,
				None => policy.licence,
			},
			restricted: self.restricted.unwrap_or(policy.restricted),
		})
	}
}

#[derive(Subcommand)]
pub enum Command {
	/// Create a Datanet; its deposit is held while it exists
	Create {
		/// At most 64 bytes
		#[arg(long)]
		name: String,
		/// Markdown, at most 2,048 bytes
		#[arg(long, default_value = "")]
		description: String,
		/// What it holds, for ever
		#[arg(long, value_enum)]
		modality: ModalityArg,
		#[command(flatten)]
		policy: PolicyArgs,
	},
	/// List all Datanets
	List,
	/// Show one Datanet
	Show {
		/// Its number
		datanet: DatanetId,
	},
	/// Change a Datanet's name, description or policy; a policy counts for what is submitted later
	Edit {
		/// Its number
		datanet: DatanetId,
		/// At most 64 bytes
		#[arg(long)]
		name: Option<String>,
		/// Markdown, at most 2,048 bytes
		#[arg(long)]
		description: Option<String>,
		#[command(flatten)]
		policy: PolicyArgs,
	},
	/// Take the item of a version down: trainings leave it out from now on
	Exclude {
		/// The Datanet's number
		datanet: DatanetId,
		/// The version that the item made
		#[arg(long, value_name = "NUMBER")]
		version: u32,
		#[arg(long, value_enum)]
		reason: ReasonArg,
	},
	/// Ask to train on a restricted Datanet; a deposit is held until it is revoked
	RequestAccess {
		/// Its number
		datanet: DatanetId,
	},
	/// Let an account train on a restricted Datanet
	Grant {
		/// Its number
		datanet: DatanetId,
		/// An address, or //Alice
		#[arg(long, value_name = "ACCOUNT")]
		to: String,
		/// The last active block at which it may order a training
		#[arg(long, value_name = "BLOCK")]
		until: ActiveBlock,
	},
	/// End a request or a grant; its deposit goes back
	Revoke {
		/// Its number
		datanet: DatanetId,
		/// Whose it is; by default the key's own account
		#[arg(long, value_name = "ACCOUNT")]
		of: Option<String>,
	},
	/// Offer a Datanet to another account; to oneself, takes the offer back
	Transfer {
		/// Its number
		datanet: DatanetId,
		/// An address, or //Alice
		#[arg(long, value_name = "ACCOUNT")]
		to: String,
	},
	/// Become the owner of a Datanet that is offered, for its deposit
	AcceptTransfer {
		/// Its number
		datanet: DatanetId,
	},
	/// Close a Datanet for good: no items, no trainings; without versions it is removed
	Close {
		/// Its number
		datanet: DatanetId,
	},
}

#[derive(Serialize)]
struct Created {
	datanet: DatanetId,
	block: u32,
}

#[derive(Serialize)]
struct Shown {
	datanet: DatanetId,
	name: String,
	description: String,
	modality: Modality,
	#[serde(serialize_with = "output::account")]
	owner: AccountId,
	max_file_bytes: u32,
	min_file_bytes: u32,
	/// Extensions.
	formats: Vec<&'static str>,
	licence: String,
	restricted: bool,
	closed: bool,
	/// How many items were accepted: the newest version.
	version: u32,
	/// Digest that names the newest version, hexadecimal.
	root: String,
	points: String,
	rejected: u32,
	in_review: u32,
	/// How many of the accepted items were taken down.
	exclusions: u32,
}

impl Shown {
	fn new(datanet: DatanetId, record: item::Datanet<AccountId>) -> Self {
		let policy = record.policy;
		Self {
			datanet,
			name: output::text(&record.name),
			description: output::text(&record.description),
			modality: record.modality,
			owner: record.owner,
			max_file_bytes: policy.max_file_bytes,
			min_file_bytes: policy.min_file_bytes,
			formats: policy.formats.iter().map(Format::extension).collect(),
			licence: output::text(&policy.licence),
			restricted: policy.restricted,
			closed: record.closed,
			version: record.version,
			root: hex::encode(record.root),
			points: record.points.to_string(),
			rejected: record.rejected,
			in_review: record.in_review,
			exclusions: record.exclusions,
		}
	}

	fn modality(&self) -> String {
		format!("{:?}", self.modality).to_lowercase()
	}
}

/// A Datanet with what `show` reads beside its record.
#[derive(Serialize)]
struct Whole {
	#[serde(flatten)]
	shown: Shown,
	excluded: Vec<Exclusion>,
	access: Vec<AccessShown>,
	/// To whom it is offered.
	offered_to: Option<String>,
}

#[derive(Serialize)]
struct AccessShown {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	/// The last active block of the grant; `null`: asked for.
	until: Option<ActiveBlock>,
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Create {
			name,
			description,
			modality,
			policy,
		} => create(context, name, description, modality.into(), policy).await?,
		Command::List => list(context).await?,
		Command::Show { datanet } => show(context, datanet).await?,
		Command::Edit {
			datanet,
			name,
			description,
			policy,
		} => edit(context, datanet, name, description, policy).await?,
		Command::Exclude {
			datanet,
			version,
			reason,
		} => change(context, datanet, calls::exclude(datanet, version, reason.into())).await?,
		Command::RequestAccess { datanet } => change(context, datanet, calls::request_access(datanet)).await?,
		Command::Grant { datanet, to, until } => {
			change(context, datanet, calls::grant(datanet, &read_account(&to)?, until)).await?
		}
		Command::Revoke { datanet, of } => {
			let who = context.account(of.as_deref())?;
			change(context, datanet, calls::revoke(datanet, &who)).await?
		}
		Command::Transfer { datanet, to } => {
			let to = read_account(&to)?;
			change(context, datanet, calls::transfer_datanet(datanet, &to)).await?
		}
		Command::AcceptTransfer { datanet } => change(context, datanet, calls::accept_datanet(datanet)).await?,
		Command::Close { datanet } => change(context, datanet, calls::close_datanet(datanet)).await?,
	}
	Ok(ExitCode::SUCCESS)
}

async fn create(
	context: &Context,
	name: String,
	description: String,
	modality: Modality,
	policy: PolicyArgs,
) -> Result<()> {
	let name = bounded::<MAX_NAME>("name", &name)?;
	let description = bounded::<MAX_DESCRIPTION>("description", &description)?;
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let cap = Query::new(&chain).datanet_params().await?.limits.file_bytes;
	let policy = policy.change(Policy::open(modality, cap))?;
	let call = calls::create_datanet(modality, name, description, policy);
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let created = Created {
		datanet: outcome.field("Datanets", "DatanetCreated")?,
		block: outcome.block,
	};
	context.print(&created, |created| {
		format!("Datanet {} was created in block {}", created.datanet, created.block)
	})
}

async fn list(context: &Context) -> Result<()> {
	let chain = context.chain().await?;
	let datanets = Query::new(&chain).datanets().await?;
	let shown: Vec<_> = datanets
		.into_iter()
		.map(|(id, record)| Shown::new(id, record))
		.collect();
	context.print(&shown, |shown| {
		let row = |datanet: &Shown| {
			vec![
				datanet.datanet.to_string(),
				datanet.name.clone(),
				datanet.modality(),
				datanet.version.to_string(),
				datanet.rejected.to_string(),
				output::short(&address(&datanet.owner)),
			]
		};
		let rows: Vec<_> = shown.iter().map(row).collect();
		output::table(&["datanet", "name", "modality", "accepted", "rejected", "owner"], &rows)
	})
}

async fn record<C: Chain + ?Sized>(chain: &C, datanet: DatanetId) -> Result<item::Datanet<AccountId>> {
	let record = Query::new(chain).datanet(datanet).await?;
	record.ok_or_else(|| not_found("Datanet", datanet, "see them with `openledger datanet list`"))
}

async fn show(context: &Context, datanet: DatanetId) -> Result<()> {
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	let record = record(&chain, datanet).await?;
	let access = |(account, access): (_, Access<AccountId>)| AccessShown {
		account,
		until: access.until,
	};
	let whole = Whole {
		excluded: query.exclusions(datanet, record.exclusions).await?,
		access: query.accesses(datanet).await?.into_iter().map(access).collect(),
		offered_to: query.offer(datanet).await?.map(|to| address(&to)),
		shown: Shown::new(datanet, record),
	};
	context.print(&whole, describe)
}

fn describe(whole: &Whole) -> String {
	let shown = &whole.shown;
	let said = |text: &str| {
		if text.is_empty() {
			"not said".into()
		} else {
			text.to_owned()
		}
	};
	let mut rows = vec![
		("datanet", shown.datanet.to_string()),
		("name", shown.name.clone()),
		("modality", shown.modality()),
		("owner", address(&shown.owner)),
		("largest file", output::bytes(shown.max_file_bytes.into())),
		("smallest file", output::bytes(shown.min_file_bytes.into())),
		("formats", shown.formats.join(", ")),
		("licence", said(&shown.licence)),
		(
			"training",
			if shown.restricted {
				"needs a grant"
			} else {
				"open to all"
			}
			.into(),
		),
		("state", if shown.closed { "closed" } else { "open" }.into()),
		("accepted", shown.version.to_string()),
		("rejected", shown.rejected.to_string()),
		("in review", shown.in_review.to_string()),
		("root", shown.root.clone()),
	];
	if !whole.excluded.is_empty() {
		let one =
			|exclusion: &Exclusion| format!("version {} ({:?})", exclusion.version, exclusion.reason).to_lowercase();
		rows.push((
			"taken down",
			whole.excluded.iter().map(one).collect::<Vec<_>>().join(", "),
		));
	}
	for access in &whole.access {
		let state = match access.until {
			Some(until) => format!("until active block {until}"),
			None => "asked for".into(),
		};
		rows.push(("access", format!("{} {state}", address(&access.account))));
	}
	if let Some(to) = &whole.offered_to {
		rows.push(("offered to", to.clone()));
	}
	rows.push(("description", shown.description.clone()));
	output::fields(&rows)
}

/// Changes what was named: both calls where both were, all or none.
async fn edit(
	context: &Context,
	datanet: DatanetId,
	name: Option<String>,
	description: Option<String>,
	policy: PolicyArgs,
) -> Result<()> {
	let chain = context.chain().await?;
	let record = record(&chain, datanet).await?;
	let edits = edits(datanet, &record, name, description, policy)?;
	if edits.is_empty() {
		return Err(Failure::usage("there is nothing to change").into());
	}
	change(context, datanet, calls::batch_all(edits)).await
}

fn edits(
	datanet: DatanetId,
	record: &item::Datanet<AccountId>,
	name: Option<String>,
	description: Option<String>,
	policy: PolicyArgs,
) -> Result<Vec<Call>> {
	let mut made = Vec::new();
	if name.is_some() || description.is_some() {
		let name = name.map_or(Ok(record.name.clone()), |name| bounded("name", &name))?;
		let description = description.map_or(Ok(record.description.clone()), |text| bounded("description", &text))?;
		made.push(calls::set_metadata(datanet, name, description));
	}
	let policy = policy.change(record.policy.clone())?;
	if policy != record.policy {
		made.push(calls::set_policy(datanet, policy));
	}
	Ok(made)
}

async fn change(context: &Context, datanet: DatanetId, call: Call) -> Result<()> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let done = serde_json::json!({ "datanet": datanet, "block": outcome.block });
	context.print(&done, |_| format!("done in block {}", outcome.block))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn datanet() -> item::Datanet<AccountId> {
		item::Datanet {
			owner: AccountId::new([1; 32]),
			modality: Modality::Text,
			name: b"Notes".to_vec().try_into().unwrap(),
			description: Default::default(),
			policy: Policy::open(Modality::Text, 1_000),
			closed: false,
			version: 0,
			root: [0; 32],
			points: 0,
			rejected: 0,
			in_review: 0,
			exclusions: 0,
		}
	}

	#[test]
	fn a_policy_should_keep_what_is_not_said() {
		let policy = Policy::open(Modality::Text, 1_000);
		assert_eq!(PolicyArgs::default().change(policy.clone()).unwrap(), policy);
		let args = PolicyArgs {
			min_file_bytes: Some(10),
			formats: Some(vec![Format::Markdown]),
			licence: Some("MIT".into()),
			restricted: Some(true),
			..PolicyArgs::default()
		};
		let changed = args.change(policy).unwrap();
		assert_eq!((changed.max_file_bytes, changed.min_file_bytes), (1_000, 10));
		assert_eq!(changed.formats, FormatSet::of(&[Format::Markdown]));
		assert_eq!((&changed.licence[..], changed.restricted), (&b"MIT"[..], true));
		let long = PolicyArgs {
			licence: Some("x".repeat(65)),
			..PolicyArgs::default()
		};
		assert!(long.change(changed).is_err());
	}

	#[test]
	fn an_edit_should_make_only_the_calls_that_change_something() {
		let names = |name: Option<&str>, restricted| {
			let policy = PolicyArgs {
				restricted,
				..PolicyArgs::default()
			};
			let made = edits(3, &datanet(), name.map(Into::into), None, policy).unwrap();
			made.into_iter().map(|call| call.name).collect::<Vec<_>>()
		};
		assert_eq!(names(Some("Other"), Some(true)), ["set_metadata", "set_policy"]);
		assert_eq!(names(Some("Other"), Some(false)), ["set_metadata"]);
		assert_eq!(names(None, Some(true)), ["set_policy"]);
		assert_eq!(names(None, None), [""; 0]);
	}
}
