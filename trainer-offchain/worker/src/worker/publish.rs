//! What a training made: marked, published, recorded, submitted.

use super::beat::{is_paused, micro, stopped, train, Halt};
use super::error::{Result, WorkerError};
use super::mark;
use super::prepare::{Prepared, PUBLISHED, RUN};
use super::record::{FileRecord, JobManifest, MANIFEST_VERSION};
use super::status::Phase;
use super::{Service, BACKOFF};
use chain_client::{address, calls, Chain, ChainError, ChainExt, Query, Wait};
use openledger_finetune::checkpoints::{self, CheckpointRecord};
use openledger_finetune::{hash::hash_file, run::MANIFEST, Manifest, RunReport, StepMetrics};
use openledger_model::files::write_json;
use openledger_primitives::{
	model::{Artifact, CheckpointsRoot, JobResult, JobStatus, Progress},
	JobId,
};
use payload_store::{Cid, MAX_ARTIFACT_BYTES};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// Times a result is marked anew because its hash is taken.
const ATTEMPTS: u32 = 3;
/// Pause after a node that did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a job that is lost may take to end.
const FAREWELL: Duration = Duration::from_secs(30);

impl<C: Chain> Service<C> {
	/// Trains a claimed job to its end and submits the result, with heartbeats all the while.
	pub async fn finish(&self, prepared: &Prepared) -> Result<JobResult> {
		let id = prepared.id;
		let (sender, receiver) = watch::channel(told(&prepared.job.status));
		let (pauses, paused) = watch::channel(false);
		let halt = Halt::default();
		let making = self.make(prepared, sender, halt.clone(), receiver.clone(), paused);
		tokio::pin!(making);
		let lost = tokio::select! {
			made = &mut making => return made,
			lost = self.keep_alive(id, prepared.terms.params.heartbeat_blocks, receiver, &pauses) => lost,
			_ = stopped(&self.stop) => {
				halt.now();
				return Err(WorkerError::Stopped);
			}
		};
		halt.now();
		// The result can be on chain already: a heartbeat that comes after it is refused.
		match tokio::time::timeout(FAREWELL, making).await {
			Ok(Ok(result)) => Ok(result),
			Ok(Err(_)) | Err(_) => Err(lost),
		}
	}

	/// Trains until the end, or until `halt` is told. A pause stops the training after its step, with a checkpoint that
	/// it goes on from; meanwhile the machine is free.
	async fn train_through_pauses(
		&self,
		prepared: &Prepared,
		sender: watch::Sender<Progress>,
		halt: Halt,
		mut paused: watch::Receiver<bool>,
	) -> Result<RunReport> {
		// An error of `paused` means that nobody tells of pauses any more: there are none then.
		loop {
			let _ = paused.wait_for(|paused| !*paused).await;
			self.status.set_phase(prepared.id, Phase::Training);
			let (pause, status, id) = (Halt::default(), self.status.clone(), prepared.id);
			let halts = [halt.clone(), pause.clone()];
			let told = move |metrics: &StepMetrics| status.step(id, metrics);
			let training = train(prepared.config.clone(), sender.clone(), halts, told);
			tokio::pin!(training);
			let done = tokio::select! {
				done = &mut training => done,
				Ok(_) = paused.wait_for(|paused| *paused) => {
					pause.now();
					self.status.set_phase(id, Phase::Paused);
					training.await
				}
			};
			match done {
				Err(WorkerError::Stopped) if halt.asked().is_continue() => {
					tracing::info!("job {id}: training stopped at a checkpoint while the job is paused")
				}
				done => return done,
			}
		}
	}

	async fn make(
		&self,
		prepared: &Prepared,
		sender: watch::Sender<Progress>,
		halt: Halt,
		progress: watch::Receiver<Progress>,
		paused: watch::Receiver<bool>,
	) -> Result<JobResult> {
		let report = self.train_through_pauses(prepared, sender, halt, paused).await?;
		self.status.set_phase(prepared.id, Phase::Publishing);
		let run = self.publish_checkpoints(prepared, &report).await?;
		let mut attempt = 1;
		loop {
			let result = self.publish(prepared, &report, run.clone(), attempt).await?;
			let told = *progress.borrow();
			match self.submit(prepared.id, told, result).await {
				Err(WorkerError::Chain(ChainError::Dispatch { error, .. }))
					if error.name == "AdapterAlreadyRegistered" && attempt < ATTEMPTS =>
				{
					tracing::warn!(
						"job {}: this adapter is registered already; marking it anew",
						prepared.id
					);
					attempt += 1;
				}
				done => return done,
			}
		}
	}

	/// Uploads the checkpoints, and returns the run's own manifest with where they are. They are kept here too.
	///
	/// Where one is too large for a gateway none is published: a dispute then judges the whole run.
	async fn publish_checkpoints(&self, prepared: &Prepared, report: &RunReport) -> Result<Manifest> {
		let mut run = run_record(report)?;
		if run
			.checkpoints
			.iter()
			.any(|checkpoint| checkpoint.bytes > MAX_ARTIFACT_BYTES)
		{
			tracing::warn!(
				"job {}: its checkpoints are larger than {MAX_ARTIFACT_BYTES} bytes and are not published",
				prepared.id
			);
			run.checkpoints.clear();
		}
		for checkpoint in &mut run.checkpoints {
			let stored = self.upload(&prepared.config.output.join(&checkpoint.file)).await?;
			checkpoint.cid = Some(stored.cid.to_string());
		}
		Ok(run)
	}

	/// Uploads adapter, configuration and manifest.
	async fn publish(
		&self,
		prepared: &Prepared,
		report: &RunReport,
		mut run: Manifest,
		attempt: u32,
	) -> Result<JobResult> {
		let (tensors, config) = outputs(report)?;
		let value = mark_of(&self.genesis, prepared.id, attempt);
		mark::set(&tensors, &value)?;
		note_mark(&mut run, &tensors)?;
		let checkpoints = root_of(&run)?;
		let adapter = self.upload(&tensors).await?;
		let adapter_config = self.upload(&config).await?;

		let manifest = JobManifest {
			manifest_version: MANIFEST_VERSION,
			genesis: self.genesis,
			job: prepared.id,
			worker: address(self.signer.account()),
			spec: prepared.job.spec.clone(),
			base_model: prepared.base.clone(),
			parent: prepared.parent.clone(),
			datasets: prepared.datasets.clone(),
			run,
			adapter: FileRecord::of(name_of(&tensors), &adapter),
			adapter_config: FileRecord::of(name_of(&config), &adapter_config),
			mark: (mark::KEY.into(), value),
		};
		let path = prepared.folder.join(PUBLISHED);
		let manifest = serde_json::to_value(&manifest).map_err(|error| WorkerError::Malformed {
			path: path.clone(),
			reason: error.to_string(),
		})?;
		write_json(&path, &manifest).map_err(openledger_finetune::FinetuneError::from)?;
		Ok(JobResult {
			adapter,
			adapter_config,
			manifest: self.upload(&path).await?,
			checkpoints,
			steps: u32::try_from(report.steps).unwrap_or(u32::MAX),
			train_loss_micro: micro(report.final_loss),
		})
	}

	/// Puts what a disputed result of this worker names back into the store, where that has lost it: judges need it.
	pub async fn publish_again(&self, id: JobId) -> Result<()> {
		let folder = self.folder("jobs", id);
		let path = folder.join(PUBLISHED);
		let bytes = std::fs::read(&path).map_err(WorkerError::io(&path))?;
		let manifest: JobManifest = serde_json::from_slice(&bytes).map_err(|error| WorkerError::Malformed {
			path: path.clone(),
			reason: error.to_string(),
		})?;
		self.put(&path).await?;
		let run = folder.join(RUN);
		let result = run.join(manifest.run.inputs.result_folder());
		let mut files: Vec<_> = [&manifest.adapter, &manifest.adapter_config]
			.map(|file| (Some(file.cid), result.join(&file.name)))
			.into();
		for checkpoint in &manifest.run.checkpoints {
			let cid = checkpoint.cid.as_ref().and_then(|cid| Cid::parse(cid).ok());
			files.push((cid, run.join(&checkpoint.file)));
		}
		for (cid, file) in files {
			let is_there = match cid {
				Some(cid) => self.artifacts.has(&cid).await?,
				None => false,
			};
			if !is_there {
				self.put(&file).await?;
			}
		}
		Ok(())
	}

	/// Removes the checkpoints of jobs that have ended: nobody can dispute their results any more.
	pub fn tidy(&self, has_ended: impl Fn(JobId) -> bool) -> Result<()> {
		for id in self.folders()?.into_iter().filter(|id| has_ended(*id)) {
			let checkpoints = self.folder("jobs", id).join(RUN).join(checkpoints::FOLDER);
			if checkpoints.exists() {
				std::fs::remove_dir_all(&checkpoints).map_err(WorkerError::io(&checkpoints))?;
			}
		}
		Ok(())
	}

	/// The jobs of this chain that have a folder.
	pub fn folders(&self) -> Result<Vec<JobId>> {
		let jobs = self.home.join("jobs");
		let entries = match std::fs::read_dir(&jobs) {
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
			entries => entries.map_err(WorkerError::io(&jobs))?,
		};
		let mut found = Vec::new();
		for entry in entries {
			let name = entry.map_err(WorkerError::io(&jobs))?.file_name();
			let id = name.to_str().and_then(|name| name.rsplit_once('-')?.1.parse().ok());
			found.extend(id.filter(|id| self.folder("jobs", *id).ends_with(&name)));
		}
		Ok(found)
	}

	/// [`Self::put`], where the gateway may be away for a while: heartbeats go on, and what was trained is not lost.
	async fn upload(&self, path: &Path) -> Result<Artifact> {
		let mut pause = BACKOFF.0;
		loop {
			match self.put(path).await {
				Err(error) if error.is_passing() => {
					self.status.count(&error);
					tracing::warn!("{error}; trying again in {:.1} s", pause.as_secs_f32());
					tokio::time::sleep(pause).await;
					pause = (pause * 2).min(BACKOFF.1);
				}
				done => return done,
			}
		}
	}

	async fn put(&self, path: &Path) -> Result<Artifact> {
		let stored = self.artifacts.put_file(path).await?;
		tracing::info!("published {} as {}", name_of(path), stored.cid);
		Ok(Artifact {
			cid: stored.cid,
			sha256: stored.sha256,
			bytes: stored.size,
		})
	}

	/// Posts the result behind a heartbeat with the last step. A node that is away is asked again and again.
	async fn submit(&self, id: JobId, progress: Progress, result: JobResult) -> Result<JobResult> {
		loop {
			let calls = vec![calls::heartbeat(id, progress), calls::submit_result(id, result.clone())];
			let sent = self.chain.submit_all(&self.signer, calls, Wait::InBlock).await;
			let error = match sent.map(|mut outcomes| outcomes.pop()) {
				Ok(Some(Ok(outcome))) => match outcome.ok() {
					Ok(_) => return Ok(result),
					Err(error) => error,
				},
				Ok(Some(Err(error))) | Err(error) => error,
				Ok(None) => continue,
			};
			// An earlier attempt can have come into a block without this worker hearing of it.
			if self.is_submitted(id, &result).await {
				return Ok(result);
			}
			if error.dispatch().is_some_and(is_paused) {
				self.while_paused(id).await;
				continue;
			}
			if error.dispatch().is_some() {
				return Err(error.into());
			}
			self.status.count_chain(&error);
			tracing::warn!("result of job {id}: {error}; trying again");
			tokio::time::sleep(PAUSE).await;
		}
	}

	async fn is_submitted(&self, id: JobId, result: &JobResult) -> bool {
		let job = Query::new(&*self.chain).job(id).await.ok().flatten();
		job.is_some_and(|job| match job.status {
			JobStatus::Submitted { result: submitted, .. } | JobStatus::Disputed { result: submitted, .. } => {
				submitted == *result
			}
			_ => false,
		})
	}
}

/// The progress that the chain knows of: after a restart it must not go back.
pub fn told<A>(status: &JobStatus<A>) -> Progress {
	match status {
		JobStatus::Claimed { progress, .. } | JobStatus::Paused { progress, .. } => *progress,
		_ => Progress::default(),
	}
}

/// What makes this job's adapter differ from every other: the chain, the job, and which attempt it is.
fn mark_of(genesis: &[u8; 32], job: JobId, attempt: u32) -> String {
	format!("{}/{job}/{attempt}", hex::encode(genesis))
}

/// The files that a run left: tensors and configuration.
fn outputs(report: &RunReport) -> Result<(PathBuf, PathBuf)> {
	if let Some(dir) = &report.adapter_dir {
		return Ok((
			dir.join(openledger_model::peft::TENSORS),
			dir.join(openledger_model::peft::CONFIG),
		));
	}
	let dir = report.model_dir.as_ref().ok_or(WorkerError::Stopped)?;
	Ok((dir.join("model.safetensors"), dir.join("config.json")))
}

/// The run's own manifest.
fn run_record(report: &RunReport) -> Result<Manifest> {
	let path = report.manifest_path.as_ref().ok_or(WorkerError::Stopped)?;
	let bytes = std::fs::read(path).map_err(WorkerError::io(path))?;
	serde_json::from_slice(&bytes).map_err(|error| WorkerError::Malformed {
		path: path.clone(),
		reason: error.to_string(),
	})
}

/// Puts the hash that the tensors have since they were marked into the run's manifest.
fn note_mark(run: &mut Manifest, tensors: &Path) -> Result<()> {
	let marked = hash_file(tensors, name_of(tensors))?;
	if run.adapter_sha256.is_some() {
		run.adapter_sha256 = Some(marked.sha256.clone());
	}
	for file in run.output_files.iter_mut().filter(|file| file.name == marked.name) {
		*file = marked.clone();
	}
	Ok(())
}

/// What the chain is told of a run's checkpoints.
fn root_of(run: &Manifest) -> Result<CheckpointsRoot> {
	let hashes = hashes(&run.checkpoints).ok_or_else(|| WorkerError::Malformed {
		path: MANIFEST.into(),
		reason: "a checkpoint has no sha256".into(),
	})?;
	let every = u32::try_from(run.inputs.checkpoint_every).unwrap_or(u32::MAX);
	Ok(CheckpointsRoot::of(&hashes, every))
}

/// The sha2-256 of checkpoints, in order.
pub fn hashes(checkpoints: &[CheckpointRecord]) -> Option<Vec<[u8; 32]>> {
	let hash = |record: &CheckpointRecord| hex::decode(&record.sha256).ok()?.try_into().ok();
	checkpoints.iter().map(hash).collect()
}

fn name_of(path: &Path) -> String {
	path.file_name()
		.map(|name| name.to_string_lossy().into_owned())
		.unwrap_or_default()
}
