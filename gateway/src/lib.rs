//! The gateway: payloads in and out over HTTP.
//!
//! Two *shelves*: `/payloads` for contributed files of at most 10 MB, given out only once an item on chain carries them,
//! and `/artifacts` for the files of models. What nothing on chain carries after a while is thrown away again; the checkpoints
//! of a result are kept until it is accepted.

mod announced;
mod app;
mod chain;
mod checkpoints;
mod config;
mod download;
mod error;
mod health;
mod sweep;
mod upload;

use std::{
	future::{Future, IntoFuture},
	time::Duration,
};

use axum::{
	extract::DefaultBodyLimit,
	http::{Method, Uri},
	routing::{get, post},
	Router,
};
use openledger_http::Limited;
use tokio::{net::TcpListener, sync::oneshot};

pub use announced::{Announced, ChainUnavailable};
pub use app::{App, Kind};
pub use chain::OnChain;
pub use config::{Args, Limits};
pub use error::ApiError;
pub use sweep::{sweep, Swept};

use app::Shelf;

/// All paths of the gateway.
pub fn router(app: App) -> Router {
	let shelf = |kind: Kind| {
		Router::new()
			.route("/", post(upload::upload))
			.route("/{cid}", get(download::download))
			.with_state(Shelf::new(app.clone(), kind))
	};
	Router::new()
		.nest("/payloads", shelf(Kind::Payload))
		.nest("/artifacts", shelf(Kind::Artifact))
		.route("/health", get(health::health).with_state(app.clone()))
		// The upload counts its bytes itself and names its cap.
		.layer(DefaultBodyLimit::disable())
		.fallback(no_such_path)
		.method_not_allowed_fallback(no_such_method)
}

/// How long requests under way may take after the shutdown began: a stalled download does not hold the process for ever.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `shutdown` is ready; then requests under way are finished and no new ones taken.
pub async fn serve(
	listener: TcpListener,
	app: App,
	shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
	let limited = Limited::new(listener, app.limits().max_connections);
	let sweeper = tokio::spawn(sweep::for_ever(app.clone()));
	let (began, begun) = oneshot::channel();
	let shutdown = async move {
		shutdown.await;
		let _ = began.send(());
	};
	let out_of_grace = async {
		match begun.await {
			Ok(()) => tokio::time::sleep(GRACE).await,
			Err(_) => std::future::pending().await,
		}
	};
	let served = tokio::select! {
		served = axum::serve(limited, router(app)).with_graceful_shutdown(shutdown).into_future() => served,
		() = out_of_grace => Ok(()),
	};
	sweeper.abort();
	served
}

async fn no_such_path(uri: Uri) -> ApiError {
	ApiError::no_such_path(uri.path())
}

async fn no_such_method(method: Method) -> ApiError {
	ApiError::no_such_method(&method)
}
