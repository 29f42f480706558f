//! The server, spoken to over HTTP.

use async_trait::async_trait;
use candle_core::Device;
use openledger_model::{peft, AdapterSet, ChatTemplate, Decoder, ModelTokenizer};
use openledger_serve::{
	generate, AdapterError, AdapterSource, Adapters, Engine, EngineLimits, GenerationOptions, Server,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{json, Value};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const MODEL: &str = "tiny-llama";
/// Long enough for any machine; reached only where something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(MODEL)
		.join(name)
}

/// The fixture's two adapters; one that is another model's; one that cannot be fetched.
struct Folders {
	fetched: Arc<AtomicUsize>,
}

#[async_trait]
impl AdapterSource for Folders {
	async fn fetch(&self, name: &str) -> Result<Option<PathBuf>, AdapterError> {
		self.fetched.fetch_add(1, Ordering::Relaxed);
		match name {
			"init" | "trained" => Ok(Some(fixture(&format!("adapter_{name}")))),
			"other" => Ok(Some(fixture("../tiny-gpt2/adapter_init"))),
			"away" => Err(AdapterError::Unavailable("the gateway does not answer".into())),
			_ => Ok(None),
		}
	}

	async fn names(&self) -> Vec<String> {
		vec!["init".into(), "trained".into()]
	}
}

struct Running {
	url: String,
	client: Client,
	fetched: Arc<AtomicUsize>,
	shutdown: oneshot::Sender<()>,
	task: tokio::task::JoinHandle<()>,
}

fn load() -> (Decoder, ModelTokenizer) {
	let dir = fixture("model");
	let decoder = Decoder::load(&dir, &Device::Cpu, false).unwrap();
	let mut tokenizer = ModelTokenizer::load(&dir, &decoder.config).unwrap();
	// Answers go on until they are as long as they may be.
	tokenizer.eos.clear();
	(decoder, tokenizer)
}

fn adapter(name: &str) -> AdapterSet {
	let (mut decoder, _) = load();
	peft::load(&mut decoder, &fixture(name), false).unwrap();
	decoder.detach_adapter()
}

async fn start(limits: EngineLimits, adapter_bytes: usize) -> Running {
	let (decoder, tokenizer) = load();
	let (decoder, tokenizer) = (Arc::new(decoder), Arc::new(tokenizer));
	let fetched = Arc::new(AtomicUsize::new(0));
	let source = Arc::new(Folders {
		fetched: fetched.clone(),
	});
	let server = Server {
		name: "base".into(),
		engine: Engine::start(decoder.clone(), tokenizer.clone(), limits).unwrap(),
		tokenizer,
		template: ChatTemplate::load(&fixture("model")).unwrap(),
		adapters: Adapters::new(decoder, source, adapter_bytes),
		max_tokens: 60,
	};
	let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
	let url = format!("http://{}", listener.local_addr().unwrap());
	let (shutdown, asked) = oneshot::channel::<()>();
	let task = tokio::spawn(async move {
		let asked = async move {
			let _ = asked.await;
		};
		openledger_serve::serve(listener, server, asked).await.unwrap();
	});
	let client = Client::builder().timeout(PATIENCE).build().unwrap();
	Running {
		url,
		client,
		fetched,
		shutdown,
		task,
	}
}

async fn usual() -> Running {
	start(EngineLimits::default(), 1 << 20).await
}

impl Running {
	async fn send(&self, body: &Value) -> Response {
		let request = self.client.post(format!("{}/v1/chat/completions", self.url));
		let request = request
			.header("content-type", "application/json")
			.body(body.to_string());
		request.send().await.unwrap()
	}

	async fn answer(&self, body: &Value) -> Value {
		let response = self.send(body).await;
		let (status, text) = (response.status(), response.text().await.unwrap());
		assert_eq!(status, StatusCode::OK, "{text}");
		serde_json::from_str(&text).unwrap()
	}

	/// Status and code of a refusal, in OpenAI's form.
	async fn refusal(&self, body: &Value) -> (u16, String, String) {
		let response = self.send(body).await;
		let status = response.status().as_u16();
		let body: Value = response.json().await.unwrap();
		let text = |key: &str| body["error"][key].as_str().unwrap_or_default().to_owned();
		assert!(!text("type").is_empty(), "{body}");
		(status, text("code"), text("message"))
	}

	async fn metric(&self, name: &str) -> u64 {
		let text = self.client.get(format!("{}/metrics", self.url)).send().await.unwrap();
		let text = text.text().await.unwrap();
		let name = format!("openledger_serve_{name} ");
		let line = text.lines().find_map(|line| line.strip_prefix(&name));
		line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
	}

	async fn until(&self, what: &str, metric: &str, value: u64) {
		let wait = async {
			while self.metric(metric).await != value {
				tokio::time::sleep(Duration::from_millis(10)).await;
			}
		};
		tokio::time::timeout(PATIENCE, wait).await.expect(what);
	}

	async fn stop(self) {
		self.shutdown.send(()).unwrap();
		tokio::time::timeout(PATIENCE, self.task)
			.await
			.expect("the server ends")
			.unwrap();
	}
}

fn request(model: &str, text: &str, more: Value) -> Value {
	let mut body = json!({
		"model": model,
		"messages": [{ "role": "user", "content": text }],
		"temperature": 0,
		"max_tokens": 20,
	});
	let more = more.as_object().cloned().unwrap_or_default();
	body.as_object_mut().unwrap().extend(more);
	body
}

/// What one text gets alone, without a server.
fn alone(adapter: Option<&AdapterSet>, text: &str) -> String {
	let (decoder, tokenizer) = load();
	let options = GenerationOptions {
		max_tokens: 20,
		temperature: 0.0,
		..Default::default()
	};
	let made = generate(&decoder, adapter, &tokenizer, text, options, &mut |_| {
		ControlFlow::Continue(())
	});
	made.unwrap().text
}

#[tokio::test]
async fn models_should_be_listed() {
	let server = usual().await;
	let get = |path: &str| server.client.get(format!("{}{path}", server.url)).send();
	let list: Value = get("/v1/models").await.unwrap().json().await.unwrap();
	let names: Vec<&str> = list["data"]
		.as_array()
		.unwrap()
		.iter()
		.map(|m| m["id"].as_str().unwrap())
		.collect();
	assert_eq!(names, ["base", "init", "trained"]);
	let one: Value = get("/v1/models/trained").await.unwrap().json().await.unwrap();
	assert_eq!(one["object"], "model");
	assert_eq!(get("/v1/models/none").await.unwrap().status(), 404);
	assert_eq!(get("/else").await.unwrap().status(), 404);
	assert_eq!(get("/health").await.unwrap().status(), 200);
	server.stop().await;
}

#[tokio::test]
async fn answers_of_many_adapters_at_once_should_be_those_of_each_alone() {
	let server = usual().await;
	let (init, trained) = (adapter("adapter_init"), adapter("adapter_trained"));
	let texts = [
		"the open ledger",
		"a",
		"data as an asset",
		"the",
		"models and data",
		"one two three four five six",
	];
	let mut wanted = Vec::new();
	for text in texts {
		wanted.extend([
			("base", text, None),
			("init", text, Some(&init)),
			("trained", text, Some(&trained)),
		]);
	}
	let answers = wanted.iter().map(|(model, text, _)| {
		let body = request(model, text, json!({}));
		let server = &server;
		async move { server.answer(&body).await }
	});
	let answers = futures::future::join_all(answers).await;
	for ((model, text, adapter), answer) in wanted.into_iter().zip(answers) {
		let choice = &answer["choices"][0];
		assert_eq!(choice["message"]["content"], alone(adapter, text), "{model}: {text}");
		assert_eq!(
			(&choice["finish_reason"], &answer["model"]),
			(&json!("length"), &json!(model))
		);
		assert_eq!(answer["usage"]["completion_tokens"], 20);
	}
	// Each adapter once, however many asked.
	assert_eq!(server.fetched.load(Ordering::Relaxed), 2);
	assert_eq!(server.metric("written_tokens_total").await, 20 * 18);
	server.stop().await;
}

#[tokio::test]
async fn a_stream_should_bring_the_same_text_in_pieces() {
	let server = usual().await;
	let more = json!({ "stream": true, "stream_options": { "include_usage": true } });
	let text = server
		.send(&request("trained", "the open ledger", more))
		.await
		.text()
		.await
		.unwrap();
	let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
	let (done, chunks) = lines.split_last().unwrap();
	assert_eq!(*done, "[DONE]");
	let chunks: Vec<Value> = chunks
		.iter()
		.map(|chunk| serde_json::from_str(chunk).unwrap())
		.collect();
	assert!(chunks
		.iter()
		.all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"]));
	assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
	let pieces: Vec<&str> = chunks
		.iter()
		.filter_map(|c| c["choices"][0]["delta"]["content"].as_str())
		.collect();
	assert!(pieces.len() > 3, "{pieces:?}");
	assert_eq!(
		pieces.concat(),
		alone(Some(&adapter("adapter_trained")), "the open ledger")
	);
	let [.., end, usage] = chunks.as_slice() else {
		panic!("{text}")
	};
	assert_eq!(end["choices"][0]["finish_reason"], "length");
	assert_eq!(usage["usage"]["completion_tokens"], 20);
	server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_answered_should_be_refused_by_name() {
	let server = usual().await;
	let refusals = [
		(
			request("base", "a", json!({ "temperature": -1 })),
			400,
			"invalid_value",
			"temperature",
		),
		(
			request("base", "a", json!({ "top_p": 2 })),
			400,
			"invalid_value",
			"top_p",
		),
		(
			request("base", "a", json!({ "max_tokens": 0 })),
			400,
			"invalid_value",
			"max_tokens",
		),
		(request("base", "a", json!({ "n": 2 })), 400, "invalid_value", "n: 2"),
		(
			request("base", "a", json!({ "tools": [{}] })),
			400,
			"invalid_value",
			"tools",
		),
		(
			request("base", "a", json!({ "stop": ["a", "b", "c", "d", "e"] })),
			400,
			"invalid_value",
			"stop",
		),
		(
			request("base", "a", json!({ "messages": [] })),
			400,
			"invalid_value",
			"messages",
		),
		(
			request("base", &"the ".repeat(200), json!({})),
			400,
			"context_length_exceeded",
			"at most 63",
		),
		(request("none", "a", json!({})), 404, "model_not_found", "/v1/models"),
		(request("other", "a", json!({})), 422, "model_unusable", "do not fit"),
		(request("away", "a", json!({})), 503, "model_unavailable", "gateway"),
		(json!({ "model": "base" }), 422, "invalid_body", "messages"),
	];
	for (body, status, code, part) in refusals {
		let found = server.refusal(&body).await;
		assert_eq!((found.0, found.1.as_str()), (status, code), "{body}: {}", found.2);
		assert!(found.2.contains(part), "{body}: {}", found.2);
	}
	let image = json!([{ "type": "image_url", "image_url": { "url": "x" } }]);
	let body = request(
		"base",
		"a",
		json!({ "messages": [{ "role": "user", "content": image }] }),
	);
	assert_eq!(server.refusal(&body).await.0, 400);
	// Harmless settings are harmless, and text may come in parts.
	let parts = json!([{ "type": "text", "text": "the open" }, { "type": "text", "text": " ledger" }]);
	let more = json!({
		"messages": [{ "role": "user", "content": parts }],
		"n": 1, "logprobs": false, "presence_penalty": 0, "user": "somebody", "tools": null,
	});
	let answer = server.answer(&request("base", "", more)).await;
	assert_eq!(
		answer["choices"][0]["message"]["content"],
		alone(None, "the open ledger")
	);
	server.stop().await;
}

#[tokio::test]
async fn requests_beyond_the_queue_should_be_told_to_come_back() {
	let limits = EngineLimits {
		batch: 1,
		waiting: 1,
		..Default::default()
	};
	let server = start(limits, 1 << 20).await;
	// Many more at once than one under way, one looked at and one in the queue: some are refused, the others answered.
	let body = request("base", "the open ledger", json!({ "max_tokens": 60 }));
	let many = (0..24).map(|_| server.send(&body));
	let answers = futures::future::join_all(many).await;
	let (mut answered, mut refused) = (0, 0);
	for response in answers {
		match response.status() {
			StatusCode::OK => answered += 1,
			StatusCode::TOO_MANY_REQUESTS => {
				assert_eq!(response.headers()["retry-after"], "1");
				refused += 1;
			}
			status => panic!("{status}"),
		}
	}
	assert!(answered > 0 && refused > 0, "{answered} {refused}");
	assert_eq!(server.metric("refused_total").await, refused);
	assert_eq!(server.metric("waiting").await, 0);
	server.stop().await;
}

#[tokio::test]
async fn who_leaves_should_give_the_place_free() {
	let limits = EngineLimits {
		batch: 1,
		..Default::default()
	};
	let server = start(limits, 1 << 20).await;
	for _ in 0..3 {
		let body = request("base", "the open ledger", json!({ "stream": true, "max_tokens": 60 }));
		let mut response = server.send(&body).await;
		response.chunk().await.unwrap();
		drop(response);
	}
	let answer = server.answer(&request("base", "the open ledger", json!({}))).await;
	assert_eq!(
		answer["choices"][0]["message"]["content"],
		alone(None, "the open ledger")
	);
	server.until("nothing is under way", "running", 0).await;
	server.stop().await;
}

#[tokio::test]
async fn adapters_beyond_the_bytes_should_make_room() {
	let bytes = adapter("adapter_init").bytes().max(adapter("adapter_trained").bytes());
	let server = start(EngineLimits::default(), bytes).await;
	for (model, fetched) in [("init", 1), ("init", 1), ("trained", 2), ("trained", 2), ("init", 3)] {
		server.answer(&request(model, "the", json!({}))).await;
		assert_eq!(server.fetched.load(Ordering::Relaxed), fetched, "{model}");
		assert!(server.metric("adapter_bytes").await <= bytes as u64);
	}
	server.stop().await;
	let server = start(EngineLimits::default(), bytes / 4).await;
	let refused = server.refusal(&request("init", "the", json!({}))).await;
	assert_eq!((refused.0, refused.1.as_str()), (422, "model_unusable"));
	server.stop().await;
}

#[tokio::test]
async fn an_answer_that_may_not_fit_the_memory_should_be_refused() {
	let limits = EngineLimits {
		cached_tokens: 30,
		..Default::default()
	};
	let server = start(limits, 1 << 20).await;
	let refused = server
		.refusal(&request("base", "the", json!({ "max_tokens": 60 })))
		.await;
	assert!(refused.0 == 400 && refused.2.contains("memory for 30"), "{refused:?}");
	// Those that fit one by one but not together take turns.
	let body = request("base", "the", json!({}));
	let many = (0..6).map(|_| server.answer(&body));
	for answer in futures::future::join_all(many).await {
		assert_eq!(answer["choices"][0]["message"]["content"], alone(None, "the"));
	}
	server.stop().await;
}

#[tokio::test]
async fn the_same_seed_should_give_the_same_answer() {
	let server = usual().await;
	let body = |seed: u64| request("base", "the open", json!({ "temperature": 1.5, "seed": seed }));
	let text = |answer: Value| answer["choices"][0]["message"]["content"].clone();
	let (one, again) = (server.answer(&body(1)).await, server.answer(&body(1)).await);
	let two = server.answer(&body(2)).await;
	assert_eq!(text(one.clone()), text(again));
	assert_ne!(text(one), text(two));
	server.stop().await;
}
