//! A node process, what it answers, and what it says of the blocks it makes.

use std::{
	fs::File,
	io::Read,
	net::TcpListener,
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};
use serde_json::{json, Value};
use tokio::time::sleep;

const STARTUP: Duration = Duration::from_secs(120);
/// A lone authority that talks to nobody, keeps everything and takes more extrinsics than fit into a block. The key names it
/// in a network that it has not.
const ARGUMENTS: &str = "--alice --validator --force-authoring --no-mdns --listen-addr /ip4/127.0.0.1/tcp/0 \
	--node-key 0000000000000000000000000000000000000000000000000000000000000001 \
	--database paritydb --state-pruning archive --blocks-pruning archive --no-prometheus --no-telemetry \
	--rpc-max-request-size 64 --rpc-max-response-size 64 --pool-limit 100000 --pool-kbytes 1000000";
/// Extrinsics a request.
const BATCH: usize = 200;

/// A block that the node has made.
#[derive(Clone, Debug)]
pub struct Made {
	pub number: u32,
	/// From its first inherent to its storage root.
	pub millis: f64,
	/// Without the inherents.
	pub extrinsics: u32,
	/// Nothing more fitted into its weight.
	pub full: bool,
}

pub struct Node {
	process: Child,
	log: PathBuf,
	url: String,
	client: reqwest::Client,
}

impl Node {
	/// Starts the node on the database below `folder` and waits until it answers.
	pub async fn start(binary: &Path, spec: &Path, folder: &Path) -> Result<Self> {
		let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
		let log = folder.join("node.log");
		let process = Command::new(binary)
			.args(ARGUMENTS.split_whitespace())
			.args(["--rpc-port", &port.to_string(), "--chain"])
			.arg(spec)
			.arg("--base-path")
			.arg(folder)
			.stdout(Stdio::null())
			.stderr(File::create(&log)?)
			.spawn()
			.with_context(|| format!("start {}", binary.display()))?;
		let mut node = Self {
			process,
			log,
			url: format!("http://127.0.0.1:{port}"),
			client: reqwest::Client::new(),
		};
		let started = Instant::now();
		while node.call("system_health", json!([])).await.is_err() {
			if let Some(status) = node.process.try_wait()? {
				bail!("the node ended with {status}; see {}", node.log.display());
			}
			ensure!(
				started.elapsed() < STARTUP,
				"the node does not answer; see {}",
				node.log.display()
			);
			sleep(Duration::from_millis(200)).await;
		}
		Ok(node)
	}

	pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
		let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
		let answer: Value = self.client.post(&self.url).json(&request).send().await?.json().await?;
		ensure!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
		Ok(answer["result"].clone())
	}

	/// Submits extrinsics; the first refusal is an error.
	pub async fn submit(&self, extrinsics: &[Vec<u8>]) -> Result<()> {
		for batch in extrinsics.chunks(BATCH) {
			let requests: Vec<Value> = batch
				.iter()
				.enumerate()
				.map(|(id, extrinsic)| {
					let hex = format!("0x{}", hex::encode(extrinsic));
					json!({ "jsonrpc": "2.0", "id": id, "method": "author_submitExtrinsic", "params": [hex] })
				})
				.collect();
			let answers: Vec<Value> = self.client.post(&self.url).json(&requests).send().await?.json().await?;
			if let Some(refused) = answers.iter().find(|answer| answer.get("error").is_some()) {
				bail!("an extrinsic was refused: {}", refused["error"]);
			}
		}
		Ok(())
	}

	/// Values of storage keys, in their order.
	pub async fn storage(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
		let mut values = vec![];
		for batch in keys.chunks(BATCH) {
			let names: Vec<String> = batch.iter().map(|key| format!("0x{}", hex::encode(key))).collect();
			let answer = self.call("state_queryStorageAt", json!([names])).await?;
			for (index, name) in names.iter().enumerate() {
				let change = &answer[0]["changes"][index];
				ensure!(change[0] == json!(name), "the node answered another key");
				let value = change[1]
					.as_str()
					.map(|hex| hex::decode(hex.trim_start_matches("0x")))
					.transpose()?;
				values.push(value);
			}
		}
		Ok(values)
	}

	/// All blocks made so far, by what the node says in its log.
	pub fn made(&self) -> Result<Vec<Made>> {
		let mut log = String::new();
		File::open(&self.log)?.read_to_string(&mut log)?;
		Ok(log.lines().filter_map(made).collect())
	}

	/// Waits until a block above `number` is made, and returns the last one.
	pub async fn next_block(&mut self, number: u32) -> Result<u32> {
		loop {
			if let Some(last) = self.made()?.last().filter(|made| made.number > number) {
				return Ok(last.number);
			}
			if let Some(status) = self.process.try_wait()? {
				bail!("the node ended with {status}; see {}", self.log.display());
			}
			sleep(Duration::from_millis(50)).await;
		}
	}
}

impl Drop for Node {
	fn drop(&mut self) {
		let _ = self.process.kill();
		let _ = self.process.wait();
	}
}

/// `… Prepared block for proposing at 5 (340 ms) hash: 0x…; …; end: NoMoreTransactions; extrinsics_count: 1974`.
fn made(line: &str) -> Option<Made> {
	/// The timestamp is the only extrinsic that nobody submitted.
	const INHERENTS: u32 = 1;
	let rest = line.split("Prepared block for proposing at ").nth(1)?;
	let mut words = rest.split(' ');
	let number = words.next()?.parse().ok()?;
	let millis = words.next()?.trim_start_matches('(').parse().ok()?;
	let count: u32 = rest.rsplit("extrinsics_count: ").next()?.trim().parse().ok()?;
	Some(Made {
		number,
		millis,
		extrinsics: count.saturating_sub(INHERENTS),
		full: rest.contains("HitBlockWeightLimit"),
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_line_of_the_log_should_be_read() {
		let line =
			"2026-01-01 00:00:00 🎁 Prepared block for proposing at 7 (341 ms) hash: 0xab; parent_hash: 0xcd; end: \
			HitBlockWeightLimit; extrinsics_count: 1975";
		let block = made(line).expect("it is such a line");
		assert_eq!((block.number, block.extrinsics, block.full), (7, 1974, true));
		assert!(made("2026-01-01 00:00:00 💤 Idle").is_none());
	}
}
