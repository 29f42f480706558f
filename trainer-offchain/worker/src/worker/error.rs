//! Why a job was not done.

use chain_client::{ChainError, DispatchError};
use openledger_finetune::FinetuneError;
use openledger_primitives::{BaseModelId, DatanetId, JobId, ModelId};
use payload_store::{StoreError, MAX_ARTIFACT_BYTES};
use std::path::PathBuf;

pub type Result<T, E = WorkerError> = std::result::Result<T, E>;

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
	/// A file is not the one that the chain names.
	#[error("{what} has sha256 {got}, but the chain says {expected}: it is refused")]
	WrongFile {
		what: String,
		/// Hexadecimal.
		expected: String,
		/// Hexadecimal.
		got: String,
	},
	/// A dataset version's items do not add up to its root.
	#[error("Datanet {datanet}, version {version}: the items give the root {got}, but the chain says {expected}")]
	WrongRoot {
		datanet: DatanetId,
		version: u32,
		expected: String,
		got: String,
	},
	/// An item of a dataset version is gone, or belongs to another Datanet.
	#[error("Datanet {datanet}, version {version}: the chain does not have its item")]
	ItemMissing { datanet: DatanetId, version: u32 },
	/// Nothing of a job's datasets can be read as text.
	#[error("job {0}: none of its files is text that this trainer reads")]
	NoText(JobId),
	#[error("there is no job {0}")]
	JobMissing(JobId),
	/// The randomness that draws what a result is evaluated on is kept for a day only.
	#[error("job {0}: the chain does not have the seed of its evaluation any more")]
	SeedMissing(JobId),
	#[error("there is no base model {0}")]
	BaseModelMissing(BaseModelId),
	#[error("there is no model {0}")]
	ModelMissing(ModelId),
	/// A name on chain cannot be a file's name.
	#[error("the base model names a file {0:?}: it is refused")]
	UnsafeName(String),
	/// This build cannot train what was ordered.
	#[error("this trainer cannot do it: {0}")]
	Unsupported(&'static str),
	/// The draw gave the job to another bidder, or heavier bids took this one's place.
	#[error("another worker has job {0}")]
	Outbid(JobId),
	/// Nobody disputes the job's result any more.
	#[error("the result of job {0} is not disputed")]
	NotDisputed(JobId),
	/// The block whose randomness draws the segment is not known yet.
	#[error("the seed of the dispute about job {0} is not known")]
	SeedUnknown(JobId),
	/// The training enlarges rounding so much that on another kernel path it may honestly come out otherwise.
	#[error("the training of job {0} is too unstable to be judged on this machine, which adds up in another order")]
	Unstable(JobId),
	/// The commitments' time was over before there was a finding.
	#[error("judging job {0} took longer than the chain waits for commitments")]
	JudgedTooLate(JobId),
	/// The job is no longer this worker's.
	#[error("job {job} was lost: {error}")]
	Lost { job: JobId, error: DispatchError },
	/// By the estimate of its memory the training would not come to its end here.
	#[error("it needs about {needed_mib} MiB, and the device has {memory_mib} MiB: not for this worker")]
	TooLarge { needed_mib: u64, memory_mib: u32 },
	/// Its result could not be published once it is trained.
	#[error("its result would have about {bytes} bytes, and gateways take files of at most {MAX_ARTIFACT_BYTES}: not for any worker; order an adapter, or a smaller base model")]
	ResultTooLarge { bytes: u64 },
	/// PEFT knows no layers that this family's adapters usually wrap, and the order names none.
	#[error("it leaves the adapted layers to the family, and {family} has no usual ones: only all-linear can be trained of it")]
	NoTargets { family: &'static str },
	/// Somebody asked the process to stop.
	#[error("stopped")]
	Stopped,
	/// The training ended with a panic.
	#[error("the training crashed: {0}")]
	Crashed(String),
	/// A file that the training wrote cannot be read as what it is.
	#[error("{path}: {reason}", path = .path.display())]
	Malformed { path: PathBuf, reason: String },
	#[error("{path}: {source}", path = .path.display())]
	Io { path: PathBuf, source: std::io::Error },
	#[error(transparent)]
	Chain(#[from] ChainError),
	#[error(transparent)]
	Store(#[from] StoreError),
	#[error(transparent)]
	Finetune(#[from] FinetuneError),
}

impl WorkerError {
	/// An operating system's error about a path.
	pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
		let path = path.into();
		move |source| Self::Io { path, source }
	}

	/// One word for counting.
	pub fn kind(&self) -> &'static str {
		match self {
			Self::WrongFile { .. } => "wrong_file",
			Self::WrongRoot { .. } => "wrong_root",
			Self::ItemMissing { .. } => "item_missing",
			Self::NoText(_) => "no_text",
			Self::JobMissing(_) => "job_missing",
			Self::SeedMissing(_) => "seed_missing",
			Self::BaseModelMissing(_) => "base_model_missing",
			Self::ModelMissing(_) => "model_missing",
			Self::UnsafeName(_) => "unsafe_name",
			Self::Unsupported(_) => "unsupported",
			Self::Outbid(_) => "outbid",
			Self::NotDisputed(_) => "not_disputed",
			Self::SeedUnknown(_) => "seed_unknown",
			Self::Unstable(_) => "unstable",
			Self::JudgedTooLate(_) => "judged_too_late",
			Self::Lost { .. } => "lost",
			Self::TooLarge { .. } => "too_large",
			Self::ResultTooLarge { .. } => "result_too_large",
			Self::NoTargets { .. } => "no_targets",
			Self::Stopped => "stopped",
			Self::Crashed(_) => "crashed",
			Self::Malformed { .. } => "malformed",
			Self::Io { .. } => "io",
			Self::Chain(_) => "chain",
			Self::Store(_) => "store",
			Self::Finetune(_) => "finetune",
		}
	}

	/// Whether the order is not for this worker, by what it says alone.
	pub fn is_unfit(&self) -> bool {
		matches!(
			self,
			Self::TooLarge { .. } | Self::ResultTooLarge { .. } | Self::NoTargets { .. } | Self::Unsupported(_)
		)
	}

	/// Whether the same may succeed a little later: the node or the gateway was away, or behind.
	pub fn is_passing(&self) -> bool {
		match self {
			Self::SeedUnknown(_) => true,
			Self::Chain(error) => error.dispatch().is_none(),
			Self::Store(error) => {
				use StoreError::*;
				matches!(
					error,
					NotFound { .. } | NotAnnounced { .. } | Deadline { .. } | Unreachable { .. } | Refused { .. }
				)
			}
			_ => false,
		}
	}
}
