use crate::{mock::*, Bids, Error, Event, Params, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	bid::{Bid, MAX_BIDS},
	capability::{Capability, DtypeSet, MethodSet},
	model::JobStatus,
	training::{Dtype, Method},
};
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn bid_should_take_the_job() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(21);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert_eq!(
				status(0),
				JobStatus::Claimed {
					worker: WORKER,
					heartbeat_by: 26,
					train_until: 51,
					progress: Default::default()
				}
			);
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().active_jobs, 1);
			last_event(Event::JobClaimed {
				job: 0,
				worker: WORKER,
				heartbeat_by: 26,
			});
		});
}

#[test]
fn bid_should_keep_the_terms_that_the_job_was_ordered_under() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			Params::<Test>::mutate(|params| params.heartbeat_blocks = 1_000);
			assert_ok!(Models::bid(signed(WORKER), 0));
			assert!(matches!(status(0), JobStatus::Claimed { heartbeat_by: 6, .. }));
		});
}

#[test]
fn bid_should_fail_when_unsigned_or_the_job_is_missing_or_taken() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.with_worker(WORKER_2, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::bid(RuntimeOrigin::root(), 0), BadOrigin);
			assert_noop!(Models::bid(signed(WORKER_2), 1), Error::<Test>::JobNotFound);
			assert_noop!(Models::bid(signed(WORKER_2), 0), Error::<Test>::JobNotOpen);
		});
}

#[test]
fn bid_should_fail_when_the_job_has_expired() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(22);
			assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::JobHasExpired);
		});
}

#[test]
fn bid_should_fail_when_the_bidder_ordered_it_or_is_no_worker() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(REQUESTER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::bid(signed(REQUESTER), 0), Error::<Test>::OwnJob);
			assert_noop!(Models::bid(signed(STRANGER), 0), Error::<Test>::WorkerNotRegistered);
		});
}

#[test]
fn bid_should_fail_when_the_bond_does_not_cover_another_job() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
			assert_noop!(Models::bid(signed(WORKER), 1), Error::<Test>::NoFreeCapacity);
			assert_ok!(Models::update_worker(signed(WORKER), None, None, 100));
			assert_ok!(Models::bid(signed(WORKER), 1));
		});
}

/// Job 0, with [`BIDDING`], and workers of these bonds.
fn bidding(workers: &[(AccountId, openledger_primitives::Balance)]) -> ExtBuilder {
	workers.iter().fold(
		ExtBuilder::default().with_params(BIDDING).with_job(100),
		|chain, (who, bond)| chain.with_worker(*who, *bond),
	)
}

#[test]
fn bid_should_wait_for_the_draw_and_bind_the_bond() {
	bidding(&[(WORKER, 250), (WORKER_2, 100)]).build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::bid(signed(WORKER), 0));
		last_event(Event::BidPlaced {
			job: 0,
			worker: WORKER,
			weight: 250,
		});
		Now::set(3);
		assert_ok!(Models::bid(signed(WORKER_2), 0));
		assert_eq!(status(0), JobStatus::Open);
		let bid = |worker, weight| Bid { worker, weight };
		assert_eq!(Models::bids_on(0), [bid(WORKER, 250), bid(WORKER_2, 100)]);
		assert_eq!((Models::free_capacity(WORKER), Models::free_capacity(WORKER_2)), (1, 0));
		assert_noop!(Models::deregister_worker(signed(WORKER)), Error::<Test>::WorkerBusy);
	});
}

#[test]
fn bid_should_weigh_what_of_the_bond_is_free() {
	bidding(&[(WORKER, 250)]).build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::request_job(signed(REQUESTER), spec(), 100));
		assert_ok!(Models::bid(signed(WORKER), 0));
		assert_ok!(Models::bid(signed(WORKER), 1));
		assert_eq!(Models::bids_on(1)[0].weight, 150);
	});
}

#[test]
fn bid_should_fail_when_the_bidding_is_over_and_there_are_bids() {
	bidding(&[(WORKER, 100), (WORKER_2, 100)]).build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::bid(signed(WORKER), 0));
		assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::AlreadyBid);
		Now::set(4);
		assert_noop!(Models::bid(signed(WORKER_2), 0), Error::<Test>::BiddingOver);
	});
}

#[test]
fn bid_should_take_the_job_when_nobody_bid_in_time() {
	bidding(&[(WORKER, 100)]).build_and_execute_with_sanity_tests(|| {
		Now::set(4);
		assert_ok!(Models::bid(signed(WORKER), 0));
		assert!(matches!(status(0), JobStatus::Claimed { worker: WORKER, .. }));
		assert_eq!(Models::free_capacity(WORKER), 0);
	});
}

#[test]
fn bid_should_displace_the_lightest_of_sixteen_when_it_is_heavier() {
	let workers: Vec<_> = JUDGES.zip(101..).collect();
	bidding(&workers)
		.with_worker(WORKER, 101)
		.build_and_execute_with_sanity_tests(|| {
			for who in JUDGES.take(MAX_BIDS as usize) {
				assert_ok!(Models::bid(signed(who), 0));
			}
			assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::BidsFull);
			assert_ok!(Models::bid(signed(JUDGES.end - 1), 0));
			assert!(System::events().iter().any(|event| event.event
				== Event::BidDisplaced {
					job: 0,
					worker: JUDGES.start
				}
				.into()));
			let bids = Bids::<Test>::get(0);
			assert_eq!(bids.len(), MAX_BIDS as usize);
			assert!(bids.iter().all(|bid| bid.worker != JUDGES.start));
			assert_eq!(Models::free_capacity(JUDGES.start), 1, "who gives way is free");
		});
}

#[test]
fn bid_should_fail_when_the_capability_does_not_cover_the_order() {
	ExtBuilder::default()
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			for change in [
				(|c| c.memory_mib = 999) as fn(&mut Capability),
				|c| c.methods = MethodSet::of(&[Method::Full]),
				|c| c.dtypes = DtypeSet::of(&[Dtype::Bf16]),
			] {
				let mut less = capability();
				change(&mut less);
				assert_ok!(Models::update_worker(signed(WORKER), None, Some(less), 0));
				assert_noop!(Models::bid(signed(WORKER), 0), Error::<Test>::CapabilityMissing);
			}
			assert_ok!(Models::update_worker(signed(WORKER), None, Some(capability()), 0));
			assert_ok!(Models::bid(signed(WORKER), 0));
		});
}
