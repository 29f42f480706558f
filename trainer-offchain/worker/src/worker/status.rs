//! What the worker is doing and has done: its jobs write it down, its HTTP server reads it.

use super::error::WorkerError;
use chain_client::{ChainError, Head};
use openledger_finetune::StepMetrics;
use openledger_http::{now, Exposition};
use openledger_primitives::{Balance, JobId, OPEN};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Jobs remembered; of more the oldest are forgotten.
const REMEMBERED: usize = 256;
/// What all metrics' names start with.
pub const PREFIX: &str = "openledger_worker";

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
	/// What it names is fetched and verified.
	Preparing,
	/// It waits for the draw.
	Bidding,
	Training,
	/// Its requester paused it.
	Paused,
	/// Its result is uploaded and submitted.
	Publishing,
	/// Its result's loss is measured.
	Evaluating,
	/// Its result is on chain.
	Done,
	/// Another worker has it.
	Outbid,
	/// The chain took it away.
	Lost,
	Failed,
	/// Stopped by what may be over soon, or by the end of this process or of an earlier one: it can go on.
	Interrupted,
}

impl Phase {
	/// Whether this process is at it.
	pub fn is_live(self) -> bool {
		use Phase::*;
		matches!(self, Preparing | Bidding | Training | Paused | Publishing | Evaluating)
	}
}

/// A job, as `/jobs` tells of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JobView {
	pub job: JobId,
	pub phase: Phase,
	/// Steps made, of how many.
	pub step: usize,
	pub steps: usize,
	/// Of the last step, nats.
	pub loss: Option<f64>,
	pub tokens_per_s: Option<f64>,
	/// Why it did not come to its end.
	pub reason: Option<String>,
	/// Seconds since 1970.
	pub updated_at: u64,
	/// Where its run writes.
	#[serde(skip)]
	run: PathBuf,
}

/// Shared by the worker's parts.
#[derive(Default)]
pub struct Status(Mutex<State>);

#[derive(Default)]
struct State {
	jobs: BTreeMap<JobId, JobView>,
	done: u64,
	outbid: u64,
	/// By [`WorkerError::kind`].
	failed: BTreeMap<String, u64>,
	/// By the chain's error.
	lost: BTreeMap<String, u64>,
	head: Option<Head>,
	bond_free: Option<Balance>,
	memory_mib: u32,
	chain_errors: u64,
	store_errors: u64,
}

impl Status {
	/// Of a worker whose device has so much memory.
	pub fn new(memory_mib: u32) -> Self {
		let status = Self::default();
		status.lock().memory_mib = memory_mib;
		status
	}

	fn lock(&self) -> MutexGuard<'_, State> {
		self.0.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// A job is taken up, whose run writes to `run`.
	pub fn begin(&self, job: JobId, run: PathBuf) {
		let mut state = self.lock();
		let view = JobView {
			job,
			phase: Phase::Preparing,
			step: 0,
			steps: 0,
			loss: None,
			tokens_per_s: None,
			reason: None,
			updated_at: now(),
			run,
		};
		state.jobs.insert(job, view);
		while state.jobs.len() > REMEMBERED {
			state.jobs.pop_first();
		}
	}

	/// Remembers a job of an earlier process by what it left; those of this one are known better.
	pub fn recall(&self, job: JobId, run: PathBuf, is_published: bool) {
		if self.job(job).is_some() {
			return;
		}
		self.begin(job, run);
		self.set_phase(job, if is_published { Phase::Done } else { Phase::Interrupted });
	}

	pub fn set_phase(&self, job: JobId, phase: Phase) {
		self.change(job, |view| view.phase = phase);
	}

	pub fn step(&self, job: JobId, metrics: &StepMetrics) {
		self.change(job, |view| {
			view.step = metrics.step;
			view.steps = metrics.total_steps;
			view.loss = Some(metrics.loss);
			view.tokens_per_s = Some(metrics.tokens_per_s);
		});
	}

	fn change(&self, job: JobId, change: impl FnOnce(&mut JobView)) {
		if let Some(view) = self.lock().jobs.get_mut(&job) {
			change(view);
			view.updated_at = now();
		}
	}

	/// A job came to its end, and is counted.
	pub fn done(&self, job: JobId) {
		self.set_phase(job, Phase::Done);
		self.lock().done += 1;
	}

	/// A job did not come to its end.
	pub fn ended(&self, job: JobId, error: &WorkerError, was_taken: bool) {
		let phase = match error {
			WorkerError::Stopped => Phase::Interrupted,
			WorkerError::Lost { .. } => Phase::Lost,
			_ if was_taken => Phase::Outbid,
			error if error.is_passing() => Phase::Interrupted,
			_ => Phase::Failed,
		};
		let mut state = self.lock();
		match (phase, error) {
			(Phase::Outbid, _) => state.outbid += 1,
			(_, WorkerError::Lost { error, .. }) => *state.lost.entry(error.name.clone()).or_default() += 1,
			(Phase::Failed, error) => *state.failed.entry(error.kind().into()).or_default() += 1,
			_ => {}
		}
		drop(state);
		self.change(job, |view| {
			view.phase = phase;
			view.reason = (phase != Phase::Interrupted).then(|| error.to_string());
		});
	}

	/// Counts errors of the node and of the store.
	pub fn count(&self, error: &WorkerError) {
		let mut state = self.lock();
		match error {
			WorkerError::Store(_) => state.store_errors += 1,
			WorkerError::Chain(error) if error.dispatch().is_none() => state.chain_errors += 1,
			_ => {}
		}
	}

	/// The node did not answer.
	pub fn count_chain(&self, error: &ChainError) {
		if error.dispatch().is_none() {
			self.lock().chain_errors += 1;
		}
	}

	pub fn set_head(&self, head: Head) {
		self.lock().head = Some(head);
	}

	pub fn set_bond_free(&self, bond: Balance) {
		self.lock().bond_free = Some(bond);
	}

	/// All jobs, the latest first.
	pub fn jobs(&self) -> Vec<JobView> {
		self.lock().jobs.values().rev().cloned().collect()
	}

	pub fn job(&self, job: JobId) -> Option<JobView> {
		self.lock().jobs.get(&job).cloned()
	}

	/// The job that this process is at.
	pub fn current(&self) -> Option<JobView> {
		self.lock().jobs.values().find(|view| view.phase.is_live()).cloned()
	}

	/// Seconds since the time of the chain's last block that was seen.
	pub fn head_age(&self) -> Option<u64> {
		let head = self.lock().head?;
		Some(now().saturating_sub(head.timestamp / 1_000))
	}

	/// For Prometheus.
	pub fn exposition(&self) -> Exposition {
		let (current, age) = (self.current(), self.head_age());
		let state = self.lock();
		let mut text = Exposition::new(PREFIX);
		text.counter("jobs_done_total", "Jobs whose results are on chain", state.done);
		text.counters(
			"jobs_failed_total",
			"Jobs that could not be done",
			"reason",
			state.failed.iter().map(|(reason, count)| (reason.as_str(), *count)),
		);
		text.counters(
			"jobs_lost_total",
			"Jobs that the chain took away",
			"reason",
			state.lost.iter().map(|(reason, count)| (reason.as_str(), *count)),
		);
		text.counter("bids_lost_total", "Jobs that other workers got", state.outbid);
		text.counter(
			"chain_errors_total",
			"Times that the node did not answer as it should",
			state.chain_errors,
		);
		text.counter(
			"store_errors_total",
			"Times that the store did not answer as it should",
			state.store_errors,
		);
		text.gauge("busy", "Whether there is a job", u8::from(current.is_some()));
		if let Some(view) = &current {
			text.gauge("job", "The job's number", view.job);
			text.gauge(
				"job_paused",
				"Whether its requester paused it",
				u8::from(view.phase == Phase::Paused),
			);
			text.gauge("job_step", "Its steps made", view.step);
			text.gauge("job_steps", "Its steps in all", view.steps);
		}
		if let Some(loss) = current.as_ref().and_then(|view| view.loss) {
			text.gauge("job_loss", "Loss of its last step in nats", loss);
		}
		if let Some(rate) = current.as_ref().and_then(|view| view.tokens_per_s) {
			text.gauge("job_tokens_per_second", "Target tokens a second of its last step", rate);
		}
		text.gauge(
			"memory_declared_bytes",
			"Memory that jobs may take",
			u64::from(state.memory_mib) << 20,
		);
		if let Some((resident, peak)) = resident() {
			text.gauge("memory_resident_bytes", "Memory that this process has", resident);
			text.gauge("memory_peak_bytes", "Most memory that this process had at once", peak);
		}
		if let Some(bond) = state.bond_free {
			text.gauge(
				"bond_free_open",
				"Bond that no job holds, in OPEN",
				bond as f64 / OPEN as f64,
			);
		}
		if let Some(head) = &state.head {
			text.gauge("chain_block", "The last block seen", head.number);
		}
		if let Some(age) = age {
			text.gauge("chain_head_age_seconds", "Time since that block", age);
		}
		text
	}
}

impl JobView {
	/// The lines that its run writes.
	pub fn metrics(&self) -> PathBuf {
		self.run.join("metrics.jsonl")
	}
}

/// Resident bytes of this process, now and at most.
fn resident() -> Option<(u64, u64)> {
	let text = std::fs::read_to_string(Path::new("/proc/self/status")).ok()?;
	let bytes = |key: &str| {
		let line = text.lines().find_map(|line| line.strip_prefix(key))?;
		Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
	};
	Some((bytes("VmRSS:")?, bytes("VmHWM:")?))
}
