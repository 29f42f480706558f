//! What the calls cost, the Datanets', rewards' and court's part of them included: records are full, every record that can be
//! there is, and of the ways a call can go the one with most accesses is taken.

use super::*;
use alloc::{vec, vec::Vec};
use frame_benchmarking::{account, v2::*, whitelisted_caller};
use frame_support::{pallet_prelude::ConstU32, traits::fungible::MutateHold, BoundedVec};
use frame_system::RawOrigin;
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	bid::SEED_DELAY,
	capability::{Device, DtypeSet, MethodSet},
	dispute::{seat_key, JudgeBallot, Seat, MAX_JUDGES},
	evaluation::{EvaluatedOn, ResultEvaluation},
	model::CheckpointsRoot,
	payload::{Cid, CidCodec},
	training::{Dtype, Method, MAX_DATASETS},
	OPEN,
};

type Helper<T> = <T as Config>::BenchmarkHelper;

/// The active block in which everything happens.
const NOW: ActiveBlock = 1_000;
const PRICE: Balance = 1_000 * OPEN;
const JOB: JobId = 0;
const BASE: BaseModelId = 0;
const SALT: [u8; 32] = [3; 32];
/// What a base model must have.
const NEEDED: [&[u8]; 3] = [b"config.json", b"tokenizer.json", b"model.safetensors"];

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// Somebody who can pay.
fn rich<T: Config>(who: T::AccountId) -> T::AccountId {
	Helper::<T>::endow(&who, 1_000_000 * OPEN);
	who
}

fn caller<T: Config>() -> T::AccountId {
	rich::<T>(whitelisted_caller())
}

fn other<T: Config>(name: &'static str) -> T::AccountId {
	rich::<T>(account(name, 0, 0))
}

fn longest<const N: u32>() -> Text<N> {
	Text::truncate_from(vec![b'x'; N as usize])
}

fn artifact(n: u32) -> Artifact {
	let mut sha256 = [0; 32];
	sha256[..4].copy_from_slice(&n.to_le_bytes());
	Artifact {
		cid: Cid::new(CidCodec::DagPb, [1; 32]),
		sha256,
		bytes: 1 << 32,
	}
}

/// So many files, with the longest names, in the order that takes most to sort.
fn files(count: u32) -> BoundedVec<ModelFile, ConstU32<MAX_FILES>> {
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
fn base_model<T: Config>(owner: T::AccountId) -> Result<(), BenchmarkError> {
	Pallet::<T>::do_register_base_model(owner, longest(), files(MAX_FILES))?;
	Ok(())
}

/// A worker that can train everything, with the bond of so many jobs, one of them bound.
fn worker<T: Config>(who: T::AccountId, jobs: u32) -> Result<T::AccountId, BenchmarkError> {
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

fn workers<T: Config>(count: u32) -> Result<Vec<T::AccountId>, BenchmarkError> {
	(0..count).map(|n| worker::<T>(account("worker", n, 0), 3)).collect()
}

fn capability() -> Capability {
	Capability {
		device: Device::Cuda,
		memory_mib: u32::MAX,
		methods: MethodSet::of(&Method::ALL),
		dtypes: DtypeSet::of(&Dtype::ALL),
	}
}

/// An order on so many restricted Datanets, which `requester` may train on.
fn spec<T: Config>(parent: Parent, requester: &T::AccountId, datasets: u32) -> TrainingSpec {
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

fn result() -> JobResult {
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

fn progress() -> Progress {
	Progress {
		step: 50,
		steps: 100,
		loss_micro: 1,
	}
}

/// A job of `requester` on the largest base model and as many Datanets as can be, in the status; one more loss fails it.
fn job_of<T: Config>(requester: &T::AccountId, status: JobStatus<T::AccountId>) -> Result<(), BenchmarkError> {
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

fn job<T: Config>(status: JobStatus<T::AccountId>) -> Result<(), BenchmarkError> {
	job_of::<T>(&other::<T>("requester"), status)
}

fn claimed<AccountId>(worker: AccountId, heartbeat_by: ActiveBlock) -> JobStatus<AccountId> {
	JobStatus::Claimed {
		worker,
		heartbeat_by,
		train_until: NOW + 1,
		progress: progress(),
	}
}

fn submitted<AccountId>(worker: AccountId, accept_at: ActiveBlock) -> JobStatus<AccountId> {
	JobStatus::Submitted {
		worker,
		accept_at,
		result: result(),
		evaluation: reported(),
	}
}

/// Submitted, its seed known, its evaluation due by a block.
fn unevaluated<AccountId>(worker: AccountId, evaluate_by: ActiveBlock) -> JobStatus<AccountId> {
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
fn reported() -> ResultEvaluation {
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
fn later(datanet: u32) -> DatasetRef {
	DatasetRef {
		datanet,
		version: u32::MAX,
		exclusions: 0,
	}
}

/// A job with as many bids as are kept.
fn full_of_bids<T: Config>(requester: &T::AccountId) -> Result<(), BenchmarkError> {
	job_of::<T>(requester, JobStatus::Open)?;
	let bids = workers::<T>(MAX_BIDS)?.into_iter().map(|worker| Bid {
		worker,
		weight: 2 * Params::<T>::get().bond_per_job,
	});
	Bids::<T>::insert(JOB, BoundedVec::truncate_from(bids.collect()));
	Ok(())
}

/// A disputed job whose judges are these, with `findings` of the first of them revealed.
fn disputed<T: Config>(judges: &[T::AccountId], findings: usize) -> Result<(), BenchmarkError> {
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
fn model<T: Config>() -> Result<ModelId, BenchmarkError> {
	let worker = worker::<T>(account("trainer", 0, 0), 3)?;
	let requester = other::<T>("requester");
	job_of::<T>(&requester, submitted(worker, NOW))?;
	Pallet::<T>::do_accept_result(requester, JOB)?;
	EvaluationCount::<T>::insert(0, openledger_primitives::model::MAX_EVALUATIONS - 1);
	Ok(0)
}

/// Evaluates a model as `who`.
fn evaluate<T: Config>(model: ModelId, who: &T::AccountId) -> Result<(), BenchmarkError> {
	let dataset = Helper::<T>::dataset(&account("evaluated", 0, 0), who);
	Pallet::<T>::do_post_evaluation(who.clone(), model, dataset, 1, 1, artifact(4))?;
	Ok(())
}

fn status<T: Config>() -> Option<JobStatus<T::AccountId>> {
	Jobs::<T>::get(JOB).map(|job| job.status)
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn register_base_model(n: Linear<3, MAX_FILES>) {
		let owner = caller::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), longest(), files(n));
		assert!(BaseModels::<T>::contains_key(BASE));
	}

	#[benchmark]
	fn register_worker() {
		let who = caller::<T>();
		let bond = Params::<T>::get().min_bond;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), bond, longest(), capability());
		assert!(Workers::<T>::contains_key(&who));
	}

	#[benchmark]
	fn update_worker() -> Result<(), BenchmarkError> {
		let who = worker::<T>(whitelisted_caller(), 1)?;
		let before = Workers::<T>::get(&who).map_or(0, |worker| worker.bond);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), Some(longest()), Some(capability()), 1);
		assert_eq!(Workers::<T>::get(&who).map(|worker| worker.bond), Some(before + 1));
		Ok(())
	}

	#[benchmark]
	fn deregister_worker() -> Result<(), BenchmarkError> {
		let who = worker::<T>(whitelisted_caller(), 1)?;
		Workers::<T>::mutate_extant(&who, |worker| worker.active_jobs = 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(!Workers::<T>::contains_key(&who));
		Ok(())
	}

	/// On top of a model.
	#[benchmark]
	fn request_job(n: Linear<1, MAX_DATASETS>) -> Result<(), BenchmarkError> {
		let parent = Parent::Model(model::<T>()?);
		let requester = caller::<T>();
		let spec = spec::<T>(parent, &requester, n);
		#[extrinsic_call]
		_(RawOrigin::Signed(requester), spec, PRICE);
		assert!(Jobs::<T>::contains_key(JOB + 1));
		Ok(())
	}

	/// One that displaces another.
	#[benchmark]
	fn bid() -> Result<(), BenchmarkError> {
		full_of_bids::<T>(&other::<T>("requester"))?;
		Jobs::<T>::mutate_extant(JOB, |job| job.bids_until = NOW + 1);
		let who = worker::<T>(whitelisted_caller(), 10)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), JOB);
		assert!(Bids::<T>::get(JOB).iter().any(|offer| offer.worker == who));
		Ok(())
	}

	#[benchmark]
	fn heartbeat() -> Result<(), BenchmarkError> {
		let who = worker::<T>(whitelisted_caller(), 3)?;
		job::<T>(claimed(who.clone(), NOW))?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), JOB, progress());
		assert_eq!(status::<T>(), Some(claimed(who, NOW + 1)));
		Ok(())
	}

	#[benchmark]
	fn submit_result() -> Result<(), BenchmarkError> {
		let who = worker::<T>(whitelisted_caller(), 3)?;
		job::<T>(claimed(who.clone(), NOW))?;
		JobByAdapter::<T>::remove(result().adapter.sha256);
		#[extrinsic_call]
		_(RawOrigin::Signed(who), JOB, result());
		assert!(matches!(status::<T>(), Some(JobStatus::Submitted { .. })));
		Ok(())
	}

	/// Every dataset's contributors have a share.
	#[benchmark]
	fn accept_result() -> Result<(), BenchmarkError> {
		let who = worker::<T>(account("trainer", 0, 0), 3)?;
		job::<T>(submitted(who, NOW))?;
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert_eq!(status::<T>(), Some(JobStatus::Accepted { model: 0 }));
		Ok(())
	}

	/// An open one with all bids.
	#[benchmark]
	fn cancel_job() -> Result<(), BenchmarkError> {
		let requester = caller::<T>();
		full_of_bids::<T>(&requester)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(requester), JOB);
		assert_eq!(status::<T>(), Some(JobStatus::Cancelled));
		Ok(())
	}

	/// The last loss, of a result that was not evaluated.
	#[benchmark]
	fn report_missed() -> Result<(), BenchmarkError> {
		let worker = worker::<T>(account("trainer", 0, 0), 3)?;
		job::<T>(unevaluated(worker, NOW - 1))?;
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert_eq!(status::<T>(), Some(JobStatus::Failed));
		Ok(())
	}

	/// With all bids.
	#[benchmark]
	fn expire_job() -> Result<(), BenchmarkError> {
		full_of_bids::<T>(&other::<T>("requester"))?;
		Jobs::<T>::mutate_extant(JOB, |job| job.expires_at = NOW - 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert_eq!(status::<T>(), Some(JobStatus::Expired));
		Ok(())
	}

	#[benchmark]
	fn dispute() -> Result<(), BenchmarkError> {
		let who = worker::<T>(account("trainer", 0, 0), 3)?;
		job::<T>(submitted(who, NOW + 1))?;
		#[extrinsic_call]
		_(RawOrigin::Signed(caller::<T>()), JOB, Claim::Segment);
		assert!(Disputes::<T>::contains_key(JOB));
		Ok(())
	}

	/// One that displaces another, and needs the seed first.
	#[benchmark]
	fn judge_commit() -> Result<(), BenchmarkError> {
		Helper::<T>::set_active_block(NOW);
		Helper::<T>::set_seed(NOW - 10);
		let seed = T::Seeds::seed(NOW - 10).ok_or(BenchmarkError::Stop("the seed is set"))?;
		let mut judges = workers::<T>(MAX_JUDGES + 1)?;
		judges.sort_by_key(|judge| seat_key(&seed, JOB, judge));
		let who = judges.remove(0);
		disputed::<T>(&judges, 0)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), JOB, [1; 32]);
		assert!(Disputes::<T>::get(JOB).is_some_and(|it| it.seats.iter().any(|seat| seat.judge == who)));
		Ok(())
	}

	/// From the last seat.
	#[benchmark]
	fn judge_reveal() -> Result<(), BenchmarkError> {
		let mut judges = workers::<T>(MAX_JUDGES - 1)?;
		let who = worker::<T>(whitelisted_caller(), 3)?;
		judges.push(who.clone());
		disputed::<T>(&judges, 0)?;
		let ballot = JudgeBallot {
			genesis: Pallet::<T>::genesis(),
			job: JOB,
			opened_at: 1,
			judge: &who,
		};
		let commitment = ballot.commitment(Finding::Broken, &SALT);
		Disputes::<T>::mutate_extant(JOB, |it| {
			it.commit_until = NOW - 1;
			it.seats[MAX_JUDGES as usize - 1].commitment = commitment;
		});
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), JOB, Finding::Broken, SALT);
		let seat = Disputes::<T>::get(JOB).and_then(|it| it.seats.into_iter().last());
		assert_eq!(seat.and_then(|seat| seat.finding), Some(Finding::Broken));
		Ok(())
	}

	#[benchmark]
	fn pause() -> Result<(), BenchmarkError> {
		let requester = caller::<T>();
		let who = worker::<T>(account("trainer", 0, 0), 3)?;
		job_of::<T>(&requester, claimed(who, NOW))?;
		#[extrinsic_call]
		_(RawOrigin::Signed(requester), JOB);
		assert!(matches!(status::<T>(), Some(JobStatus::Paused { .. })));
		Ok(())
	}

	#[benchmark]
	fn resume() -> Result<(), BenchmarkError> {
		let worker = worker::<T>(account("trainer", 0, 0), 3)?;
		let paused = JobStatus::Paused {
			worker,
			since: NOW - 1,
			until: NOW,
			train_until: NOW,
			progress: progress(),
		};
		job::<T>(paused)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert!(matches!(status::<T>(), Some(JobStatus::Claimed { .. })));
		Ok(())
	}

	/// The last that a model can have.
	#[benchmark]
	fn post_evaluation() -> Result<(), BenchmarkError> {
		let model = model::<T>()?;
		let who = caller::<T>();
		let dataset = Helper::<T>::dataset(&account("evaluated", 0, 0), &who);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), model, dataset, 1, 1, artifact(4));
		assert!(Evaluations::<T>::contains_key(model, &who));
		Ok(())
	}

	#[benchmark]
	fn draw() -> Result<(), BenchmarkError> {
		full_of_bids::<T>(&other::<T>("requester"))?;
		Jobs::<T>::mutate_extant(JOB, |job| job.bids_until = NOW - 10);
		Helper::<T>::set_seed(NOW - 10 + SEED_DELAY);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert!(matches!(status::<T>(), Some(JobStatus::Claimed { .. })));
		Ok(())
	}

	#[benchmark]
	fn set_params() -> Result<(), BenchmarkError> {
		let mut params = Params::<T>::get();
		params.min_price += 1;
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, params);
		assert_eq!(Params::<T>::get(), params);
		Ok(())
	}

	/// Three judges rule against the worker, whose job fails for the last time; all others were silent.
	#[benchmark]
	fn close_dispute() -> Result<(), BenchmarkError> {
		disputed::<T>(&workers::<T>(MAX_JUDGES)?, 3)?;
		Helper::<T>::set_active_block(NOW + 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert_eq!(status::<T>(), Some(JobStatus::Failed));
		Ok(())
	}

	/// Against the worker, whose job fails for the last time.
	#[benchmark]
	fn correct() -> Result<(), BenchmarkError> {
		disputed::<T>(&[], 0)?;
		Disputes::<T>::mutate_extant(JOB, |it| it.split_at = Some(NOW + 1));
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, JOB, Ruling::Broken);
		assert_eq!(status::<T>(), Some(JobStatus::Failed));
		Ok(())
	}

	#[benchmark]
	fn prune_job() -> Result<(), BenchmarkError> {
		job::<T>(JobStatus::Failed)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), JOB);
		assert!(!Jobs::<T>::contains_key(JOB));
		Ok(())
	}

	#[benchmark]
	fn retract_evaluation() -> Result<(), BenchmarkError> {
		let model = model::<T>()?;
		let who = caller::<T>();
		evaluate::<T>(model, &who)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), model);
		assert!(!Evaluations::<T>::contains_key(model, &who));
		Ok(())
	}

	#[benchmark]
	fn remove_evaluation() -> Result<(), BenchmarkError> {
		let model = model::<T>()?;
		let who = other::<T>("evaluator");
		evaluate::<T>(model, &who)?;
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, model, who.clone());
		assert!(!Evaluations::<T>::contains_key(model, &who));
		Ok(())
	}

	/// The largest.
	#[benchmark]
	fn deregister_base_model() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		base_model::<T>(owner.clone())?;
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), BASE);
		assert!(!BaseModels::<T>::contains_key(BASE));
		Ok(())
	}
	/// Of as many Datanets as can be.
	#[benchmark]
	fn report_evaluation() -> Result<(), BenchmarkError> {
		let who = worker::<T>(whitelisted_caller(), 3)?;
		job::<T>(unevaluated(who.clone(), NOW))?;
		Helper::<T>::set_seed(NOW - 10);
		#[extrinsic_call]
		_(RawOrigin::Signed(who), JOB, 1, 1);
		let on = match status::<T>() {
			Some(JobStatus::Submitted { evaluation, .. }) => evaluation.reported().map(|it| it.on.clone()),
			_ => None,
		};
		assert!(matches!(on, Some(EvaluatedOn::Later { .. })));
		Ok(())
	}
}
