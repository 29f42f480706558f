use std::time::Duration;

use axum::{extract::State, http::StatusCode, Json};
use payload_store::{Health, PayloadStore, StoreError};
use serde_json::{json, Value};
use tokio::time::timeout;

use crate::{App, ChainUnavailable, Kind};

/// A health check that waits longer is itself a finding.
const DEADLINE: Duration = Duration::from_secs(5);

/// `GET /health`: 200 where uploads and downloads work, else 503; which part fails is in the body.
pub(crate) async fn health(State(app): State<App>) -> (StatusCode, Json<Value>) {
	let head = timeout(DEADLINE, app.announced().head());
	let payloads = app.store(Kind::Payload).health();
	let artifacts = app.store(Kind::Artifact).health();
	let mirror = async {
		match app.mirror() {
			Some(mirror) => Some(timeout(DEADLINE, mirror.health()).await.unwrap_or(Err(silent()))),
			None => None,
		}
	};
	let (head, payloads, artifacts, mirror) = tokio::join!(head, payloads, artifacts, mirror);
	let head = head.unwrap_or(Err(ChainUnavailable("no answer in time".into())));

	// A mirror that fails is caught up with later: it degrades nothing that a caller sees.
	let failure = match (&head, &payloads, &artifacts) {
		(Err(_), _, _) => Some(("chain_unavailable", "the node does not answer")),
		(_, Err(_), _) | (_, _, Err(_)) => Some(("store_unavailable", "the store cannot be read")),
		_ => None,
	};
	let mut body = json!({
		"status": if failure.is_none() { "ok" } else { "failing" },
		"version": env!("CARGO_PKG_VERSION"),
		"node": match head {
			Ok(block) => json!({ "ok": true, "block": block }),
			Err(error) => json!({ "ok": false, "error": error.to_string() }),
		},
		"payloads": part(payloads),
		"artifacts": part(artifacts),
		"mirror": mirror.map(part),
	});
	let Some((code, message)) = failure else {
		return (StatusCode::OK, Json(body));
	};
	body["error"] = json!({ "code": code, "message": message, "hint": "see the other fields" });
	(StatusCode::SERVICE_UNAVAILABLE, Json(body))
}

fn part(health: Result<Health, StoreError>) -> Value {
	match health {
		Ok(health) => json!({
			"ok": true,
			"store": health.store,
			"count": health.payloads,
			"free_bytes": health.free_bytes,
		}),
		Err(error) => {
			tracing::warn!(%error, "a store is not well");
			json!({ "ok": false })
		}
	}
}

fn silent() -> StoreError {
	StoreError::Deadline {
		operation: "health",
		deadline: DEADLINE,
	}
}
