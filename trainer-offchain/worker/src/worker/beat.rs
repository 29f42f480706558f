//! Training on a thread of its own, while heartbeats go out on time.

use super::error::{Result, WorkerError};
use super::Service;
use crate::stop::Stop;
use chain_client::{calls, Chain, ChainError, ChainExt, DispatchError, Query, Wait};
use openledger_finetune::{resume, run, FinetuneError, RunConfig, RunReport, StepMetrics};
use openledger_primitives::{
	model::{JobStatus, Progress},
	ActiveBlock, JobId,
};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Time between two looks at the chain's clock and at the stop flag.
pub const POLL: Duration = Duration::from_millis(250);
/// Lines of the log that tell of one training.
const LINES: usize = 40;
/// How long a heartbeat may take to come into a block before it is sent again.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause after a node that did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells a training to stop after its step.
#[derive(Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
	pub fn now(&self) {
		self.0.store(true, Ordering::Relaxed);
	}

	/// Break once it is told.
	pub fn asked(&self) -> ControlFlow<()> {
		match self.0.load(Ordering::Relaxed) {
			true => ControlFlow::Break(()),
			false => ControlFlow::Continue(()),
		}
	}
}

/// Trains on a blocking thread and tells every step, until its end or until either of `halts` is told. A training that was
/// begun goes on from its last checkpoint.
pub async fn train(
	config: RunConfig,
	progress: watch::Sender<Progress>,
	halts: [Halt; 2],
	told: impl Fn(&StepMetrics) + Send + Sync + 'static,
) -> Result<RunReport> {
	let training = tokio::task::spawn_blocking(move || {
		let mut on_step = |metrics: StepMetrics| {
			if metrics.step.is_multiple_of((metrics.total_steps / LINES).max(1))
				|| metrics.step == 1
				|| metrics.step == metrics.total_steps
			{
				tracing::info!(
					"step {}/{}  loss {:.4}",
					metrics.step,
					metrics.total_steps,
					metrics.loss
				);
			}
			told(&metrics);
			let now = progress_of(&metrics);
			// A run that was started again is behind what it told before.
			progress.send_if_modified(|told| {
				let is_news = now.step >= told.step;
				if is_news {
					*told = now;
				}
				is_news
			});
			match halts.iter().any(|halt| halt.asked().is_break()) {
				true => ControlFlow::Break(()),
				false => ControlFlow::Continue(()),
			}
		};
		use FinetuneError::{Damaged, NoneIntact, OtherRun};
		match resume(config.clone(), &mut on_step) {
			Err(error @ (Damaged { .. } | NoneIntact { .. } | OtherRun { .. })) => {
				tracing::warn!("{error}; starting again");
				run(config, &mut on_step)
			}
			done => done,
		}
	});
	let report = training
		.await
		.map_err(|error| WorkerError::Crashed(error.to_string()))??;
	if report.interrupted {
		return Err(WorkerError::Stopped);
	}
	Ok(report)
}

fn progress_of(metrics: &StepMetrics) -> Progress {
	let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
	Progress {
		step: count(metrics.step),
		steps: count(metrics.total_steps),
		loss_micro: micro(metrics.loss),
	}
}

/// Nats in units of 1e-6.
pub fn micro(loss: f64) -> u64 {
	// The cast is saturating and takes what is not a number as zero.
	(loss * 1e6).round() as u64
}

/// Active blocks between heartbeats: two may be lost and the third is still on time.
pub fn interval(window: ActiveBlock) -> ActiveBlock {
	(window / 3).max(1)
}

impl<C: Chain> Service<C> {
	/// Sends heartbeats until the job is lost, and returns why. A node that is away is asked again and again. None is
	/// sent while the job is paused, which `pauses` is told of, at its beginning and at its end.
	pub async fn keep_alive(
		&self,
		job: JobId,
		window: ActiveBlock,
		progress: watch::Receiver<Progress>,
		pauses: &watch::Sender<bool>,
	) -> WorkerError {
		loop {
			let mut paused = false;
			let beat = calls::heartbeat(job, *progress.borrow());
			let sent = tokio::time::timeout(PATIENCE, self.chain.submit(&self.signer, beat, Wait::InBlock)).await;
			match sent {
				Ok(Ok(_)) => paused = self.sleep_blocks(job, interval(window)).await,
				Ok(Err(ChainError::Dispatch { error, .. })) if is_paused(&error) => paused = true,
				Ok(Err(ChainError::Dispatch { error, .. })) => return WorkerError::Lost { job, error },
				Ok(Err(error)) => {
					self.status.count_chain(&error);
					tracing::warn!("heartbeat of job {job}: {error}; trying again");
					tokio::time::sleep(PAUSE).await;
				}
				Err(_) => tracing::warn!(
					"heartbeat of job {job}: in no block for {} s; trying again",
					PATIENCE.as_secs()
				),
			}
			if paused {
				pauses.send_replace(true);
				self.while_paused(job).await;
				pauses.send_replace(false);
			}
		}
	}

	/// Waits until a job's requester lets it go on, or it ends.
	pub async fn while_paused(&self, job: JobId) {
		tracing::info!("job {job} is paused");
		let query = Query::new(&*self.chain);
		loop {
			match query.job(job).await {
				Ok(Some(record)) => match record.status {
					JobStatus::Paused { until, .. } => {
						if query.active_block().await.is_ok_and(|now| now >= until) {
							if let Err(error) = self.send(calls::resume(job)).await {
								tracing::warn!("resuming job {job}: {error}");
							}
						}
					}
					_ => return,
				},
				Ok(None) => return,
				Err(error) => tracing::debug!("job {job}: {error}"),
			}
			tokio::time::sleep(PAUSE).await;
		}
	}

	/// Waits until the chain's clock has moved on by so many active blocks, or the job is paused, and whether it is.
	async fn sleep_blocks(&self, job: JobId, blocks: ActiveBlock) -> bool {
		let query = Query::new(&*self.chain);
		let mut until = None;
		loop {
			// While the node does not answer, its blocks go on: not a reason to wait longer than the polls.
			if let Ok(now) = query.active_block().await {
				if now >= *until.get_or_insert(now.saturating_add(blocks)) {
					return false;
				}
			}
			if let Ok(Some(record)) = query.job(job).await {
				if matches!(record.status, JobStatus::Paused { .. }) {
					return true;
				}
			}
			tokio::time::sleep(POLL).await;
		}
	}
}

/// Whether a call was refused because its job is paused.
pub fn is_paused(error: &DispatchError) -> bool {
	error.name == "JobPaused"
}

/// Waits for a signal.
pub async fn stopped(stop: &Stop) {
	while stop.asked().is_continue() {
		tokio::time::sleep(POLL).await;
	}
}
