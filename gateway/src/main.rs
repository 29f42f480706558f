use std::{io::Write, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use clap::Parser;
use openledger_gateway::{App, Args, OnChain};
use payload_store::KuboStore;
use tokio::{
	net::TcpListener,
	signal::unix::{signal, SignalKind},
};
use tracing_subscriber::EnvFilter;

/// For one call to the mirror: a shard of a checkpoint on a slow disk.
const MIRROR_DEADLINE: Duration = Duration::from_secs(10 * 60);

#[tokio::main]
async fn main() -> ExitCode {
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
	tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(std::io::stderr)
		.init();
	match run(Args::parse()).await {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		}
	}
}

async fn run(args: Args) -> anyhow::Result<()> {
	let shutdown = shutdown_signal()?;
	let mirror = args
		.kubo
		.as_deref()
		.map(|url| KuboStore::new(url, MIRROR_DEADLINE))
		.transpose()?;
	let announced = OnChain::connect(&args.node).await.with_context(|| {
		format!(
			"no node at {}; start one with `openledger-node --dev`, or name another with --node",
			args.node
		)
	})?;
	let app = App::open(&args.store, mirror, Arc::new(announced), args.limits())
		.with_context(|| format!("cannot open the store in {}", args.store.display()))?;
	let listener = TcpListener::bind(args.listen).await.with_context(|| {
		format!(
			"cannot listen on {}; is another gateway running? See --listen",
			args.listen
		)
	})?;
	println!("listening on http://{}", listener.local_addr()?);
	std::io::stdout().flush()?;
	openledger_gateway::serve(listener, app, shutdown)
		.await
		.context("the listener failed")
}

/// Ready at the first SIGINT or SIGTERM; a second one ends the process at once.
fn shutdown_signal() -> anyhow::Result<impl std::future::Future<Output = ()>> {
	let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
	Ok(async move {
		tokio::select! {
			_ = interrupt.recv() => {}
			_ = terminate.recv() => {}
		}
		tracing::info!("shutting down; requests under way are finished");
		tokio::spawn(async move {
			tokio::select! {
				_ = interrupt.recv() => {}
				_ = terminate.recv() => {}
			}
			std::process::exit(130);
		});
	})
}
