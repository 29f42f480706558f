//! A daemon on loopback that speaks as much of Kubo's RPC as the store uses, and lies on request.

use std::{
	collections::{HashMap, HashSet},
	sync::{Arc, Mutex},
};

use axum::{
	body::Body,
	extract::{Multipart, Query, State},
	http::StatusCode,
	response::{IntoResponse, Response},
	routing::post,
	Router,
};
use bytes::Bytes;
use futures::stream;
use payload_store::import;
use serde_json::json;

/// What the daemon does to the calls it gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
	Honest,
	/// Answers `add` with the CID of something else, and pins of something else.
	WrongCid,
	/// Answers `cat` with other bytes of the same length.
	WrongBytes,
	/// Never ends an answer.
	Endless,
	/// Takes the call and says nothing.
	Silent,
	/// Answers with what is not its protocol.
	Babbling,
	/// Ends an answer before its promised length.
	CutShort,
}

#[derive(Default)]
pub struct Repo {
	pub files: HashMap<String, Bytes>,
	pub pins: HashSet<String>,
	/// The query of the last `add`.
	pub add_query: HashMap<String, String>,
}

#[derive(Clone)]
pub struct Daemon {
	pub url: String,
	pub repo: Arc<Mutex<Repo>>,
	mood: Arc<Mutex<Mood>>,
}

type Arguments = Query<HashMap<String, String>>;

impl Daemon {
	pub async fn start() -> Self {
		let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
		let daemon = Self {
			url: format!("http://{}", listener.local_addr().unwrap()),
			repo: Arc::default(),
			mood: Arc::new(Mutex::new(Mood::Honest)),
		};
		let app = Router::new()
			.route("/api/v0/add", post(add))
			.route("/api/v0/cat", post(cat))
			.route("/api/v0/pin/add", post(pin_add))
			.route("/api/v0/pin/rm", post(pin_rm))
			.route("/api/v0/block/stat", post(block_stat))
			.route("/api/v0/version", post(version))
			.layer(axum::extract::DefaultBodyLimit::disable())
			.with_state(daemon.clone());
		tokio::spawn(async move { axum::serve(listener, app).await });
		daemon
	}

	pub fn set_mood(&self, mood: Mood) {
		*self.mood.lock().unwrap() = mood;
	}

	/// The answer that the mood gives whatever was asked; none where it answers honestly.
	async fn nonsense(&self) -> Option<Response> {
		let mood = *self.mood.lock().unwrap();
		match mood {
			Mood::Silent => std::future::pending().await,
			Mood::Endless => {
				let piece = Bytes::from(vec![b' '; 16 << 10]);
				let pieces = stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
				Some(Body::from_stream(pieces).into_response())
			}
			Mood::Babbling => Some("<html>welcome</html>".into_response()),
			_ => None,
		}
	}

	fn is(&self, mood: Mood) -> bool {
		*self.mood.lock().unwrap() == mood
	}
}

fn error(message: &str) -> Response {
	let body = json!({ "Message": message, "Code": 0, "Type": "error" });
	(StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
}

async fn add(State(daemon): State<Daemon>, Query(query): Arguments, mut form: Multipart) -> Response {
	let mut bytes = Bytes::new();
	while let Ok(Some(field)) = form.next_field().await {
		bytes = field.bytes().await.unwrap_or_default();
	}
	if let Some(nonsense) = daemon.nonsense().await {
		return nonsense;
	}
	let cid = import(&bytes).cid.to_string();
	let size = bytes.len().to_string();
	let mut repo = daemon.repo.lock().unwrap();
	repo.add_query = query;
	repo.files.insert(cid.clone(), bytes);
	repo.pins.insert(cid.clone());
	let said = if daemon.is(Mood::WrongCid) {
		import(b"another").cid.to_string()
	} else {
		cid
	};
	axum::Json(json!({ "Name": said, "Hash": said, "Size": size })).into_response()
}

async fn cat(State(daemon): State<Daemon>, Query(query): Arguments) -> Response {
	if let Some(nonsense) = daemon.nonsense().await {
		return nonsense;
	}
	let Some(bytes) = daemon.repo.lock().unwrap().files.get(&query["arg"]).cloned() else {
		return error("block was not found locally (offline): ipld: could not find node");
	};
	if daemon.is(Mood::WrongBytes) {
		return bytes.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>().into_response();
	}
	if daemon.is(Mood::CutShort) {
		let half = Ok::<_, std::io::Error>(bytes.slice(..bytes.len() / 2));
		let cut = Err(std::io::Error::other("cut"));
		return Body::from_stream(stream::iter([half, cut])).into_response();
	}
	bytes.into_response()
}

async fn pin_add(State(daemon): State<Daemon>, Query(query): Arguments) -> Response {
	if let Some(nonsense) = daemon.nonsense().await {
		return nonsense;
	}
	let mut repo = daemon.repo.lock().unwrap();
	if !repo.files.contains_key(&query["arg"]) {
		return error("pin: ipld: could not find node");
	}
	repo.pins.insert(query["arg"].clone());
	pins(&daemon, &query)
}

async fn pin_rm(State(daemon): State<Daemon>, Query(query): Arguments) -> Response {
	if let Some(nonsense) = daemon.nonsense().await {
		return nonsense;
	}
	if !daemon.repo.lock().unwrap().pins.remove(&query["arg"]) {
		return error("not pinned or pinned indirectly");
	}
	pins(&daemon, &query)
}

fn pins(daemon: &Daemon, query: &HashMap<String, String>) -> Response {
	let said = if daemon.is(Mood::WrongCid) {
		import(b"another").cid.to_string()
	} else {
		query["arg"].clone()
	};
	axum::Json(json!({ "Pins": [said] })).into_response()
}

async fn block_stat(State(daemon): State<Daemon>, Query(query): Arguments) -> Response {
	if let Some(nonsense) = daemon.nonsense().await {
		return nonsense;
	}
	match daemon.repo.lock().unwrap().files.get(&query["arg"]) {
		Some(bytes) => axum::Json(json!({ "Key": query["arg"], "Size": bytes.len() })).into_response(),
		None => error("block was not found locally (offline)"),
	}
}

async fn version(State(daemon): State<Daemon>) -> Response {
	match daemon.nonsense().await {
		Some(nonsense) => nonsense,
		None => axum::Json(json!({ "Version": "0.30.0", "Commit": "", "Repo": "16" })).into_response(),
	}
}
