//! What the calls cost, the Datanets', rewards' and court's part of them included: records are full, every record that can be
//! there is, and of the ways a call can go the one with most accesses is taken.

mod setup;

use super::*;
use frame_benchmarking::v2::*;
use frame_system::RawOrigin;
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	bid::SEED_DELAY,
	dispute::{seat_key, JudgeBallot, MAX_JUDGES},
	evaluation::EvaluatedOn,
	training::MAX_DATASETS,
};
use setup::*;

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
