//! Judging results that somebody disputes: what it takes is fetched, the segment that the seed draws is trained again, and
//! what came out is committed to, then revealed.
//!
//! The commitment's salt follows from the worker's key, and there are only so many findings: a process that was started again
//! finds out from the chain what it has to reveal.

use super::beat::{micro, stopped, Halt, POLL};
use super::cache::{Cache, Wanted};
use super::config::dtype;
use super::error::{Result, WorkerError};
use super::fit::Work;
use super::publish::hashes;
use super::record::JobManifest;
use super::Service;
use chain_client::{calls, AccountId, Chain, ChainExt, Query, Wait};
use openledger_finetune::config::MAX_THREADS;
use openledger_finetune::rerun::{self, compare, is_exact, repeat, Segment, TOLERANCE, UNSTABLE};
use openledger_finetune::state::{read_tensors, State};
use openledger_finetune::{checkpoints::CheckpointRecord, FinetuneError, RunConfig};
use openledger_primitives::{
	dispute::{segment, Claim, Dispute, Finding, JudgeBallot, Seat},
	evaluation::ResultEvaluation,
	model::{CheckpointsRoot, Job, JobResult, JobStatus},
	ActiveBlock, JobId,
};
use payload_store::{Cid, StoreError, MAX_ARTIFACT_BYTES};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest manifest that is read. It names every item of the datasets.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
/// Time between two looks for what is to be revealed.
const REVEAL_POLL: Duration = Duration::from_secs(1);

/// Why a result is not upheld, or why that could not be found out.
pub enum Fault {
	/// It is not what training as ordered gives.
	Broken(String),
	/// What its worker has to keep cannot be fetched.
	Unavailable(String),
	/// Nothing is known of the result: the node or the gateway is away, or the order's own files are.
	Unknown(WorkerError),
}

impl From<WorkerError> for Fault {
	fn from(error: WorkerError) -> Self {
		Self::Unknown(error)
	}
}

impl From<FinetuneError> for Fault {
	fn from(error: FinetuneError) -> Self {
		use FinetuneError::{Damaged, NotFinite, OtherState};
		match error {
			// The checkpoint's bytes are those that the worker published.
			Damaged { .. } | NotFinite { .. } | OtherState { .. } => Self::Broken(error.to_string()),
			error => Self::Unknown(error.into()),
		}
	}
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), Fault> {
	match holds {
		true => Ok(()),
		false => Err(Fault::Broken(otherwise.into())),
	}
}

/// A disputed result.
struct Case {
	id: JobId,
	job: Job<AccountId>,
	result: JobResult,
	/// For what is fetched to judge it, until it is judged.
	folder: PathBuf,
}

impl<C: Chain> Service<C> {
	/// Judges a disputed result and commits to the finding.
	pub async fn judge(&self, id: JobId) -> Result<()> {
		let query = Query::new(&*self.chain);
		let job = query.job(id).await?.ok_or(WorkerError::JobMissing(id))?;
		let dispute = query.dispute(id).await?.ok_or(WorkerError::NotDisputed(id))?;
		let JobStatus::Disputed { result, .. } = &job.status else {
			return Err(WorkerError::NotDisputed(id));
		};
		let case = Case {
			id,
			result: result.clone(),
			job,
			folder: self.folder("judged", id),
		};
		remove(&case.folder)?;
		let halt = Halt::default();
		let finding = tokio::select! {
			finding = self.find(&case, &dispute, halt.clone()) => finding,
			_ = self.after(dispute.commit_until) => Err(WorkerError::JudgedTooLate(id)),
			_ = stopped(&self.stop) => Err(WorkerError::Stopped),
		};
		// A training that is not waited for any more ends after its step.
		halt.now();
		remove(&case.folder)?;
		let finding = finding?;
		let ballot = self.ballot(id, &dispute);
		let salt = ballot.salt(&self.signer.salt_secret());
		let commitment = ballot.commitment(finding, &salt);
		self.chain
			.submit(&self.signer, calls::judge_commit(id, commitment), Wait::InBlock)
			.await?;
		tracing::info!("job {id}: judged, and committed to the finding");
		Ok(())
	}

	fn ballot(&self, job: JobId, dispute: &Dispute<AccountId>) -> JudgeBallot<'_, AccountId> {
		JudgeBallot {
			genesis: self.genesis,
			job,
			opened_at: dispute.opened_at,
			judge: self.signer.account(),
		}
	}

	/// Waits for the block after this one.
	async fn after(&self, block: ActiveBlock) {
		let query = Query::new(&*self.chain);
		while !query.active_block().await.is_ok_and(|now| now > block) {
			tokio::time::sleep(POLL).await;
		}
	}

	/// What is to be said of a result; an error where nothing can be.
	async fn find(&self, case: &Case, dispute: &Dispute<AccountId>, halt: Halt) -> Result<Finding> {
		let id = case.id;
		let judged = match dispute.claim {
			Claim::NotAvailable => self.fetch_all(case).await,
			Claim::Segment => {
				self.ensure_fits(id, &case.job.spec, Work::Judging).await?;
				let seed = self.seed(id, dispute).await?;
				let number = segment(&seed, id, case.result.checkpoints.count);
				tracing::info!("job {id}: judging segment {number}");
				self.repeat_segment(case, number, halt).await
			}
			Claim::Evaluation => {
				self.ensure_fits(id, &case.job.spec, Work::Evaluating).await?;
				self.evaluate_again(case).await
			}
		};
		match judged {
			Ok(()) => Ok(Finding::Upheld),
			Err(Fault::Broken(reason)) => {
				tracing::warn!("job {id}: the result is not what was ordered: {reason}");
				Ok(Finding::Broken)
			}
			Err(Fault::Unavailable(reason)) => {
				tracing::warn!("job {id}: {reason}");
				Ok(Finding::Unavailable)
			}
			Err(Fault::Unknown(error)) => Err(error),
		}
	}

	async fn seed(&self, id: JobId, dispute: &Dispute<AccountId>) -> Result<[u8; 32]> {
		if let Some(seed) = dispute.seed {
			return Ok(seed);
		}
		let seeds = Query::new(&*self.chain).seeds(&[dispute.seed_at]).await?;
		seeds.into_iter().next().flatten().ok_or(WorkerError::SeedUnknown(id))
	}

	/// A file that the result's worker has to keep.
	async fn fetch_kept(&self, case: &Case, wanted: Wanted, what: &str) -> Result<PathBuf, Fault> {
		let cache = Cache::new(case.folder.join("kept"))?;
		let fetched = cache.fetch(&*self.artifacts, wanted, what).await;
		fetched.map_err(|error| match error {
			WorkerError::WrongFile { .. }
			| WorkerError::Store(
				StoreError::NotFound { .. }
				| StoreError::TooLarge { .. }
				| StoreError::WrongBytes { .. }
				| StoreError::Incomplete { .. }
				| StoreError::Corrupt { .. },
			) => Fault::Unavailable(format!("{what} cannot be fetched: {error}")),
			error => Fault::Unknown(error),
		})
	}

	async fn fetch_checkpoint(&self, case: &Case, record: &CheckpointRecord) -> Result<PathBuf, Fault> {
		let what = format!("the checkpoint of step {}", record.step);
		let nowhere = || Fault::Unavailable(format!("{what} is published nowhere"));
		ensure(
			record.bytes <= MAX_ARTIFACT_BYTES,
			"a checkpoint is larger than any gateway takes",
		)?;
		let sha256 = hex::decode(&record.sha256).ok().and_then(|hash| hash.try_into().ok());
		let cid = record.cid.as_ref().and_then(|cid| Cid::parse(cid).ok());
		let wanted = Wanted {
			cid: cid.ok_or_else(nowhere)?,
			sha256: sha256.ok_or_else(nowhere)?,
			bytes: record.bytes,
		};
		self.fetch_kept(case, wanted, &what).await
	}

	async fn fetch_manifest(&self, case: &Case) -> Result<JobManifest, Fault> {
		let manifest = &case.result.manifest;
		if manifest.bytes > MAX_MANIFEST_BYTES {
			return Err(Fault::Unavailable(format!("the manifest has {} bytes", manifest.bytes)));
		}
		let path = self.fetch_kept(case, manifest.into(), "the manifest").await?;
		let bytes = std::fs::read(&path).map_err(WorkerError::io(&path))?;
		serde_json::from_slice(&bytes).map_err(|error| Fault::Broken(format!("the manifest cannot be read: {error}")))
	}

	/// Fetches everything that the result names.
	async fn fetch_all(&self, case: &Case) -> Result<(), Fault> {
		let result = &case.result;
		let manifest = self.fetch_manifest(case).await?;
		let files = [
			(&result.adapter, "the adapter"),
			(&result.adapter_config, "its configuration"),
		];
		for (artifact, what) in files {
			self.fetch_kept(case, artifact.into(), what).await?;
		}
		stated(&manifest, result)?;
		for record in &manifest.run.checkpoints {
			State::read(&self.fetch_checkpoint(case, record).await?)?;
		}
		Ok(())
	}

	/// Trains one segment again. Model and data are those that the chain names, whatever the manifest says.
	async fn repeat_segment(&self, case: &Case, number: u32, halt: Halt) -> Result<(), Fault> {
		let (id, result) = (case.id, &case.result);
		let manifest = self.fetch_manifest(case).await?;
		let is_of_job = manifest.genesis == self.genesis && manifest.job == id && manifest.spec == case.job.spec;
		ensure(is_of_job, "the manifest is of another job")?;
		stated(&manifest, result)?;
		let declared = &manifest.run.inputs;
		ensure(
			(1..=MAX_THREADS).contains(&declared.threads),
			"no machine has as many threads as are declared",
		)?;
		ensure(
			declared.dtype == dtype(case.job.spec.dtype).name(),
			"the weights were kept in another dtype than was ordered",
		)?;
		let (number, every) = (number as usize, result.checkpoints.every_steps as usize);
		let segment = Segment::of(number, every, result.steps as usize)?;
		let published = self.fetch_published(case, &manifest, segment).await?;

		let prepared = self.prepare_in(id, case.folder.clone()).await?;
		let mut config = prepared.config;
		config.threads = declared.threads;
		let exact = is_exact(declared, &config)?;
		let result = result.clone();
		let judging = move || judge_segment(id, &config, segment, &result, &published, exact, halt);
		let judged = tokio::task::spawn_blocking(judging).await;
		judged.map_err(|error| WorkerError::Crashed(error.to_string()))?
	}

	/// The checkpoints at both ends of a segment, and the adapter, which the last checkpoint must be.
	async fn fetch_published(&self, case: &Case, manifest: &JobManifest, segment: Segment) -> Result<Published, Fault> {
		let result = &case.result;
		let records = &manifest.run.checkpoints;
		let mut published = Published {
			adapter: self.fetch_kept(case, (&result.adapter).into(), "the adapter").await?,
			start: None,
			end: None,
		};
		// One after the other, none of them held: they may be as large as the training.
		if let Some(before) = segment.number.checked_sub(1) {
			let path = self.fetch_checkpoint(case, &records[before]).await?;
			state_of(&path, segment.from)?;
			published.start = Some(path);
		}
		let Some(last) = records.last() else {
			return Ok(published);
		};
		let path = self.fetch_checkpoint(case, &records[segment.number]).await?;
		state_of(&path, segment.until)?;
		published.end = Some(path);
		let last = state_of(&self.fetch_checkpoint(case, last).await?, result.steps as usize)?;
		ensure(
			last.has_trained(&read_tensors(&published.adapter)?),
			"the adapter is not that of the last checkpoint",
		)?;
		ensure_loss(result, &last, true)?;
		Ok(published)
	}

	/// Computes the loss again that the worker reported of what the chain drew.
	async fn evaluate_again(&self, case: &Case) -> Result<(), Fault> {
		let result = &case.result;
		let JobStatus::Disputed {
			evaluation: ResultEvaluation::Reported(reported),
			..
		} = &case.job.status
		else {
			return Err(Fault::Unknown(WorkerError::NotDisputed(case.id)));
		};
		// Their absence is the worker's fault; that of anything else is not.
		for artifact in [&result.adapter, &result.adapter_config] {
			self.fetch_kept(case, artifact.into(), "the adapter").await?;
		}
		let found = self.evaluate_drawn(case.id, &case.job, result, &reported.on).await?;
		ensure(
			reported.agrees_with(found.loss_micro, found.tokens),
			"the loss is another than was reported",
		)
	}

	/// Reveals findings for as long as it is polled, whatever else the worker does.
	pub async fn keep_revealing(&self) -> Infallible {
		loop {
			if let Err(error) = self.reveal_due().await {
				tracing::debug!("looking for findings to reveal: {error}");
			}
			tokio::time::sleep(REVEAL_POLL).await;
		}
	}

	/// Reveals what is due. Whether it was anything.
	pub async fn reveal_due(&self) -> Result<bool> {
		let query = Query::new(&*self.chain);
		let now = query.active_block().await?;
		let mut revealed = false;
		for (id, dispute) in query.disputes().await? {
			if now <= dispute.commit_until || now > dispute.reveal_until {
				continue;
			}
			let mine = |seat: &&_| is_unrevealed(self.signer.account(), seat);
			let Some(seat) = dispute.seats.iter().find(mine) else {
				continue;
			};
			let ballot = self.ballot(id, &dispute);
			let salt = ballot.salt(&self.signer.salt_secret());
			let mut findings = [Finding::Upheld, Finding::Broken, Finding::Unavailable].into_iter();
			let Some(finding) = findings.find(|finding| ballot.commitment(*finding, &salt) == seat.commitment) else {
				tracing::error!("job {id}: this worker's commitment was made with another key");
				continue;
			};
			self.send(calls::judge_reveal(id, finding, salt)).await?;
			tracing::info!("job {id}: revealed that it is {finding:?}");
			revealed = true;
		}
		Ok(revealed)
	}
}

/// Trains one segment again, and compares what comes out with what was published of it.
fn judge_segment(
	id: JobId,
	config: &RunConfig,
	segment: Segment,
	result: &JobResult,
	published: &Published,
	exact: bool,
	halt: Halt,
) -> Result<(), Fault> {
	let start = || rerun::start(config, published.start.as_deref());
	let from = published.start.as_ref().map(|_| start()).transpose()?;
	let repeated = repeat(config.clone(), segment, from, &mut |_| halt.asked())?;
	let end = repeated.end.ok_or(WorkerError::Stopped)?;
	ensure(
		repeated.total_steps == result.steps as usize,
		"the order takes another number of steps",
	)?;
	let expected = match &published.end {
		Some(path) => State::read(path)?,
		None => {
			ensure_loss(result, &end, exact)?;
			published.of_adapter(&end)?
		}
	};
	let found = compare(exact, &expected, &end, start)?;
	drop(expected);
	tracing::info!(
		"job {id}: segment {} repeated, {} of the way apart{}",
		segment.number,
		found.deviation,
		if exact { ", compared byte for byte" } else { "" }
	);
	if !exact && !found.equal {
		match rerun::sensitivity(config.clone(), segment, start, &end, &mut |_| halt.asked())? {
			Some(sensitivity) if sensitivity < UNSTABLE => {}
			_ => return Err(Fault::Unknown(WorkerError::Unstable(id))),
		}
	}
	ensure(found.equal, "the segment gives something else")
}

/// A checkpoint's state, which must be that after `step`.
fn state_of(path: &Path, step: usize) -> Result<State, Fault> {
	let state = State::read(path)?;
	ensure(state.position.step == step, "a checkpoint is of another step")?;
	Ok(state)
}

/// Removes a folder with all that is in it, where it is there.
fn remove(folder: &Path) -> Result<()> {
	match std::fs::remove_dir_all(folder) {
		Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(WorkerError::io(folder)(error)),
		_ => Ok(()),
	}
}

/// Whether a seat is this judge's, with nothing revealed yet.
fn is_unrevealed(me: &AccountId, seat: &Seat<AccountId>) -> bool {
	seat.judge == *me && seat.finding.is_none()
}

/// What a result's worker published of a segment.
struct Published {
	adapter: PathBuf,
	/// The checkpoint before it; of the first there is none.
	start: Option<PathBuf>,
	/// The checkpoint after it, where there are checkpoints.
	end: Option<PathBuf>,
}

impl Published {
	/// The state after the whole run, of which the adapter alone is published.
	fn of_adapter(&self, end: &State) -> Result<State, Fault> {
		let expected = end.with_trained(read_tensors(&self.adapter)?);
		expected.ok_or_else(|| Fault::Broken("the adapter has other tensors than were ordered".into()))
	}
}

/// Checks that the manifest names the checkpoints and the adapter that the chain was told of.
fn stated(manifest: &JobManifest, result: &JobResult) -> Result<(), Fault> {
	let hashes = hashes(&manifest.run.checkpoints);
	let root = hashes.map(|hashes| CheckpointsRoot::of(&hashes, result.checkpoints.every_steps));
	ensure(
		root == Some(result.checkpoints) && result.checkpoints.fits(result.steps),
		"the manifest names other checkpoints",
	)?;
	let named = (manifest.adapter.sha256, manifest.adapter_config.sha256);
	let is_adapter = named == (result.adapter.sha256, result.adapter_config.sha256);
	ensure(is_adapter, "the manifest names another adapter")
}

/// Checks the loss that the worker reported.
fn ensure_loss(result: &JobResult, last: &State, exact: bool) -> Result<(), Fault> {
	let (reported, found) = (result.train_loss_micro as f64, micro(last.position.last_loss) as f64);
	let most = if exact { 0.0 } else { TOLERANCE * found };
	ensure(
		(reported - found).abs() <= most,
		"the training loss is another than was reported",
	)
}
