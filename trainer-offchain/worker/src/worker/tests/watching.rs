//! What a worker does next.

use super::world::{signer, spec};
use crate::worker::watch::{Next, Watch};
use chain_client::{keys, AccountId, Memory, Query};
use openledger_primitives::model::{Artifact, Job, JobResult, JobStatus};
use openledger_primitives::payload::{Cid, CidCodec};
use openledger_primitives::JobId;
use std::time::{Duration, Instant};

fn job(status: JobStatus<AccountId>) -> Job<AccountId> {
	Job {
		requester: signer("//Requester").account().clone(),
		spec: spec(1),
		price: 1,
		created_at: 0,
		expires_at: 20,
		failures: 0,
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

fn submitted(worker: &str) -> JobStatus<AccountId> {
	let artifact = Artifact {
		cid: Cid::new(CidCodec::Raw, [1; 32]),
		sha256: [1; 32],
		bytes: 1,
	};
	let result = JobResult {
		adapter: artifact,
		adapter_config: artifact,
		manifest: artifact,
		steps: 1,
		train_loss_micro: 0,
		eval_loss_micro: None,
	};
	JobStatus::Submitted {
		worker: signer(worker).account().clone(),
		accept_at: 15,
		result,
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
		submitted("//Worker"),
		claimed("//Other"),
		claimed("//Worker"),
	];
	let watch = watching(&jobs).await;
	assert_eq!(watch.next(&me, 10, true, clock), Some(Next::Resume(3)));
	assert_eq!(watch.next(&me, 11, true, clock), Some(Next::Report(2)));
	assert_eq!(
		watching(&jobs[..2]).await.next(&me, 15, true, clock),
		Some(Next::Accept(1))
	);
	assert_eq!(
		watching(&jobs[..2]).await.next(&me, 14, true, clock),
		Some(Next::Take(0))
	);
	assert_eq!(watching(&jobs[..1]).await.next(&me, 20, false, clock), None);
	assert_eq!(watching(&jobs[..1]).await.next(&me, 21, true, clock), None);
	let requester = signer("//Requester").account().clone();
	assert_eq!(watching(&jobs[..1]).await.next(&requester, 1, true, clock), None);
	assert_eq!(
		watching(&[JobStatus::Cancelled, JobStatus::Failed])
			.await
			.next(&me, 1, true, clock),
		None
	);
}

#[tokio::test]
async fn next_should_leave_alone_what_was_given_up_or_put_off() {
	let me = signer("//Worker").account().clone();
	let clock = Instant::now();
	let mut watch = watching(&[JobStatus::Open, JobStatus::Open, claimed("//Worker")]).await;
	watch.give_up(2);
	watch.give_up(0);
	assert_eq!(watch.next(&me, 5, true, clock), Some(Next::Take(1)));
	watch.put_off(1, clock + Duration::from_secs(9));
	assert_eq!(watch.next(&me, 5, true, clock), None);
	assert_eq!(
		watch.next(&me, 5, true, clock + Duration::from_secs(9)),
		Some(Next::Take(1))
	);
	assert_eq!(
		watch.next(&me, 11, true, clock),
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
	assert_eq!(watch.next(&me, 1, true, clock), Some(Next::Take(0)));
	set(0, JobStatus::Cancelled);
	set(1, JobStatus::Open);
	chain.set(keys::entry("Models", "NextJob"), 2u32);
	watch.refresh(&Query::new(&chain)).await.unwrap();
	assert_eq!(watch.next(&me, 1, true, clock), Some(Next::Take(1)));
}
