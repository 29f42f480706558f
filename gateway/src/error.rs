use axum::{
	http::{header, HeaderValue, Method, StatusCode},
	response::{IntoResponse, Response},
	Json,
};
use payload_store::{Cid, CidError, StoreError};
use serde::Serialize;
use serde_json::json;

use crate::ChainUnavailable;

/// An answer that is not what was asked for: `{"error": {"code", "message", "hint"}}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ApiError {
	#[serde(skip)]
	pub status: StatusCode,
	/// A name for programs; never changes.
	pub code: &'static str,
	/// What happened, for people.
	pub message: String,
	/// What to do next.
	pub hint: &'static str,
}

impl ApiError {
	fn new(status: StatusCode, code: &'static str, message: impl ToString, hint: &'static str) -> Self {
		Self {
			status,
			code,
			message: message.to_string(),
			hint,
		}
	}

	pub(crate) fn too_large(cap: u64) -> Self {
		let message = format!("a file here has at most {cap} bytes");
		Self::new(
			StatusCode::PAYLOAD_TOO_LARGE,
			"too_large",
			message,
			"split it into smaller files",
		)
	}

	pub(crate) fn invalid_cid(error: CidError) -> Self {
		Self::new(
			StatusCode::BAD_REQUEST,
			"invalid_cid",
			error,
			"a CID here looks like bafkrei… or bafybei…",
		)
	}

	pub(crate) fn unknown_format(name: &str) -> Self {
		let message = format!("{name:?} is not a format");
		let hint = "use one of md, txt, pdf, docx, png, jpg, webp, tiff, bmp, wav, mp3, flac";
		Self::new(StatusCode::BAD_REQUEST, "unknown_format", message, hint)
	}

	pub(crate) fn wrong_format(name: &str) -> Self {
		let message = format!("the bytes are not those of a .{name} file");
		Self::new(
			StatusCode::UNSUPPORTED_MEDIA_TYPE,
			"wrong_format",
			message,
			"name the format that the file has",
		)
	}

	pub(crate) fn not_found(cid: &Cid) -> Self {
		let message = format!("{cid} is not here");
		Self::new(
			StatusCode::NOT_FOUND,
			"not_found",
			message,
			"its contributor uploads it with POST to this path's parent",
		)
	}

	pub(crate) fn not_announced(cid: &Cid) -> Self {
		let message = format!("{cid} is not announced yet");
		Self::new(
			StatusCode::NOT_FOUND,
			"not_announced",
			message,
			"it is given out once an item in a block carries it",
		)
	}

	pub(crate) fn busy() -> Self {
		let message = "as many uploads as allowed are under way";
		Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message, "try again in a second")
	}

	pub(crate) fn slow_upload(seconds: u64) -> Self {
		let message = format!("no byte came for {seconds} s");
		Self::new(
			StatusCode::REQUEST_TIMEOUT,
			"slow_upload",
			message,
			"start the upload again",
		)
	}

	pub(crate) fn broken_upload() -> Self {
		let message = "the upload ended before its last byte";
		Self::new(
			StatusCode::BAD_REQUEST,
			"broken_upload",
			message,
			"start the upload again",
		)
	}

	pub(crate) fn disk_full() -> Self {
		let message = "the gateway's disk is full";
		Self::new(
			StatusCode::INSUFFICIENT_STORAGE,
			"disk_full",
			message,
			"use another gateway, or tell its operator",
		)
	}

	pub(crate) fn no_such_path(path: &str) -> Self {
		let message = format!("there is nothing at {path}");
		Self::new(
			StatusCode::NOT_FOUND,
			"no_such_path",
			message,
			"see /health, /payloads/{cid}, /artifacts/{cid}",
		)
	}

	pub(crate) fn no_such_method(method: &Method) -> Self {
		let message = format!("{method} does nothing here");
		Self::new(
			StatusCode::METHOD_NOT_ALLOWED,
			"no_such_method",
			message,
			"POST to upload, GET to download",
		)
	}

	pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
		// The cause may name paths of this machine: it is for the log, not for the world.
		tracing::error!(%error, "a request failed");
		let message = "the gateway failed";
		Self::new(
			StatusCode::INTERNAL_SERVER_ERROR,
			"internal",
			message,
			"its operator finds the cause in the log",
		)
	}

	pub(crate) fn damaged(cid: &Cid) -> Self {
		let message = format!("this gateway's copy of {cid} is damaged");
		Self::new(
			StatusCode::INTERNAL_SERVER_ERROR,
			"damaged",
			message,
			"uploading the same bytes again repairs it",
		)
	}
}

impl From<ChainUnavailable> for ApiError {
	fn from(error: ChainUnavailable) -> Self {
		tracing::warn!(%error, "the node cannot be asked");
		let message = "the gateway cannot ask its node what is on chain";
		Self::new(
			StatusCode::SERVICE_UNAVAILABLE,
			"chain_unavailable",
			message,
			"try again in a few seconds",
		)
	}
}

impl From<StoreError> for ApiError {
	fn from(error: StoreError) -> Self {
		match error {
			StoreError::NotFound { cid } => Self::not_found(&cid),
			StoreError::TooLarge { cap, .. } => Self::too_large(cap),
			StoreError::Full { .. } => Self::disk_full(),
			StoreError::Corrupt { cid, .. } | StoreError::Incomplete { cid, .. } => {
				tracing::error!(%error, "a stored payload is damaged");
				Self::damaged(&cid)
			}
			error => Self::internal(error),
		}
	}
}

impl IntoResponse for ApiError {
	fn into_response(self) -> Response {
		let mut response = (self.status, Json(json!({ "error": self }))).into_response();
		let headers = response.headers_mut();
		headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
		if matches!(
			self.status,
			StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
		) {
			headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
		}
		response
	}
}
