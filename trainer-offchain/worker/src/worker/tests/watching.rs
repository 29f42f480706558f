//! What a worker does next.

use super::world::{signer, spec};
use crate::worker::watch::{Next, Watch};
use chain_client::{keys, AccountId, Memory, Query};
use openledger_primitives::bid::{Bid, SEED_DELAY};
use openledger_primitives::capability::{Capability, Device, DtypeSet, MethodSet};
use openledger_primitives::evaluation::{EvaluatedOn, EvaluationOfResult, ResultEvaluation};
use openledger_primitives::model::{Artifact, Job, JobResult, JobStatus};
use openledger_primitives::payload::{Cid, CidCodec};
use openledger_primitives::JobId;
use std::time::{Duration, Instant};

/// LoRA and full, in 32 bits.
const CAPABILITY: Capability = Capability {
	device: Device::Cpu,
	memory_mib: 1_000,
	methods: MethodSet(0b101),
	dtypes: DtypeSet(0b01),
};

fn job(status: JobStatus<AccountId>) -> Job<AccountId> {
	Job {
		requester: signer("//Requester").account().clone(),
		spec: spec(1),
		price: 1,
		created_at: 0,
		bids_until: 3,
		expires_at: 20,
		failures: 0,
		paused_blocks: 0,
		status,
	}
}

fn claimed(worker: &str) -> JobStatus<AccountId> {
	JobStatus::Claimed {
		worker: signer(worker).account().clone(),
		heartbeat_by: 10,
		train_until: 1_000,
		progress: Default::default(),
	}
}

fn reported() -> ResultEvaluation {
	ResultEvaluation::Reported(EvaluationOfResult {
		on: EvaluatedOn::Split,
		loss_micro: 0,
		tokens: 0,
	})
}

fn due() -> ResultEvaluation {
	ResultEvaluation::Due {
		until: Default::default(),
		seed_at: 8,
		evaluate_by: 13,
	}
}

fn submitted(worker: &str, evaluation: ResultEvaluation) -> JobStatus<AccountId> {
	let artifact = Artifact {
		cid: Cid::new(CidCodec::Raw, [1; 32]),
		sha256: [1; 32],
		bytes: 1,
	};
	let result = JobResult {
		adapter: artifact,
		adapter_config: artifact,
		manifest: artifact,
		checkpoints: Default::default(),
		steps: 1,
		train_loss_micro: 0,
	};
	JobStatus::Submitted {
		worker: signer(worker).account().clone(),
		accept_at: 15,
		result,
		evaluation,
	}
}

async fn watching(jobs: &[JobStatus<AccountId>]) -> Watch {
	let chain = Memory::new();
	for (id, status) in (0u32..).zip(jobs) {
		chain.set(keys::map("Models", "Jobs", id), job(status.clone()));
	}
	chain.set(keys::entry("Models", "NextJob"), jobs.len() as JobId);
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&chain)).await.unwrap();
	watch
}

#[tokio::test]
async fn next_should_prefer_what_is_claimed_then_what_is_due_then_what_is_open() {
	let me = signer("//Worker").account().clone();
	let clock = Instant::now();
	let jobs = [
		JobStatus::Open,
		submitted("//Worker", reported()),
		claimed("//Other"),
		claimed("//Worker"),
	];
	let watch = watching(&jobs).await;
	assert_eq!(watch.next(&me, 10, Some(&CAPABILITY), clock), Some(Next::Resume(3)));
	assert_eq!(watch.next(&me, 11, Some(&CAPABILITY), clock), Some(Next::Report(2)));
	assert_eq!(
		watching(&jobs[..2]).await.next(&me, 15, Some(&CAPABILITY), clock),
		Some(Next::Accept(1))
	);
	assert_eq!(
		watching(&jobs[..2]).await.next(&me, 14, Some(&CAPABILITY), clock),
		Some(Next::Take(0))
	);
	assert_eq!(watching(&jobs[..1]).await.next(&me, 20, None, clock), None);
	assert_eq!(watching(&jobs[..1]).await.next(&me, 21, Some(&CAPABILITY), clock), None);
	let requester = signer("//Requester").account().clone();
	assert_eq!(
		watching(&jobs[..1]).await.next(&requester, 1, Some(&CAPABILITY), clock),
		None
	);
	assert_eq!(
		watching(&[JobStatus::Cancelled, JobStatus::Failed])
			.await
			.next(&me, 1, Some(&CAPABILITY), clock),
		None
	);
}

#[tokio::test]
async fn next_should_evaluate_a_result_before_anything_else() {
	let me = signer("//Worker").account().clone();
	let clock = Instant::now();
	let jobs = [
		JobStatus::Open,
		submitted("//Worker", due()),
		claimed("//Worker"),
		submitted("//Other", due()),
	];
	let mut watch = watching(&jobs).await;
	assert_eq!(watch.next(&me, 9, Some(&CAPABILITY), clock), Some(Next::Evaluate(1)));
	// It takes no job that might hold it up.
	watch.put_off(1, clock + Duration::from_secs(9));
	assert_eq!(watch.next(&me, 9, Some(&CAPABILITY), clock), Some(Next::Resume(2)));
	watch.give_up(2);
	assert_eq!(watch.next(&me, 9, Some(&CAPABILITY), clock), None);
	watch.give_up(1);
	assert_eq!(watch.next(&me, 9, Some(&CAPABILITY), clock), Some(Next::Take(0)));
	let overdue = watching(&jobs[..2]).await;
	assert_eq!(overdue.next(&me, 14, None, clock), Some(Next::Report(1)));
	let other = signer("//Other").account().clone();
	assert_eq!(overdue.next(&other, 14, None, clock), Some(Next::Report(1)));
}

#[tokio::test]
async fn next_should_leave_alone_what_was_given_up_or_put_off() {
	let me = signer("//Worker").account().clone();
	let clock = Instant::now();
	let mut watch = watching(&[JobStatus::Open, JobStatus::Open, claimed("//Worker")]).await;
	watch.give_up(2);
	watch.give_up(0);
	assert_eq!(watch.next(&me, 5, Some(&CAPABILITY), clock), Some(Next::Take(1)));
	watch.put_off(1, clock + Duration::from_secs(9));
	assert_eq!(watch.next(&me, 5, Some(&CAPABILITY), clock), None);
	assert_eq!(
		watch.next(&me, 5, Some(&CAPABILITY), clock + Duration::from_secs(9)),
		Some(Next::Take(1))
	);
	assert_eq!(
		watch.next(&me, 11, Some(&CAPABILITY), clock),
		Some(Next::Report(2)),
		"it frees the bond that is bound to it"
	);
}

#[tokio::test]
async fn refresh_should_follow_jobs_to_their_end_and_find_new_ones() {
	let chain = Memory::new();
	let (me, clock) = (signer("//Worker").account().clone(), Instant::now());
	let mut watch = Watch::default();
	let set = |id: JobId, status| chain.set(keys::map("Models", "Jobs", id), job(status));
	set(0, JobStatus::Open);
	chain.set(keys::entry("Models", "NextJob"), 1u32);
	watch.refresh(&Query::new(&chain)).await.unwrap();
	assert_eq!(watch.next(&me, 1, Some(&CAPABILITY), clock), Some(Next::Take(0)));
	set(0, JobStatus::Cancelled);
	set(1, JobStatus::Open);
	chain.set(keys::entry("Models", "NextJob"), 2u32);
	watch.refresh(&Query::new(&chain)).await.unwrap();
	assert_eq!(watch.next(&me, 1, Some(&CAPABILITY), clock), Some(Next::Take(1)));
}

#[tokio::test]
async fn next_should_bid_while_there_is_time_and_draw_once_the_seed_is_known() {
	let chain = Memory::new();
	let (me, clock) = (signer("//Worker").account().clone(), Instant::now());
	let set_bids = |workers: &[&str]| {
		let bids = workers.iter().map(|worker| Bid {
			worker: signer(worker).account().clone(),
			weight: 1,
		});
		chain.set(keys::map("Models", "Bids", 0u32), bids.collect::<Vec<_>>());
	};
	chain.set(keys::map("Models", "Jobs", 0u32), job(JobStatus::Open));
	chain.set(keys::entry("Models", "NextJob"), 1u32);
	let mut watch = Watch::default();

	set_bids(&["//Other"]);
	watch.refresh(&Query::new(&chain)).await.unwrap();
	assert_eq!(watch.next(&me, 2, Some(&CAPABILITY), clock), Some(Next::Take(0)));
	assert_eq!(watch.next(&me, 3, Some(&CAPABILITY), clock), None, "too late to bid");
	assert_eq!(
		watch.next(&me, 3 + SEED_DELAY, Some(&CAPABILITY), clock),
		None,
		"the others draw"
	);
	set_bids(&["//Other", "//Worker"]);
	watch.refresh(&Query::new(&chain)).await.unwrap();
	assert_eq!(watch.next(&me, 2, Some(&CAPABILITY), clock), None, "it has bid");
	assert_eq!(watch.next(&me, 2 + SEED_DELAY, None, clock), None);
	assert_eq!(watch.next(&me, 3 + SEED_DELAY, None, clock), Some(Next::Draw(0)));
}

#[tokio::test]
async fn next_should_leave_alone_what_the_machine_cannot_train() {
	let (me, clock) = (signer("//Worker").account().clone(), Instant::now());
	let watch = watching(&[JobStatus::Open]).await;
	let less = Capability {
		methods: MethodSet(0b100),
		..CAPABILITY
	};
	assert_eq!(watch.next(&me, 5, Some(&less), clock), None);
	assert_eq!(watch.next(&me, 5, Some(&CAPABILITY), clock), Some(Next::Take(0)));
}

#[tokio::test]
async fn next_should_let_its_job_go_on_once_the_longest_pause_is_over() {
	let (me, clock) = (signer("//Worker").account().clone(), Instant::now());
	let paused = JobStatus::Paused {
		worker: me.clone(),
		since: 5,
		until: 9,
		train_until: 100,
		progress: Default::default(),
	};
	let watch = watching(&[paused]).await;
	assert_eq!(watch.next(&me, 8, Some(&CAPABILITY), clock), None);
	assert_eq!(watch.next(&me, 9, Some(&CAPABILITY), clock), Some(Next::Unpause(0)));
	let other = signer("//Other").account().clone();
	assert_eq!(watch.next(&other, 9, Some(&CAPABILITY), clock), None);
}
