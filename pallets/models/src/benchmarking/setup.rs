//! The accounts, records and states that the benchmarks begin with.

use crate::*;
use alloc::{vec, vec::Vec};
use frame_benchmarking::{account, v2::*, whitelisted_caller};
use frame_support::{pallet_prelude::ConstU32, traits::fungible::MutateHold, BoundedVec};
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	capability::{Device, DtypeSet, MethodSet},
	dispute::Seat,
	evaluation::{EvaluatedOn, ResultEvaluation},
	model::CheckpointsRoot,
	payload::{Cid, CidCodec},
	training::{Dtype, Method, MAX_DATASETS},
	OPEN,
};

pub(super) type Helper<T> = <T as Config>::BenchmarkHelper;

/// The active block in which everything happens.
pub(super) const NOW: ActiveBlock = 1_000;
pub(super) const PRICE: Balance = 1_000 * OPEN;
pub(super) const JOB: JobId = 0;
pub(super) const BASE: BaseModelId = 0;
pub(super) const SALT: [u8; 32] = [3; 32];
/// What a base model must have.
pub(super) const NEEDED: [&[u8]; 3] = [b"config.json", b"tokenizer.json", b"model.safetensors"];

pub(super) fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// Somebody who can pay.
pub(super) fn rich<T: Config>(who: T::AccountId) -> T::AccountId {
	Helper::<T>::endow(&who, 1_000_000 * OPEN);
	who
}

pub(super) fn caller<T: Config>() -> T::AccountId {
	rich::<T>(whitelisted_caller())
}

pub(super) fn other<T: Config>(name: &'static str) -> T::AccountId {
	rich::<T>(account(name, 0, 0))
}

pub(super) fn longest<const N: u32>() -> Text<N> {
	Text::truncate_from(vec![b'x'; N as usize])
}

pub(super) fn artifact(n: u32) -> Artifact {
	let mut sha256 = [0; 32];
	sha256[..4].copy_from_slice(&n.to_le_bytes());
	Artifact {
		cid: Cid::new(CidCodec::DagPb, [1; 32]),
		sha256,
		bytes: 1 << 32,
	}
}

/// So many files, with the longest names, in the order that takes most to sort.
pub(super) fn files(count: u32) -> BoundedVec<ModelFile, ConstU32<MAX_FILES>> {
	let others = (0..count.saturating_sub(NEEDED.len() as u32)).rev().map(|n| {
		let mut name = longest();
		for (byte, digit) in name.iter_mut().rev().zip([n % 10, n / 10 % 10, n / 100 % 10]) {
			*byte = b'0' + digit as u8;
		}
		ModelFile {
			name,
			artifact: artifact(n),
		}
	});
	let needed = NEEDED.iter().map(|name| ModelFile {
		name: Text::truncate_from(name.to_vec()),
		artifact: artifact(0),
	});
	BoundedVec::truncate_from(others.chain(needed).collect())
}

/// The largest base model, of `owner`.
pub(super) fn base_model<T: Config>(owner: T::AccountId) -> Result<(), BenchmarkError> {
	Pallet::<T>::do_register_base_model(owner, longest(), files(MAX_FILES))?;
	Ok(())
}

/// A worker that can train everything, with the bond of so many jobs, one of them bound.
pub(super) fn worker<T: Config>(who: T::AccountId, jobs: u32) -> Result<T::AccountId, BenchmarkError> {
	rich::<T>(who.clone());
	let bond = Params::<T>::get().bond_per_job * Balance::from(jobs);
	let capability = capability();
	Pallet::<T>::do_register_worker(who.clone(), bond, longest(), capability)?;
	Workers::<T>::mutate_extant(&who, |worker| {
		worker.registered_at = 0;
		worker.active_jobs = 1;
	});
	Ok(who)
}

pub(super) fn workers<T: Config>(count: u32) -> Result<Vec<T::AccountId>, BenchmarkError> {
	(0..count).map(|n| worker::<T>(account("worker", n, 0), 3)).collect()
}

pub(super) fn capability() -> Capability {
	Capability {
		device: Device::Cuda,
		memory_mib: u32::MAX,
		methods: MethodSet::of(&Method::ALL),
		dtypes: DtypeSet::of(&Dtype::ALL),
	}
}

/// An order on so many restricted Datanets, which `requester` may train on.
pub(super) fn spec<T: Config>(parent: Parent, requester: &T::AccountId, datasets: u32) -> TrainingSpec {
	let datasets = (0..datasets).map(|n| Helper::<T>::dataset(&account("owner", n, 0), requester));
	TrainingSpec {
		parent,
		datasets: BoundedVec::truncate_from(datasets.collect()),
		method: Method::Lora,
		dtype: Dtype::Bf16,
		min_memory_mib: 1,
		hyperparameters: Default::default(),
	}
}

pub(super) fn result() -> JobResult {
	JobResult {
		adapter: artifact(1),
		adapter_config: artifact(2),
		manifest: artifact(3),
		checkpoints: CheckpointsRoot {
			root: [1; 32],
			count: 10,
			every_steps: 10,
		},
		steps: 100,
		train_loss_micro: 1,
	}
}

pub(super) fn progress() -> Progress {
	Progress {
		step: 50,
		steps: 100,
		loss_micro: 1,
	}
}

/// A job of `requester` on the largest base model and as many Datanets as can be, in the status; one more loss fails it.
pub(super) fn job_of<T: Config>(
	requester: &T::AccountId,
	status: JobStatus<T::AccountId>,
) -> Result<(), BenchmarkError> {
	Helper::<T>::set_active_block(NOW);
	if NextBaseModel::<T>::get() == BASE {
		base_model::<T>(other::<T>("modeller"))?;
	}
	Pallet::<T>::do_request_job(
		requester.clone(),
		spec::<T>(Parent::Base(BASE), requester, MAX_DATASETS),
		PRICE,
	)?;
	Jobs::<T>::mutate_extant(JOB, |job| {
		job.failures = Params::<T>::get().max_failures - 1;
		job.status = status;
	});
	JobByAdapter::<T>::insert(result().adapter.sha256, JOB);
	Ok(())
}

pub(super) fn job<T: Config>(status: JobStatus<T::AccountId>) -> Result<(), BenchmarkError> {
	job_of::<T>(&other::<T>("requester"), status)
}

pub(super) fn claimed<AccountId>(worker: AccountId, heartbeat_by: ActiveBlock) -> JobStatus<AccountId> {
	JobStatus::Claimed {
		worker,
		heartbeat_by,
		train_until: NOW + 1,
		progress: progress(),
	}
}

pub(super) fn submitted<AccountId>(worker: AccountId, accept_at: ActiveBlock) -> JobStatus<AccountId> {
	JobStatus::Submitted {
		worker,
		accept_at,
		result: result(),
		evaluation: reported(),
	}
}

/// Submitted, its seed known, its evaluation due by a block.
pub(super) fn unevaluated<AccountId>(worker: AccountId, evaluate_by: ActiveBlock) -> JobStatus<AccountId> {
	JobStatus::Submitted {
		worker,
		accept_at: NOW,
		result: result(),
		evaluation: ResultEvaluation::Due {
			until: BoundedVec::truncate_from((0..MAX_DATASETS).map(later).collect()),
			seed_at: NOW - 10,
			evaluate_by,
		},
	}
}

/// Evaluated on items of as many Datanets as can be.
pub(super) fn reported() -> ResultEvaluation {
	ResultEvaluation::Reported(EvaluationOfResult {
		on: EvaluatedOn::Later {
			seed: [1; 32],
			until: BoundedVec::truncate_from(vec![later(0); MAX_DATASETS as usize]),
		},
		loss_micro: 1,
		tokens: 1,
	})
}

/// A dataset that has more items than any order.
pub(super) fn later(datanet: u32) -> DatasetRef {
	DatasetRef {
		datanet,
		version: u32::MAX,
		exclusions: 0,
	}
}

/// A job with as many bids as are kept.
pub(super) fn full_of_bids<T: Config>(requester: &T::AccountId) -> Result<(), BenchmarkError> {
	job_of::<T>(requester, JobStatus::Open)?;
	let bids = workers::<T>(MAX_BIDS)?.into_iter().map(|worker| Bid {
		worker,
		weight: 2 * Params::<T>::get().bond_per_job,
	});
	Bids::<T>::insert(JOB, BoundedVec::truncate_from(bids.collect()));
	Ok(())
}

/// A disputed job whose judges are these, with `findings` of the first of them revealed.
pub(super) fn disputed<T: Config>(judges: &[T::AccountId], findings: usize) -> Result<(), BenchmarkError> {
	let worker = worker::<T>(account("trainer", 0, 0), 3)?;
	let status = JobStatus::Disputed {
		worker,
		accept_at: NOW,
		result: result(),
		evaluation: reported(),
	};
	job::<T>(status)?;
	let disputer = other::<T>("disputer");
	let bond = Params::<T>::get().dispute_bond;
	T::Currency::hold(&HoldReason::DisputeBond.into(), &disputer, bond)?;
	let seats = judges.iter().enumerate().map(|(n, judge)| Seat {
		judge: judge.clone(),
		commitment: [n as u8; 32],
		finding: (n < findings).then_some(Finding::Broken),
	});
	let dispute = Dispute {
		disputer,
		bond,
		claim: Claim::Segment,
		opened_at: 1,
		seed_at: NOW - 10,
		seed: None,
		commit_until: NOW,
		reveal_until: NOW,
		seats: BoundedVec::truncate_from(seats.collect()),
		split_at: None,
	};
	Disputes::<T>::insert(JOB, dispute);
	Ok(())
}

/// A model from such a job, evaluated but for one as often as can be.
pub(super) fn model<T: Config>() -> Result<ModelId, BenchmarkError> {
	let worker = worker::<T>(account("trainer", 0, 0), 3)?;
	let requester = other::<T>("requester");
	job_of::<T>(&requester, submitted(worker, NOW))?;
	Pallet::<T>::do_accept_result(requester, JOB)?;
	EvaluationCount::<T>::insert(0, openledger_primitives::model::MAX_EVALUATIONS - 1);
	Ok(0)
}

/// Evaluates a model as `who`.
pub(super) fn evaluate<T: Config>(model: ModelId, who: &T::AccountId) -> Result<(), BenchmarkError> {
	let dataset = Helper::<T>::dataset(&account("evaluated", 0, 0), who);
	Pallet::<T>::do_post_evaluation(who.clone(), model, dataset, 1, 1, artifact(4))?;
	Ok(())
}

pub(super) fn status<T: Config>() -> Option<JobStatus<T::AccountId>> {
	Jobs::<T>::get(JOB).map(|job| job.status)
}
