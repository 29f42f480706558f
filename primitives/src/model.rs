//! Base models, workers, training jobs and their results.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{item::Text, payload::Cid, training::TrainingSpec, ActiveBlock, Balance, BaseModelId, ModelId};

/// Longest name of a model or file in bytes.
pub const MAX_MODEL_NAME: u32 = 64;
/// Files of one base model: shards of a large checkpoint, configuration and tokenizer.
pub const MAX_FILES: u32 = 256;
/// Longest endpoint in bytes.
pub const MAX_ENDPOINT: u32 = 128;

/// A file published through the payload store.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Artifact {
	pub cid: Cid,
	/// sha2-256 of the bytes.
	pub sha256: [u8; 32],
	pub bytes: u64,
}

/// A named file of a base model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ModelFile {
	/// As in the Hugging Face directory, UTF-8: `config.json`, `model.safetensors`, `tokenizer.json`.
	pub name: Text<MAX_MODEL_NAME>,
	pub artifact: Artifact,
}

/// A base model by the hashes of its files; a worker refuses files that differ.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct BaseModel<AccountId> {
	pub owner: AccountId,
	/// UTF-8.
	pub name: Text<MAX_MODEL_NAME>,
	pub files: BoundedVec<ModelFile, ConstU32<MAX_FILES>>,
}

/// Somebody with a GPU (or a patient CPU), bonded.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Worker {
	/// Held, plancks.
	pub bond: Balance,
	/// Where its metrics and chat are served, UTF-8; may be empty.
	pub endpoint: Text<MAX_ENDPOINT>,
	/// Jobs it has taken and not finished.
	pub active_jobs: u32,
}

/// An order for a fine-tune, with its price in escrow.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Job<AccountId> {
	pub requester: AccountId,
	pub spec: TrainingSpec,
	/// Held of the requester until the job ends, plancks.
	pub price: Balance,
	pub created_at: ActiveBlock,
	/// Nobody having taken it by then, it can be expired.
	pub expires_at: ActiveBlock,
	/// How many workers lost it.
	pub failures: u8,
	pub status: JobStatus<AccountId>,
}

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
// Boxing the result would buy nothing: a job is read and written whole.
#[allow(clippy::large_enum_variant)]
pub enum JobStatus<AccountId> {
	/// Waits for a worker.
	Open,
	/// `worker` trains; a heartbeat is due by `heartbeat_by`, and a result by `train_until`, which no heartbeat moves.
	Claimed {
		worker: AccountId,
		heartbeat_by: ActiveBlock,
		train_until: ActiveBlock,
		progress: Progress,
	},
	/// A result is there; accepted at `accept_at` unless the requester does so before.
	Submitted {
		worker: AccountId,
		accept_at: ActiveBlock,
		result: JobResult,
	},
	Accepted {
		model: ModelId,
	},
	/// Withdrawn by the requester while open; refunded.
	Cancelled,
	/// Too many workers lost it; refunded.
	Failed,
	/// Nobody took it in time; refunded.
	Expired,
}

/// What a heartbeat tells.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Progress {
	pub step: u32,
	pub steps: u32,
	/// Training loss in nats per token, in units of 1e-6.
	pub loss_micro: u64,
}

/// What a worker posts.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct JobResult {
	/// The adapter's safetensors file (of a full training: the model's).
	pub adapter: Artifact,
	/// Its `adapter_config.json` (of a full training: `config.json`).
	pub adapter_config: Artifact,
	/// All that is needed to repeat the run.
	pub manifest: Artifact,
	pub steps: u32,
	/// Loss of the last logged step, nats per token, in units of 1e-6.
	pub train_loss_micro: u64,
	/// Loss on the validation split, where there was one.
	pub eval_loss_micro: Option<u64>,
}

/// An accepted result in the registry, with its whole provenance.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Model<AccountId> {
	/// Who ordered it.
	pub owner: AccountId,
	pub worker: AccountId,
	pub base: BaseModelId,
	pub job: crate::JobId,
	pub spec: TrainingSpec,
	/// Roots of the dataset versions, in the order of `spec.datasets`.
	pub roots: BoundedVec<[u8; 32], ConstU32<{ crate::training::MAX_DATASETS }>>,
	pub result: JobResult,
}
