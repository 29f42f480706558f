use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, calls, AccountId, ChainExt, Query, Wait};
use clap::{Subcommand, ValueEnum};
use openledger_primitives::{
	format::Modality,
	item::{self, MAX_DESCRIPTION, MAX_NAME},
	DatanetId,
};
use serde::Serialize;

use super::{bounded, not_found};
use crate::{context::Context, output};

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
		/// Largest file taken; by default the chain's cap
		#[arg(long, value_name = "BYTES")]
		max_file_bytes: Option<u32>,
	},
	/// List all Datanets
	List,
	/// Show one Datanet
	Show {
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
	closed: bool,
	/// How many items were accepted: the newest version.
	version: u32,
	/// Digest that names the newest version, hexadecimal.
	root: String,
	points: String,
	rejected: u32,
}

impl Shown {
	fn new(datanet: DatanetId, record: item::Datanet<AccountId>) -> Self {
		Self {
			datanet,
			name: output::text(&record.name),
			description: output::text(&record.description),
			modality: record.modality,
			owner: record.owner,
			max_file_bytes: record.max_file_bytes,
			closed: record.closed,
			version: record.version,
			root: hex::encode(record.root),
			points: record.points.to_string(),
			rejected: record.rejected,
		}
	}

	fn modality(&self) -> String {
		format!("{:?}", self.modality).to_lowercase()
	}
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Create {
			name,
			description,
			modality,
			max_file_bytes,
		} => {
			let name = bounded::<MAX_NAME>("name", &name)?;
			let description = bounded::<MAX_DESCRIPTION>("description", &description)?;
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let max_file_bytes = match max_file_bytes {
				Some(bytes) => bytes,
				None => Query::new(&chain).datanet_params().await?.limits.file_bytes,
			};
			let call = calls::create_datanet(modality.into(), name, description, max_file_bytes);
			let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
			let created = Created {
				datanet: outcome.field("Datanets", "DatanetCreated")?,
				block: outcome.block,
			};
			context.print(&created, |created| {
				format!("Datanet {} was created in block {}", created.datanet, created.block)
			})?;
		}
		Command::List => {
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
			})?;
		}
		Command::Show { datanet } => {
			let chain = context.chain().await?;
			let record = Query::new(&chain).datanet(datanet).await?;
			let record =
				record.ok_or_else(|| not_found("Datanet", datanet, "see them with `openledger datanet list`"))?;
			context.print(&Shown::new(datanet, record), |shown| {
				output::fields(&[
					("datanet", shown.datanet.to_string()),
					("name", shown.name.clone()),
					("modality", shown.modality()),
					("owner", address(&shown.owner)),
					("largest file", output::bytes(shown.max_file_bytes.into())),
					("state", if shown.closed { "closed" } else { "open" }.into()),
					("accepted", shown.version.to_string()),
					("rejected", shown.rejected.to_string()),
					("root", shown.root.clone()),
					("description", shown.description.clone()),
				])
			})?;
		}
	}
	Ok(ExitCode::SUCCESS)
}
