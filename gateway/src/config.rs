use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use payload_store::MAX_ARTIFACT_BYTES;

use crate::Kind;

/// Serves payloads and models' files over HTTP.
///
/// Contributed files are given out only once an item on chain carries them. The first line on standard output is
/// `listening on http://…`; the log goes to standard error (RUST_LOG sets how much).
#[derive(Parser, Clone, Debug)]
#[command(name = "openledger-gateway", version)]
pub struct Args {
	/// Address to listen on; port 0 takes a free one
	#[arg(long, default_value = "127.0.0.1:8080")]
	pub listen: SocketAddr,
	/// WebSocket of the node that is asked what is on chain
	#[arg(long, default_value = "ws://127.0.0.1:9944", env = "OPENLEDGER_NODE")]
	pub node: String,
	/// Folder for the payloads' blocks; made if it is not there
	#[arg(long, value_name = "DIR")]
	pub store: PathBuf,
	/// RPC address of a Kubo daemon that gets a copy of all that is announced, for example http://127.0.0.1:5001
	#[arg(long, value_name = "URL")]
	pub kubo: Option<String>,
	/// Bytes of free disk below which uploads are refused
	#[arg(long, value_name = "BYTES", default_value_t = Limits::default().reserve_bytes)]
	pub reserve: u64,
	/// Seconds after which an uploaded payload that no item carries is removed
	#[arg(long, value_name = "SECONDS", default_value_t = Limits::default().payload_ttl.as_secs())]
	pub payload_ttl: u64,
	/// Seconds after which an uploaded artifact that no model or job carries is removed
	#[arg(long, value_name = "SECONDS", default_value_t = Limits::default().artifact_ttl.as_secs())]
	pub artifact_ttl: u64,
	/// Uploads at once; more are told to come back
	#[arg(long, value_name = "N", default_value_t = Limits::default().max_uploads)]
	pub max_uploads: usize,
}

impl Args {
	pub fn limits(&self) -> Limits {
		Limits {
			reserve_bytes: self.reserve,
			payload_ttl: Duration::from_secs(self.payload_ttl),
			artifact_ttl: Duration::from_secs(self.artifact_ttl),
			max_uploads: self.max_uploads,
			..Limits::default()
		}
	}
}

/// What the gateway allows.
#[derive(Clone, Debug)]
pub struct Limits {
	/// Bytes of one payload: the chain takes no larger item.
	pub payload_bytes: u64,
	/// Bytes of one artifact: a shard of a checkpoint.
	pub artifact_bytes: u64,
	/// Bytes of disk that uploads leave free.
	pub reserve_bytes: u64,
	/// Uploads at once.
	pub max_uploads: usize,
	/// Connections at once; more wait to be accepted.
	pub max_connections: usize,
	/// Longest pause in the middle of an upload.
	pub upload_pause: Duration,
	/// How long a payload waits for its item.
	pub payload_ttl: Duration,
	/// How long an artifact waits for its model: a large one is uploaded file by file before it is registered.
	pub artifact_ttl: Duration,
	/// Time between two looks for what nobody announced.
	pub sweep_every: Duration,
}

impl Default for Limits {
	fn default() -> Self {
		Self {
			payload_bytes: 10_000_000,
			artifact_bytes: MAX_ARTIFACT_BYTES,
			reserve_bytes: 1 << 30,
			max_uploads: 32,
			max_connections: 1024,
			upload_pause: Duration::from_secs(30),
			payload_ttl: Duration::from_secs(60 * 60),
			artifact_ttl: Duration::from_secs(24 * 60 * 60),
			sweep_every: Duration::from_secs(60),
		}
	}
}

impl Limits {
	/// Most bytes of one file of this kind.
	pub fn cap(&self, kind: Kind) -> u64 {
		match kind {
			Kind::Payload => self.payload_bytes,
			Kind::Artifact => self.artifact_bytes,
		}
	}

	/// How long a file of this kind may stay without being announced.
	pub fn ttl(&self, kind: Kind) -> Duration {
		match kind {
			Kind::Payload => self.payload_ttl,
			Kind::Artifact => self.artifact_ttl,
		}
	}
}
