//! Known-answer items: their owner commits to the right verdicts before they are submitted, and shows them while the
//! panel's are provisional.
//!
//! What it committed to is in a file of its own, with a salt for each, which nobody else may see before: from the content and
//! its salt, and only from them, the chain's root follows.

use std::{
	collections::BTreeMap,
	fs::OpenOptions,
	io::Write,
	os::unix::fs::OpenOptionsExt,
	path::{Path, PathBuf},
	process::ExitCode,
};

use anyhow::{Context as _, Result};
use chain_client::{calls, AccountId, Chain, ChainExt, Query, Signer, Wait};
use clap::Subcommand;
use openledger_primitives::{
	item::{Outcome, Phase},
	plant::{proof, root, Plant, PlantBatch, MAX_PLANTS},
	BatchId, DatanetId, ItemId,
};
use payload_store::{hex32, import_file, Cid, CidCodec};
use serde::{Deserialize, Serialize};

use super::{council::hex, not_found};
use crate::{
	amount::Amount,
	context::Context,
	failure::{Failure, Kind},
	output,
};

#[derive(Subcommand)]
pub enum Command {
	/// Commit to the right verdicts on files that will be contributed to an own Datanet; a bond is held for each
	Post {
		/// A line for each: `accept` or `reject`, and a file, its CID (up to 1 MiB) or its sha256
		list: PathBuf,
		/// Where the files will be contributed, by whomever
		#[arg(long, value_name = "NUMBER")]
		datanet: DatanetId,
		/// Write what is needed to open them into this new file, which only you can read
		#[arg(long, value_name = "FILE")]
		secrets: PathBuf,
	},
	/// Show which items were planted, of those with a provisional verdict; a wide panel tries each
	Open {
		/// What `plant post` wrote
		secrets: PathBuf,
		/// Only this item
		#[arg(long, value_name = "ITEM")]
		item: Option<ItemId>,
	},
	/// Take back the bond of plants that cannot be opened any more
	Close {
		/// The batch's number
		batch: BatchId,
	},
	/// List the batches that are not closed
	List,
}

/// Everything that opening a batch takes.
#[derive(Serialize, Deserialize)]
struct Secrets {
	#[serde(with = "hex32")]
	genesis: [u8; 32],
	datanet: DatanetId,
	/// In the order of the tree's leaves.
	plants: Vec<Secret>,
}

#[derive(Serialize, Deserialize)]
struct Secret {
	#[serde(with = "hex32")]
	sha256: [u8; 32],
	/// Whether accepting it is right.
	right: bool,
	#[serde(with = "hex32")]
	salt: [u8; 32],
}

impl Secrets {
	fn leaves(&self) -> Vec<[u8; 32]> {
		let leaf = |secret: &Secret| {
			let plant = Plant {
				genesis: self.genesis,
				datanet: self.datanet,
				sha256: secret.sha256,
				right: secret.right,
				salt: secret.salt,
			};
			plant.leaf()
		};
		self.plants.iter().map(leaf).collect()
	}
}

/// A batch, for output.
#[derive(Serialize)]
struct Batch {
	batch: BatchId,
	datanet: DatanetId,
	#[serde(serialize_with = "output::account")]
	owner: AccountId,
	root: String,
	count: u16,
	opened: u16,
	bond: Amount,
	/// Items submitted after this active block can be opened.
	from: u32,
	/// The last active block in which they can be opened.
	until: u32,
}

/// One plant that was to be opened, and what became of it.
#[derive(Serialize)]
struct Opened {
	item: ItemId,
	right: bool,
	error: Option<String>,
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Post { list, datanet, secrets } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let posted = post(&chain, &signer, &list, datanet, &secrets).await?;
			context.print(&posted, |batch| {
				format!(
					"batch {}: {} plants, {} OPEN held for each; submissions from active block {} to {} can be opened\nkeep {}",
					batch.batch,
					batch.count,
					batch.bond,
					batch.from + 1,
					batch.until,
					secrets.display()
				)
			})?;
		}
		Command::Open { secrets, item } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let (batch, block, opened) = open(&chain, &signer, &read_secrets(&secrets)?, item).await?;
			let failed = opened.iter().any(|opened| opened.error.is_some());
			let done = serde_json::json!({ "batch": batch, "block": block, "opened": opened });
			context.print(&done, |_| describe(&opened))?;
			if failed {
				return Ok(Kind::Refused.code());
			}
		}
		Command::Close { batch } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let outcome = chain.submit(&signer, calls::close_plant(batch), Wait::InBlock).await?;
			let (_, returned): (BatchId, u128) = outcome.field("Validation", "PlantsClosed")?;
			let done = serde_json::json!({ "batch": batch, "returned": Amount(returned), "block": outcome.block });
			context.print(&done, |_| {
				format!("batch {batch} is closed, {} OPEN came back", Amount(returned))
			})?;
		}
		Command::List => {
			let chain = context.chain().await?;
			let batches = Query::new(&chain).plant_batches().await?;
			let batches: Vec<_> = batches.into_iter().map(|(id, batch)| show(id, batch)).collect();
			context.print(&batches, |batches| table(batches))?;
		}
	}
	Ok(ExitCode::SUCCESS)
}

/// Commits to the list, after its salts are written.
async fn post<C: Chain + ?Sized>(
	chain: &C,
	signer: &Signer,
	list: &Path,
	datanet: DatanetId,
	to: &Path,
) -> Result<Batch> {
	let secrets = Secrets {
		genesis: chain.genesis().await?,
		datanet,
		plants: read_list(list)?,
	};
	write(&secrets, to)?;
	let root = root(&secrets.leaves());
	let call = calls::plant(datanet, root, secrets.plants.len() as u16);
	if let Err(error) = chain.submit(signer, call, Wait::InBlock).await {
		// Salts of what the chain surely does not have are of no use.
		if error.dispatch().is_some() {
			std::fs::remove_file(to).with_context(|| format!("removing {}", to.display()))?;
		}
		return Err(error.into());
	}
	find(chain, &root).await
}

/// The batch that was posted with this root.
async fn find<C: Chain + ?Sized>(chain: &C, root: &[u8; 32]) -> Result<Batch> {
	let batches = Query::new(chain).plant_batches().await?;
	let batch = batches.into_iter().find(|(_, batch)| batch.root == *root);
	let (id, batch) = batch.ok_or_else(|| {
		not_found(
			"open batch of plants with the root",
			hex(root),
			"it was closed, or is of another chain: see `openledger plant list`",
		)
	})?;
	Ok(show(id, batch))
}

fn show(id: BatchId, batch: PlantBatch<AccountId>) -> Batch {
	Batch {
		batch: id,
		datanet: batch.datanet,
		owner: batch.owner,
		root: hex(&batch.root),
		count: batch.count,
		opened: batch.opened.count(),
		bond: Amount(batch.bond),
		from: batch.from,
		until: batch.until,
	}
}

/// Opens every plant whose item has a provisional verdict; the batch, the block, and the items.
async fn open<C: Chain + ?Sized>(
	chain: &C,
	signer: &Signer,
	secrets: &Secrets,
	only: Option<ItemId>,
) -> Result<(BatchId, Option<u32>, Vec<Opened>)> {
	let query = Query::new(chain);
	let leaves = secrets.leaves();
	let batch = find(chain, &root(&leaves)).await?;
	let plants: BTreeMap<_, _> = secrets
		.plants
		.iter()
		.enumerate()
		.map(|(n, plant)| (plant.sha256, n))
		.collect();
	let (mut opened, mut sent) = (Vec::new(), Vec::new());
	for (id, item) in query.all_items().await? {
		let wanted =
			item.outcome == Outcome::InReview && item.datanet == secrets.datanet && only.is_none_or(|only| only == id);
		let Some(index) = plants.get(&item.payload.sha256).copied().filter(|_| wanted) else {
			continue;
		};
		let phase = query.case(id).await?.map(|case| case.phase);
		if !matches!(phase, Some(Phase::Provisional { .. })) {
			continue;
		}
		let Secret { right, salt, .. } = secrets.plants[index];
		let proof = proof(&leaves, index as u16).context("a plant of the list is a leaf of its tree")?;
		sent.push(calls::open_plant(batch.batch, index as u16, id, right, salt, &proof));
		opened.push(Opened {
			item: id,
			right,
			error: None,
		});
	}
	if sent.is_empty() {
		if let Some(item) = only {
			return Err(Failure::new(format!(
				"item {item} is no plant of this batch with a provisional verdict"
			))
			.hint(format!("see `openledger item show {item}`"))
			.into());
		}
		return Ok((batch.batch, None, opened));
	}
	let outcome = chain.submit(signer, calls::force_batch(sent), Wait::InBlock).await?;
	for (opened, result) in opened.iter_mut().zip(outcome.batch()) {
		opened.error = result.err().map(|error| error.name);
	}
	Ok((batch.batch, Some(outcome.block), opened))
}

/// A line for each plant: a verdict, and what it is on.
fn read_list(path: &Path) -> Result<Vec<Secret>> {
	let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
	let folder = path.parent().unwrap_or(Path::new("."));
	let mut plants: Vec<Secret> = Vec::new();
	for (number, line) in text.lines().enumerate() {
		let line = line.trim();
		if line.is_empty() || line.starts_with('#') {
			continue;
		}
		let plant = read_line(line, folder).with_context(|| format!("{}, line {}", path.display(), number + 1))?;
		if plants.iter().any(|other| other.sha256 == plant.sha256) {
			let twice = format!(
				"{}, line {}: this content is planted already",
				path.display(),
				number + 1
			);
			return Err(Failure::usage(twice).into());
		}
		plants.push(plant);
	}
	if plants.is_empty() || plants.len() > usize::from(MAX_PLANTS) {
		return Err(Failure::usage(format!(
			"{} lists {} files; a batch has 1 to {MAX_PLANTS}",
			path.display(),
			plants.len()
		))
		.into());
	}
	Ok(plants)
}

fn read_line(line: &str, folder: &Path) -> Result<Secret> {
	let (verdict, content) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
	let right = match verdict {
		"accept" => true,
		"reject" => false,
		_ => {
			return Err(Failure::usage(format!("{verdict} is no verdict"))
				.hint("a line is `accept` or `reject`, and a file, a CID or a sha256")
				.into())
		}
	};
	Ok(Secret {
		sha256: sha256(content.trim(), folder)?,
		right,
		salt: rand::random(),
	})
}

/// The digest of the content that is named by a digest, a CID, or a file.
fn sha256(content: &str, folder: &Path) -> Result<[u8; 32]> {
	if let Some(digest) = read_digest(content) {
		return Ok(digest);
	}
	match content.parse::<Cid>() {
		Ok(Cid {
			codec: CidCodec::Raw,
			digest,
		}) => Ok(digest),
		Ok(_) => Err(Failure::usage(format!(
			"{content} is a CID of many blocks, which does not tell their content's sha256"
		))
		.hint("name the file, or its sha256 (`openledger item show` prints it)")
		.into()),
		Err(_) => {
			let stored = import_file(&folder.join(content)).map_err(|error| {
				Failure::usage(format!("{content} is neither a CID nor a sha256, nor a file: {error}"))
			})?;
			Ok(stored.sha256)
		}
	}
}

fn read_digest(text: &str) -> Option<[u8; 32]> {
	let bytes = ::hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()?;
	bytes.try_into().ok()
}

/// Writes the secrets into a new file that only its owner can read.
fn write(secrets: &Secrets, path: &Path) -> Result<()> {
	let mut file = OpenOptions::new()
		.write(true)
		.create_new(true)
		.mode(0o600)
		.open(path)
		.with_context(|| format!("creating {}", path.display()))?;
	let text = serde_json::to_string_pretty(secrets)?;
	writeln!(file, "{text}")
		.and_then(|()| file.sync_all())
		.with_context(|| format!("writing {}", path.display()))
}

fn read_secrets(path: &Path) -> Result<Secrets> {
	let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
	let secrets = serde_json::from_str(&text);
	secrets.map_err(|error| {
		Failure::usage(format!(
			"{} is not what `openledger plant post` wrote: {error}",
			path.display()
		))
		.into()
	})
}

fn describe(opened: &[Opened]) -> String {
	if opened.is_empty() {
		return "no planted item has a provisional verdict".into();
	}
	let row = |opened: &Opened| {
		let right = if opened.right { "accept" } else { "reject" };
		vec![
			opened.item.to_string(),
			right.into(),
			opened.error.clone().unwrap_or_else(|| "on trial".into()),
		]
	};
	output::table(
		&["item", "right", "outcome"],
		&opened.iter().map(row).collect::<Vec<_>>(),
	)
}

fn table(batches: &[Batch]) -> String {
	let row = |batch: &Batch| {
		vec![
			batch.batch.to_string(),
			batch.datanet.to_string(),
			format!("{} of {}", batch.opened, batch.count),
			batch.from.to_string(),
			batch.until.to_string(),
		]
	};
	output::table(
		&["batch", "datanet", "opened", "submitted after", "until"],
		&batches.iter().map(row).collect::<Vec<_>>(),
	)
}

#[cfg(test)]
#[path = "plant_tests.rs"]
mod tests;
