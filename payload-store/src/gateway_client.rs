//! Payloads through a gateway's HTTP interface.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use openledger_primitives::payload::Cid;
use reqwest::{Body, Client, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::{sleep, Instant};
use tokio_util::io::ReaderStream;

use crate::{import, import_file, receive, within, Health, Opened, PayloadStore, Result, StoreError, Stored};

/// Answers that are not payloads are a few hundred bytes.
const MAX_REPLY_BYTES: usize = 64 << 10;
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const HEALTH_DEADLINE: Duration = Duration::from_secs(10);
/// The first pause before a call is made again; doubled up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Which of a gateway's two collections is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
	/// Contributed files of at most 10 MB, given out once an item on chain carries them.
	Payload,
	/// Files of models: base models, adapters, manifests, checkpoints.
	Artifact,
}

impl Kind {
	const fn path(self) -> &'static str {
		match self {
			Self::Payload => "payloads",
			Self::Artifact => "artifacts",
		}
	}
}

/// A gateway. Clones share its connections.
///
/// Calls are repeated within their deadline while the gateway is busy, cannot be reached, or has not seen the block
/// yet that announces a payload; a caller who wants none of that gives a short deadline.
#[derive(Clone)]
pub struct GatewayClient {
	client: Client,
	base: Url,
	kind: Kind,
	deadline: Duration,
}

#[derive(Deserialize)]
struct ErrorReply {
	error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
	code: String,
	message: String,
	#[serde(default)]
	hint: String,
}

impl GatewayClient {
	/// A client of the gateway at `url`, for example `http://127.0.0.1:8080`. Nothing is sent yet. Uploads are given up
	/// after `deadline`.
	pub fn new(url: &str, kind: Kind, deadline: Duration) -> Result<Self> {
		let invalid = |reason: String| StoreError::InvalidUrl {
			url: url.to_owned(),
			reason,
		};
		let mut base = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
		if base.scheme() != "http" || base.host_str().is_none() {
			return Err(invalid("it must begin with http:// and name a host".into()));
		}
		if !base.path().ends_with('/') {
			base.set_path(&format!("{}/", base.path()));
		}
		let mut builder = Client::builder()
			.connect_timeout(CONNECT_DEADLINE)
			.redirect(reqwest::redirect::Policy::none());
		if matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
			// A proxy of the environment cannot reach this machine's loopback.
			builder = builder.no_proxy();
		}
		let client = builder.build().map_err(|error| invalid(error.to_string()))?;
		Ok(Self {
			client,
			base,
			kind,
			deadline,
		})
	}

	/// The same gateway's other collection.
	pub fn of_kind(&self, kind: Kind) -> Self {
		Self { kind, ..self.clone() }
	}

	fn url(&self, path: &str) -> Url {
		self.base
			.join(path)
			.expect("a path of letters, digits and slashes is one")
	}

	fn unreachable(&self, error: reqwest::Error) -> StoreError {
		// reqwest's own text stops at "error sending request"; the cause says what happened.
		let mut reason = error.to_string();
		let mut cause = std::error::Error::source(&error);
		while let Some(error) = cause {
			reason = format!("{reason}: {error}");
			cause = error.source();
		}
		StoreError::Unreachable {
			url: self.base.to_string(),
			reason,
		}
	}

	fn invalid(&self, reason: impl ToString) -> StoreError {
		StoreError::InvalidReply {
			url: self.base.to_string(),
			reason: reason.to_string(),
		}
	}

	/// A small answer's body.
	async fn body(&self, response: Response) -> Result<Vec<u8>> {
		let mut body = Vec::new();
		let mut stream = response.bytes_stream();
		while let Some(piece) = stream.next().await {
			let piece = piece.map_err(|error| self.unreachable(error))?;
			if body.len() + piece.len() > MAX_REPLY_BYTES {
				return Err(self.invalid("it is too long"));
			}
			body.extend_from_slice(&piece);
		}
		Ok(body)
	}

	/// The error that a refusal stands for.
	async fn refusal(&self, response: Response, cid: Option<&Cid>) -> StoreError {
		let status = response.status();
		let body = match self.body(response).await {
			Ok(body) => body,
			Err(error) => return error,
		};
		let Ok(ErrorReply { error }) = serde_json::from_slice(&body) else {
			return self.invalid(format!("status {status} without an error that it names"));
		};
		match (error.code.as_str(), cid) {
			("not_announced", Some(cid)) => StoreError::NotAnnounced { cid: *cid },
			("not_found", Some(cid)) => StoreError::NotFound { cid: *cid },
			_ => {
				let separator = if error.hint.is_empty() { "" } else { "; " };
				let message = format!("{}{separator}{}", error.message, error.hint);
				StoreError::Refused {
					url: self.base.to_string(),
					code: error.code,
					message,
				}
			}
		}
	}

	async fn upload(&self, stored: Stored, body: impl Fn() -> Result<Body> + Sync) -> Result<Stored> {
		self.repeat("upload", self.deadline, || async {
			let request = self.client.post(self.url(self.kind.path())).body(body()?);
			let response = request.send().await.map_err(|error| self.unreachable(error))?;
			if !response.status().is_success() {
				return Err(self.refusal(response, Some(&stored.cid)).await);
			}
			let reply = self.body(response).await?;
			let reply: Stored = serde_json::from_slice(&reply).map_err(|error| self.invalid(error))?;
			if reply != stored {
				return Err(StoreError::WrongCid {
					expected: stored.cid,
					got: reply.cid.to_string(),
				});
			}
			Ok(stored)
		})
		.await
	}

	async fn download(&self, cid: &Cid) -> Result<impl Stream<Item = Result<Bytes>> + Send + 'static> {
		let url = self.url(&format!("{}/{cid}", self.kind.path()));
		let response = self
			.client
			.get(url)
			.send()
			.await
			.map_err(|error| self.unreachable(error))?;
		if response.status() != StatusCode::OK {
			return Err(self.refusal(response, Some(cid)).await);
		}
		let client = self.clone();
		Ok(response.bytes_stream().map_err(move |error| client.unreachable(error)))
	}

	/// Calls until it succeeds, fails for good, or the deadline is over; then the last failure is the answer.
	async fn repeat<T, F>(&self, operation: &'static str, deadline: Duration, call: impl Fn() -> F + Sync) -> Result<T>
	where
		F: std::future::Future<Output = Result<T>>,
	{
		let end = Instant::now() + deadline;
		let mut pause = MIN_PAUSE;
		loop {
			let left = end.saturating_duration_since(Instant::now());
			match within(operation, left, call()).await {
				Err(error) if is_passing(&error) && Instant::now() + pause < end => {
					sleep(pause).await;
					pause = (pause * 2).min(MAX_PAUSE);
				}
				Err(StoreError::Deadline { operation, .. }) => {
					return Err(StoreError::Deadline { operation, deadline })
				}
				result => return result,
			}
		}
	}
}

/// Whether the same call may succeed a little later.
fn is_passing(error: &StoreError) -> bool {
	match error {
		StoreError::NotAnnounced { .. } | StoreError::Unreachable { .. } => true,
		StoreError::Refused { code, .. } => code == "busy" || code == "chain_unavailable",
		_ => false,
	}
}

#[async_trait]
impl PayloadStore for GatewayClient {
	async fn put(&self, bytes: Bytes) -> Result<Stored> {
		let stored = import(&bytes).stored();
		self.upload(stored, || Ok(Body::from(bytes.clone()))).await
	}

	async fn put_file(&self, file: &Path) -> Result<Stored> {
		let path = file.to_owned();
		let stored = tokio::task::spawn_blocking(move || import_file(&path))
			.await
			.map_err(|_| StoreError::Stopped)??;
		self.upload(stored, || {
			let open = std::fs::File::open(file).map_err(|source| StoreError::io(file, source))?;
			Ok(Body::wrap_stream(ReaderStream::new(tokio::fs::File::from_std(open))))
		})
		.await
	}

	async fn open(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Opened> {
		self.repeat("download", deadline, || async {
			let (stored, file) = receive::to_unnamed_file(self.download(cid).await?, cid, cap).await?;
			let bytes = ReaderStream::new(file).map_err(|error| StoreError::io(std::env::temp_dir(), error));
			Ok(Opened {
				size: stored.size,
				bytes: bytes.boxed(),
			})
		})
		.await
	}

	async fn get(&self, cid: &Cid, cap: u64, deadline: Duration) -> Result<Bytes> {
		self.repeat("download", deadline, || async {
			receive::to_bytes(self.download(cid).await?, cid, cap).await
		})
		.await
	}

	async fn get_file(&self, cid: &Cid, cap: u64, deadline: Duration, to: &Path) -> Result<Stored> {
		self.repeat("download", deadline, || async {
			receive::to_file(self.download(cid).await?, cid, cap, to).await
		})
		.await
	}

	/// A gateway keeps what the chain carries; nobody else decides.
	async fn pin(&self, _cid: &Cid) -> Result<()> {
		Err(StoreError::Unsupported {
			store: "a gateway",
			operation: "pin",
		})
	}

	async fn unpin(&self, _cid: &Cid) -> Result<()> {
		Err(StoreError::Unsupported {
			store: "a gateway",
			operation: "unpin",
		})
	}

	/// Whether the gateway would give the payload out now.
	async fn has(&self, cid: &Cid) -> Result<bool> {
		within("head", HEALTH_DEADLINE, async {
			let url = self.url(&format!("{}/{cid}", self.kind.path()));
			let response = self
				.client
				.head(url)
				.send()
				.await
				.map_err(|error| self.unreachable(error))?;
			match response.status() {
				StatusCode::OK => Ok(true),
				StatusCode::NOT_FOUND => Ok(false),
				status => Err(self.invalid(format!("status {status}"))),
			}
		})
		.await
	}

	async fn health(&self) -> Result<Health> {
		within("health", HEALTH_DEADLINE, async {
			let response = self
				.client
				.get(self.url("health"))
				.send()
				.await
				.map_err(|error| self.unreachable(error))?;
			if !response.status().is_success() {
				return Err(self.refusal(response, None).await);
			}
			Ok(Health {
				store: format!("gateway {}", self.base),
				payloads: None,
				free_bytes: None,
			})
		})
		.await
	}
}
