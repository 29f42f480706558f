//! The scenario of `scenario.mjs` through subxt's dynamic interface: submit an item, vote on everybody's, carry the own one to
//! the end, claim what it earned.

use std::{collections::HashMap, str::FromStr, time::Duration};

use anyhow::{anyhow, bail, ensure, Context, Result};
use codec::{Decode, Encode};
use openledger_clients::{signing, Node, OpenLedger};
use openledger_primitives::{
	payload::possession,
	vote::{Ballot, Verdict},
};
use sha2::{Digest, Sha256};
use subxt::{
	client::{ClientAtBlock, OnlineClientAtBlockImpl},
	dynamic::{self, Value},
	error::{DispatchError, TransactionEventsError},
	ext::{
		frame_decode::storage::{IntoDecodableValues, IntoEncodableValues},
		scale_decode::{self, DecodeAsType},
		scale_value::Composite,
	},
	tx::{DynamicPayload, TransactionStatus},
	utils::AccountId32,
};
use subxt_signer::{sr25519::Keypair, SecretUri};

const SCORE: u8 = 80;
const POLL: Duration = Duration::from_millis(500);

type Call = DynamicPayload<Composite<()>>;
type AtBlock = ClientAtBlock<OpenLedger, OnlineClientAtBlockImpl<OpenLedger>>;
type Key = [u8; 32];

/// Every call of the scenario in one place.
mod calls {
	use super::*;

	fn call(pallet: &str, name: &str, arguments: impl IntoIterator<Item = Value>) -> Call {
		dynamic::tx(pallet, name, Composite::unnamed(arguments))
	}

	fn bytes(bytes: &[u8]) -> Value {
		Value::from_bytes(bytes)
	}

	fn number(number: impl Into<u128>) -> Value {
		Value::u128(number.into())
	}

	pub fn submit(datanet: u32, content: &[u8], possession: Key) -> Call {
		let sha256 = Sha256::digest(content);
		// A file of at most 1 MiB is one raw IPFS block, whose digest is the file's own.
		let payload = Value::named_composite([
			("sha256", bytes(&sha256)),
			("root", bytes(&sha256)),
			("codec", Value::unnamed_variant("Raw", [])),
			("size", number(content.len() as u32)),
			("format", Value::unnamed_variant("Markdown", [])),
		]);
		call("Datanets", "submit", [number(datanet), payload, bytes(&possession)])
	}

	pub fn commit(item: u64, round: u8, commitment: Key) -> Call {
		call(
			"Validation",
			"commit",
			[number(item), number(round), bytes(&commitment)],
		)
	}

	pub fn reveal(item: u64, round: u8, units: u32, salt: Key) -> Call {
		let verdict = Value::named_variant("Accept", [("score", number(SCORE)), ("units", number(units))]);
		call(
			"Validation",
			"reveal",
			[number(item), number(round), verdict, bytes(&salt)],
		)
	}

	pub fn close_round(item: u64) -> Call {
		call("Validation", "close_round", [number(item)])
	}

	pub fn finalize(item: u64) -> Call {
		call("Validation", "finalize", [number(item)])
	}

	pub fn settle(item: u64, round: u8, voter: Key) -> Call {
		call("Validation", "settle", [number(item), number(round), bytes(&voter)])
	}

	pub fn claim(epoch: u32) -> Call {
		let pool = Value::unnamed_variant("Contributors", [Value::unnamed_variant("Text", [])]);
		call("Rewards", "claim", [number(epoch), pool])
	}

	pub fn batch(calls: impl IntoIterator<Item = Call>) -> Call {
		let calls = Value::unnamed_composite(calls.into_iter().map(|call| call.into_value()));
		call("Utility", "batch_all", [calls])
	}
}

// What is read of the chain's records: the fields that are needed, found by their names.

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Case {
	phase: Phase,
	round: u8,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
enum Phase {
	Voting,
	Provisional { until: u32 },
	Final,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Round {
	seed_at: u32,
	commit_until: u32,
	reveal_until: u32,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Vote {
	verdict: Option<Revealed>,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
enum Revealed {
	Accept,
	Reject,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Item {
	payload: Payload,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Payload {
	size: u32,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Datanet {
	name: Vec<u8>,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Epoch {
	state: EpochState,
}

#[derive(DecodeAsType, PartialEq)]
#[decode_as_type(crate_path = "scale_decode")]
enum EpochState {
	Open,
	Closed,
	Swept,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct ItemSubmitted {
	item: u64,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct PointsAwarded {
	epoch: u32,
	pool: Pool,
}

#[derive(DecodeAsType, PartialEq)]
#[decode_as_type(crate_path = "scale_decode")]
enum Pool {
	Contributors,
	Validators,
	Owners,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct RewardClaimed {
	amount: u128,
}

/// What is due on an item in the next block.
enum Duty {
	Commit,
	Reveal,
	CloseRound,
	Finalize,
	Settle,
}

fn due(case: &Case, round: Option<&Round>, vote: Option<&Vote>, now: u32, mine: bool) -> Option<Duty> {
	match (&case.phase, round) {
		(Phase::Voting, Some(round)) => match vote {
			None if now > round.seed_at && now < round.commit_until => Some(Duty::Commit),
			Some(Vote { verdict: None }) if now >= round.commit_until && now < round.reveal_until => Some(Duty::Reveal),
			_ => (mine && now > round.reveal_until).then_some(Duty::CloseRound),
		},
		(Phase::Provisional { until }, _) => (mine && now > *until).then_some(Duty::Finalize),
		(Phase::Final, _) => mine.then_some(Duty::Settle),
		_ => None,
	}
}

/// A dispatch error by the pallet's name and its own.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(&self.0)
	}
}

impl std::error::Error for Refused {}

/// An account that signs, and how many transactions it has sent.
struct Account {
	keypair: Keypair,
	nonce: u64,
}

impl Account {
	fn new(suri: &str) -> Result<Self> {
		Ok(Self {
			keypair: Keypair::from_uri(&SecretUri::from_str(suri)?)?,
			nonce: 0,
		})
	}

	fn public_key(&self) -> Key {
		self.keypair.public_key().0
	}
}

struct Client {
	node: Node,
	metadata_hash: Option<Key>,
}

/// The events of one extrinsic.
type Events = subxt::extrinsics::ExtrinsicEvents<OpenLedger>;

fn find<E: subxt::ext::scale_decode::DecodeAsFields>(events: &Events, pallet: &str, name: &str) -> Result<Vec<E>> {
	let mut found = Vec::new();
	for event in events.iter() {
		let event = event?;
		if event.pallet_name() == pallet && event.event_name() == name {
			found.push(event.decode_fields_unchecked_as::<E>()?);
		}
	}
	Ok(found)
}

impl Client {
	/// A view of the best block.
	async fn best(&self) -> Result<AtBlock> {
		Ok(self.node.client.at_block(self.node.best().await?).await?)
	}

	/// Signs, sends, waits for the block.
	async fn send(&self, who: &mut Account, call: &Call) -> Result<Events> {
		let mut transactions = self.node.client.tx().await?;
		let params = signing(who.nonce, self.metadata_hash);
		let mut progress = transactions
			.sign_and_submit_then_watch(call, &who.keypair, params)
			.await?;
		who.nonce += 1;
		while let Some(status) = progress.next().await {
			match status? {
				TransactionStatus::InBestBlock(block) | TransactionStatus::InFinalizedBlock(block) => {
					return block.wait_for_success().await.map_err(|error| match error {
						TransactionEventsError::ExtrinsicFailed(DispatchError::Module(error)) => {
							Refused(error.details_string().replace("::", ".")).into()
						}
						error => error.into(),
					});
				}
				TransactionStatus::Error { message }
				| TransactionStatus::Invalid { message }
				| TransactionStatus::Dropped { message } => bail!("{message}"),
				_ => {}
			}
		}
		bail!("the node said nothing more about it")
	}
}

async fn read<K: IntoEncodableValues + IntoDecodableValues, V: DecodeAsType>(
	block: &AtBlock,
	pallet: &str,
	entry: &str,
	key: K,
) -> Result<Option<V>> {
	let address = dynamic::storage::<K, V>(pallet, entry);
	let value = block.storage().try_fetch(address, key).await?;
	Ok(value.map(|value| value.decode()).transpose()?)
}

/// What a view function answers, SCALE. subxt 0.51 forgets the length that the runtime wants before the arguments, so they
/// are taken out of what it encodes and sent as they should be.
async fn view<A: IntoEncodableValues>(block: &AtBlock, pallet: &str, name: &str, arguments: A) -> Result<Vec<u8>> {
	const ID_BYTES: usize = 32;
	let functions = block.view_functions();
	let encoded = functions.encode_args(dynamic::view_function_call::<A, ()>(pallet, name, arguments))?;
	let (id, arguments) = encoded.split_at(ID_BYTES);
	let call = [id, &arguments.to_vec().encode()].concat();
	let answer = functions.call_raw(Some(&call)).await?;
	let answer = Result::<Vec<u8>, u8>::decode(&mut &answer[..])?;
	answer.map_err(|error| anyhow!("view function {pallet}.{name}: error {error}"))
}

async fn voters(block: &AtBlock, item: u64, round: u8) -> Result<Vec<Key>> {
	let address = dynamic::storage::<((u64, u8), Key), Vote>("Validation", "Votes");
	let mut entries = block.storage().iter(address, ((item, round),)).await?;
	let mut voters = Vec::new();
	while let Some(entry) = entries.next().await {
		let voter = entry?.key()?.part(1).context("the voter is part of the key")?;
		let voter: AccountId32 = voter.decode_as()?.context("the voter stands behind its hash")?;
		voters.push(voter.0);
	}
	Ok(voters)
}

/// Votes on all items and carries the own one on until nothing is left. Returns the epoch in which it earned, and as what a
/// claim was refused that came before the epoch's end.
async fn judge(
	client: &Client,
	own: u64,
	items: u64,
	owner: &mut Account,
	voter: &mut Account,
) -> Result<(u32, String)> {
	let genesis = client.node.client.genesis_hash().0;
	let account = voter.public_key();
	let mut ballots = HashMap::new();
	let mut earned = None;
	loop {
		let block = client.best().await?;
		let now: u32 = read(&block, "Authorities", "ActiveBlockCount", ()).await?.unwrap_or(0);
		let (mut open, mut votes) = (false, Vec::new());
		for item in 0..items {
			let Some(case): Option<Case> = read(&block, "Validation", "Cases", (item,)).await? else {
				continue;
			};
			open = true;
			let key = (item, case.round);
			let round: Option<Round> = read(&block, "Validation", "Rounds", (key,)).await?;
			let vote: Option<Vote> = read(&block, "Validation", "Votes", (key, account)).await?;
			match due(&case, round.as_ref(), vote.as_ref(), now, item == own) {
				Some(Duty::Commit) => {
					let record: Option<Item> = read(&block, "Datanets", "Items", (item,)).await?;
					let units = record.context("an item in review has a record")?.payload.size;
					let salt: Key = rand::random();
					let ballot = Ballot {
						genesis,
						item,
						round: case.round,
						voter: &account,
					};
					let commitment = ballot.commitment(&Verdict::Accept { score: SCORE, units }, &salt);
					ballots.insert(key, (units, salt));
					votes.push(calls::commit(item, case.round, commitment));
				}
				Some(Duty::Reveal) => {
					let (units, salt) = ballots[&key];
					votes.push(calls::reveal(item, case.round, units, salt));
				}
				Some(Duty::CloseRound) => {
					client.send(owner, &calls::close_round(item)).await?;
				}
				Some(Duty::Finalize) => {
					let events = client.send(owner, &calls::finalize(item)).await?;
					let awarded: Vec<PointsAwarded> = find(&events, "Rewards", "PointsAwarded")?;
					let award = awarded.iter().find(|award| award.pool == Pool::Contributors);
					let epoch = award.context("the item earned points")?.epoch;
					let refused = match client.send(owner, &calls::claim(epoch)).await {
						Ok(_) => "nothing".into(),
						Err(error) => error.downcast::<Refused>()?.0,
					};
					println!("item {item} accepted, points in epoch {epoch}; claimed too early: {refused}");
					earned = Some((epoch, refused));
				}
				Some(Duty::Settle) => {
					// Those of earlier, undecided rounds too.
					let mut settle = Vec::new();
					for round in 0..=case.round {
						let voters = voters(&block, item, round).await?;
						settle.extend(voters.into_iter().map(|voter| calls::settle(item, round, voter)));
					}
					println!("item {item}: {} votes settled", settle.len());
					client.send(owner, &calls::batch(settle)).await?;
				}
				None => {}
			}
		}
		if !votes.is_empty() {
			println!("{} votes at block {now}", votes.len());
			client.send(voter, &calls::batch(votes)).await?;
		}
		if !open {
			return earned.context("the item was finalized");
		}
		tokio::time::sleep(POLL).await;
	}
}

#[tokio::main]
async fn main() -> Result<()> {
	let arguments: Vec<_> = std::env::args().skip(1).collect();
	ensure!(
		arguments.len() == 6,
		"usage: subxt-client NODE CONTRIBUTOR VALIDATOR DATANET ITEMS METADATA-HASH"
	);
	let node = Node::connect(&arguments[0]).await?;
	let (mut owner, mut voter) = (Account::new(&arguments[1])?, Account::new(&arguments[2])?);
	let (datanet, items): (u32, u64) = (arguments[3].parse()?, arguments[4].parse()?);
	let digest = node.metadata_hash().await?;
	let metadata_hash = (arguments[5] == "with-metadata-hash").then_some(digest);
	let client = Client { node, metadata_hash };

	let block = client.best().await?;
	let record: Option<Datanet> = read(&block, "Datanets", "Datanets", (datanet,)).await?;
	let quota = view(&block, "Datanets", "quota_left", (owner.public_key(), datanet)).await?;
	let (_bytes, files) = <(u32, u32)>::decode(&mut &quota[..])?;
	println!(
		"runtime {}; Datanet {}, {files} files left today",
		block.spec_version(),
		String::from_utf8(record.context("the Datanet is there")?.name)?,
	);
	// All clients submit at once, so that their items are voted on in the same blocks.
	println!("ready");
	std::io::stdin().read_line(&mut String::new())?;

	let content = format!("# Written by subxt\n\nAt {:?}.\n", std::time::SystemTime::now());
	let proof = possession(&owner.public_key(), content.as_bytes());
	let submit = calls::submit(datanet, content.as_bytes(), proof);
	let submitted: Vec<ItemSubmitted> = find(&client.send(&mut owner, &submit).await?, "Datanets", "ItemSubmitted")?;
	let own = submitted.first().context("the event names the item")?.item;
	println!("item {own} submitted");
	while read(&client.best().await?, "Datanets", "NextItem", ())
		.await?
		.unwrap_or(0u64)
		< items
	{
		tokio::time::sleep(POLL).await;
	}

	let (epoch, refused) = judge(&client, own, items, &mut owner, &mut voter).await?;
	loop {
		let record: Option<Epoch> = read(&client.best().await?, "Rewards", "Epochs", (epoch,)).await?;
		if record.is_some_and(|epoch| epoch.state == EpochState::Closed) {
			break;
		}
		tokio::time::sleep(POLL).await;
	}
	let events = client.send(&mut owner, &calls::claim(epoch)).await?;
	let claimed: Vec<RewardClaimed> = find(&events, "Rewards", "RewardClaimed")?;
	let amount = claimed.first().context("the event names the amount")?.amount;
	let report = serde_json::json!({
		"item": own, "epoch": epoch, "refused": refused, "claimed": amount.to_string(),
		"metadata_hash": format!("0x{}", hex::encode(digest)),
	});
	println!("{report}");
	Ok(())
}
