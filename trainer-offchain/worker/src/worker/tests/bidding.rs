//! From a bid to a job of one's own, or another's; and pauses.

use super::world::{signer, World, JOB};
use crate::worker::error::WorkerError;
use chain_client::{calls, keys, DispatchError, Outcome};
use openledger_primitives::{
	bid::{Bid, SEED_DELAY},
	model::{JobStatus, Progress},
};
use std::time::Duration;

fn claimed(worker: &str) -> JobStatus<chain_client::AccountId> {
	JobStatus::Claimed {
		worker: signer(worker).account().clone(),
		heartbeat_by: 100,
		train_until: 1_000,
		progress: Progress::default(),
	}
}

/// A world in which both workers bid, at this active block.
async fn bidding(now: u32) -> World {
	let world = World::new().await;
	let bid = |worker| Bid {
		worker: signer(worker).account().clone(),
		weight: 1,
	};
	let bids = vec![bid("//Other"), bid("//Worker")];
	world.chain.set(keys::map("Models", "Bids", JOB), bids);
	world.chain.set(keys::entry("Authorities", "ActiveBlockCount"), now);
	world
}

/// Waits until the worker has made this many calls.
async fn calls_made(world: &World, count: usize) {
	while world.calls().len() < count {
		tokio::time::sleep(Duration::from_millis(10)).await;
	}
}

#[tokio::test]
async fn a_bid_should_lead_to_the_draw_once_its_seed_is_known() {
	for (winner, mine) in [("//Worker", true), ("//Other", false)] {
		let world = bidding(2 + SEED_DELAY).await;
		let service = world.service().await;
		let draw = async {
			calls_made(&world, 1).await;
			tokio::time::sleep(Duration::from_millis(600)).await;
			assert_eq!(world.calls(), [calls::bid(JOB)], "the seed is not known yet");
			world
				.chain
				.set(keys::entry("Authorities", "ActiveBlockCount"), 3 + SEED_DELAY);
			calls_made(&world, 2).await;
			world.set_status(JOB, claimed(winner));
		};
		let (bid, ()) = tokio::join!(service.bid(JOB), draw);
		assert_eq!(world.calls()[1], calls::draw(JOB));
		match bid {
			Ok(()) => assert!(mine),
			Err(WorkerError::Outbid(JOB)) => assert!(!mine),
			Err(error) => panic!("{error}"),
		}
	}
}

#[tokio::test]
async fn a_bid_should_be_lost_when_heavier_ones_take_its_place() {
	let world = bidding(1).await;
	world.chain.set(
		keys::map("Models", "Bids", JOB),
		Vec::<Bid<chain_client::AccountId>>::new(),
	);
	let service = world.service().await;
	assert!(matches!(service.bid(JOB).await, Err(WorkerError::Outbid(JOB))));
}

#[tokio::test]
async fn a_pause_should_be_waited_for_without_calls() {
	let world = bidding(5).await;
	let service = world.service().await;
	let paused = JobStatus::Paused {
		worker: signer("//Worker").account().clone(),
		since: 4,
		until: 9,
		train_until: 1_000,
		progress: Progress::default(),
	};
	world.set_status(JOB, paused);
	let refused = DispatchError {
		pallet: "Models".into(),
		name: "JobPaused".into(),
		docs: "The job is paused.".into(),
	};
	world.chain.script(Ok(Outcome {
		error: Some(refused),
		..world.chain.outcome(Vec::new())
	}));
	let (_sender, progress) = tokio::sync::watch::channel(Progress::default());
	let (pauses, paused) = tokio::sync::watch::channel(false);
	let go_on = async {
		calls_made(&world, 1).await;
		tokio::time::sleep(Duration::from_millis(1_500)).await;
		assert_eq!(world.calls().len(), 1, "nothing is sent while the job is paused");
		assert!(*paused.borrow());
		world.set_status(JOB, claimed("//Worker"));
		calls_made(&world, 2).await;
		assert!(!*paused.borrow());
	};
	tokio::select! {
		lost = service.keep_alive(JOB, 30, progress, &pauses) => panic!("{lost}"),
		() = go_on => {}
	}
	let beat = calls::heartbeat(JOB, Progress::default());
	assert_eq!(world.calls(), [beat.clone(), beat]);
}

#[tokio::test]
async fn a_pause_should_end_when_it_was_the_longest() {
	let world = bidding(9).await;
	let service = world.service().await;
	let paused = JobStatus::Paused {
		worker: signer("//Worker").account().clone(),
		since: 4,
		until: 9,
		train_until: 1_000,
		progress: Progress::default(),
	};
	world.set_status(JOB, paused);
	let go_on = async {
		calls_made(&world, 1).await;
		world.set_status(JOB, claimed("//Worker"));
	};
	tokio::join!(service.while_paused(JOB), go_on);
	assert_eq!(world.calls()[0], calls::resume(JOB));
}
