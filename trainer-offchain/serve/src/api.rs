//! The bodies of OpenAI's chat API: what is understood of them, and what is said no to.
//!
//! <https://platform.openai.com/docs/api-reference/chat>. `top_k` and `repetition_penalty` are additions, as vLLM has them.

use crate::engine::Ending;
use crate::sequence::{FinishReason, GenerationOptions};
use axum::http::{header, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use openledger_model::Message;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

/// `POST /v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
	pub model: String,
	pub messages: Vec<ChatMessage>,
	#[serde(default)]
	pub stream: bool,
	pub stream_options: Option<StreamOptions>,
	max_tokens: Option<usize>,
	max_completion_tokens: Option<usize>,
	temperature: Option<f64>,
	top_p: Option<f64>,
	top_k: Option<usize>,
	repetition_penalty: Option<f32>,
	seed: Option<i64>,
	stop: Option<Stop>,
	/// All else. What would change the answer is refused; the rest means nothing here.
	#[serde(flatten)]
	other: serde_json::Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ChatMessage {
	role: String,
	content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
	Text(String),
	Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
	#[serde(rename = "type")]
	kind: String,
	text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
	One(String),
	Some(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct StreamOptions {
	#[serde(default)]
	pub include_usage: bool,
}

/// Stop texts of one request, as OpenAI allows.
const MAX_STOPS: usize = 4;

impl ChatRequest {
	/// How to answer; at most `most` tokens.
	pub(crate) fn options(&mut self, most: usize) -> Result<GenerationOptions, ApiError> {
		self.refuse_others()?;
		let stop = match self.stop.take() {
			None => Vec::new(),
			Some(Stop::One(stop)) => vec![stop],
			Some(Stop::Some(stops)) => stops,
		};
		if stop.len() > MAX_STOPS {
			return Err(ApiError::invalid(
				"stop",
				format!("has {} texts; at most {MAX_STOPS}", stop.len()),
			));
		}
		let asked = self.max_completion_tokens.or(self.max_tokens);
		let options = GenerationOptions {
			max_tokens: asked.unwrap_or(most).min(most),
			temperature: self.temperature.unwrap_or(1.0),
			top_p: self.top_p.filter(|p| *p != 1.0),
			top_k: self.top_k,
			repetition_penalty: self.repetition_penalty.unwrap_or(1.0),
			seed: self.seed.map_or_else(rand::random, |seed| seed as u64),
			stop,
		};
		match options.fault() {
			Some((name, reason)) => Err(ApiError::invalid(name, reason)),
			None => Ok(options),
		}
	}

	/// The conversation as text.
	pub(crate) fn conversation(&self) -> Result<Vec<Message>, ApiError> {
		if self.messages.is_empty() {
			return Err(ApiError::invalid("messages", "is empty".into()));
		}
		self.messages.iter().map(ChatMessage::text).collect()
	}

	fn refuse_others(&self) -> Result<(), ApiError> {
		let is_harmless = |name: &str, value: &Value| match name {
			"n" => value == 1,
			"logprobs" => value == false,
			"frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
			"logit_bias" => value.as_object().is_some_and(serde_json::Map::is_empty),
			"tools" | "functions" => value.as_array().is_some_and(Vec::is_empty),
			"response_format" => value["type"] == "text",
			"modalities" => *value == json!(["text"]),
			"audio" | "top_logprobs" => false,
			_ => true,
		};
		let refused = self
			.other
			.iter()
			.find(|(name, value)| !value.is_null() && !is_harmless(name, value));
		match refused {
			Some((name, value)) => Err(ApiError::invalid(
				name,
				format!("{value} is not supported by this server"),
			)),
			None => Ok(()),
		}
	}
}

impl ChatMessage {
	fn text(&self) -> Result<Message, ApiError> {
		let content = match &self.content {
			Content::Text(text) => text.clone(),
			Content::Parts(parts) => {
				let texts = parts.iter().map(|part| match (&part.kind[..], &part.text) {
					("text", Some(text)) => Ok(text.as_str()),
					(kind, _) => Err(ApiError::invalid(
						"messages",
						format!("a part of type `{kind}`: only text can be read"),
					)),
				});
				texts.collect::<Result<Vec<_>, _>>()?.concat()
			}
		};
		let role = self.role.clone();
		Ok(Message { role, content })
	}
}

/// An answer that is not what was asked for, in OpenAI's form.
#[derive(Debug)]
pub struct ApiError {
	status: StatusCode,
	body: ErrorBody,
}

#[derive(Debug, Serialize)]
struct ErrorBody {
	message: String,
	#[serde(rename = "type")]
	kind: &'static str,
	param: Option<String>,
	code: &'static str,
}

impl ApiError {
	/// With OpenAI's kind of it, by the status.
	pub fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Self {
		let kind = match status {
			StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
			status if status.is_client_error() => "invalid_request_error",
			_ => "server_error",
		};
		let message = message.to_string();
		Self {
			status,
			body: ErrorBody {
				message,
				kind,
				param: None,
				code,
			},
		}
	}

	/// A parameter that cannot be used.
	pub(crate) fn invalid(param: &str, reason: String) -> Self {
		let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_value", format!("{param}: {reason}"));
		error.body.param = Some(param.to_owned());
		error
	}

	/// The body, as a stream sends it too.
	pub fn json(&self) -> Value {
		json!({ "error": self.body })
	}
}

impl IntoResponse for ApiError {
	fn into_response(self) -> Response {
		let mut response = (self.status, Json(self.json())).into_response();
		if matches!(
			self.status,
			StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
		) {
			response
				.headers_mut()
				.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
		}
		response
	}
}

/// OpenAI's word for it.
pub(crate) fn finish_reason(finish: FinishReason) -> &'static str {
	match finish {
		FinishReason::End | FinishReason::StopText | FinishReason::Stopped => "stop",
		FinishReason::MaxTokens | FinishReason::ContextFull => "length",
	}
}

/// Tokens read and written.
pub(crate) fn usage(ending: &Ending) -> Value {
	json!({
		"prompt_tokens": ending.prompt_tokens,
		"completion_tokens": ending.written_tokens,
		"total_tokens": ending.prompt_tokens + ending.written_tokens,
	})
}
