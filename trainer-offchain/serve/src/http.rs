//! The server: OpenAI's chat API over one base model and its adapters.

use crate::adapters::{AdapterError, Adapters};
use crate::api::{finish_reason, usage, ApiError, ChatRequest};
use crate::engine::{Ending, Engine, Event, Refusal, Request};
use crate::generate::prompt_ids;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::{stream, Stream};
use openledger_http::{now, Exposition, Limited};
use openledger_model::{ChatTemplate, ModelTokenizer};
use serde_json::{json, Value};
use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Connections open at once. More than requests wait: they are told so in no time.
const CONNECTIONS: usize = 1_024;

/// What all requests share.
pub struct Server {
	/// The base model's name.
	pub name: String,
	/// Runs the base model.
	pub engine: Engine,
	/// Its tokenizer.
	pub tokenizer: Arc<ModelTokenizer>,
	/// Its chat template.
	pub template: ChatTemplate,
	/// What else can be asked for.
	pub adapters: Adapters,
	/// Most tokens of one answer.
	pub max_tokens: usize,
}

/// Answers until `shutdown`; answers under way are finished.
pub async fn serve(
	listener: TcpListener,
	server: Server,
	shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
	axum::serve(Limited::new(listener, CONNECTIONS), router(Arc::new(server)))
		.with_graceful_shutdown(shutdown)
		.await
}

fn router(server: Arc<Server>) -> Router {
	Router::new()
		.route("/v1/chat/completions", post(chat))
		.route("/v1/models", get(models))
		.route("/v1/models/{*name}", get(model))
		.route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
		.route("/metrics", get(metrics))
		.fallback(|uri: Uri| async move {
			let message = format!(
				"there is nothing at {}; see /v1/models, /v1/chat/completions",
				uri.path()
			);
			ApiError::new(StatusCode::NOT_FOUND, "no_such_path", message)
		})
		.with_state(server)
}

async fn chat(
	State(server): State<Arc<Server>>,
	body: Result<Json<ChatRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
	let Json(mut request) = body.map_err(|error| ApiError::new(error.status(), "invalid_body", error.body_text()))?;
	let options = request.options(server.max_tokens)?;
	let text = server
		.template
		.render(&request.conversation()?, true)
		.map_err(|error| ApiError::invalid("messages", error.to_string()))?;
	let decoder = server.engine.decoder();
	// A template writes the special tokens itself.
	let prompt = prompt_ids(decoder, &server.tokenizer, &text, !server.template.is_given())
		.map_err(|error| ApiError::invalid("messages", error.to_string()))?;
	let positions = decoder.config.max_positions;
	if prompt.len() >= positions {
		let message = format!(
			"the messages have {} tokens; the model reads at most {}",
			prompt.len(),
			positions - 1
		);
		return Err(ApiError::new(
			StatusCode::BAD_REQUEST,
			"context_length_exceeded",
			message,
		));
	}
	let adapter = match request.model == server.name {
		true => None,
		false => {
			let found = server.adapters.get(&request.model).await;
			let found = found.map_err(|error| cannot_load(&request.model, &error))?;
			Some(found.ok_or_else(|| no_such_model(&request.model))?)
		}
	};
	let taken = server.engine.submit(Request {
		prompt,
		adapter,
		options,
	});
	let events = taken.map_err(|refusal| {
		let (status, code) = match refusal {
			Refusal::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
			Refusal::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_value"),
			Refusal::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
		};
		ApiError::new(status, code, refusal)
	})?;
	let answer = Answer {
		id: format!("chatcmpl-{:016x}", rand::random::<u64>()),
		created: now(),
		model: request.model,
		usage: request.stream_options.unwrap_or_default().include_usage,
	};
	if request.stream {
		return Ok(Sse::new(answer.stream(events))
			.keep_alive(KeepAlive::default())
			.into_response());
	}
	Ok(Json(answer.whole(events).await?).into_response())
}

/// What all chunks of an answer share.
struct Answer {
	id: String,
	/// Seconds since 1970.
	created: u64,
	model: String,
	/// Whether a stream ends with the usage.
	usage: bool,
}

impl Answer {
	async fn whole(self, mut events: mpsc::Receiver<Event>) -> Result<Value, ApiError> {
		let mut text = String::new();
		loop {
			match events.recv().await {
				Some(Event::Text(piece)) => text.push_str(&piece),
				Some(Event::Done(ending)) => {
					return Ok(json!({
						"id": self.id,
						"object": "chat.completion",
						"created": self.created,
						"model": self.model,
						"choices": [{
							"index": 0,
							"message": { "role": "assistant", "content": text },
							"finish_reason": finish_reason(ending.finish),
							"logprobs": null,
						}],
						"usage": usage(&ending),
					}))
				}
				other => return Err(failed(other)),
			}
		}
	}

	/// The same in chunks: the role, pieces of text, the end, the usage where it was asked for.
	fn stream(self, events: mpsc::Receiver<Event>) -> impl Stream<Item = Result<sse::Event, Infallible>> {
		let first = self.chunk(json!({ "role": "assistant", "content": "" }), None);
		let rest = stream::unfold(Some((self, events)), |state| async {
			let (answer, mut events) = state?;
			let event = events.recv().await;
			Some(match event {
				Some(Event::Text(piece)) => {
					let chunk = answer.chunk(json!({ "content": piece }), None);
					(vec![data(&chunk)], Some((answer, events)))
				}
				Some(Event::Done(ending)) => (answer.end(&ending), None),
				other => (vec![data(&failed(other).json())], None),
			})
		});
		let all = stream::once(async move { vec![data(&first)] });
		use futures::StreamExt;
		all.chain(rest).map(stream::iter).flatten().map(Ok)
	}

	fn end(&self, ending: &Ending) -> Vec<sse::Event> {
		let mut last = vec![data(&self.chunk(json!({}), Some(finish_reason(ending.finish))))];
		if self.usage {
			let mut chunk = self.chunk(Value::Null, None);
			chunk["choices"] = json!([]);
			chunk["usage"] = usage(ending);
			last.push(data(&chunk));
		}
		last.push(sse::Event::default().data("[DONE]"));
		last
	}

	fn chunk(&self, delta: Value, finish: Option<&str>) -> Value {
		json!({
			"id": self.id,
			"object": "chat.completion.chunk",
			"created": self.created,
			"model": self.model,
			"choices": [{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }],
		})
	}
}

async fn models(State(server): State<Arc<Server>>) -> Json<Value> {
	let mut names = vec![server.name.clone()];
	names.extend(server.adapters.names().await);
	let data: Vec<Value> = names.iter().map(|name| described(name)).collect();
	Json(json!({ "object": "list", "data": data }))
}

async fn model(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
	if name == server.name || server.adapters.names().await.contains(&name) {
		return Ok(Json(described(&name)));
	}
	Err(no_such_model(&name))
}

fn described(name: &str) -> Value {
	json!({ "id": name, "object": "model", "created": 0, "owned_by": "openledger" })
}

/// For Prometheus.
async fn metrics(State(server): State<Arc<Server>>) -> Exposition {
	let counts = server.engine.counts();
	let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
	let gauge = |gauge: &std::sync::atomic::AtomicUsize| gauge.load(Ordering::Relaxed);
	let mut text = Exposition::new("openledger_serve");
	text.counter("requests_total", "Requests taken", count(&counts.taken));
	text.counter(
		"refused_total",
		"Requests refused because too many waited",
		count(&counts.refused),
	);
	text.counter("prompt_tokens_total", "Tokens read", count(&counts.read_tokens));
	text.counter("written_tokens_total", "Tokens written", count(&counts.written_tokens));
	text.gauge("running", "Texts under way", gauge(&counts.running));
	text.gauge("waiting", "Texts that wait for a place", gauge(&counts.waiting));
	text.gauge("adapter_bytes", "Bytes of adapters in memory", server.adapters.bytes());
	text
}

fn data(value: &Value) -> sse::Event {
	sse::Event::default().data(value.to_string())
}

fn failed(event: Option<Event>) -> ApiError {
	let message = match event {
		Some(Event::Failed(reason)) => reason,
		_ => "the server stopped before the answer's end".into(),
	};
	ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
}

fn no_such_model(name: &str) -> ApiError {
	let message = format!("there is no model `{name}` here; /v1/models lists what there is");
	ApiError::new(StatusCode::NOT_FOUND, "model_not_found", message)
}

fn cannot_load(name: &str, error: &AdapterError) -> ApiError {
	tracing::warn!(%error, name, "an adapter cannot be loaded");
	let (status, code) = match error {
		AdapterError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "model_unavailable"),
		AdapterError::Unusable(_) | AdapterError::Model(_) | AdapterError::TooLarge { .. } => {
			(StatusCode::UNPROCESSABLE_ENTITY, "model_unusable")
		}
	};
	// A file's path is for the log only.
	let reason = match error {
		AdapterError::Model(_) => "its files do not fit this base model".to_owned(),
		error => error.to_string(),
	};
	ApiError::new(status, code, format!("the adapter of `{name}` {reason}"))
}
