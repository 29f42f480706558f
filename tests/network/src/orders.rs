//! Fine-tuning jobs in every state that a job waits in. Nobody trains: it is the chain that is asked.

use anyhow::{bail, Context, Result};
use chain_client::{calls, Hash, Signer, Wait};
use openledger_primitives::{
	capability::{Capability, Device, DtypeSet, MethodSet},
	dispute::Claim,
	model::{Artifact, JobResult, JobStatus, ModelFile, Progress},
	payload::{Cid, CidCodec},
	training::{DatasetRef, Dtype, Method, Parent, TrainingSpec},
	BaseModelId, DatanetId, JobId, OPEN,
};

use crate::{Ledger, Network};

/// Steps of every job.
const STEPS: u32 = 100;
const PROGRESS: Progress = Progress {
	step: 50,
	steps: STEPS,
	loss_micro: 1,
};

/// What a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
	Open,
	Claimed,
	Paused,
	Submitted,
	Disputed,
	Accepted,
	Cancelled,
	/// Nobody judged its dispute.
	Split,
}

/// A base model, who orders fine-tunes of it, and who would train them.
pub struct Orders<'a> {
	ledger: &'a Ledger,
	requester: Signer,
	worker: Signer,
	base: BaseModelId,
}

/// A job in each state that a job waits in.
#[derive(Clone, Copy)]
pub struct Jobs {
	pub open: JobId,
	pub claimed: JobId,
	pub paused: JobId,
	pub submitted: JobId,
	pub disputed: JobId,
}

impl<'a> Orders<'a> {
	/// Registers the base model and the worker.
	pub fn new(ledger: &'a Ledger) -> Result<Self> {
		let (requester, worker) = (Signer::from_suri("//Requester")?, Signer::from_suri("//Worker")?);
		let file = |name: &str, n| ModelFile {
			name: name.as_bytes().to_vec().try_into().expect("a short name"),
			artifact: artifact(n),
		};
		let files = vec![
			file("config.json", 1),
			file("model.safetensors", 2),
			file("tokenizer.json", 3),
		];
		let name = b"base".to_vec().try_into().expect("a short name");
		let model = calls::register_base_model(name, files.try_into().ok().context("few files")?);
		let registered = ledger.submit(&requester, model, Wait::InBlock)?;
		let capability = Capability {
			device: Device::Cpu,
			memory_mib: 1_000,
			methods: MethodSet::of(&[Method::Lora]),
			dtypes: DtypeSet::of(&[Dtype::F32]),
		};
		let register = calls::register_worker(1_000 * OPEN, Default::default(), capability);
		ledger.submit(&worker, register, Wait::InBlock)?;
		Ok(Self {
			ledger,
			requester,
			worker,
			base: registered.field("Models", "BaseModelRegistered")?,
		})
	}

	/// Orders a job for each state, on the first version of a Datanet, and brings it there.
	pub fn place(&self, datanet: DatanetId) -> Result<Jobs> {
		let dataset = DatasetRef {
			datanet,
			version: 1,
			exclusions: 0,
		};
		let spec = TrainingSpec {
			parent: Parent::Base(self.base),
			datasets: vec![dataset].try_into().expect("one dataset"),
			method: Method::Lora,
			dtype: Dtype::F32,
			min_memory_mib: 0,
			hyperparameters: Default::default(),
		};
		let order = vec![calls::request_job(spec, 10 * OPEN); 5];
		let ordered = self
			.ledger
			.submit(&self.requester, calls::batch_all(order), Wait::InBlock)?;
		let requested = ordered.events.iter().filter(|event| event.is("Models", "JobRequested"));
		let jobs: Vec<JobId> = requested.map(|event| event.decode()).collect::<Result<_, _>>()?;
		let [open, claimed, paused, submitted, disputed] = jobs[..] else {
			bail!("five jobs were ordered, not {jobs:?}");
		};
		// Nobody else bids, and bidding takes no time here: a bid is the claim.
		let mut training: Vec<_> = [claimed, paused, submitted, disputed].map(calls::bid).into();
		for job in [submitted, disputed] {
			training.extend([calls::heartbeat(job, PROGRESS), calls::submit_result(job, result(job))]);
		}
		self.ledger
			.submit(&self.worker, calls::batch_all(training), Wait::InBlock)?;
		let dispute = calls::dispute(disputed, Claim::NotAvailable);
		let by_requester = calls::batch_all(vec![calls::pause(paused), dispute]);
		self.ledger.submit(&self.requester, by_requester, Wait::InBlock)?;
		Ok(Jobs {
			open,
			claimed,
			paused,
			submitted,
			disputed,
		})
	}

	/// Does what each of the jobs waits for.
	pub fn go_on(&self, jobs: Jobs) -> Result<()> {
		let by_requester = vec![
			calls::cancel_job(jobs.open),
			calls::resume(jobs.paused),
			calls::accept_result(jobs.submitted),
		];
		self.ledger.submit_each(vec![
			(&self.requester, calls::batch_all(by_requester)),
			(&self.worker, calls::heartbeat(jobs.claimed, PROGRESS)),
		])
	}

	/// Closes the dispute, about which nobody ruled.
	pub fn end_dispute(&self, network: &mut Network, jobs: Jobs) -> Result<()> {
		// Once for the ruling, of which there is none, and once for the split.
		for _ in 0..2 {
			let block = self.ledger.finalized()?.hash;
			let dispute = self.ledger.wait(self.ledger.at(block).dispute(jobs.disputed))?;
			let dispute = dispute.context("the dispute is open")?;
			let last = dispute.split_at.unwrap_or(dispute.reveal_until);
			network.wait("a dispute's time to be over", |_| {
				Ok((self.ledger.active_block()? > last).then_some(()))
			})?;
			let close = calls::close_dispute(jobs.disputed);
			self.ledger.submit(&self.worker, close, Wait::Finalized)?;
		}
		Ok(())
	}

	/// Everything about these jobs in a block.
	pub fn states(&self, jobs: Jobs, block: Hash) -> Result<[State; 5]> {
		let state = |id| -> Result<State> {
			let job = self.ledger.wait(self.ledger.at(block).job(id))?;
			Ok(match job.with_context(|| format!("there is no job {id}"))?.status {
				JobStatus::Open => State::Open,
				JobStatus::Claimed { .. } => State::Claimed,
				JobStatus::Paused { .. } => State::Paused,
				JobStatus::Submitted { .. } => State::Submitted,
				JobStatus::Disputed { .. } => State::Disputed,
				JobStatus::Accepted { .. } => State::Accepted,
				JobStatus::Cancelled => State::Cancelled,
				JobStatus::Split => State::Split,
				other => bail!("job {id} is {other:?}"),
			})
		};
		Ok([
			state(jobs.open)?,
			state(jobs.claimed)?,
			state(jobs.paused)?,
			state(jobs.submitted)?,
			state(jobs.disputed)?,
		])
	}

	/// Whether the worker's heartbeat on a claimed job arrived.
	pub fn has_heard(&self, job: JobId, block: Hash) -> Result<bool> {
		let job = self.ledger.wait(self.ledger.at(block).job(job))?;
		let status = job.map(|job| job.status);
		Ok(matches!(status, Some(JobStatus::Claimed { progress, .. }) if progress == PROGRESS))
	}
}

/// A file that nobody has.
fn artifact(n: u32) -> Artifact {
	let mut digest = [9; 32];
	digest[..4].copy_from_slice(&n.to_le_bytes());
	Artifact {
		cid: Cid {
			codec: CidCodec::Raw,
			digest,
		},
		sha256: digest,
		bytes: 100,
	}
}

/// A result that no other job has.
fn result(job: JobId) -> JobResult {
	JobResult {
		adapter: artifact(100 + job),
		adapter_config: artifact(200),
		manifest: artifact(300),
		checkpoints: Default::default(),
		steps: STEPS,
		train_loss_micro: 2_000_000,
	}
}
