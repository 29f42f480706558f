//! Random sequences of calls. After each call the pallet's seven numbered invariants hold, and:
//! 8. issuance stays what it was;
//! 9. a job that has ended stays as it ended;
//! 10. what was collected for contributors never exceeds what the pot received;
//! 11. a failed call changes nothing.

use crate::{mock::*, Jobs, Workers};
use frame_support::dispatch::DispatchResult;
use openledger_primitives::{
	model::JobStatus,
	training::{Method, Parent},
	Balance, JobId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Sequences and calls in each: more than 6,000 calls altogether.
const SEQUENCES: u32 = 40;
const CALLS: usize = 160;

#[derive(Clone, Debug)]
enum Step {
	RegisterBaseModel(AccountId, u16),
	RegisterWorker(AccountId, Balance),
	UpdateWorker(AccountId, Balance),
	DeregisterWorker(AccountId),
	RequestJob(AccountId, bool, u32, Vec<(u32, u32)>, Balance),
	Bid(AccountId, JobId),
	Heartbeat(AccountId, JobId, u32),
	SubmitResult(AccountId, JobId, u16),
	AcceptResult(AccountId, JobId),
	CancelJob(AccountId, JobId),
	ReportMissed(AccountId, JobId),
	ExpireJob(AccountId, JobId),
	/// Time passes.
	Wait(u32),
	/// The holder of a job does what comes next, as honest workers do; what is overdue is reported.
	Advance(JobId, u16),
	/// The deadline of a job passes, and somebody says so.
	Lose(JobId),
}

fn any_step() -> impl Strategy<Value = Step> {
	let who = || prop::sample::select(PEOPLE.to_vec());
	let job = || 0u32..6;
	let datasets = || {
		prop::collection::vec(
			(prop::sample::select(vec![TEXT, TEXT, TEXT_2, TEXT_2, IMAGES]), 0u32..10),
			1..3,
		)
	};
	prop_oneof![
		1 => (who(), 0u16..4).prop_map(|(who, n)| Step::RegisterBaseModel(who, n)),
		3 => (who(), 0u128..500).prop_map(|(who, bond)| Step::RegisterWorker(who, bond)),
		1 => (who(), 0u128..200).prop_map(|(who, bond)| Step::UpdateWorker(who, bond)),
		1 => who().prop_map(Step::DeregisterWorker),
		6 => (who(), any::<bool>(), 0u32..2, datasets(), 0u128..5_000)
			.prop_map(|(who, base, id, datasets, price)| Step::RequestJob(who, base, id, datasets, price)),
		6 => (who(), job()).prop_map(|(who, job)| Step::Bid(who, job)),
		2 => (who(), job(), 0u32..120).prop_map(|(who, job, step)| Step::Heartbeat(who, job, step)),
		2 => (who(), job(), 0u16..6).prop_map(|(who, job, n)| Step::SubmitResult(who, job, n)),
		3 => (who(), job()).prop_map(|(who, job)| Step::AcceptResult(who, job)),
		1 => (who(), job()).prop_map(|(who, job)| Step::CancelJob(who, job)),
		2 => (who(), job()).prop_map(|(who, job)| Step::ReportMissed(who, job)),
		1 => (who(), job()).prop_map(|(who, job)| Step::ExpireJob(who, job)),
		2 => (1u32..4).prop_map(Step::Wait),
		1 => job().prop_map(Step::Lose),
		12 => (job(), 0u16..200).prop_map(|(job, n)| Step::Advance(job, n)),
	]
}

fn play(step: Step) -> DispatchResult {
	match step {
		Step::RegisterBaseModel(who, n) => Models::register_base_model(signed(who), text("toy"), files(n)),
		Step::RegisterWorker(who, bond) => Models::register_worker(signed(who), bond, text("")),
		Step::UpdateWorker(who, bond) => Models::update_worker(signed(who), None, bond),
		Step::DeregisterWorker(who) => Models::deregister_worker(signed(who)),
		Step::RequestJob(who, base, id, datasets, price) => {
			let parent = if base { Parent::Base(id) } else { Parent::Model(id) };
			let mut spec = spec_on(parent, &datasets);
			spec.method = if price % 7 == 0 { Method::Full } else { Method::Lora };
			Models::request_job(signed(who), spec, price)
		}
		Step::Bid(who, job) => Models::bid(signed(who), job),
		Step::Heartbeat(who, job, step) => Models::heartbeat(signed(who), job, progress(step)),
		Step::SubmitResult(who, job, n) => Models::submit_result(signed(who), job, result(n)),
		Step::AcceptResult(who, job) => Models::accept_result(signed(who), job),
		Step::CancelJob(who, job) => Models::cancel_job(signed(who), job),
		Step::ReportMissed(who, job) => Models::report_missed(signed(who), job),
		Step::ExpireJob(who, job) => Models::expire_job(signed(who), job),
		Step::Wait(blocks) => {
			Now::mutate(|now| *now += blocks);
			Ok(())
		}
		Step::Advance(job, n) => advance(job, n),
		Step::Lose(job) => {
			Now::mutate(|now| *now += PARAMS.heartbeat_blocks + 1);
			Models::report_missed(signed(STRANGER), job)
		}
	}
}

fn advance(id: JobId, n: u16) -> DispatchResult {
	let Some(job) = Jobs::<Test>::get(id) else {
		return Ok(());
	};
	match job.status {
		JobStatus::Open => Workers::<Test>::iter_keys()
			.find(|who| *who != job.requester && Models::free_capacity(*who) > 0)
			.map_or(Ok(()), |who| Models::bid(signed(who), id)),
		JobStatus::Claimed { heartbeat_by, .. } if heartbeat_by < Now::get() => {
			Models::report_missed(signed(STRANGER), id)
		}
		JobStatus::Claimed {
			worker,
			progress: before,
			..
		} if before.step == 0 => Models::heartbeat(signed(worker), id, progress(u32::from(n) + 1)),
		JobStatus::Claimed { worker, .. } => Models::submit_result(signed(worker), id, result(n)),
		JobStatus::Submitted { .. } => Models::accept_result(signed(job.requester), id),
		_ => Ok(()),
	}
}

fn state_root() -> Vec<u8> {
	sp_io::storage::root(sp_runtime::StateVersion::V1)
}

/// States that jobs have reached in all sequences, by name: proof that the sequences come that far.
type Reached = BTreeMap<&'static str, u32>;

fn check_ended(ended: &mut BTreeMap<JobId, JobStatus<AccountId>>, reached: &mut Reached) {
	for (id, job) in Jobs::<Test>::iter() {
		let name = match job.status {
			JobStatus::Accepted { .. } => "accepted",
			JobStatus::Cancelled => "cancelled",
			JobStatus::Failed => "failed",
			JobStatus::Expired => "expired",
			_ => {
				assert!(!ended.contains_key(&id), "9: an ended job lives again");
				continue;
			}
		};
		let before = ended.entry(id).or_insert_with(|| {
			*reached.entry(name).or_default() += 1;
			job.status.clone()
		});
		assert_eq!(*before, job.status, "9: an ended job has changed");
	}
}

#[test]
fn invariants_should_hold_under_random_sequences_of_calls() {
	// The same sequences in every run; the seed is part of the runner.
	let mut runner = proptest::test_runner::TestRunner::new_with_rng(
		ProptestConfig {
			cases: SEQUENCES,
			failure_persistence: None,
			..Default::default()
		},
		proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
	);
	let reached = std::cell::RefCell::new(Reached::new());
	runner
		.run(&prop::collection::vec(any_step(), CALLS), |steps| {
			ExtBuilder::default()
				.with_submitted_job(2_000)
				.with_worker(WORKER_2, 400)
				.build_and_execute_with_sanity_tests(|| {
					let issuance = Balances::total_issuance();
					let mut ended = BTreeMap::new();
					for step in steps {
						let described = format!("{step:?}");
						let before = state_root();
						if play(step).is_err() {
							assert_eq!(
								state_root(),
								before,
								"11: a failed call changed something, at {described}"
							);
						}
						assert_eq!(Balances::total_issuance(), issuance, "8: issuance moved at {described}");
						Models::check_state().unwrap_or_else(|broken| panic!("{broken}, at {described}"));
						check_ended(&mut ended, &mut reached.borrow_mut());
						let owed: Balance = Collected::get().values().sum();
						assert!(
							owed <= free(POT) - ENDOWMENT,
							"10: more is owed than came, at {described}"
						);
					}
				});
			Ok(())
		})
		.unwrap();
	println!("jobs that ended: {:?}", reached.borrow());
	for end in ["accepted", "cancelled", "failed", "expired"] {
		assert!(
			reached.borrow().contains_key(end),
			"no sequence reached {end}: {:?}",
			reached.borrow()
		);
	}
}
