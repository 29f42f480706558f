//! Payloads in an IPFS daemon, over Kubo's RPC.
//!
//! The daemon is a disk with a network: what it says is checked. Roots are computed here before anything is added, bytes
//! are hashed before they are given out, every call has a deadline, and answers are read up to a cap. (The library reads
//! an error's text without a cap, within the deadline.)
//!
//! The RPC port administers the daemon: it belongs on loopback, and adding a payload may announce it to the whole network.

use std::{io::Cursor, path::Path, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{stream::BoxStream, StreamExt, TryStreamExt};
use ipfs_api_backend_hyper::{request, Error as ApiFailure, Form, IpfsClient};
use ipfs_api_prelude::{ApiRequest, Backend, TryFromUri};
use openledger_primitives::payload::Cid;
use serde::{Deserialize, Serialize};
use tokio_util::{compat::TokioAsyncReadCompatExt, io::ReaderStream};

use crate::{import, import_file, receive, within, Health, Opened, PayloadStore, Result, StoreError, Stored};

/// Answers that are not payloads are a few hundred bytes.
const MAX_REPLY_BYTES: usize = 64 << 10;

/// The chunker of the import profile, as Kubo names it.
const CHUNKER: &str = "size-1048576";

/// A Kubo daemon. Clones share its connections.
#[derive(Clone)]
pub struct KuboStore {
	client: IpfsClient,
	url: String,
	deadline: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AddReply {
	hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PinsReply {
	pins: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionReply {
	version: String,
}

/// `block/stat` that does not ask the network.
#[derive(Serialize)]
struct BlockStat<'a> {
	arg: &'a str,
	offline: bool,
}

impl ApiRequest for BlockStat<'_> {
	const PATH: &'static str = "/block/stat";
}

impl KuboStore {
	/// A client of the daemon at `url`, for example `http://127.0.0.1:5001`. Nothing is sent yet. Calls that take no
	/// deadline of their own are given up after `deadline`.
	pub fn new(url: &str, deadline: Duration) -> Result<Self> {
		let invalid = |reason: String| StoreError::InvalidUrl {
			url: url.to_owned(),
			reason,
		};
		if !url.starts_with("http://") {
			return Err(invalid("it must begin with http://".into()));
		}
		let client = <IpfsClient as TryFromUri>::from_str(url).map_err(|error| invalid(error.to_string()))?;
		Ok(Self {
			client,
			url: url.trim_end_matches('/').to_owned(),
			deadline,
		})
	}

	fn failed(&self, error: ApiFailure) -> StoreError {
		match error {
			ApiFailure::Api(error) => StoreError::Refused {
				url: self.url.clone(),
				code: error.code.to_string(),
				message: error.message,
			},
			ApiFailure::Client(error) => StoreError::Unreachable {
				url: self.url.clone(),
				reason: error.to_string(),
			},
			error => self.invalid(error),
		}
	}

	fn invalid(&self, reason: impl ToString) -> StoreError {
		StoreError::InvalidReply {
			url: self.url.clone(),
			reason: reason.to_string(),
		}
	}

	/// The pieces of an answer as they come.
	fn stream(
		&self,
		request: impl ApiRequest,
		form: Option<Form<'static>>,
	) -> Result<BoxStream<'static, Result<Bytes>>> {
		let request = self
			.client
			.build_base_request(request, form)
			.map_err(|error| self.failed(error))?;
		let store = self.clone();
		Ok(self
			.client
			.request_stream_bytes(request)
			.map_err(move |error| store.failed(error))
			.boxed())
	}

	/// A small answer.
	async fn call(&self, request: impl ApiRequest, form: Option<Form<'static>>) -> Result<Bytes> {
		let mut stream = self.stream(request, form)?;
		let mut reply = BytesMut::new();
		while let Some(piece) = stream.next().await {
			let piece = piece?;
			if reply.len() + piece.len() > MAX_REPLY_BYTES {
				return Err(self.invalid("it is too long"));
			}
			reply.extend_from_slice(&piece);
		}
		Ok(reply.freeze())
	}

	/// Sends a file and checks that the daemon gives it the root that it has.
	async fn add(&self, form: Form<'static>, stored: Stored) -> Result<Stored> {
		let options = request::Add {
			cid_version: Some(1),
			raw_leaves: Some(true),
			chunker: Some(CHUNKER),
			hash: Some("sha2-256"),
			pin: Some(true),
			..Default::default()
		};
		let reply = self.call(options, Some(form)).await?;
		// One line of JSON a file; there is one file.
		let reply: AddReply = serde_json::from_slice(&reply).map_err(|error| self.invalid(error))?;
		if Cid::parse(&reply.hash) != Ok(stored.cid) {
			return Err(StoreError::WrongCid {
				expected: stored.cid,
				got: reply.hash,
			});
		}
		Ok(stored)
	}

	fn cat(&self, cid: &Cid) -> Result<BoxStream<'static, Result<Bytes>>> {
		self.stream(
			request::Cat {
				path: &cid.to_string(),
				offset: None,
				length: None,
			},
			None,
		)
	}

	/// Whether `reply` names the pin that was asked for.
	fn check_pins(&self, cid: &Cid, reply: &[u8]) -> Result<()> {
		let reply: PinsReply = serde_json::from_slice(reply).map_err(|error| self.invalid(error))?;
		if reply.pins.iter().any(|pin| Cid::parse(pin) == Ok(*cid)) {
			return Ok(());
		}
		Err(StoreError::WrongCid {
			expected: *cid,
			got: reply.pins.join(" "),
		})
	}
}

#[async_trait]
impl PayloadStore for KuboStore {
	async fn put(&self, bytes: Bytes) -> Result<Stored> {
		let stored = import(&bytes).stored();
		let mut form = Form::default();
		form.add_reader("file", Cursor::new(bytes));
		within("add", self.deadline, self.add(form, stored)).await
	}

	async fn put_file(&self, file: &Path) -> Result<Stored> {
		let path = file.to_owned();
		let stored = tokio::task::spawn_blocking(move || import_file(&path))
			.await
			.map_err(|_| StoreError::Stopped)??;
		let open = tokio::fs::File::open(file)
			.await
			.map_err(|source| StoreError::io(file, source))?;
		let mut form = Form::default();
		form.add_async_reader("file", open.compat());
		within("add", self.deadline, self.add(form, stored)).await
	}

	async fn open(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Opened> {
		within("cat", deadline, async {
			let (stored, file) = receive::to_unnamed_file(self.cat(cid)?, cid, cap).await?;
			let bytes = ReaderStream::new(file).map_err(|error| StoreError::io(std::env::temp_dir(), error));
			Ok(Opened {
				size: stored.size,
				bytes: bytes.boxed(),
			})
		})
		.await
	}

	async fn get(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Bytes> {
		within("cat", deadline, async {
			receive::to_bytes(self.cat(cid)?, cid, cap).await
		})
		.await
	}

	async fn get_file(&self, cid: &Cid, cap: u64, deadline: Duration, to: &Path) -> Result<Stored> {
		within("cat", deadline, async {
			receive::to_file(self.cat(cid)?, cid, cap, to).await
		})
		.await
	}

	async fn pin(&self, cid: &Cid) -> Result<()> {
		within("pin/add", self.deadline, async {
			let request = request::PinAdd {
				key: &cid.to_string(),
				recursive: Some(true),
				progress: false,
			};
			self.check_pins(cid, &self.call(request, None).await?)
		})
		.await
	}

	async fn unpin(&self, cid: &Cid) -> Result<()> {
		within("pin/rm", self.deadline, async {
			match self
				.call(
					request::PinRm {
						key: &cid.to_string(),
						recursive: true,
					},
					None,
				)
				.await
			{
				Err(StoreError::Refused { message, .. }) if message.contains("not pinned") => Ok(()),
				reply => self.check_pins(cid, &reply?),
			}
		})
		.await
	}

	/// Asks for the root alone: a claim, which only a `get` proves.
	async fn has(&self, cid: &Cid) -> Result<bool> {
		within("block/stat", self.deadline, async {
			match self
				.call(
					BlockStat {
						arg: &cid.to_string(),
						offline: true,
					},
					None,
				)
				.await
			{
				Ok(_) => Ok(true),
				Err(StoreError::Refused { .. }) => Ok(false),
				Err(error) => Err(error),
			}
		})
		.await
	}

	async fn health(&self) -> Result<Health> {
		within("version", self.deadline, async {
			let reply = self.call(request::Version, None).await?;
			let VersionReply { version } = serde_json::from_slice(&reply).map_err(|error| self.invalid(error))?;
			Ok(Health {
				store: format!("kubo {version}"),
				payloads: None,
				free_bytes: None,
			})
		})
		.await
	}
}
