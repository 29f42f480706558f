use std::os::unix::fs::PermissionsExt;

use chain_client::{keys, AccountId, DispatchError, Event, Memory};
use openledger_primitives::{
	format::{Format, Modality},
	item::{Case, Item},
	payload::Payload,
	plant::{is_under, Opened as Bits, PlantBatch},
	vote::Verdict,
};

use super::*;

const DATANET: DatanetId = 3;
const BATCH: BatchId = 8;
const TEXTS: [&[u8]; 3] = [b"good", b"bad", b"never contributed"];

fn payload(text: &[u8]) -> Payload {
	payload_store::import(text).payload(Format::Markdown)
}

/// A list of the texts: by a file, a CID and a digest.
fn list(folder: &Path) -> PathBuf {
	std::fs::write(folder.join("good.md"), TEXTS[0]).unwrap();
	let path = folder.join("list");
	let (cid, digest) = (payload(TEXTS[1]).cid(), ::hex::encode(payload(TEXTS[2]).sha256));
	std::fs::write(
		&path,
		format!("# known answers\naccept good.md\nreject {cid}\n\naccept {digest}\n"),
	)
	.unwrap();
	path
}

fn owner() -> Signer {
	Signer::from_suri("//Owner").unwrap()
}

/// A chain on which these were posted.
fn planted(secrets: &Secrets) -> Memory {
	let chain = Memory::new();
	let batch = PlantBatch {
		datanet: DATANET,
		owner: owner().account().clone(),
		root: root(&secrets.leaves()),
		count: secrets.plants.len() as u16,
		bond: 1,
		from: 5,
		until: 90,
		opened: Bits::default(),
	};
	chain.set(keys::map("Validation", "PlantBatches", BATCH), batch);
	chain
}

/// An item of the Datanet with this text and phase.
fn submit(chain: &Memory, id: ItemId, text: &[u8], phase: Phase) {
	let item = Item {
		datanet: DATANET,
		contributor: AccountId::new([1; 32]),
		payload: payload(text),
		possession: None,
		submitted_at: 6,
		day: 0,
		outcome: Outcome::InReview,
	};
	chain.set(keys::entry("Datanets", "NextItem"), id + 1);
	chain.set(keys::numbered("Datanets", "Items", id), item);
	let case = Case {
		datanet: DATANET,
		bytes: 1_000,
		modality: Modality::Text,
		contributor: AccountId::new([1; 32]),
		round: 0,
		phase,
		fee: 0,
		unsettled: 0,
		challenges: 0,
		penalty: None,
	};
	chain.set(keys::map("Validation", "Cases", id), case);
}

fn provisional() -> Phase {
	Phase::Provisional {
		verdict: Verdict::Accept { score: 50, units: 1 },
		until: 40,
	}
}

#[tokio::test]
async fn what_is_posted_should_be_the_root_of_what_is_written() {
	let folder = tempfile::tempdir().unwrap();
	let (list, to) = (list(folder.path()), folder.path().join("secrets"));
	let chain = Memory::new();
	// The fake has no batch; what it was sent is what counts.
	let error = post(&chain, &owner(), &list, DATANET, &to).await.err().unwrap();
	assert!(error.to_string().contains("no open batch"));
	assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
	let secrets = read_secrets(&to).unwrap();
	let leaves = secrets.leaves();
	assert_eq!(
		chain.submitted().pop().unwrap().call,
		calls::plant(DATANET, root(&leaves), 3)
	);
	let contents: Vec<_> = secrets.plants.iter().map(|plant| (plant.sha256, plant.right)).collect();
	let expected = TEXTS.map(|text| payload(text).sha256);
	assert_eq!(
		contents,
		[(expected[0], true), (expected[1], false), (expected[2], true)]
	);
	assert_ne!(secrets.plants[0].salt, secrets.plants[1].salt);
	assert!(
		post(&chain, &owner(), &list, DATANET, &to).await.is_err(),
		"salts are never overwritten"
	);
}

#[tokio::test]
async fn salts_of_what_the_chain_refused_should_not_stay() {
	let folder = tempfile::tempdir().unwrap();
	let to = folder.path().join("secrets");
	let chain = Memory::new();
	let error = DispatchError {
		pallet: "Validation".into(),
		name: "NotDatanetOwner".into(),
		docs: String::new(),
	};
	chain.script(Err(chain_client::ChainError::Dispatch { error, block: 1 }));
	assert!(post(&chain, &owner(), &list(folder.path()), DATANET, &to)
		.await
		.is_err());
	assert!(!to.exists());
}

#[tokio::test]
async fn a_list_that_cannot_be_planted_should_say_why() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("list");
	let big = payload_store::import(&vec![7; (1 << 20) + 1])
		.payload(Format::Markdown)
		.cid();
	for (text, said) in [
		("".to_owned(), "lists 0 files"),
		("maybe good.md".into(), "no verdict"),
		("accept no-such-file".into(), "nor a file"),
		(format!("accept {big}"), "many blocks"),
		(format!("accept {0}\nreject {0}", "ab".repeat(32)), "planted already"),
	] {
		std::fs::write(&path, &text).unwrap();
		let error = read_list(&path).err().expect(&text);
		assert!(format!("{error:#}").contains(said), "{text}: {error:#}");
		assert_eq!(crate::failure::classify(&error).0, Kind::Usage, "{text}");
	}
}

#[tokio::test]
async fn only_plants_with_a_provisional_verdict_should_be_opened() {
	let folder = tempfile::tempdir().unwrap();
	let secrets = Secrets {
		genesis: Memory::new().genesis().await.unwrap(),
		datanet: DATANET,
		plants: read_list(&list(folder.path())).unwrap(),
	};
	let chain = planted(&secrets);
	submit(&chain, 0, TEXTS[0], Phase::Voting);
	submit(&chain, 1, b"not planted", provisional());
	let (batch, block, opened) = open(&chain, &owner(), &secrets, None).await.unwrap();
	assert_eq!((batch, block, opened.len()), (BATCH, None, 0));
	assert!(open(&chain, &owner(), &secrets, Some(0)).await.is_err());
	assert!(chain.submitted().is_empty());

	submit(&chain, 2, TEXTS[1], provisional());
	let leaves = secrets.leaves();
	let proof = proof(&leaves, 1).unwrap();
	assert!(is_under(&root(&leaves), leaves[1], 1, &proof));
	let failed = Event {
		pallet: "Utility".into(),
		name: "ItemFailed".into(),
		fields: vec![],
		extrinsic: Some(1),
		error: Some(DispatchError {
			pallet: "Validation".into(),
			name: "PlantsExpired".into(),
			docs: String::new(),
		}),
	};
	chain.script(Ok(chain.outcome(vec![failed])));
	let (_, _, opened) = open(&chain, &owner(), &secrets, None).await.unwrap();
	let opening = calls::open_plant(BATCH, 1, 2, false, secrets.plants[1].salt, &proof);
	assert_eq!(chain.submitted().pop().unwrap().call, calls::force_batch(vec![opening]));
	assert_eq!(opened[0].error.as_deref(), Some("PlantsExpired"));
}
