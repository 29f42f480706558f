//! `serve`: OpenAI's chat API over a base model, and over adapters of folders and of the chain's registry.

mod source;

use crate::stop::{Stop, STOPPED};
use crate::worker::stopped;
use anyhow::{Context, Result};
use openledger_model::{ChatTemplate, ModelTokenizer};
use openledger_serve::{Adapters, Engine, EngineLimits, Server};
use source::{Registry, Source};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub struct Args {
	#[command(flatten)]
	base: super::BaseArgs,
	/// The base model's name in the API; by default its folder's
	#[arg(long, value_name = "NAME")]
	name: Option<String>,
	/// A folder with an adapter of PEFT's, and its name in the API
	#[arg(long = "adapter", value_name = "NAME=DIR", value_parser = super::named_dir)]
	adapters: Vec<(String, PathBuf)>,
	/// Also serve the models of this node's chain that are built on this base model, as openledger/N
	#[arg(long, value_name = "URL", requires = "work_dir")]
	node: Option<String>,
	/// The gateway that their adapters come from
	#[arg(
		long,
		value_name = "URL",
		default_value = "http://127.0.0.1:8080",
		env = "OPENLEDGER_GATEWAY"
	)]
	gateway: String,
	/// Folder for fetched adapters
	#[arg(long, value_name = "DIR")]
	work_dir: Option<PathBuf>,
	/// Address to listen on; port 0 takes a free one
	#[arg(long, default_value = "127.0.0.1:8000")]
	listen: SocketAddr,
	/// Most tokens of one answer
	#[arg(long, value_name = "N", default_value_t = 1024)]
	max_tokens: usize,
	/// Answers under way at once
	#[arg(long, value_name = "N", default_value_t = EngineLimits::default().batch)]
	batch: usize,
	/// Requests that wait; more are told to come back (429)
	#[arg(long, value_name = "N", default_value_t = EngineLimits::default().waiting)]
	waiting: usize,
	/// Tokens that all answers under way may hold in memory
	#[arg(long, value_name = "N", default_value_t = EngineLimits::default().cached_tokens)]
	cached_tokens: usize,
	/// MiB of adapters kept in memory
	#[arg(long, value_name = "MIB", default_value_t = 1024)]
	adapter_mib: usize,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let stop = Stop::listen()?;
	let runtime = tokio::runtime::Builder::new_multi_thread()
		.enable_all()
		.build()
		.context("the async runtime")?;
	runtime.block_on(serve(args, stop))
}

async fn serve(args: Args, stop: Stop) -> Result<ExitCode> {
	let base = args.base.chosen()?;
	let decoder = Arc::new(base.load()?);
	let tokenizer = Arc::new(ModelTokenizer::load(&base.folder, &decoder.config)?);
	let template = ChatTemplate::load(&base.folder)?;
	if !template.is_given() {
		tracing::warn!("the model has no chat template: messages are joined and continued");
	}
	let folders: BTreeMap<_, _> = args.adapters.into_iter().collect();
	let registry = match (&args.node, &args.work_dir) {
		(Some(node), Some(work_dir)) => Some(tokio::select! {
			registry = Registry::connect(node, &args.gateway, &base.folder, work_dir) => registry?,
			_ = stopped(&stop) => return Ok(ExitCode::from(STOPPED)),
		}),
		_ => None,
	};
	let limits = EngineLimits {
		batch: args.batch.max(1),
		waiting: args.waiting.max(1),
		cached_tokens: args.cached_tokens,
		..EngineLimits::default()
	};
	let folder = base.folder.canonicalize().unwrap_or_else(|_| base.folder.clone());
	let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
	let server = Server {
		name: args.name.or(name).unwrap_or_else(|| "base".into()),
		engine: Engine::start(decoder.clone(), tokenizer.clone(), limits).context("the engine's thread")?,
		tokenizer,
		template,
		adapters: Adapters::new(decoder, Arc::new(Source { folders, registry }), args.adapter_mib << 20),
		max_tokens: args.max_tokens.max(1),
	};
	let listener = TcpListener::bind(args.listen)
		.await
		.with_context(|| format!("cannot listen on {}; see --listen", args.listen))?;
	println!("listening on http://{}", listener.local_addr()?);
	std::io::stdout().flush()?;
	let signal = stop.clone();
	openledger_serve::serve(listener, server, async move { stopped(&signal).await })
		.await
		.context("the listener failed")?;
	Ok(ExitCode::SUCCESS)
}
