//! [`KuboStore`] against a daemon on loopback, honest and lying.

mod support;

use std::time::Duration;

use bytes::Bytes;
use payload_store::{import, KuboStore, PayloadStore, StoreError};
use support::{Daemon, Mood};

const SOON: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);
const CAP: u64 = 4 << 20;

fn sample(length: usize) -> Bytes {
	(0..length).map(|n| (n / 3 + n % 251) as u8).collect()
}

async fn start() -> (Daemon, KuboStore) {
	let daemon = Daemon::start().await;
	let store = KuboStore::new(&daemon.url, SOON).unwrap();
	(daemon, store)
}

#[tokio::test]
async fn payload_should_come_back_as_it_was_put() {
	let (daemon, store) = start().await;
	let folder = tempfile::tempdir().unwrap();
	for length in [0, 1, (1 << 20) + 1, 3 << 20] {
		let bytes = sample(length);
		let stored = store.put(bytes.clone()).await.unwrap();
		assert_eq!(stored, import(&bytes).stored());
		assert!(store.has(&stored.cid).await.unwrap());
		assert_eq!(store.get(&stored.cid, CAP, SOON).await.unwrap(), bytes);

		let file = folder.path().join(length.to_string());
		assert_eq!(store.get_file(&stored.cid, CAP, SOON, &file).await.unwrap(), stored);
		assert_eq!(std::fs::read(&file).unwrap(), bytes);
		assert_eq!(store.put_file(&file).await.unwrap(), stored);
		assert_eq!(store.open(&stored.cid, CAP, SOON).await.unwrap().size, length as u64);
	}
	let query = daemon.repo.lock().unwrap().add_query.clone();
	for (name, value) in [
		("cid-version", "1"),
		("raw-leaves", "true"),
		("chunker", "size-1048576"),
		("pin", "true"),
		("hash", "sha2-256"),
	] {
		assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
	}
}

#[tokio::test]
async fn pins_should_be_set_and_taken_back() {
	let (daemon, store) = start().await;
	let cid = store.put(sample(10)).await.unwrap().cid;
	store.unpin(&cid).await.unwrap();
	assert!(daemon.repo.lock().unwrap().pins.is_empty());
	store.unpin(&cid).await.unwrap();
	store.pin(&cid).await.unwrap();
	assert!(daemon.repo.lock().unwrap().pins.contains(&cid.to_string()));
	let absent = import(b"absent").cid;
	assert!(matches!(store.pin(&absent).await, Err(StoreError::Refused { .. })));
	assert!(!store.has(&absent).await.unwrap());
	assert_eq!(store.health().await.unwrap().store, "kubo 0.30.0");
}

#[tokio::test]
async fn wrong_cid_should_be_refused_when_adding_and_pinning() {
	let (daemon, store) = start().await;
	let cid = store.put(sample(10)).await.unwrap().cid;
	daemon.set_mood(Mood::WrongCid);
	assert!(matches!(store.put(sample(10)).await, Err(StoreError::WrongCid { expected, .. }) if expected == cid));
	assert!(matches!(store.pin(&cid).await, Err(StoreError::WrongCid { .. })));
}

#[tokio::test]
async fn wrong_bytes_should_never_be_given_out() {
	let (daemon, store) = start().await;
	let folder = tempfile::tempdir().unwrap();
	let cid = store.put(sample(2 << 20)).await.unwrap().cid;
	daemon.set_mood(Mood::WrongBytes);
	assert!(
		matches!(store.get(&cid, CAP, SOON).await, Err(StoreError::WrongBytes { expected, .. }) if expected == cid)
	);
	assert!(matches!(
		store.open(&cid, CAP, SOON).await,
		Err(StoreError::WrongBytes { .. })
	));
	let got = store.get_file(&cid, CAP, SOON, &folder.path().join("file")).await;
	assert!(matches!(got, Err(StoreError::WrongBytes { .. })));
	assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn long_answers_should_be_cut_at_the_cap() {
	let (daemon, store) = start().await;
	let cid = store.put(sample(1000)).await.unwrap().cid;
	assert!(matches!(
		store.get(&cid, 999, SOON).await,
		Err(StoreError::TooLarge { cap: 999, .. })
	));
	daemon.set_mood(Mood::Endless);
	assert!(matches!(
		store.get(&cid, CAP, SOON).await,
		Err(StoreError::TooLarge { .. })
	));
	assert!(matches!(
		store.put(sample(10)).await,
		Err(StoreError::InvalidReply { .. })
	));
	assert!(matches!(store.health().await, Err(StoreError::InvalidReply { .. })));
}

#[tokio::test]
async fn silence_should_end_with_the_deadline() {
	let (daemon, store) = start().await;
	let cid = store.put(sample(10)).await.unwrap().cid;
	daemon.set_mood(Mood::Silent);
	assert!(matches!(
		store.get(&cid, CAP, SHORT).await,
		Err(StoreError::Deadline { deadline: SHORT, .. })
	));
	let hasty = KuboStore::new(&daemon.url, SHORT).unwrap();
	assert!(matches!(
		hasty.put(sample(10)).await,
		Err(StoreError::Deadline { operation: "add", .. })
	));
	assert!(matches!(
		hasty.pin(&cid).await,
		Err(StoreError::Deadline {
			operation: "pin/add",
			..
		})
	));
	assert!(matches!(
		hasty.unpin(&cid).await,
		Err(StoreError::Deadline {
			operation: "pin/rm",
			..
		})
	));
	assert!(matches!(hasty.has(&cid).await, Err(StoreError::Deadline { .. })));
	assert!(matches!(hasty.health().await, Err(StoreError::Deadline { .. })));
}

#[tokio::test]
async fn nonsense_and_breaks_should_have_names() {
	let (daemon, store) = start().await;
	let cid = store.put(sample(1000)).await.unwrap().cid;
	daemon.set_mood(Mood::Babbling);
	assert!(matches!(
		store.put(sample(10)).await,
		Err(StoreError::InvalidReply { .. })
	));
	assert!(matches!(store.pin(&cid).await, Err(StoreError::InvalidReply { .. })));
	daemon.set_mood(Mood::CutShort);
	assert!(matches!(
		store.get(&cid, CAP, SOON).await,
		Err(StoreError::Unreachable { .. })
	));

	let unused = std::net::TcpListener::bind("127.0.0.1:0")
		.unwrap()
		.local_addr()
		.unwrap();
	let gone = KuboStore::new(&format!("http://{unused}"), SOON).unwrap();
	assert!(matches!(gone.health().await, Err(StoreError::Unreachable { .. })));
	assert!(matches!(
		KuboStore::new("ftp://x", SOON),
		Err(StoreError::InvalidUrl { .. })
	));
	assert!(matches!(
		KuboStore::new("http://", SOON),
		Err(StoreError::InvalidUrl { .. })
	));
}
