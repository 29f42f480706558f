//! Clients that nobody here wrote, all against one dev chain: each submits an item, all vote on all items, each claims what its
//! item earned. What they did is read from the chain, not from what they say.

mod support;

use std::{
	collections::{BTreeMap, BTreeSet},
	io::{Read, Write},
	net::TcpStream,
	path::Path,
	process::Command,
	time::Duration,
};

use anyhow::{bail, ensure, Context, Result};
use chain_client::{address, calls, AccountId, Chain, ChainExt, Event, Query, Signer, Subxt, Wait};
use codec::Decode;
use openledger_clients::{signing, Node};
use openledger_primitives::{
	format::Modality,
	item::{Outcome, Policy},
	traits::Pool,
	Balance, EpochIndex, ItemId, RoundIndex, TOTAL_ISSUANCE,
};
use openledger_test_support::{binaries, processes::Processes, start_dev_node, Folder, Rpc};
use serde::Deserialize;
use serde_json::json;
use subxt::{
	config::substrate::H256,
	dynamic::{self, Value},
	ext::scale_value::Composite,
	tx::ValidationResult,
	utils::MultiAddress,
};
use support::{install, wait_for_reports, Client};

/// What all clients give their items.
const SCORE: u8 = 80;
/// From the start of the last client until it is connected and has read the metadata; Python takes seconds, more under load.
const STARTUP: Duration = Duration::from_secs(120);
/// From submission to the claim: votes and deadlines 40 s, up to two epochs of 30 s, and what a busy machine adds.
const SCENARIO: Duration = Duration::from_secs(240);

/// The clients: what to run, and whether it can compute the metadata's hash.
const CLIENTS: [(&str, bool); 4] = [
	("polkadot_js.mjs", true),
	("papi.mjs", true),
	// It speaks metadata 14, which RFC 78 needs more than, and always signs "without".
	("substrate_interface_client.py", false),
	("subxt-client", true),
];

/// What a client says at its end.
#[derive(Deserialize, Debug)]
struct Report {
	item: ItemId,
	epoch: u32,
	refused: String,
	claimed: String,
	/// The digest that it computed from the metadata, where it can.
	metadata_hash: Option<String>,
}

fn contributor(index: usize) -> String {
	format!("//Contributor{}", index + 1)
}

fn validator(index: usize) -> String {
	format!("//Validator{}", index + 1)
}

fn account(suri: &str) -> AccountId {
	Signer::from_suri(suri)
		.expect("a development account")
		.account()
		.clone()
}

#[test]
fn clients_should_submit_vote_and_claim() {
	let libraries = install().expect("the clients' libraries are installed");
	let folder = Folder::new().expect("a temporary folder");
	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let url = start_dev_node(&mut processes, folder.path()).expect("the node starts; scripts/test.sh builds it");
	let executor = tokio::runtime::Runtime::new().expect("an executor");
	let (chain, node, datanet) = executor.block_on(async {
		let chain = Subxt::connect(&url).await.expect("connects");
		let node = Node::connect(&url).await.expect("connects");
		let datanet = create_datanet(&chain).await.expect("a Datanet");
		(chain, node, datanet)
	});
	let digest = executor.block_on(metadata_hash_should_be_checked(&node));

	let mut clients: Vec<_> = (0..CLIENTS.len())
		.map(|index| {
			let (name, knows_hash) = CLIENTS[index];
			let hash = if knows_hash { "with-metadata-hash" } else { "without" };
			let (contributor, validator) = (contributor(index), validator(index));
			let (datanet, items) = (datanet.to_string(), CLIENTS.len().to_string());
			let arguments = [&url, &contributor, &validator, &datanet, &items, hash];
			Client::start(name, &libraries, &folder.logs(), &arguments).expect(name)
		})
		.collect();
	for client in &mut clients {
		client
			.wait_until_ready(STARTUP)
			.expect("a client connects and reads the metadata");
	}
	for client in &mut clients {
		client.begin().expect("a client waits");
	}
	let reports = wait_for_reports(&mut clients, SCENARIO).expect("all clients claim");
	let reports: Vec<Report> = reports
		.iter()
		.map(|line| serde_json::from_str(line).expect("a report"))
		.collect();
	executor.block_on(async {
		let seen = Seen::read(&chain, &node).await.expect("the chain's blocks");
		let digest = format!("0x{}", hex::encode(digest));
		for (index, report) in reports.iter().enumerate() {
			assert_eq!(
				report.metadata_hash,
				CLIENTS[index].1.then(|| digest.clone()),
				"{}",
				CLIENTS[index].0
			);
			check(&chain, &seen, index, report)
				.await
				.unwrap_or_else(|error| panic!("{}: {error:#}", CLIENTS[index].0));
		}
		let issuance = Query::new(&chain).total_issuance().await.expect("a storage entry");
		assert_eq!(issuance, TOTAL_ISSUANCE);
	});
}

async fn create_datanet(chain: &Subxt) -> Result<u32> {
	let owner = Signer::from_suri("//Owner")?;
	let name = b"Clients".to_vec().try_into().expect("a short name");
	let call = calls::create_datanet(
		Modality::Text,
		name,
		Default::default(),
		Policy::open(Modality::Text, 10_000),
	);
	let created = chain.submit(&owner, call, Wait::InBlock).await?;
	Ok(created.field("Datanets", "DatanetCreated")?)
}

/// The runtime takes the digest of its metadata that RFC 78 defines, and no other. Returns it.
async fn metadata_hash_should_be_checked(node: &Node) -> [u8; 32] {
	let digest = node.metadata_hash().await.expect("a digest of the metadata");
	let right = validity(node, digest).await.expect("the node answers");
	assert!(
		right.is_valid(),
		"the runtime's metadata hash is not that of its metadata: {right:?}"
	);
	let wrong = validity(node, [7; 32]).await.expect("the node answers");
	assert!(!wrong.is_valid(), "any metadata hash passes");
	digest
}

/// What the runtime says of a transaction signed with this metadata hash.
async fn validity(node: &Node, metadata_hash: [u8; 32]) -> Result<ValidationResult> {
	let call = dynamic::tx("System", "remark", Composite::unnamed([Value::from_bytes(b"")]));
	let alice = subxt_signer::sr25519::dev::alice();
	let mut transactions = node.client.tx().await?;
	let signed = transactions
		.create_signed(&call, &alice, signing(0, Some(metadata_hash)))
		.await?;
	Ok(signed.validate().await?)
}

/// What the chain's blocks say about one account's transactions.
#[derive(Default)]
struct Sent {
	/// The mode byte of `CheckMetadataHash` in each.
	modes: BTreeSet<u8>,
	/// Errors of those that failed, in order.
	errors: Vec<String>,
}

/// What all blocks of the chain say.
#[derive(Default)]
struct Seen {
	sent: BTreeMap<AccountId, Sent>,
	/// Item, round and voter of each revealed vote.
	revealed: BTreeSet<(ItemId, RoundIndex, AccountId)>,
	/// Account, epoch, pool and plancks of each claim.
	claimed: Vec<(AccountId, EpochIndex, Pool, Balance)>,
}

impl Seen {
	async fn read(chain: &Subxt, node: &Node) -> Result<Self> {
		let mut seen = Self::default();
		for number in 1..=chain.head().await?.number {
			let hash = chain.block_hash(number).await?.context("a block of the best chain")?;
			let events = chain.events(hash).await?;
			for event in &events {
				seen.note(event)?;
			}
			let block = node.client.at_block(H256(hash)).await?;
			for extrinsic in block.extrinsics().fetch().await?.iter() {
				let extrinsic = extrinsic?;
				// An inherent is signed by nobody.
				let Some(mut address) = extrinsic.address_bytes() else {
					continue;
				};
				let MultiAddress::Id(signer) = MultiAddress::<AccountId, ()>::decode(&mut address)? else {
					bail!("a signer that is not named by its account");
				};
				let sent = seen.sent.entry(signer).or_default();
				let extensions = extrinsic
					.transaction_extensions()
					.context("a signed extrinsic has extensions")?;
				let check = extensions
					.iter()
					.find(|extension| extension.name() == "CheckMetadataHash");
				sent.modes.insert(check.context("the extension is there")?.bytes()[0]);
				let own = |event: &&Event| event.extrinsic == Some(extrinsic.index() as u32);
				let failed = events
					.iter()
					.filter(own)
					.find(|event| event.is("System", "ExtrinsicFailed"));
				if let Some(error) = failed.and_then(|event| event.error.as_ref()) {
					sent.errors.push(error.name.clone());
				}
			}
		}
		Ok(seen)
	}

	fn note(&mut self, event: &Event) -> Result<()> {
		if event.is("Validation", "Revealed") {
			self.revealed.insert(event.decode()?);
		}
		if event.is("Rewards", "RewardClaimed") {
			self.claimed.push(event.decode()?);
		}
		Ok(())
	}
}

/// What the client of this index did, as the chain has it.
async fn check(chain: &Subxt, seen: &Seen, index: usize, report: &Report) -> Result<()> {
	let (contributor, validator) = (account(&contributor(index)), account(&validator(index)));
	let item = Query::new(chain)
		.item(report.item)
		.await?
		.context("the item is there")?;
	ensure!(
		item.contributor == contributor,
		"item {} is somebody else's",
		report.item
	);
	let outcome = matches!(item.outcome, Outcome::Accepted { score: SCORE, units, .. } if units == item.payload.size);
	ensure!(outcome, "item {} ended as {:?}", report.item, item.outcome);

	for item in 0..CLIENTS.len() as ItemId {
		let voted = seen
			.revealed
			.iter()
			.any(|(on, _, voter)| *on == item && *voter == validator);
		ensure!(voted, "no vote on item {item} by {}", address(&validator));
	}
	let claims: Vec<_> = seen.claimed.iter().filter(|(who, ..)| *who == contributor).collect();
	let amount: Balance = report.claimed.parse()?;
	ensure!(
		claims
			== [&(
				contributor.clone(),
				report.epoch,
				Pool::Contributors(Modality::Text),
				amount
			)],
		"claimed {claims:?}, said {report:?}"
	);
	ensure!(amount > 0, "claimed nothing");

	// The one failure is the claim before its time, which the client named as the chain did.
	ensure!(
		report.refused == "Rewards.EpochNotClosed",
		"a claim too early was refused as {}",
		report.refused
	);
	let mode = u8::from(CLIENTS[index].1);
	for (who, errors) in [(contributor, vec!["EpochNotClosed".to_string()]), (validator, vec![])] {
		let sent = seen.sent.get(&who).context("the account sent transactions")?;
		ensure!(sent.errors == errors, "{} failed with {:?}", address(&who), sent.errors);
		ensure!(
			sent.modes == [mode].into(),
			"{} signed in modes {:?}",
			address(&who),
			sent.modes
		);
	}
	Ok(())
}

/// What polkadot.js apps and its library call on every chain they open.
const METHODS: [&str; 28] = [
	"author_insertKey",
	"author_pendingExtrinsics",
	"author_rotateKeys",
	"author_submitAndWatchExtrinsic",
	"author_submitExtrinsic",
	"babe_epochAuthorship",
	"chain_getBlock",
	"chain_getBlockHash",
	"chain_getFinalizedHead",
	"chain_getHeader",
	"chain_subscribeAllHeads",
	"chain_subscribeFinalizedHeads",
	"chain_subscribeNewHeads",
	"payment_queryFeeDetails",
	"payment_queryInfo",
	"state_call",
	"state_getKeysPaged",
	"state_getMetadata",
	"state_getRuntimeVersion",
	"state_queryStorageAt",
	"state_subscribeRuntimeVersion",
	"state_subscribeStorage",
	"system_accountNextIndex",
	"system_chain",
	"system_health",
	"system_name",
	"system_properties",
	"system_version",
];

#[test]
fn a_node_should_have_what_polkadot_js_apps_asks_for() {
	let folder = Folder::new().expect("a temporary folder");
	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let url = start_dev_node(&mut processes, folder.path()).expect("the node starts; scripts/test.sh builds it");
	let address = url.trim_start_matches("ws://");
	let rpc = Rpc::new(address);

	let properties = rpc.call("system_properties", json!([])).expect("an answer");
	assert_eq!(
		properties,
		json!({ "ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "OPEN" })
	);
	let methods = rpc.call("rpc_methods", json!([])).expect("an answer");
	let methods: Vec<String> = serde_json::from_value(methods["methods"].clone()).expect("names");
	let missing: Vec<_> = METHODS
		.iter()
		.filter(|method| !methods.iter().any(|name| name == *method))
		.collect();
	assert!(missing.is_empty(), "the node lacks {missing:?}");
	// A page of another origin may read the answers.
	let allowed = allowed_origin(address, "https://polkadot.js.org").expect("an answer");
	assert!(
		["*", "https://polkadot.js.org"].contains(&allowed.as_str()),
		"pages of polkadot.js.org are refused: {allowed:?}"
	);
}

/// What the node answers to a browser that asks whether a page of `origin` may call it.
fn allowed_origin(address: &str, origin: &str) -> Result<String> {
	let mut stream = TcpStream::connect(address)?;
	write!(
		stream,
		"OPTIONS / HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
		 Access-Control-Request-Headers: content-type\r\nConnection: close\r\n\r\n"
	)?;
	let mut answer = String::new();
	stream.read_to_string(&mut answer)?;
	let allowed = answer.lines().find_map(|line| {
		let (name, value) = line.split_once(':')?;
		name.eq_ignore_ascii_case("access-control-allow-origin")
			.then(|| value.trim().to_string())
	});
	Ok(allowed.unwrap_or_default())
}

/// `openledger-trainer serve`, spoken to by the `openai` package.
#[test]
fn the_openai_package_should_be_answered() {
	let libraries = install().expect("the client's libraries are installed");
	let folder = Folder::new().expect("a temporary folder");
	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/tiny-llama");
	let mut server = Command::new(binaries().expect("the binaries are built").join("openledger-trainer"));
	server.args(["serve", "--listen", "127.0.0.1:0", "--name", "tiny", "--model"]);
	server.arg(fixture.join("model"));
	for adapter in ["init", "trained"] {
		let dir = fixture.join(format!("adapter_{adapter}"));
		server.args(["--adapter", &format!("{adapter}={}", dir.display())]);
	}
	processes.start("serve", &mut server).expect("the server starts");
	let line = processes
		.wait_for_line("serve", "listening on ", STARTUP)
		.expect("the server listens");
	let url = line.trim_start_matches("listening on ");

	let arguments = [url, "tiny", "init", "trained"];
	let client = Client::start("openai_client.py", &libraries, &folder.logs(), &arguments);
	let mut clients = [client.expect("the client starts")];
	let reports = wait_for_reports(&mut clients, SCENARIO).expect("the client is content");
	let answers: BTreeMap<String, String> = serde_json::from_str(&reports[0]).expect("a line of JSON");
	assert_eq!(answers.len(), 3);
	assert_ne!(answers["tiny"], answers["trained"], "an adapter changes the answer");
	processes.check().expect("the server still runs");
}
