//! `worker`: takes fine-tunes that the chain orders, trains them and posts the results.
//!
//! A job's way through here: [`watch`] finds it, [`fit`] sees whether it fits this machine, [`prepare`] fetches and verifies what it names, [`bidding`] gets it,
//! [`beat`] trains it and keeps it alive on chain, [`publish`] uploads adapter and checkpoints with their manifest ([`record`]) and
//! submits their hashes, [`evaluation`] reports what the result's loss is. Meanwhile [`http`] serves what [`status`] knows. Results of others that are disputed it judges ([`judge`]).

mod beat;
mod bidding;
pub mod cache;
mod capability;
mod config;
mod error;
mod evaluation;
mod fit;
mod http;
mod judge;
mod key;
pub mod mark;
pub mod prepare;
mod publish;
pub mod record;
mod status;
#[cfg(test)]
mod tests;
mod watch;

use crate::commands::named_dir;
use crate::stop::{Stop, STOPPED};
use anyhow::{bail, Context};
pub use beat::stopped;
pub use cache::Cache;
use chain_client::{address, calls, Chain, ChainExt, Head, Query, Signer, Subxt, Wait};
use error::Result;
pub use error::WorkerError;
use futures::{stream::BoxStream, StreamExt};
use openledger_primitives::{capability::Capability, Balance, JobId, OPEN};
use payload_store::{GatewayClient, Kind, PayloadStore};
use status::{Phase, Status};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use watch::{Next, Watch};

/// The gateway where none is named.
pub const GATEWAY: &str = "http://127.0.0.1:8080";
/// Uploads are given up after this: an adapter of gigabytes over a slow line.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(3_600);
/// Longest wait for a new block before the jobs are looked at anyway.
const TICK: Duration = Duration::from_secs(10);
/// Pauses after a node that did not answer: doubled up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long clients of the HTTP server may take to end.
const FAREWELL: Duration = Duration::from_secs(5);
/// Pause before a job is tried again that a passing error stopped.
const PUT_OFF: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub struct Args {
	/// The node
	#[arg(
		long,
		value_name = "URL",
		default_value = "ws://127.0.0.1:9944",
		env = "OPENLEDGER_NODE"
	)]
	node: String,
	/// The gateway that files come from and go to
	#[arg(
		long,
		value_name = "URL",
		default_value = GATEWAY,
		env = "OPENLEDGER_GATEWAY"
	)]
	gateway: String,
	/// A development account
	#[arg(long, value_name = "//NAME", conflicts_with = "key_file")]
	suri: Option<String>,
	/// A file with the worker's key that only its owner can read; or set OPENLEDGER_KEY
	#[arg(long, value_name = "FILE")]
	key_file: Option<PathBuf>,
	/// Folder for files and runs
	#[arg(long, value_name = "DIR")]
	work_dir: PathBuf,
	/// A base model's files that are here already, under its name on chain; they are verified
	#[arg(long = "base-dir", value_name = "NAME=DIR", value_parser = named_dir)]
	base_dirs: Vec<(String, PathBuf)>,
	/// Register with this bond in OPEN, where the account is no worker yet
	#[arg(long, value_name = "OPEN", value_parser = plancks)]
	bond: Option<Balance>,
	/// Where metrics and chat are served, as registered on chain
	#[arg(long, value_name = "URL")]
	endpoint: Option<String>,
	/// cpu, cuda or cuda:N
	#[arg(long, default_value = "cpu")]
	device: String,
	/// The device's memory in MiB, as declared on chain; of a CPU by default the machine's
	#[arg(long, value_name = "MIB")]
	memory_mib: Option<u32>,
	/// Serve /jobs, /jobs/ID/metrics, /health and /metrics on this address; port 0 takes a free one
	#[arg(long, value_name = "ADDR")]
	listen: Option<SocketAddr>,
	/// Exit after one job; nothing is judged, as findings are revealed later
	#[arg(long)]
	once: bool,
	/// Do not judge disputed results of other workers, which is paid for but takes time
	#[arg(long)]
	no_judge: bool,
}

/// One worker.
pub struct Service<C> {
	chain: Arc<C>,
	/// Contributed files.
	payloads: Arc<dyn PayloadStore>,
	/// Models' files.
	artifacts: Arc<dyn PayloadStore>,
	signer: Signer,
	genesis: [u8; 32],
	home: PathBuf,
	base_dirs: BTreeMap<String, PathBuf>,
	device: String,
	/// Whether it judges results of others.
	judges: bool,
	/// What the device has.
	memory_mib: u32,
	status: Arc<Status>,
	stop: Stop,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
	let stop = Stop::listen()?;
	// Refused before anything is bonded or claimed.
	openledger_finetune::run::device(&args.device)?;
	let capability = capability::find(&args.device, args.memory_mib)?;
	let signer = key::find(args.suri.as_deref(), args.key_file.as_deref())?;
	let runtime = tokio::runtime::Builder::new_multi_thread()
		.enable_all()
		.build()
		.context("the async runtime")?;
	runtime.block_on(serve(args, capability, signer, stop))
}

/// Works, and answers meanwhile where it is to listen: from before the node is reached until the work has ended.
async fn serve(args: Args, capability: Capability, signer: Signer, stop: Stop) -> anyhow::Result<ExitCode> {
	let status = Arc::new(Status::new(capability.memory_mib));
	let (closing, closed) = tokio::sync::watch::channel(false);
	let server = match args.listen {
		Some(address) => {
			let listener = TcpListener::bind(address)
				.await
				.with_context(|| format!("cannot listen on {address}; see --listen"))?;
			tracing::info!("listening on http://{}", listener.local_addr()?);
			Some(tokio::spawn(http::serve(listener, status.clone(), closed)))
		}
		None => None,
	};
	let worked = work(args, capability, signer, status, stop).await;
	closing.send_replace(true);
	if let Some(server) = server {
		// A client that does not read must not hold up the end.
		let _ = tokio::time::timeout(FAREWELL, server).await;
	}
	worked
}

async fn work(
	args: Args,
	capability: Capability,
	signer: Signer,
	status: Arc<Status>,
	stop: Stop,
) -> anyhow::Result<ExitCode> {
	let chain = tokio::select! {
		chain = connect(&args.node) => chain?,
		_ = stopped(&stop) => return Ok(ExitCode::from(STOPPED)),
	};
	std::fs::create_dir_all(&args.work_dir).with_context(|| format!("--work-dir {}", args.work_dir.display()))?;
	let home = args
		.work_dir
		.canonicalize()
		.with_context(|| format!("--work-dir {}", args.work_dir.display()))?;
	let artifacts = GatewayClient::new(&args.gateway, Kind::Artifact, UPLOAD_DEADLINE)?;
	let service = Service {
		genesis: chain.genesis().await?,
		chain: Arc::new(chain),
		payloads: Arc::new(artifacts.of_kind(Kind::Payload)),
		artifacts: Arc::new(artifacts),
		signer,
		home,
		base_dirs: args.base_dirs.into_iter().collect(),
		device: args.device,
		judges: !args.no_judge && !args.once,
		memory_mib: capability.memory_mib,
		status,
		stop,
	};
	service.recall()?;
	service
		.register(args.bond, args.endpoint.as_deref(), capability)
		.await?;
	let worked = tokio::select! {
		worked = service.work(args.once) => worked,
		never = service.keep_revealing() => match never {},
	};
	match worked {
		Ok(()) => Ok(ExitCode::SUCCESS),
		Err(WorkerError::Stopped) => Ok(ExitCode::from(STOPPED)),
		Err(error) => Err(error.into()),
	}
}

/// Connects; a node that is not there yet is waited for.
async fn connect(node: &str) -> Result<Subxt> {
	let mut pause = BACKOFF.0;
	loop {
		match Subxt::connect(node).await {
			Err(error @ chain_client::ChainError::Unreachable { .. }) => {
				tracing::warn!("{error}; trying again in {:.1} s", pause.as_secs_f32());
				tokio::time::sleep(pause).await;
				pause = (pause * 2).min(BACKOFF.1);
			}
			result => return Ok(result?),
		}
	}
}

impl<C: Chain> Service<C> {
	/// Becomes a worker where it is asked for, and keeps endpoint and capability on chain up to date.
	async fn register(
		&self,
		bond: Option<Balance>,
		endpoint: Option<&str>,
		capability: Capability,
	) -> anyhow::Result<()> {
		let me = self.signer.account();
		let known = Query::new(&*self.chain).worker(me).await?;
		let endpoint = endpoint.map(|text| text.as_bytes().to_vec().try_into()).transpose();
		let endpoint = endpoint.map_err(|_| anyhow::anyhow!("--endpoint: at most 128 bytes"))?;
		let call = match (known, bond) {
			(None, None) => bail!("{} is no worker yet: register it by --bond OPEN", address(me)),
			(None, Some(bond)) => calls::register_worker(bond, endpoint.unwrap_or_default(), capability),
			(Some(worker), _) => {
				let endpoint = endpoint.filter(|endpoint| *endpoint != worker.endpoint);
				let capability = Some(capability).filter(|capability| *capability != worker.capability);
				if endpoint.is_none() && capability.is_none() {
					return Ok(());
				}
				calls::update_worker(endpoint, capability, 0)
			}
		};
		self.chain
			.submit(&self.signer, call, Wait::InBlock)
			.await
			.context("registering the worker")?;
		tracing::info!("{} is registered", address(me));
		Ok(())
	}

	/// Does jobs until it is stopped; with `once`, until one is done.
	async fn work(&self, once: bool) -> Result<()> {
		let mut watch = Watch::default();
		let mut heads = None;
		let mut pause = BACKOFF.0;
		tracing::info!("waiting for jobs as {}", address(self.signer.account()));
		loop {
			if self.stop.asked().is_break() {
				return Err(WorkerError::Stopped);
			}
			match self.look(&mut watch).await {
				Ok(Some(next)) => {
					let done = self.act(next, &mut watch, once).await?;
					// Blocks have passed since it was opened.
					heads = None;
					if done && once {
						return Ok(());
					}
					pause = BACKOFF.0;
				}
				Ok(None) => {
					pause = BACKOFF.0;
					tokio::select! {
						_ = self.tick(&mut heads) => {}
						_ = stopped(&self.stop) => {}
					}
				}
				Err(error) => {
					self.status.count(&error);
					tracing::warn!("{error}; trying again in {:.1} s", pause.as_secs_f32());
					heads = None;
					tokio::select! {
						_ = tokio::time::sleep(pause) => {}
						_ = stopped(&self.stop) => {}
					}
					pause = (pause * 2).min(BACKOFF.1);
				}
			}
		}
	}

	/// What to do next.
	async fn look(&self, watch: &mut Watch) -> Result<Option<Next>> {
		let query = Query::new(&*self.chain);
		watch.refresh(&query).await?;
		if let Err(error) = self.tidy(|id| watch.has_ended(id)) {
			tracing::warn!("removing what is not needed any more: {error}");
		}
		let me = self.signer.account();
		self.status.set_head(self.chain.head().await?);
		let now = query.active_block().await?;
		let params = query.model_params().await?;
		let worker = query.worker(me).await?;
		if let Some(worker) = &worker {
			let held = params.bond_per_job.saturating_mul(worker.active_jobs.into());
			self.status.set_bond_free(worker.bond.saturating_sub(held));
		}
		let free = worker.filter(|worker| {
			let jobs = worker.bond.checked_div(params.bond_per_job).unwrap_or(0);
			worker.bond >= params.min_bond && jobs > worker.active_jobs.into()
		});
		let clock = Instant::now();
		let judge = free.as_ref().filter(|_| self.judges);
		let able = free.as_ref().map(|worker| &worker.capability);
		for (id, why) in able.map(|able| watch.unfit(able)).unwrap_or_default() {
			tracing::info!("job {id} is not for this worker: {why}");
		}
		let next = watch.next(me, now, able, clock);
		// What is claimed or due comes first, then disputes, whose time is short.
		Ok(match next {
			Some(Next::Take(_)) | None => watch.court(me, now, judge, clock).or(next),
			next => next,
		})
	}

	/// Does it. Whether a job was done; an error only where the process is to end.
	async fn act(&self, next: Next, watch: &mut Watch, once: bool) -> Result<bool> {
		let (id, done) = match next {
			Next::Resume(id) => (id, self.train(id, false).await.map(|()| true)),
			Next::Take(id) => (id, self.train(id, true).await.map(|()| true)),
			Next::Evaluate(id) => (id, self.evaluate(id).await.map(|()| true)),
			Next::Report(id) => (id, self.send(calls::report_missed(id)).await.map(|()| false)),
			Next::Accept(id) => (id, self.send(calls::accept_result(id)).await.map(|()| false)),
			Next::Draw(id) => (id, self.send(calls::draw(id)).await.map(|()| false)),
			Next::Unpause(id) => (id, self.send(calls::resume(id)).await.map(|()| false)),
			Next::Close(id) => (id, self.send(calls::close_dispute(id)).await.map(|()| false)),
			Next::Judge(id) => (id, self.judge(id).await.map(|()| false)),
			Next::PublishAgain(id) => (id, self.publish_again(id).await.map(|()| false)),
		};
		let is_heard = !matches!(&done, Err(error) if error.is_passing());
		if matches!(next, Next::Judge(_) | Next::PublishAgain(_)) && is_heard {
			watch.set_heard(id);
		}
		if matches!(next, Next::Resume(_) | Next::Take(_) | Next::Evaluate(_)) {
			match &done {
				Ok(_) => self.status.done(id),
				Err(error) => self.status.ended(id, error, was_taken(error)),
			}
		}
		match done {
			Ok(done) => Ok(done),
			Err(WorkerError::Stopped) => Err(WorkerError::Stopped),
			Err(error) => {
				self.status.count(&error);
				self.explain(next, &error);
				let is_chore = !matches!(next, Next::Take(_) | Next::Resume(_) | Next::Evaluate(_));
				if is_chore || error.is_passing() || was_taken(&error) {
					watch.put_off(id, Instant::now() + PUT_OFF);
				} else if once && !error.is_unfit() {
					return Err(error);
				} else {
					watch.give_up(id);
				}
				Ok(false)
			}
		}
	}

	async fn send(&self, call: chain_client::Call) -> Result<()> {
		self.chain.submit(&self.signer, call, Wait::InBlock).await?;
		Ok(())
	}

	/// Trains a job and evaluates it, after this worker got it where it is `open`: what cannot be fetched or verified is not bid on.
	async fn train(&self, id: JobId, open: bool) -> Result<()> {
		self.status.begin(id, self.folder("jobs", id).join(prepare::RUN));
		let prepared = if open {
			let prepared = tokio::select! {
				prepared = self.prepare_fitting(id) => prepared?,
				_ = stopped(&self.stop) => return Err(WorkerError::Stopped),
			};
			self.status.set_phase(id, Phase::Bidding);
			self.bid(id).await?;
			prepared
		} else {
			self.prepare_claimed(id).await?
		};
		let result = self.finish(&prepared).await?;
		tracing::info!(
			"job {id} is submitted: adapter {}, loss {:.4}",
			hex::encode(result.adapter.sha256),
			result.train_loss_micro as f64 / 1e6
		);
		self.status.set_phase(id, Phase::Evaluating);
		self.evaluate(id).await
	}

	/// Remembers the jobs of earlier processes, whose metrics are still here.
	fn recall(&self) -> Result<()> {
		for id in self.folders()? {
			let folder = self.folder("jobs", id);
			let is_published = folder.join(prepare::PUBLISHED).exists();
			self.status.recall(id, folder.join(prepare::RUN), is_published);
		}
		Ok(())
	}

	/// Prepares a job that was claimed before this process began, with heartbeats all the while.
	async fn prepare_claimed(&self, id: JobId) -> Result<prepare::Prepared> {
		tracing::info!("job {id} is this worker's since before: going on with it");
		let query = Query::new(&*self.chain);
		let job = query.job(id).await?.ok_or(WorkerError::JobMissing(id))?;
		let terms = query.job_terms(id).await?.ok_or(WorkerError::JobMissing(id))?;
		let (_sender, progress) = tokio::sync::watch::channel(publish::told(&job.status));
		let (pauses, _) = tokio::sync::watch::channel(false);
		tokio::select! {
			prepared = self.prepare_again(id) => prepared,
			lost = self.keep_alive(id, terms.params.heartbeat_blocks, progress, &pauses) => Err(lost),
			_ = stopped(&self.stop) => Err(WorkerError::Stopped),
		}
	}

	fn explain(&self, next: Next, error: &WorkerError) {
		match next {
			Next::Take(id) | Next::Resume(id) if matches!(error, WorkerError::Outbid(_)) || error.is_unfit() => {
				tracing::info!("job {id}: {error}")
			}
			Next::Judge(id) if error.is_unfit() => tracing::info!("job {id} is not judged here: {error}"),
			Next::Take(id) | Next::Resume(id) => tracing::error!("job {id}: {error}"),
			Next::Evaluate(id) => tracing::error!("evaluating job {id}: {error}"),
			Next::Draw(id) => tracing::debug!("drawing for job {id}: {error}"),
			Next::Unpause(id) => tracing::warn!("resuming job {id}: {error}"),
			Next::Report(id) => tracing::debug!("reporting job {id}: {error}"),
			Next::Accept(id) => tracing::warn!("accepting job {id}: {error}"),
			Next::Close(id) => tracing::debug!("closing the dispute about job {id}: {error}"),
			Next::Judge(id) => tracing::warn!("judging job {id}: {error}"),
			Next::PublishAgain(id) => tracing::error!("publishing job {id} again, whose result is disputed: {error}"),
		}
	}

	/// Waits for a new block, or for a while.
	async fn tick(&self, heads: &mut Option<BoxStream<'static, chain_client::Result<Head>>>) {
		if heads.is_none() {
			*heads = self.chain.heads().await.ok();
		}
		let head = match heads {
			Some(stream) => tokio::time::timeout(TICK, stream.next()).await,
			None => Ok(None),
		};
		if !matches!(head, Ok(Some(Ok(_))) | Err(_)) {
			*heads = None;
			tokio::time::sleep(BACKOFF.0).await;
		}
	}
}

/// Whether another worker was first, or drawn.
fn was_taken(error: &WorkerError) -> bool {
	const NAMES: [&str; 5] = ["JobNotOpen", "NoFreeCapacity", "AlreadyBid", "BidsFull", "BiddingOver"];
	match error {
		WorkerError::Outbid(_) => true,
		WorkerError::Chain(error) => error
			.dispatch()
			.is_some_and(|error| NAMES.contains(&error.name.as_str())),
		_ => false,
	}
}

/// An amount of OPEN with up to 12 decimals, in plancks.
fn plancks(text: &str) -> Result<Balance, String> {
	const DECIMALS: usize = 12;
	let wrong = || "expected a number of OPEN such as 100 or 0.5".to_owned();
	let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
	if fraction.is_empty()
		|| fraction.len() > DECIMALS
		|| whole.is_empty()
		|| !(whole.to_owned() + fraction).bytes().all(|b| b.is_ascii_digit())
	{
		return Err(wrong());
	}
	let whole: Balance = whole.parse().map_err(|_| wrong())?;
	let fraction: Balance = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| wrong())?;
	whole
		.checked_mul(OPEN)
		.and_then(|whole| whole.checked_add(fraction))
		.ok_or_else(wrong)
}
