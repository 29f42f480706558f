//! The worker's HTTP server: what its jobs are doing, their metrics as they come, its health, and numbers for Prometheus.

use super::beat::POLL;
use super::error::{Result, WorkerError};
use super::status::{JobView, Status};
use axum::extract::{Path, State};
use axum::http::{header, HeaderMap, StatusCode, Uri};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::{stream, Stream, StreamExt};
use openledger_http::{Exposition, Limited};
use openledger_primitives::JobId;
use openledger_serve::ApiError;
use serde_json::{json, Value};
use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{watch, OwnedSemaphorePermit, Semaphore};

/// Connections open at once; more wait.
const CONNECTIONS: usize = 64;
/// Streams of metrics at once; fewer than connections, so that a scrape finds room.
const STREAMS: usize = 32;
/// Bytes of metrics read at once.
const CHUNK: u64 = 1 << 16;

#[derive(Clone)]
struct Server {
	status: Arc<Status>,
	streams: Arc<Semaphore>,
	closed: watch::Receiver<bool>,
}

/// Answers until it is told to end; answers under way are finished, streams are ended.
pub async fn serve(listener: TcpListener, status: Arc<Status>, closed: watch::Receiver<bool>) -> std::io::Result<()> {
	let server = Server {
		status,
		streams: Arc::new(Semaphore::new(STREAMS)),
		closed: closed.clone(),
	};
	axum::serve(Limited::new(listener, CONNECTIONS), router(server))
		.with_graceful_shutdown(over(closed))
		.await
}

async fn over(mut closed: watch::Receiver<bool>) {
	// An error means that nobody is left to tell.
	let _ = closed.wait_for(|closed| *closed).await;
}

fn router(server: Server) -> Router {
	Router::new()
		.route("/jobs", get(jobs))
		.route("/jobs/{id}", get(job))
		.route("/jobs/{id}/metrics", get(job_metrics))
		.route("/health", get(health))
		.route("/metrics", get(metrics))
		.fallback(|uri: Uri| async move {
			let message = format!(
				"there is nothing at {}; see /jobs, /jobs/ID, /jobs/ID/metrics, /health, /metrics",
				uri.path()
			);
			ApiError::new(StatusCode::NOT_FOUND, "no_such_path", message)
		})
		.with_state(server)
}

async fn jobs(State(server): State<Server>) -> Json<Value> {
	Json(json!({ "jobs": server.status.jobs() }))
}

async fn job(State(server): State<Server>, Path(id): Path<String>) -> Result<Json<JobView>, ApiError> {
	server.find(&id).map(Json)
}

/// Whoever runs the process restarts it when this does not answer. That the node is away is no reason: it comes back.
async fn health(State(server): State<Server>) -> Json<Value> {
	Json(json!({
		"status": "ok",
		"job": server.status.current().map(|view| view.job),
		"chain_head_age_seconds": server.status.head_age(),
	}))
}

async fn metrics(State(server): State<Server>) -> Exposition {
	server.status.exposition()
}

/// The lines of a run's metrics.jsonl, those there are and those to come, each an event whose id is its step.
///
/// `Last-Event-ID` leaves out the steps up to that one. At the job's end an event `end` has the job, and clients close.
async fn job_metrics(
	State(server): State<Server>,
	Path(id): Path<String>,
	headers: HeaderMap,
) -> Result<Response, ApiError> {
	let view = server.find(&id)?;
	let Ok(place) = server.streams.clone().try_acquire_owned() else {
		let message = "too many follow metrics already; try again later";
		return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message));
	};
	let after = headers
		.get("last-event-id")
		.and_then(|id| id.to_str().ok()?.parse().ok())
		.unwrap_or(0);
	let tail = Tail::new(view.metrics(), after);
	let events = follow(server, view.job, tail, place);
	let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
	// A proxy must not collect events before it passes them on.
	response
		.headers_mut()
		.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
	Ok(response)
}

impl Server {
	fn find(&self, id: &str) -> Result<JobView, ApiError> {
		let id: Option<JobId> = id.parse().ok();
		let found = id.and_then(|id| self.status.job(id));
		found.ok_or_else(|| {
			let message = "this worker knows no such job; /jobs lists those that it does";
			ApiError::new(StatusCode::NOT_FOUND, "job_not_found", message)
		})
	}
}

fn follow(
	server: Server,
	id: JobId,
	tail: Tail,
	place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
	let events = stream::unfold(Some((server, tail, place)), move |state| async move {
		let (server, mut tail, place) = state?;
		loop {
			// Before the lines are read: what is written until the job ends is among them.
			let view = server.status.job(id);
			let read = tokio::task::spawn_blocking(move || {
				let lines = tail.read();
				(tail, lines)
			});
			let Ok((back, lines)) = read.await else { return None };
			tail = back;
			match lines {
				Err(error) => {
					tracing::warn!("job {id}: {error}");
					return None;
				}
				Ok(lines) if !lines.is_empty() => {
					let lines = lines.into_iter();
					let events = lines.map(|(step, line)| sse::Event::default().id(step.to_string()).data(line));
					return Some((events.collect::<Vec<_>>(), Some((server, tail, place))));
				}
				Ok(_) => {}
			}
			let view = match view {
				Some(view) if view.phase.is_live() && !*server.closed.borrow() => view,
				ended => {
					let end = json!(ended).to_string();
					return Some((vec![sse::Event::default().event("end").data(end)], None));
				}
			};
			drop(view);
			tokio::select! {
				_ = tokio::time::sleep(POLL) => {}
				_ = over(server.closed.clone()) => {}
			}
		}
	});
	events.map(stream::iter).flatten().map(Ok)
}

/// The lines of a file that grows, or that is written anew up to an earlier step by a run that goes on.
struct Tail {
	path: PathBuf,
	/// The step that was given out last.
	step: u64,
	/// The file that was read last, and how far.
	inode: u64,
	offset: u64,
}

impl Tail {
	fn new(path: PathBuf, step: u64) -> Self {
		Self {
			path,
			step,
			inode: 0,
			offset: 0,
		}
	}

	/// What was written since, or a part of it; nothing where nothing was.
	fn read(&mut self) -> Result<Vec<(u64, String)>> {
		loop {
			let io = || WorkerError::io(&self.path);
			let mut file = match File::open(&self.path) {
				Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
				file => file.map_err(io())?,
			};
			let found = file.metadata().map_err(io())?;
			if found.ino() != self.inode || found.len() < self.offset {
				(self.inode, self.offset) = (found.ino(), 0);
			}
			file.seek(SeekFrom::Start(self.offset)).map_err(io())?;
			let mut bytes = Vec::new();
			file.take(CHUNK).read_to_end(&mut bytes).map_err(io())?;
			// The last line may be half written.
			let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
			if whole == 0 {
				return Ok(Vec::new());
			}
			self.offset += whole as u64;
			let mut lines = Vec::new();
			for line in String::from_utf8_lossy(&bytes[..whole]).lines() {
				let value: Option<Value> = serde_json::from_str(line).ok();
				let step = value.and_then(|value| value.get("step")?.as_u64());
				if let Some(step) = step.filter(|step| *step > self.step) {
					self.step = step;
					lines.push((step, line.to_owned()));
				}
			}
			if !lines.is_empty() {
				return Ok(lines);
			}
		}
	}
}
