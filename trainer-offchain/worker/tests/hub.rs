//! `hub download` against a server on the loopback that answers as the hub does. Only in a build with the feature:
//! `cargo test -p openledger-trainer --features hub --test hub`.
#![cfg(feature = "hub")]

use axum::extract::{Path as Segments, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use openledger_finetune::hash::hash_file;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_of_the_test";

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

/// A hub with one model, `owner/tiny` at `main`.
#[derive(Default)]
struct Hub {
	address: String,
	files: BTreeMap<String, Vec<u8>>,
	/// What it says that a file's sha256 is, where that is not so.
	wrong_hash: Option<&'static str>,
	/// Whether the place of the large files does not answer.
	is_away: AtomicBool,
	asked: Mutex<Vec<String>>,
}

impl Hub {
	fn of(model: &str) -> Self {
		let mut hub = Self::default();
		for entry in std::fs::read_dir(fixture(model)).unwrap() {
			let path = entry.unwrap().path();
			let name = path.file_name().unwrap().to_str().unwrap().to_owned();
			hub.files.insert(name, std::fs::read(&path).unwrap());
		}
		for other in ["README.md", "pytorch_model.bin", "onnx/model.onnx", ".gitattributes"] {
			hub.files.insert(other.into(), b"not read".to_vec());
		}
		hub
	}
}

async fn info(
	State(hub): State<Arc<Hub>>,
	Segments((owner, name, revision)): Segments<(String, String, String)>,
	headers: HeaderMap,
) -> Response {
	let is_allowed = headers
		.get(header::AUTHORIZATION)
		.is_some_and(|value| value == &format!("Bearer {TOKEN}"));
	let known =
		(owner.as_str(), name.as_str()) == ("owner", "tiny") && ["main", "refs/pr/1", COMMIT].contains(&&*revision);
	if !known || !is_allowed {
		return StatusCode::NOT_FOUND.into_response();
	}
	let siblings: Vec<_> = hub.files.keys().map(|name| json!({ "rfilename": name })).collect();
	Json(json!({ "id": "owner/tiny", "sha": COMMIT, "siblings": siblings })).into_response()
}

/// Small files come at once, large ones from another place, to which it leads.
async fn resolve(
	State(hub): State<Arc<Hub>>,
	Segments((owner, name, revision, file)): Segments<(String, String, String, String)>,
	headers: HeaderMap,
) -> Response {
	assert_eq!(
		(owner.as_str(), name.as_str(), revision.as_str()),
		("owner", "tiny", COMMIT)
	);
	hub.asked.lock().unwrap().push(file.clone());
	let Some(bytes) = hub.files.get(&file) else {
		return StatusCode::NOT_FOUND.into_response();
	};
	let commit = ("x-repo-commit", COMMIT.to_owned());
	if !file.ends_with(".safetensors") {
		let answer = ranged(bytes, &headers);
		return ([commit, ("etag", format!("\"{:0>40}\"", bytes.len()))], answer).into_response();
	}
	let hash = match hub.wrong_hash {
		Some(wrong) if wrong == file => "0".repeat(64),
		_ => sha256(bytes),
	};
	let location = ("location", format!("{}/elsewhere/{file}", hub.address));
	(
		StatusCode::FOUND,
		[commit, ("x-linked-etag", format!("\"{hash}\"")), location],
	)
		.into_response()
}

async fn elsewhere(State(hub): State<Arc<Hub>>, Segments(file): Segments<String>, headers: HeaderMap) -> Response {
	if hub.is_away.load(Ordering::Relaxed) {
		return StatusCode::SERVICE_UNAVAILABLE.into_response();
	}
	ranged(&hub.files[&file], &headers)
}

/// The bytes that are asked for.
fn ranged(bytes: &[u8], headers: &HeaderMap) -> Response {
	let range = headers[header::RANGE].to_str().unwrap().strip_prefix("bytes=").unwrap();
	let (from, to) = range.split_once('-').unwrap();
	let from: usize = from.parse().unwrap();
	let to = to.parse().map_or(bytes.len(), |last: usize| last + 1);
	let content = format!("bytes {from}-{}/{}", to - 1, bytes.len());
	(
		StatusCode::PARTIAL_CONTENT,
		[(header::CONTENT_RANGE, content)],
		bytes[from..to].to_vec(),
	)
		.into_response()
}

fn sha256(bytes: &[u8]) -> String {
	let file = tempfile::NamedTempFile::new().unwrap();
	std::fs::write(file.path(), bytes).unwrap();
	hash_file(file.path(), "").unwrap().sha256
}

/// A server of this hub on the loopback, until the runtime is dropped.
fn serve(mut hub: Hub) -> (tokio::runtime::Runtime, Arc<Hub>) {
	let runtime = tokio::runtime::Runtime::new().unwrap();
	let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
	hub.address = format!("http://{}", listener.local_addr().unwrap());
	let hub = Arc::new(hub);
	let router = Router::new()
		.route("/api/models/{owner}/{name}/revision/{revision}", get(info))
		.route("/{owner}/{name}/resolve/{revision}/{file}", get(resolve))
		.route("/elsewhere/{file}", get(elsewhere))
		.with_state(hub.clone());
	runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
	(runtime, hub)
}

fn download(hub: &Hub, dir: &Path, args: &[&str]) -> Output {
	let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-trainer"));
	command
		.args(["hub", "download"])
		.args(args)
		.current_dir(dir)
		.env("HF_ENDPOINT", &hub.address)
		.env("HF_HOME", dir.join("home"))
		.env("HF_TOKEN", TOKEN);
	command.output().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
	let entries = std::fs::read_dir(dir).unwrap();
	let mut names: Vec<String> = entries
		.map(|entry| entry.unwrap().file_name().into_string().unwrap())
		.collect();
	names.sort_unstable();
	names
}

fn stderr(output: &Output) -> String {
	String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_model_should_be_downloaded_whole_with_what_is_read_only() {
	for (model, revision) in [("tiny-llama/model", "main"), ("tiny-llama/model-sharded", "refs/pr/1")] {
		let (_runtime, hub) = serve(Hub::of(model));
		let dir = tempfile::tempdir().unwrap();
		let done = download(&hub, dir.path(), &["owner/tiny", "--revision", revision]);
		assert!(done.status.success(), "{}", stderr(&done));
		assert!(stderr(&done).contains(COMMIT) && !stderr(&done).contains(TOKEN));
		let out = dir.path().join("tiny");
		assert_eq!(names(&out), names(&fixture(model)));
		assert_eq!(names(dir.path()), ["tiny"], "nothing else is left");
		let mut printed = String::new();
		for name in names(&out) {
			assert_eq!(
				std::fs::read(out.join(&name)).unwrap(),
				std::fs::read(fixture(model).join(&name)).unwrap()
			);
			assert!(!out.join(&name).symlink_metadata().unwrap().is_symlink());
			let hash = hash_file(&out.join(&name), "").unwrap().sha256;
			printed += &format!("{hash}  {name}\n");
		}
		assert_eq!(String::from_utf8(done.stdout.clone()).unwrap(), printed);
		let asked = hub.asked.lock().unwrap();
		assert!(!asked
			.iter()
			.any(|name| name == "pytorch_model.bin" || name == "README.md"));

		let again = download(&hub, dir.path(), &["owner/tiny"]);
		assert_eq!(again.status.code(), Some(1));
		assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
	}
}

#[test]
fn what_is_not_there_or_cannot_be_used_should_be_refused_and_leave_nothing() {
	let refuse = |hub: Hub, args: &[&str], reason: &str| {
		let (_runtime, hub) = serve(hub);
		let dir = tempfile::tempdir().unwrap();
		let done = download(&hub, dir.path(), args);
		assert_eq!(done.status.code(), Some(1));
		assert!(stderr(&done).contains(reason), "{}", stderr(&done));
		assert!(names(dir.path()).is_empty(), "{reason}: {:?}", names(dir.path()));
		let asked = hub.asked.lock().unwrap().clone();
		asked
	};
	let tiny = || Hub::of("tiny-llama/model");
	refuse(tiny(), &["owner/tiny", "--revision", "v9"], "no such model or revision");
	refuse(tiny(), &["owner/other"], "no such model or revision");
	refuse(tiny(), &["owner/../tiny"], "no model's name");
	refuse(tiny(), &["owner/tiny", "--revision", "main?x"], "--revision");

	let mut hub = tiny();
	hub.files
		.insert("config.json".into(), br#"{"model_type": "mamba"}"#.to_vec());
	assert_eq!(refuse(hub, &["owner/tiny"], "`mamba`").last().unwrap(), "config.json");
	let mut hub = tiny();
	hub.files.remove("config.json");
	refuse(hub, &["owner/tiny"], "no config.json");
	let mut hub = tiny();
	hub.files.remove("model.safetensors");
	refuse(hub, &["owner/tiny"], "converted to safetensors");
	let mut hub = Hub::of("tiny-llama/model-sharded");
	hub.files.remove("model-00002-of-00003.safetensors");
	refuse(hub, &["owner/tiny"], "no model-00002-of-00003.safetensors");
	let mut hub = tiny();
	hub.files.get_mut("model.safetensors").unwrap().truncate(9_000);
	refuse(hub, &["owner/tiny"], "not a complete safetensors file");
	let mut hub = tiny();
	hub.wrong_hash = Some("model.safetensors");
	refuse(hub, &["owner/tiny"], "but the hub says 000");
	let mut hub = tiny();
	hub.files.insert("tokenizer.json".into(), b"{}".to_vec());
	refuse(hub, &["owner/tiny"], "tokenizer.json");
}

#[test]
fn a_download_that_broke_off_should_go_on_with_what_is_there() {
	let (_runtime, hub) = serve(Hub::of("tiny-llama/model"));
	let dir = tempfile::tempdir().unwrap();
	hub.is_away.store(true, Ordering::Relaxed);
	let args = ["owner/tiny", "--out", "deep/base"];
	let broken = download(&hub, dir.path(), &args);
	assert_eq!(broken.status.code(), Some(1));
	assert!(stderr(&broken).contains("model.safetensors"), "{}", stderr(&broken));
	assert_eq!(names(&dir.path().join("deep")), [".base.download"]);
	hub.is_away.store(false, Ordering::Relaxed);
	hub.asked.lock().unwrap().clear();
	let done = download(&hub, dir.path(), &args);
	assert!(done.status.success(), "{}", stderr(&done));
	assert_eq!(names(&dir.path().join("deep")), ["base"]);
	let asked = hub.asked.lock().unwrap();
	assert!(asked.iter().all(|name| name == "model.safetensors"), "{asked:?}");
}
