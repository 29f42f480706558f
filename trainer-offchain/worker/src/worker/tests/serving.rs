//! The worker's HTTP server, over a real socket.

use super::world::{steps, World, JOB};
use crate::worker::http;
use crate::worker::status::{Phase, Status};
use chain_client::{ChainError, DispatchError};
use openledger_finetune::StepMetrics;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::worker::error::WorkerError;

struct Running {
	url: String,
	closing: watch::Sender<bool>,
	task: JoinHandle<std::io::Result<()>>,
}

async fn start(status: Arc<Status>) -> Running {
	let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
	let url = format!("http://{}", listener.local_addr().unwrap());
	let (closing, closed) = watch::channel(false);
	let task = tokio::spawn(http::serve(listener, status, closed));
	Running { url, closing, task }
}

impl Running {
	async fn json(&self, path: &str) -> (u16, Value) {
		let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
		(answer.status().as_u16(), answer.json().await.unwrap())
	}

	async fn text(&self, path: &str) -> String {
		let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
		answer.text().await.unwrap()
	}

	async fn events(&self, job: u32, after: Option<&str>) -> Events {
		let mut request = reqwest::Client::new().get(format!("{}/jobs/{job}/metrics", self.url));
		if let Some(id) = after {
			request = request.header("last-event-id", id);
		}
		let answer = request.send().await.unwrap();
		assert_eq!(answer.status(), 200);
		assert_eq!(answer.headers()["content-type"], "text/event-stream");
		Events {
			answer,
			text: String::new(),
		}
	}
}

/// A stream of server-sent events as a client reads it.
struct Events {
	answer: reqwest::Response,
	text: String,
}

impl Events {
	/// The next one, as its id or its name, and its data; `None` at the end.
	async fn next(&mut self) -> Option<(String, Value)> {
		loop {
			if let Some((event, rest)) = self.text.split_once("\n\n") {
				let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
				let found = field("data: ").map(|data| {
					let name = field("id: ").or_else(|| field("event: ")).unwrap();
					(name.to_owned(), serde_json::from_str(data).unwrap())
				});
				self.text = rest.to_owned();
				match found {
					Some(found) => return Some(found),
					None => continue,
				}
			}
			let piece = tokio::time::timeout(Duration::from_secs(60), self.answer.chunk());
			self.text += std::str::from_utf8(&piece.await.expect("an event").unwrap()?).unwrap();
		}
	}

	async fn rest(mut self) -> Vec<String> {
		let mut names = Vec::new();
		while let Some((name, _)) = self.next().await {
			names.push(name);
		}
		names
	}
}

fn step(step: usize) -> StepMetrics {
	StepMetrics {
		step,
		total_steps: 9,
		loss: 2.5,
		learning_rate: 0.1,
		grad_norm: 1.0,
		tokens_per_s: 800.0,
		tokens: 10,
		eval_loss: None,
	}
}

/// Adds lines of these steps to a run's metrics.
fn append(run: &Path, steps: impl IntoIterator<Item = usize>) {
	std::fs::create_dir_all(run).unwrap();
	let path = run.join("metrics.jsonl");
	let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
	for step in steps {
		writeln!(file, "{{\"step\":{step},\"loss\":2.5}}").unwrap();
	}
}

fn ids(steps: impl IntoIterator<Item = usize>) -> Vec<String> {
	steps.into_iter().map(|step| step.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_should_be_told_of_while_it_trains() {
	let world = World::new().await;
	world.order(JOB, steps(300), vec![world.roots[3]]);
	world.script_claim();
	let service = world.service().await;
	let server = start(service.status.clone()).await;
	assert_eq!(server.json("/jobs").await.1["jobs"], Value::Array(Vec::new()));
	let training = async {
		service.train(JOB, true).await.unwrap();
		service.status.done(JOB);
	};
	let following = async {
		while service.status.job(JOB).is_none() {
			tokio::time::sleep(Duration::from_millis(5)).await;
		}
		let mut events = server.events(JOB, None).await;
		let (id, line) = events.next().await.unwrap();
		assert_eq!((id.as_str(), &line["step"]), ("1", &Value::from(1)));
		assert!(line["loss"].as_f64().unwrap() > 0.0 && line["tokens_per_s"].as_f64().unwrap() > 0.0);
		let rest = events.rest().await;
		let mut expected = ids(2..=300);
		expected.push("end".into());
		assert_eq!(rest, expected, "every step once, to the last, and the end");
	};
	tokio::join!(training, following);
	let (_, view) = server.json("/jobs/0").await;
	assert_eq!(
		(&view["phase"], &view["step"]),
		(&Value::from("done"), &Value::from(300))
	);
	assert_eq!(server.json("/jobs").await.1["jobs"][0], view);
	// Another process knows them by what is left.
	let again = world.service().await;
	again.recall().unwrap();
	let server = start(again.status.clone()).await;
	assert_eq!(server.json("/jobs/0").await.1["phase"], "done");
	assert_eq!(
		server.events(JOB, Some("298")).await.rest().await,
		["299", "300", "end"]
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_should_go_on_where_a_client_was_and_where_a_run_went_back() {
	let dir = tempfile::tempdir().unwrap();
	let run = dir.path().join("run");
	let status = Arc::new(Status::new(1));
	let server = start(status.clone()).await;
	status.begin(3, run.clone());
	status.set_phase(3, Phase::Training);
	append(&run, 1..=5);
	let mut events = server.events(3, Some("2")).await;
	for expected in ["3", "4", "5"] {
		assert_eq!(events.next().await.unwrap().0, expected);
	}
	// Half a line is none.
	let path = run.join("metrics.jsonl");
	let mut file = std::fs::File::options().append(true).open(&path).unwrap();
	write!(file, "{{\"step\":6").unwrap();
	let early = tokio::time::timeout(Duration::from_millis(700), events.next()).await;
	assert!(early.is_err(), "{early:?}");
	writeln!(file, "}}").unwrap();
	assert_eq!(events.next().await.unwrap().0, "6");
	// A run that goes on from the checkpoint of step 4 writes a new file.
	std::fs::rename(&path, run.join("old")).unwrap();
	append(&run, 1..=4);
	tokio::time::sleep(Duration::from_millis(600)).await;
	append(&run, 5..=8);
	assert_eq!(events.next().await.unwrap().0, "7");
	assert_eq!(events.next().await.unwrap().0, "8");
	append(&run, [9]);
	status.done(3);
	assert_eq!(events.next().await.unwrap().0, "9");
	let (name, view) = events.next().await.unwrap();
	assert_eq!((name.as_str(), &view["phase"]), ("end", &Value::from("done")));
	assert_eq!(events.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_connections_should_be_bounded_and_given_back() {
	let dir = tempfile::tempdir().unwrap();
	let status = Arc::new(Status::new(1));
	let server = start(status.clone()).await;
	status.begin(0, dir.path().join("run"));
	let mut open = Vec::new();
	for _ in 0..32 {
		open.push(server.events(0, None).await);
	}
	let (code, body) = server.json("/jobs/0/metrics").await;
	assert_eq!((code, &body["error"]["code"]), (503, &Value::from("busy")));
	assert_eq!(server.json("/health").await.0, 200, "others are answered");
	// Connections that ask nothing: those over the bound are not served until one goes.
	let mut idle = Vec::new();
	for _ in 0..64 {
		idle.push(
			TcpStream::connect(server.url.strip_prefix("http://").unwrap())
				.await
				.unwrap(),
		);
	}
	let health = reqwest::Client::new().get(format!("{}/health", server.url)).send();
	tokio::pin!(health);
	let early = tokio::time::timeout(Duration::from_millis(500), &mut health).await;
	assert!(early.is_err(), "64 connections are open");
	drop(idle);
	drop(open);
	let answer = tokio::time::timeout(Duration::from_secs(60), health).await.unwrap();
	assert_eq!(answer.unwrap().status(), 200);
	assert_eq!(server.events(0, None).await.answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_should_end_streams_and_then_the_server() {
	let dir = tempfile::tempdir().unwrap();
	let status = Arc::new(Status::new(1));
	let server = start(status.clone()).await;
	status.begin(0, dir.path().join("run"));
	let events = server.events(0, None).await;
	server.closing.send_replace(true);
	assert_eq!(events.rest().await, ["end"]);
	let ended = tokio::time::timeout(Duration::from_secs(60), server.task).await;
	ended.unwrap().unwrap().unwrap();
	assert!(reqwest::get(format!("{}/health", server.url)).await.is_err());
}

#[tokio::test]
async fn what_is_not_there_should_be_said() {
	let server = start(Arc::new(Status::new(1))).await;
	for (path, code) in [
		("/jobs/7", "job_not_found"),
		("/jobs/seven/metrics", "job_not_found"),
		("/nothing", "no_such_path"),
	] {
		let (status, body) = server.json(path).await;
		assert_eq!((status, &body["error"]["code"]), (404, &Value::from(code)), "{path}");
	}
}

/// A worker that has seen everything: names in its metrics are all there are.
fn eventful() -> Arc<Status> {
	let status = Arc::new(Status::new(2));
	for id in 0..4 {
		status.begin(id, "nowhere".into());
	}
	status.done(0);
	let error = DispatchError {
		pallet: "Models".into(),
		name: "HeartbeatOverdue".into(),
		docs: String::new(),
	};
	status.ended(1, &WorkerError::Lost { job: 1, error }, false);
	status.ended(2, &WorkerError::NoText(2), false);
	status.ended(2, &WorkerError::Outbid(2), true);
	status.set_phase(3, Phase::Paused);
	status.step(3, &step(4));
	status.set_bond_free(2_500_000_000_000);
	status.set_head(chain_client::Head {
		number: 77,
		hash: [0; 32],
		timestamp: 1_000,
	});
	status.count(&WorkerError::Store(payload_store::StoreError::Unreachable {
		url: "http://gateway".into(),
		reason: "away".into(),
	}));
	status.count(&WorkerError::Chain(ChainError::Unreachable {
		url: "ws://node".into(),
		reason: "away".into(),
	}));
	status
}

#[tokio::test]
async fn metrics_should_count_what_happened() {
	let status = eventful();
	let server = start(status.clone()).await;
	let text = server.text("/metrics").await;
	for line in [
		"jobs_done_total 1",
		"jobs_failed_total{reason=\"no_text\"} 1",
		"jobs_lost_total{reason=\"HeartbeatOverdue\"} 1",
		"bids_lost_total 1",
		"chain_errors_total 1",
		"store_errors_total 1",
		"busy 1",
		"job 3",
		"job_paused 1",
		"job_step 4",
		"job_steps 9",
		"job_loss 2.5",
		"job_tokens_per_second 800",
		"memory_declared_bytes 2097152",
		"bond_free_open 2.5",
		"chain_block 77",
	] {
		let line = format!("openledger_worker_{line}");
		assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
	}
	let value = |name: &str| -> f64 {
		let line = text.lines().find_map(|line| line.strip_prefix(name));
		line.unwrap().trim().parse().unwrap()
	};
	assert!(value("openledger_worker_memory_resident_bytes") > 1e6);
	assert!(value("openledger_worker_chain_head_age_seconds") > 1e9);
	let health = server.json("/health").await;
	assert_eq!(
		(health.0, &health.1["status"], &health.1["job"]),
		(200, &Value::from("ok"), &Value::from(3))
	);
}

#[test]
fn every_metric_of_the_dashboard_should_be_one_of_ours_and_every_one_of_ours_be_there() {
	let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
	let dashboard: Value = serde_json::from_slice(&std::fs::read(docs.join("grafana-worker.json")).unwrap()).unwrap();
	let status = eventful();
	let text = status.exposition();
	let ours: BTreeSet<&str> = text
		.text()
		.lines()
		.filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
		.collect();
	let mut shown = BTreeSet::new();
	for panel in dashboard["panels"].as_array().unwrap() {
		for target in panel["targets"].as_array().into_iter().flatten() {
			let query = target["expr"].as_str().unwrap();
			let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
			shown.extend(words.filter(|word| word.starts_with("openledger_")).map(str::to_owned));
		}
	}
	let shown: BTreeSet<&str> = shown.iter().map(String::as_str).collect();
	assert_eq!(shown, ours);
}
