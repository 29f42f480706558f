use super::*;
use crate::{import, testing::sample};
use std::sync::atomic::{AtomicU64, Ordering};

const MIB: usize = 1 << 20;
const SOON: Duration = Duration::from_secs(10);

fn path_of(store: &LocalStore, cid: &Cid) -> std::path::PathBuf {
	store.inner.disk.path(Folder::Blocks, cid)
}

fn block_count(store: &LocalStore) -> usize {
	store.inner.disk.cids(Folder::Blocks).unwrap().len()
}

async fn put(store: &LocalStore, bytes: &[u8]) -> Stored {
	store.put(Bytes::copy_from_slice(bytes)).await.unwrap()
}

#[tokio::test]
async fn get_should_give_what_was_put_even_after_reopening() {
	let folder = tempfile::tempdir().unwrap();
	let mut stored = Vec::new();
	let store = LocalStore::open(folder.path()).unwrap();
	for length in [0, 1, MIB, MIB + 1, 3 * MIB + 5] {
		let bytes = sample(length);
		let got = put(&store, &bytes).await;
		assert_eq!(got, import(&bytes).stored());
		stored.push((got, bytes));
	}
	drop(store);
	let store = LocalStore::open(folder.path()).unwrap();
	assert_eq!(store.pinned().len(), stored.len());
	for (stored, bytes) in stored {
		assert!(store.has(&stored.cid).await.unwrap());
		assert_eq!(store.stat(&stored.cid).unwrap().stored, stored);
		assert_eq!(store.get(&stored.cid, stored.size, SOON).await.unwrap(), bytes);
		let copy = folder.path().join("copy");
		assert_eq!(
			store.get_file(&stored.cid, stored.size, SOON, &copy).await.unwrap(),
			stored
		);
		assert_eq!(fs::read(copy).unwrap(), bytes);
	}
}

#[tokio::test]
async fn file_should_be_stored_as_its_bytes_are() {
	let folder = tempfile::tempdir().unwrap();
	let file = folder.path().join("file");
	fs::write(&file, sample(2 * MIB + 3)).unwrap();
	let store = LocalStore::open(folder.path().join("store")).unwrap();
	assert_eq!(
		store.put_file(&file).await.unwrap(),
		import(&sample(2 * MIB + 3)).stored()
	);
}

#[tokio::test]
async fn get_should_fail_by_name_when_unknown_or_too_large() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let absent = import(b"absent").cid;
	assert!(matches!(store.get(&absent, 10, SOON).await, Err(StoreError::NotFound { cid }) if cid == absent));
	assert!(matches!(store.pin(&absent).await, Err(StoreError::NotFound { .. })));
	let cid = put(&store, b"hello").await.cid;
	assert!(matches!(
		store.get(&cid, 4, SOON).await,
		Err(StoreError::TooLarge { cap: 4, .. })
	));
}

#[tokio::test]
async fn damaged_block_should_fail_by_name_until_the_payload_is_put_again() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let bytes = sample(2 * MIB + 9);
	let imported = import(&bytes);
	put(&store, &bytes).await;
	for block in &imported.blocks {
		let path = path_of(&store, &block.cid);
		let whole = fs::read(&path).unwrap();
		let mut flipped = whole.clone();
		flipped[whole.len() / 2] ^= 1;
		let truncated = whole[..whole.len() - 1].to_vec();
		for damage in [flipped, truncated, Vec::new(), [&whole[..], b"x"].concat()] {
			fs::write(&path, damage).unwrap();
			let got = store.get(&imported.cid, imported.size, SOON).await;
			assert!(
				matches!(got, Err(StoreError::Corrupt { block: named, .. }) if named == block.cid),
				"{got:?}"
			);
			assert_eq!(store.audit().await.unwrap().corrupt, [block.cid]);
			put(&store, &bytes).await;
			assert_eq!(store.get(&imported.cid, imported.size, SOON).await.unwrap(), bytes);
		}
		fs::remove_file(&path).unwrap();
		let got = store.get(&imported.cid, imported.size, SOON).await;
		assert!(
			matches!(got, Err(StoreError::Incomplete { block: named, .. }) if named == block.cid),
			"{got:?}"
		);
		assert_eq!(store.audit().await.unwrap().missing, [block.cid]);
		put(&store, &bytes).await;
	}
}

#[tokio::test]
async fn damaged_root_should_survive_reopening_and_keep_its_leaves() {
	let folder = tempfile::tempdir().unwrap();
	let bytes = sample(MIB + 1);
	let imported = import(&bytes);
	let store = LocalStore::open(folder.path()).unwrap();
	put(&store, &bytes).await;
	fs::write(path_of(&store, &imported.cid), b"damage").unwrap();
	drop(store);
	let store = LocalStore::open(folder.path()).unwrap();
	assert!(matches!(
		store.get(&imported.cid, imported.size, SOON).await,
		Err(StoreError::Corrupt { .. })
	));
	assert_eq!(block_count(&store), imported.blocks.len());
	put(&store, &bytes).await;
	assert_eq!(store.get(&imported.cid, imported.size, SOON).await.unwrap(), bytes);
	store.unpin(&imported.cid).await.unwrap();
	assert_eq!(block_count(&store), 0);
}

#[tokio::test]
async fn damaged_pin_should_be_rebuilt_from_the_blocks() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let stored = put(&store, &sample(MIB + 1)).await;
	let pin = store.inner.disk.path(Folder::Pins, &stored.cid);
	for damage in [&b""[..], &[7; PIN_BYTES], &[7; PIN_BYTES + 1]] {
		fs::write(&pin, damage).unwrap();
		let disk = Disk::open(folder.path(), disk::write_all()).unwrap();
		assert_eq!(load(&disk).unwrap().get(&stored.cid).unwrap().stored, stored);
		assert_eq!(fs::read(&pin).unwrap(), pin_bytes(&stored));
	}
}

#[tokio::test]
async fn unpin_should_delete_only_blocks_that_nobody_else_needs() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let shared = sample(MIB);
	let long = put(&store, &[&shared[..], b"tail"].concat()).await;
	let short = put(&store, &shared).await;
	assert_eq!(put(&store, &shared).await, short);
	assert_eq!(block_count(&store), 3);
	store.unpin(&long.cid).await.unwrap();
	store.unpin(&long.cid).await.unwrap();
	assert!(!store.has(&long.cid).await.unwrap());
	assert_eq!(block_count(&store), 1);
	assert_eq!(store.get(&short.cid, short.size, SOON).await.unwrap(), shared);
	store.unpin(&short.cid).await.unwrap();
	assert_eq!(block_count(&store), 0);
	drop(store);
	assert!(LocalStore::open(folder.path()).unwrap().pinned().is_empty());
}

#[tokio::test]
async fn payload_of_equal_chunks_should_store_the_chunk_once() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let bytes = vec![0; 3 * MIB];
	let stored = put(&store, &bytes).await;
	assert_eq!(block_count(&store), 2);
	assert_eq!(store.get(&stored.cid, stored.size, SOON).await.unwrap(), bytes);
	store.unpin(&stored.cid).await.unwrap();
	assert_eq!(block_count(&store), 0);
}

#[test]
fn second_open_should_be_refused_while_the_first_lives() {
	let folder = tempfile::tempdir().unwrap();
	let first = LocalStore::open(folder.path()).unwrap();
	assert!(matches!(
		LocalStore::open(folder.path()),
		Err(StoreError::Locked { .. })
	));
	drop(first);
	LocalStore::open(folder.path()).unwrap();
}

#[tokio::test]
async fn leftovers_of_a_crash_should_be_gone_after_reopening() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let kept = put(&store, b"kept").await;
	// A crash between the last block and the pin, and one in the middle of a block.
	let orphan = import(b"orphan").blocks.remove(0);
	store
		.inner
		.disk
		.write(Folder::Blocks, &orphan.cid, &orphan.bytes)
		.unwrap();
	fs::write(folder.path().join("tmp/half"), b"ha").unwrap();
	drop(store);
	let store = LocalStore::open(folder.path()).unwrap();
	assert_eq!(block_count(&store), 1);
	assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
	assert_eq!(&store.get(&kept.cid, 10, SOON).await.unwrap()[..], b"kept");
}

/// A disk that is full after `room` bytes, as a file on a full disk is: cut short, then refused.
fn full_after(room: Arc<AtomicU64>) -> Box<WriteAll> {
	Box::new(move |file, bytes| {
		use std::io::Write;
		let left = room.load(Ordering::SeqCst);
		let fits = bytes.len().min(left as usize);
		room.store(left - fits as u64, Ordering::SeqCst);
		file.write_all(&bytes[..fits])?;
		if fits < bytes.len() {
			return Err(std::io::ErrorKind::StorageFull.into());
		}
		Ok(())
	})
}

#[tokio::test]
async fn full_disk_should_leave_nothing_behind() {
	let folder = tempfile::tempdir().unwrap();
	let room = Arc::new(AtomicU64::new(0));
	let store = LocalStore::open_on(folder.path(), full_after(room.clone())).unwrap();
	let bytes = sample(3 * MIB);
	let imported = import(&bytes);
	let blocks: u64 = imported.blocks.iter().map(|block| block.bytes.len() as u64).sum();
	// Full at once, within the second leaf, within the root, within the pin.
	for left in [0, MIB as u64 + 5, 3 * MIB as u64 + 5, blocks + 5] {
		room.store(left, Ordering::SeqCst);
		let got = store.put(bytes.clone().into()).await;
		assert!(matches!(got, Err(StoreError::Full { .. })), "{got:?}");
		assert!(store.pinned().is_empty());
		assert_eq!(block_count(&store), 0);
		assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
	}
	room.store(u64::MAX / 2, Ordering::SeqCst);
	put(&store, &bytes).await;
	assert_eq!(store.get(&imported.cid, imported.size, SOON).await.unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_puts_and_unpins_should_never_lose_a_pinned_payload() {
	let folder = tempfile::tempdir().unwrap();
	let store = LocalStore::open(folder.path()).unwrap();
	let shared = sample(MIB);
	let mut tasks = tokio::task::JoinSet::new();
	for n in 0..8u8 {
		let (store, bytes) = (store.clone(), [&shared[..], &[n % 4]].concat());
		tasks.spawn(async move {
			for _ in 0..5 {
				let stored = store.put(bytes.clone().into()).await.unwrap();
				store.unpin(&stored.cid).await.unwrap();
			}
			store.put(bytes.into()).await.unwrap()
		});
	}
	let mut last = Vec::new();
	while let Some(stored) = tasks.join_next().await {
		last.push(stored.unwrap());
	}
	// A task's last put may be followed by another's unpin of the same payload, but what is pinned is whole.
	let audit = store.audit().await.unwrap();
	assert!(audit.corrupt.is_empty() && audit.missing.is_empty(), "{audit:?}");
	for pinned in store.pinned() {
		assert!(last.contains(&pinned.stored));
		store.get(&pinned.stored.cid, u64::MAX, SOON).await.unwrap();
	}
}
