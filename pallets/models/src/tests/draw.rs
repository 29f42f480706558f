use crate::{mock::*, Bids, Error, Event, Jobs, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	bid::{drawn, SEED_DELAY},
	model::JobStatus,
};
use sp_runtime::DispatchError::BadOrigin;

/// The first block in which job 0 can be drawn.
const DRAW_FROM: u32 = 1 + BIDDING.bid_blocks + SEED_DELAY + 1;

/// Job 0, ordered in block 1, on which two workers bid.
fn with_bids() -> ExtBuilder {
	ExtBuilder::default()
		.with_params(BIDDING)
		.with_job(100)
		.with_worker(WORKER, 100)
		.with_worker(WORKER_2, 300)
}

fn bid() {
	assert_ok!(Models::bid(signed(WORKER), 0));
	assert_ok!(Models::bid(signed(WORKER_2), 0));
}

#[test]
fn draw_should_give_the_job_to_whom_the_seed_draws_and_free_the_others() {
	with_bids().build_and_execute_with_sanity_tests(|| {
		bid();
		Now::set(DRAW_FROM);
		assert_ok!(Models::draw(signed(STRANGER), 0));
		let at = drawn(&seed_of(DRAW_FROM - 1), 0, &[100, 300]).unwrap();
		let (winner, loser) = [(WORKER, WORKER_2), (WORKER_2, WORKER)][at];
		assert_eq!(
			status(0),
			JobStatus::Claimed {
				worker: winner,
				heartbeat_by: DRAW_FROM + 5,
				train_until: DRAW_FROM + 30,
				progress: Default::default()
			}
		);
		last_event(Event::JobClaimed {
			job: 0,
			worker: winner,
			heartbeat_by: DRAW_FROM + 5,
		});
		let active = |who| Workers::<Test>::get(who).unwrap().active_jobs;
		assert_eq!((active(winner), active(loser)), (1, 0));
		assert_eq!(Bids::<Test>::iter().count(), 0);
	});
}

#[test]
fn draw_should_draw_by_bond() {
	with_bids().build_and_execute_with_sanity_tests(|| {
		let mut won = 0;
		for n in 0..200 {
			Now::set(1 + n * 40);
			if n > 0 {
				assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
			}
			assert_ok!(Models::bid(signed(WORKER), n));
			assert_ok!(Models::bid(signed(WORKER_2), n));
			Now::mutate(|now| *now += DRAW_FROM - 1);
			assert_ok!(Models::draw(signed(STRANGER), n));
			let Some(JobStatus::Claimed { worker, .. }) = Models::job_status(n) else {
				panic!("job {n} is not drawn");
			};
			won += u32::from(worker == WORKER_2);
			assert_ok!(Models::pause(signed(REQUESTER), n));
			assert_ok!(Models::cancel_job(signed(REQUESTER), n));
		}
		assert!((120..=180).contains(&won), "three quarters of 200 are not {won}");
	});
}

#[test]
fn draw_should_fail_when_unsigned_missing_or_the_seed_is_not_known() {
	with_bids().build_and_execute_with_sanity_tests(|| {
		assert_noop!(Models::draw(RuntimeOrigin::root(), 0), BadOrigin);
		assert_noop!(Models::draw(signed(STRANGER), 1), Error::<Test>::JobNotFound);
		assert_noop!(Models::draw(signed(STRANGER), 0), Error::<Test>::NoBids);
		bid();
		Now::set(DRAW_FROM - 1);
		assert_noop!(Models::draw(signed(STRANGER), 0), Error::<Test>::SeedNotKnown);
		Now::set(DRAW_FROM + SEEDS_KEPT);
		assert_noop!(Models::draw(signed(STRANGER), 0), Error::<Test>::SeedNotKnown);
		Now::set(DRAW_FROM);
		assert_ok!(Models::draw(signed(STRANGER), 0));
		assert_noop!(Models::draw(signed(STRANGER), 0), Error::<Test>::JobNotOpen);
	});
}

#[test]
fn draw_should_pass_over_a_bidder_whose_bond_is_gone() {
	with_bids().build_and_execute_with_sanity_tests(|| {
		bid();
		// As penalties leave it.
		Workers::<Test>::mutate(WORKER_2, |worker| worker.as_mut().unwrap().bond = 99);
		Now::set(DRAW_FROM);
		assert_ok!(Models::draw(signed(STRANGER), 0));
		assert!(matches!(status(0), JobStatus::Claimed { worker: WORKER, .. }));
		Workers::<Test>::mutate(WORKER_2, |worker| worker.as_mut().unwrap().bond = 300);
	});
}

#[test]
fn draw_should_leave_the_job_to_who_comes_first_when_no_bidder_has_its_bond() {
	with_bids().build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::bid(signed(WORKER), 0));
		Workers::<Test>::mutate(WORKER, |worker| worker.as_mut().unwrap().bond = 99);
		Now::set(DRAW_FROM);
		assert_ok!(Models::draw(signed(STRANGER), 0));
		last_event(Event::BidsLapsed { job: 0 });
		assert_eq!(Jobs::<Test>::get(0).unwrap().status, JobStatus::Open);
		assert_ok!(Models::bid(signed(WORKER_2), 0));
		assert!(matches!(status(0), JobStatus::Claimed { worker: WORKER_2, .. }));
		Workers::<Test>::mutate(WORKER, |worker| worker.as_mut().unwrap().bond = 100);
	});
}
