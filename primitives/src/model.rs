//! Base models, workers, training jobs, their results, and evaluations of them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{
	capability::Capability,
	evaluation::{EvaluationOfResult, ResultEvaluation},
	item::Text,
	merkle::root,
	payload::Cid,
	training::{DatasetRef, TrainingSpec},
	ActiveBlock, Balance, BaseModelId, ModelId,
};

/// Longest name of a model or file in bytes.
pub const MAX_MODEL_NAME: u32 = 64;
/// Files of one base model: shards of a large checkpoint, configuration and tokenizer.
pub const MAX_FILES: u32 = 256;
/// Longest endpoint in bytes.
pub const MAX_ENDPOINT: u32 = 128;
/// Evaluations of one model that stand at once: a page reads them all.
pub const MAX_EVALUATIONS: u32 = 128;

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
	/// What it can train.
	pub capability: Capability,
	pub registered_at: ActiveBlock,
	/// What binds the bond of one job each: jobs it has taken and not finished, jobs it has bid on, disputes it judges.
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
	/// Before this block workers bid. After it a draw decides, or, where nobody bid, who comes first.
	pub bids_until: ActiveBlock,
	/// Nobody having taken it by then, it can be expired.
	pub expires_at: ActiveBlock,
	/// How many workers lost it.
	pub failures: u8,
	/// Active blocks that it has been paused for, pauses that are over.
	pub paused_blocks: ActiveBlock,
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
	/// The requester has stopped the clock: no heartbeat is due. From `until` on anybody can let it run again.
	Paused {
		worker: AccountId,
		since: ActiveBlock,
		until: ActiveBlock,
		/// As it was; moved by the pause when it ends.
		train_until: ActiveBlock,
		progress: Progress,
	},
	/// A result is there. Once its worker has reported its evaluation, anybody accepts it from `accept_at` on; the requester may at
	/// any time.
	Submitted {
		worker: AccountId,
		accept_at: ActiveBlock,
		result: JobResult,
		evaluation: ResultEvaluation,
	},
	/// Somebody disputes the result; judges decide.
	Disputed {
		worker: AccountId,
		/// As it was: a result that is upheld waits no longer than it would have.
		accept_at: ActiveBlock,
		result: JobResult,
		evaluation: ResultEvaluation,
	},
	Accepted {
		model: ModelId,
	},
	/// Withdrawn by the requester while open or paused; refunded, less what was paid for steps.
	Cancelled,
	/// Too many workers lost it; refunded.
	Failed,
	/// Nobody took it in time; refunded.
	Expired,
	/// Judges came to no ruling on its result: the price was split between requester and worker.
	Split,
}

impl<AccountId> JobStatus<AccountId> {
	/// Whether nothing can become of it any more, and nothing is held for it.
	pub fn has_ended(&self) -> bool {
		match self {
			Self::Open
			| Self::Claimed { .. }
			| Self::Paused { .. }
			| Self::Submitted { .. }
			| Self::Disputed { .. } => false,
			Self::Accepted { .. } | Self::Cancelled | Self::Failed | Self::Expired | Self::Split => true,
		}
	}

	/// Who holds the job.
	pub fn worker(&self) -> Option<&AccountId> {
		match self {
			Self::Claimed { worker, .. }
			| Self::Paused { worker, .. }
			| Self::Submitted { worker, .. }
			| Self::Disputed { worker, .. } => Some(worker),
			_ => None,
		}
	}
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

/// The checkpoints of a run, taken after every `every_steps` steps and after the last one.
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
pub struct CheckpointsRoot {
	/// Merkle root of their sha2-256 in order; zeros where there are none.
	pub root: [u8; 32],
	/// How many there are. Zero: the whole run is one segment.
	pub count: u32,
	pub every_steps: u32,
}

impl CheckpointsRoot {
	/// That of checkpoints with these sha2-256, in order.
	pub fn of(hashes: &[[u8; 32]], every_steps: u32) -> Self {
		if hashes.is_empty() {
			return Self::default();
		}
		Self {
			root: root(hashes),
			count: hashes.len() as u32,
			every_steps,
		}
	}

	/// Whether a run of `steps` steps can have these.
	pub fn fits(&self, steps: u32) -> bool {
		if self.every_steps == 0 {
			return *self == Self::default();
		}
		self.count > 0 && self.count == steps.div_ceil(self.every_steps)
	}
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
	/// What a dispute draws a segment of.
	pub checkpoints: CheckpointsRoot,
	pub steps: u32,
	/// Loss of the last logged step, nats per token, in units of 1e-6.
	pub train_loss_micro: u64,
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
	/// `None`: the requester accepted the result before its worker had reported one.
	pub evaluation: Option<EvaluationOfResult>,
}

/// What somebody measured of a registered model. A statement of its author: the manifest is what it can be checked by.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Evaluation {
	/// What it was measured on.
	pub dataset: DatasetRef,
	/// Nats per token, in units of 1e-6.
	pub loss_micro: u64,
	/// How many tokens the loss is the mean of.
	pub tokens: u64,
	/// All that is needed to repeat it.
	pub manifest: Artifact,
	/// Held of the evaluator, plancks.
	pub bond: Balance,
	pub posted_at: ActiveBlock,
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		capability::{Device, DtypeSet, MethodSet},
		evaluation::EvaluatedOn,
		payload::CidCodec,
		training::{Dtype, Method, Parent},
	};

	/// The bytes as hexadecimal digits.
	fn digits(value: impl Encode) -> alloc::string::String {
		value.encode().iter().map(|byte| alloc::format!("{byte:02x}")).collect()
	}

	fn artifact(n: u8) -> Artifact {
		Artifact {
			cid: Cid::new(CidCodec::Raw, [n; 32]),
			sha256: [n; 32],
			bytes: u64::from(n),
		}
	}

	fn result() -> JobResult {
		JobResult {
			adapter: artifact(1),
			adapter_config: artifact(2),
			manifest: artifact(3),
			checkpoints: CheckpointsRoot {
				root: [4; 32],
				count: 5,
				every_steps: 6,
			},
			steps: 30,
			train_loss_micro: 7,
		}
	}

	fn evaluation() -> ResultEvaluation {
		ResultEvaluation::Due {
			until: Default::default(),
			seed_at: 8,
			evaluate_by: 9,
		}
	}

	fn spec() -> TrainingSpec {
		TrainingSpec {
			parent: Parent::Base(0),
			datasets: Default::default(),
			method: Method::Lora,
			dtype: Dtype::F32,
			min_memory_mib: 0,
			hyperparameters: Default::default(),
		}
	}

	#[test]
	fn checkpoints_fit_a_run_when_they_are_all_of_it_or_none() {
		let of = |count, every_steps| CheckpointsRoot {
			root: [1; 32],
			count,
			every_steps,
		};
		assert!(CheckpointsRoot::default().fits(100) && of(10, 10).fits(100) && of(11, 10).fits(101));
		assert!(of(1, 200).fits(100));
		assert!(!of(0, 0).fits(100) && !of(9, 10).fits(100) && !of(11, 10).fits(100) && !of(1, 0).fits(100));
		assert!(!of(0, 10).fits(0));
	}

	#[test]
	fn checkpoints_are_stated_by_one_root() {
		let hashes = [[1; 32], [2; 32], [3; 32]];
		let stated = CheckpointsRoot::of(&hashes, 10);
		assert_eq!((stated.root, stated.count, stated.every_steps), (root(&hashes), 3, 10));
		assert!(stated.fits(25));
		assert_ne!(stated, CheckpointsRoot::of(&[[1; 32], [3; 32], [2; 32]], 10));
		assert_eq!(CheckpointsRoot::of(&[], 10), CheckpointsRoot::default());
	}

	#[test]
	fn stored_encodings_do_not_move() {
		let artifact_bytes = |n: u8| {
			let hash = digits([n; 32]);
			alloc::format!("00{hash}{hash}{n:02x}00000000000000")
		};
		let result_bytes = [
			artifact_bytes(1),
			artifact_bytes(2),
			artifact_bytes(3),
			digits([4u8; 32]),
			"05000000060000001e0000000700000000000000".into(),
		]
		.concat();
		assert_eq!(digits(result()), result_bytes);
		let evaluation_bytes = digits(evaluation());

		let worker = Worker {
			bond: 1,
			endpoint: b"x".to_vec().try_into().unwrap(),
			capability: Capability {
				device: Device::Metal,
				memory_mib: 2,
				methods: MethodSet(3),
				dtypes: DtypeSet(1),
			},
			registered_at: 4,
			active_jobs: 5,
		};
		assert_eq!(
			digits(worker),
			"0100000000000000000000000000000004780202000000030104000000050000 00".replace(' ', "")
		);

		let job = |status| Job {
			requester: 9u8,
			spec: spec(),
			price: 1,
			created_at: 2,
			bids_until: 3,
			expires_at: 4,
			failures: 5,
			paused_blocks: 6,
			status,
		};
		let head = alloc::format!(
			"09{}0100000000000000000000000000000002000000030000000400000005060000 00",
			digits(spec())
		)
		.replace(' ', "");
		let claimed = JobStatus::Claimed {
			worker: 1,
			heartbeat_by: 2,
			train_until: 3,
			progress: Progress {
				step: 4,
				steps: 5,
				loss_micro: 6,
			},
		};
		let paused = JobStatus::Paused {
			worker: 1,
			since: 2,
			until: 3,
			train_until: 4,
			progress: Progress::default(),
		};
		for (status, tail) in [
			(JobStatus::Open, "00".into()),
			(claimed, "0101020000000300000004000000050000000600000000000000".into()),
			(
				paused,
				"020102000000030000000400000000000000000000000000000000000000".into(),
			),
			(
				JobStatus::Submitted {
					worker: 1,
					accept_at: 2,
					result: result(),
					evaluation: evaluation(),
				},
				alloc::format!("030102000000{result_bytes}{evaluation_bytes}"),
			),
			(
				JobStatus::Disputed {
					worker: 1,
					accept_at: 2,
					result: result(),
					evaluation: evaluation(),
				},
				alloc::format!("040102000000{result_bytes}{evaluation_bytes}"),
			),
			(JobStatus::Accepted { model: 1 }, "0501000000".into()),
			(JobStatus::Cancelled, "06".into()),
			(JobStatus::Failed, "07".into()),
			(JobStatus::Expired, "08".into()),
			(JobStatus::Split, "09".into()),
		] {
			let tail: alloc::string::String = tail;
			assert_eq!(digits(job(status)), [head.clone(), tail].concat());
		}

		let model = Model {
			owner: 1u8,
			worker: 2,
			base: 3,
			job: 4,
			spec: spec(),
			roots: alloc::vec![[5; 32]].try_into().unwrap(),
			result: result(),
			evaluation: Some(EvaluationOfResult {
				on: EvaluatedOn::Split,
				loss_micro: 6,
				tokens: 7,
			}),
		};
		let expected = [
			"01020300000004000000".into(),
			digits(spec()),
			"04".into(),
			digits([5u8; 32]),
			result_bytes,
			"010106000000000000000700000000000000".into(),
		];
		assert_eq!(digits(model), expected.concat());
	}
}
