//! A job whose requester pauses it.

use super::job::submitted;
use super::world::{signer, steps, World, JOB};
use crate::worker::status::Phase;
use chain_client::{keys, Query};
use openledger_primitives::model::{Job, JobStatus, Progress};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Long enough to be paused on its way.
const STEPS: u32 = 2_000;

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
	let started = Instant::now();
	while !is_so() {
		assert!(started.elapsed() < Duration::from_secs(120), "{what}");
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
}

async fn set_status(world: &World, status: JobStatus<chain_client::AccountId>) {
	let job = Query::new(&*world.chain).job(JOB).await.unwrap().unwrap();
	world.chain.set(keys::map("Models", "Jobs", JOB), Job { status, ..job });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_should_stop_at_a_checkpoint_and_go_on_from_it() {
	let whole = World::new().await;
	whole.order(JOB, steps(STEPS), vec![whole.roots[3]]);
	whole.script_claim();
	let service = whole.service().await;
	service.train(JOB, true).await.unwrap();
	let expected = submitted(&whole, &service);

	let world = World::new().await;
	world.order(JOB, steps(STEPS), vec![world.roots[3]]);
	world.script_claim();
	let service = world.service().await;
	let worker = signer("//Worker").account().clone();
	let run: PathBuf = service.folder("jobs", JOB).join("run");
	let metrics = || std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
	let status = service.status.clone();
	let phase = || status.job(JOB).map(|view| view.phase);
	let pause = async {
		until("it trains", || metrics().lines().count() > 50).await;
		let paused = JobStatus::Paused {
			worker: worker.clone(),
			since: 0,
			until: 1_000,
			train_until: 1_000,
			progress: Progress::default(),
		};
		set_status(&world, paused).await;
		until("it is paused", || phase() == Some(Phase::Paused)).await;
		// The checkpoint of a step that none would be at otherwise is the one that it stopped at.
		let last = || metrics().lines().count();
		until("there is a checkpoint of the last step", || {
			run.join(format!("checkpoints/step-{}/state.safetensors", last()))
				.exists()
		})
		.await;
		// Where that step was due one anyway, the one after it may be under way.
		tokio::time::sleep(Duration::from_secs(1)).await;
		assert!(run
			.join(format!("checkpoints/step-{}/state.safetensors", last()))
			.exists());
		let (stopped_at, calls) = (metrics(), world.calls().len());
		assert!(stopped_at.lines().count() < STEPS as usize, "it is not over yet");
		tokio::time::sleep(Duration::from_secs(1)).await;
		assert_eq!(metrics(), stopped_at, "nothing is trained during a pause");
		assert_eq!(world.calls().len(), calls, "nothing is sent during a pause");
		let claimed = JobStatus::Claimed {
			worker,
			heartbeat_by: 100,
			train_until: 1_000,
			progress: Progress::default(),
		};
		set_status(&world, claimed).await;
		stopped_at
	};
	let (trained, stopped_at) = tokio::join!(service.train(JOB, true), pause);
	trained.unwrap();
	assert!(
		metrics().starts_with(&stopped_at),
		"the steps before the pause were not made again: their times are the same"
	);
	let result = submitted(&world, &service);
	assert_eq!(
		(result.adapter, result.checkpoints, result.train_loss_micro),
		(expected.adapter, expected.checkpoints, expected.train_loss_micro)
	);
}
