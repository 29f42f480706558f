//! A process that is killed in the middle of its writes leaves a store that opens and is whole.

use std::{
	io::{BufRead, BufReader, Write},
	path::Path,
	process::{Command, Stdio},
	time::Duration,
};

use payload_store::{Cid, LocalStore, PayloadStore};

/// Names the store's folder to the child process, which is this test started again.
const CHILD: &str = "PAYLOAD_STORE_CRASH_CHILD";
const SOON: Duration = Duration::from_secs(20);

/// Payload `n` of run `run`: small ones, and every fourth of several blocks.
fn payload(run: u32, n: u32) -> Vec<u8> {
	let length = if n % 4 == 3 {
		(1 << 20) + 1 + n as usize
	} else {
		1000 + n as usize
	};
	let seed = (run * 100_003 + n) as u8;
	let mut bytes: Vec<u8> = (0..length)
		.map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed))
		.collect();
	bytes.extend_from_slice(&run.to_le_bytes());
	bytes.extend_from_slice(&n.to_le_bytes());
	bytes
}

/// Puts payloads until it is killed, printing each CID once it is stored, and unpins every fifth again.
async fn write_for_ever(folder: &Path, run: u32) {
	let store = LocalStore::open(folder).unwrap();
	for n in 0.. {
		let cid = store.put(payload(run, n).into()).await.unwrap().cid;
		if n % 5 == 4 {
			store.unpin(&cid).await.unwrap();
			continue;
		}
		let mut out = std::io::stdout().lock();
		writeln!(out, "stored {cid}").and_then(|()| out.flush()).unwrap();
	}
}

#[tokio::test]
async fn killed_writer_should_leave_a_whole_store() {
	if let Some(folder) = std::env::var_os(CHILD) {
		let run = std::env::var("RUN").unwrap().parse().unwrap();
		return write_for_ever(Path::new(&folder), run).await;
	}
	let folder = tempfile::tempdir().unwrap();
	let mut promised: Vec<Cid> = Vec::new();
	for run in 0..6u32 {
		let mut child = Command::new(std::env::current_exe().unwrap())
			.args(["--exact", "killed_writer_should_leave_a_whole_store", "--nocapture"])
			.env(CHILD, folder.path())
			.env("RUN", run.to_string())
			.stdout(Stdio::piped())
			.stderr(Stdio::null())
			.spawn()
			.unwrap();
		let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
		// Each run is killed after another number of payloads, wherever the next one is by then.
		let mut stored = 0;
		while stored < 3 + 2 * run {
			let line = lines.next().expect("the child writes until it is killed").unwrap();
			if let Some(cid) = line.split_once("stored ").map(|(_, cid)| cid.parse().unwrap()) {
				promised.push(cid);
				stored += 1;
			}
		}
		child.kill().unwrap();
		child.wait().unwrap();
		promised.extend(
			lines
				.map_while(Result::ok)
				.filter_map(|line| line.split_once("stored ")?.1.parse::<Cid>().ok()),
		);

		let store = LocalStore::open(folder.path()).unwrap();
		let audit = store.audit().await.unwrap();
		assert!(
			audit.corrupt.is_empty() && audit.missing.is_empty(),
			"run {run}: {audit:?}"
		);
		for cid in &promised {
			store
				.get(cid, 2 << 20, SOON)
				.await
				.unwrap_or_else(|error| panic!("run {run}: {error}"));
		}
		for pinned in store.pinned() {
			store.get(&pinned.stored.cid, 2 << 20, SOON).await.unwrap();
		}
		assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
	}
}
