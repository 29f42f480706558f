//! Random sequences of calls. After each call the pallet's eleven numbered invariants hold, and:
//! 12. issuance stays what it was;
//! 13. a job that has ended stays as it ended;
//! 14. what was collected for contributors never exceeds what the pot received;
//! 15. a failed call changes nothing.

use crate::{mock::*, Disputes, Jobs, NextJob, Workers};
use frame_support::dispatch::DispatchResult;
use openledger_primitives::{
	dispute::{Claim, Finding, Ruling},
	model::JobStatus,
	training::{DatasetRef, Method, Parent},
	Balance, JobId, ModelId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Sequences and calls in each: more than 10,000 calls altogether. PROPTEST_CASES takes the place of the first.
const SEQUENCES: u32 = 70;
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
	ReportEvaluation(AccountId, JobId, u64),
	AcceptResult(AccountId, JobId),
	CancelJob(AccountId, JobId),
	ReportMissed(AccountId, JobId),
	ExpireJob(AccountId, JobId),
	Draw(JobId),
	Pause(AccountId, JobId),
	Resume(AccountId, JobId),
	Dispute(AccountId, JobId, Claim),
	JudgeCommit(AccountId, JobId, Finding),
	JudgeReveal(AccountId, JobId, Finding),
	CloseDispute(JobId),
	Correct(JobId, Ruling),
	PruneJob(JobId),
	PostEvaluation(AccountId, ModelId, u32),
	RetractEvaluation(AccountId, ModelId),
	RemoveEvaluation(AccountId, ModelId),
	DeregisterBaseModel(AccountId, u32),
	/// Workers bid, or who comes first takes the job.
	SetParams(bool),
	/// Time passes.
	Wait(u32),
	/// Time passes until bids can be drawn, and somebody draws.
	Bidden(JobId),
	/// The requester pauses a job, and cancels it or lets it go on.
	Interrupt(JobId, bool),
	/// Free workers judge a dispute, some silently, and somebody closes it.
	Judged(JobId, Vec<Option<Finding>>),
	/// The time of AdminOrigin passes.
	Undecided(JobId),
	/// The holder of a job does what comes next, as honest workers do; what is overdue is reported.
	Advance(JobId, u16),
	/// The deadline of a job passes, and somebody says so.
	Lose(JobId),
	/// Nobody takes a job in time.
	Late(JobId),
}

/// Workers of every sequence beside those who come and go.
fn judges() -> impl Strategy<Value = AccountId> {
	prop::sample::select(JUDGES.take(5).collect::<Vec<_>>())
}

fn any_step() -> impl Strategy<Value = Step> {
	let who = || prop::sample::select(PEOPLE.to_vec());
	let job = || 0u32..4;
	let finding = || prop::sample::select(vec![Finding::Upheld, Finding::Broken, Finding::Unavailable]);
	let model = || 0u32..3;
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
		1 => (who(), job(), 0u64..2).prop_map(|(who, job, tokens)| Step::ReportEvaluation(who, job, tokens)),
		3 => (who(), job()).prop_map(|(who, job)| Step::AcceptResult(who, job)),
		1 => (who(), job()).prop_map(|(who, job)| Step::CancelJob(who, job)),
		2 => (who(), job()).prop_map(|(who, job)| Step::ReportMissed(who, job)),
		1 => (who(), job()).prop_map(|(who, job)| Step::ExpireJob(who, job)),
		1 => job().prop_map(Step::Draw),
		1 => (who(), job()).prop_map(|(who, job)| Step::Pause(who, job)),
		2 => (who(), job()).prop_map(|(who, job)| Step::Resume(who, job)),
		9 => (who(), job(), prop::sample::select(vec![Claim::Segment, Claim::NotAvailable, Claim::Evaluation]))
			.prop_map(|(who, job, claim)| Step::Dispute(who, job, claim)),
		1 => (judges(), job(), finding()).prop_map(|(who, job, finding)| Step::JudgeCommit(who, job, finding)),
		1 => (judges(), job(), finding()).prop_map(|(who, job, finding)| Step::JudgeReveal(who, job, finding)),
		1 => job().prop_map(Step::CloseDispute),
		2 => (job(), prop::sample::select(vec![Ruling::Upheld, Ruling::Broken]))
			.prop_map(|(job, ruling)| Step::Correct(job, ruling)),
		1 => job().prop_map(Step::PruneJob),
		4 => (who(), model(), prop::sample::select(vec![TEXT, TEXT_2, IMAGES]))
			.prop_map(|(who, model, datanet)| Step::PostEvaluation(who, model, datanet)),
		3 => (who(), model()).prop_map(|(who, model)| Step::RetractEvaluation(who, model)),
		3 => (who(), model()).prop_map(|(who, model)| Step::RemoveEvaluation(who, model)),
		1 => (who(), 0u32..3).prop_map(|(who, id)| Step::DeregisterBaseModel(who, id)),
		1 => any::<bool>().prop_map(Step::SetParams),
		1 => (1u32..4).prop_map(Step::Wait),
		2 => job().prop_map(Step::Bidden),
		2 => (job(), any::<bool>()).prop_map(|(job, cancel)| Step::Interrupt(job, cancel)),
		8 => (job(), prop::collection::vec(prop::option::weighted(0.8, finding()), 0..5))
			.prop_map(|(job, findings)| Step::Judged(job, findings)),
		1 => job().prop_map(Step::Undecided),
		4 => job().prop_map(Step::Lose),
		1 => job().prop_map(Step::Late),
		14 => (job(), 0u16..200).prop_map(|(job, n)| Step::Advance(job, n)),
	]
}

/// The job that is so many before the newest one: of old ones most have ended.
fn recent(back: JobId) -> JobId {
	NextJob::<Test>::get().saturating_sub(1).saturating_sub(back)
}

fn play(step: Step) -> DispatchResult {
	match step {
		Step::RegisterBaseModel(who, n) => Models::register_base_model(signed(who), text("toy"), files(n)),
		Step::RegisterWorker(who, bond) => Models::register_worker(signed(who), bond, text(""), capability()),
		Step::UpdateWorker(who, bond) => Models::update_worker(signed(who), None, None, bond),
		Step::DeregisterWorker(who) => Models::deregister_worker(signed(who)),
		Step::RequestJob(who, base, id, datasets, price) => {
			let parent = if base { Parent::Base(id) } else { Parent::Model(id) };
			let mut spec = spec_on(parent, &datasets);
			spec.method = if price % 7 == 0 { Method::Full } else { Method::Lora };
			Models::request_job(signed(who), spec, price)
		}
		Step::Bid(who, job) => Models::bid(signed(who), recent(job)),
		Step::Heartbeat(who, job, step) => Models::heartbeat(signed(who), recent(job), progress(step)),
		Step::SubmitResult(who, job, n) => Models::submit_result(signed(who), recent(job), result(n)),
		Step::ReportEvaluation(who, job, tokens) => Models::report_evaluation(signed(who), recent(job), 1, tokens),
		Step::AcceptResult(who, job) => Models::accept_result(signed(who), recent(job)),
		Step::CancelJob(who, job) => Models::cancel_job(signed(who), recent(job)),
		Step::ReportMissed(who, job) => Models::report_missed(signed(who), recent(job)),
		Step::ExpireJob(who, job) => Models::expire_job(signed(who), recent(job)),
		Step::Draw(job) => Models::draw(signed(STRANGER), recent(job)),
		Step::Pause(who, job) => Models::pause(signed(who), recent(job)),
		Step::Resume(who, job) => Models::resume(signed(who), recent(job)),
		Step::Dispute(who, job, claim) => Models::dispute(signed(who), recent(job), claim),
		Step::JudgeCommit(who, job, finding) => {
			let job = recent(job);
			let opened_at = Disputes::<Test>::get(job).map_or(0, |dispute| dispute.opened_at);
			Models::judge_commit(signed(who), job, commitment_in(job, opened_at, who, finding))
		}
		Step::JudgeReveal(who, job, finding) => Models::judge_reveal(signed(who), recent(job), finding, salt(who)),
		Step::CloseDispute(job) => Models::close_dispute(signed(STRANGER), recent(job)),
		Step::Correct(job, ruling) => Models::correct(RuntimeOrigin::root(), recent(job), ruling),
		Step::PruneJob(job) => Models::prune_job(signed(STRANGER), recent(job)),
		Step::PostEvaluation(who, model, datanet) => {
			let dataset = DatasetRef {
				datanet,
				version: 1,
				exclusions: 0,
			};
			Models::post_evaluation(signed(who), model, dataset, 1, 1, artifact(3, who as u16))
		}
		Step::RetractEvaluation(who, model) => Models::retract_evaluation(signed(who), model),
		Step::RemoveEvaluation(who, model) => Models::remove_evaluation(RuntimeOrigin::root(), model, who),
		Step::DeregisterBaseModel(who, id) => Models::deregister_base_model(signed(who), id),
		Step::SetParams(bidding) => Models::set_params(RuntimeOrigin::root(), if bidding { BIDDING } else { PARAMS }),
		Step::Bidden(job) => {
			if let Some(after) = Models::job_deadlines(recent(job)).and_then(|due| due.draw_after) {
				Now::mutate(|now| *now = (*now).max(after + 1));
			}
			Models::draw(signed(STRANGER), recent(job))
		}
		Step::Interrupt(job, cancel) => {
			let job = recent(job);
			let Some(requester) = Jobs::<Test>::get(job).map(|job| job.requester) else {
				return Ok(());
			};
			// Both may fail, each without a trace.
			let _ = Models::pause(signed(requester), job);
			let _ = if cancel {
				Models::cancel_job(signed(requester), job)
			} else {
				Models::resume(signed(requester), job)
			};
			Ok(())
		}
		Step::Judged(job, findings) => {
			judged(recent(job), &findings);
			Ok(())
		}
		Step::Undecided(job) => {
			if let Some(split_at) = Models::job_deadlines(recent(job)).and_then(|due| due.split_at) {
				Now::mutate(|now| *now = (*now).max(split_at));
			}
			Models::close_dispute(signed(STRANGER), recent(job))
		}
		Step::Wait(blocks) => {
			Now::mutate(|now| *now += blocks);
			Ok(())
		}
		Step::Advance(job, n) => advance(recent(job), n),
		Step::Late(job) => {
			if let Some(expires_at) = Models::job_deadlines(recent(job)).and_then(|due| due.expires_at) {
				Now::mutate(|now| *now = (*now).max(expires_at + 1));
			}
			Models::expire_job(signed(STRANGER), recent(job))
		}
		Step::Lose(job) => {
			Now::mutate(|now| *now += PARAMS.heartbeat_blocks + 1);
			Models::report_missed(signed(STRANGER), recent(job))
		}
	}
}

/// The judges of a dispute commit in time, those with a finding reveal it, and it is closed. Any of these may fail.
fn judged(id: JobId, findings: &[Option<Finding>]) {
	let Some(dispute) = Disputes::<Test>::get(id) else {
		return;
	};
	Now::mutate(|now| *now = (*now).max(dispute.seed_at + 1));
	let free: Vec<_> = Workers::<Test>::iter_keys()
		.filter(|who| Models::free_capacity(*who) > 0)
		.collect();
	for (who, finding) in free.iter().zip(findings) {
		let finding = finding.unwrap_or(Finding::Upheld);
		let commitment = commitment_in(id, dispute.opened_at, *who, finding);
		let _ = Models::judge_commit(signed(*who), id, commitment);
	}
	Now::mutate(|now| *now = (*now).max(dispute.commit_until + 1));
	for (who, finding) in free.iter().zip(findings) {
		if let Some(finding) = finding {
			let _ = Models::judge_reveal(signed(*who), id, *finding, salt(*who));
		}
	}
	Now::mutate(|now| *now = (*now).max(dispute.reveal_until + 1));
	let _ = Models::close_dispute(signed(STRANGER), id);
}

fn advance(id: JobId, n: u16) -> DispatchResult {
	let Some(job) = Jobs::<Test>::get(id) else {
		return Ok(());
	};
	match job.status {
		JobStatus::Open if !Models::bids_on(id).is_empty() => Models::draw(signed(STRANGER), id),
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
		JobStatus::Submitted { worker, evaluation, .. } if n.is_multiple_of(3) && evaluation.reported().is_none() => {
			let after = Models::job_deadlines(id)
				.and_then(|due| due.evaluate_after)
				.unwrap_or(0);
			Now::mutate(|now| *now = (*now).max(after + 1));
			Models::report_evaluation(signed(worker), id, 1, 1)
		}
		JobStatus::Submitted { .. } if n.is_multiple_of(2) => Models::dispute(signed(STRANGER), id, Claim::Segment),
		JobStatus::Submitted { .. } => Models::accept_result(signed(job.requester), id),
		_ => Ok(()),
	}
}

fn state_root() -> Vec<u8> {
	sp_io::storage::root(sp_runtime::StateVersion::V1)
}

/// How often jobs reached an end, and disputes a ruling, and calls succeeded in all sequences, by name: proof that the
/// sequences come that far.
type Reached = BTreeMap<String, u32>;

/// Counts what happened since the events were looked at last.
fn count_events(reached: &mut Reached) {
	for record in System::events() {
		if let RuntimeEvent::Models(event) = record.event {
			let name = match event {
				crate::Event::DisputeDecided { ruling, .. } => format!("{ruling:?}"),
				event => {
					let debug = format!("{event:?}");
					let name = debug.trim_start_matches("Event::");
					name.split([' ', '{']).next().unwrap_or_default().to_owned()
				}
			};
			*reached.entry(name).or_default() += 1;
		}
	}
	System::reset_events();
}

/// Everything that must have happened at least once.
const ALL_EVENTS: [&str; 34] = [
	"BaseModelRegistered",
	"BaseModelDeregistered",
	"WorkerRegistered",
	"WorkerUpdated",
	"WorkerDeregistered",
	"JobRequested",
	"BidPlaced",
	"JobClaimed",
	"Heartbeat",
	"ResultSubmitted",
	"EvaluationReported",
	"ResultAccepted",
	"JobCancelled",
	"JobPaused",
	"JobResumed",
	"HeartbeatMissed",
	"JobFailed",
	"JobExpired",
	"Disputed",
	"JudgeCommitted",
	"JudgeRevealed",
	"JudgeSilent",
	"DisputeUndecided",
	"Upheld",
	"Broken",
	"JobSplit",
	"JobPruned",
	"EvaluationPosted",
	"EvaluationRetracted",
	"EvaluationRemoved",
	"ParamsSet",
	"accepted",
	"cancelled",
	"split",
];

fn check_ended(ended: &mut BTreeMap<JobId, JobStatus<AccountId>>, reached: &mut Reached) {
	for (id, job) in Jobs::<Test>::iter() {
		let name = match job.status {
			JobStatus::Accepted { .. } => "accepted",
			JobStatus::Cancelled => "cancelled",
			JobStatus::Failed => "failed",
			JobStatus::Expired => "expired",
			JobStatus::Split => "split",
			_ => {
				assert!(!ended.contains_key(&id), "13: an ended job lives again");
				continue;
			}
		};
		let before = ended.entry(id).or_insert_with(|| {
			*reached.entry(name.to_owned()).or_default() += 1;
			job.status.clone()
		});
		assert_eq!(*before, job.status, "13: an ended job has changed");
	}
}

#[test]
fn invariants_should_hold_under_random_sequences_of_calls() {
	// The same sequences in every run; the seed is part of the runner.
	let mut runner = proptest::test_runner::TestRunner::new_with_rng(
		ProptestConfig {
			cases: std::env::var("PROPTEST_CASES")
				.ok()
				.and_then(|cases| cases.parse().ok())
				.unwrap_or(SEQUENCES),
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
				.with_few_judges(5)
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
								"15: a failed call changed something, at {described}"
							);
						}
						assert_eq!(
							Balances::total_issuance(),
							issuance,
							"12: issuance moved at {described}"
						);
						Models::check_state().unwrap_or_else(|broken| panic!("{broken}, at {described}"));
						check_ended(&mut ended, &mut reached.borrow_mut());
						count_events(&mut reached.borrow_mut());
						let owed: Balance = Collected::get().values().sum();
						assert!(
							owed <= free(POT) - ENDOWMENT,
							"14: more is owed than came, at {described}"
						);
					}
				});
			Ok(())
		})
		.unwrap();
	println!("what happened: {:?}", reached.borrow());
	for name in ALL_EVENTS {
		assert!(
			reached.borrow().contains_key(name),
			"no sequence reached {name}: {:?}",
			reached.borrow()
		);
	}
}
