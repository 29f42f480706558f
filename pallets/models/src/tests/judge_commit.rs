use crate::{mock::*, Disputes, Error, Event, Workers};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	capability::{Capability, DtypeSet},
	dispute::{seat_key, Claim, Finding, MAX_JUDGES},
	training::Dtype,
};
use sp_runtime::DispatchError::BadOrigin;

const JUDGE: AccountId = JUDGES.start;

fn commit(who: AccountId) -> frame_support::dispatch::DispatchResult {
	Models::judge_commit(signed(who), 0, commitment(who, Finding::Broken))
}

fn disputed() -> ExtBuilder {
	ExtBuilder::default().with_disputed_job(100, Claim::Segment)
}

#[test]
fn judge_commit_should_take_a_seat_and_bind_the_bond() {
	disputed().build_and_execute_with_sanity_tests(|| {
		Now::set(COMMIT_FROM);
		assert_ok!(commit(JUDGE));
		let dispute = Disputes::<Test>::get(0).unwrap();
		assert_eq!(dispute.seed, Some(seed_of(COMMIT_FROM - 1)));
		let seat = &dispute.seats[0];
		assert_eq!(
			(seat.judge, seat.commitment, seat.finding),
			(JUDGE, commitment(JUDGE, Finding::Broken), None)
		);
		assert_eq!(Models::free_capacity(JUDGE), 0);
		last_event(Event::JudgeCommitted {
			job: 0,
			judge: JUDGE,
			segment: 0,
		});
		assert_noop!(commit(JUDGE), Error::<Test>::AlreadyCommitted);
		assert_noop!(Models::deregister_worker(signed(JUDGE)), Error::<Test>::WorkerBusy);
	});
}

#[test]
fn judge_commit_should_keep_the_seed_when_it_is_not_known_any_more() {
	disputed().build_and_execute_with_sanity_tests(|| {
		Disputes::<Test>::mutate(0, |dispute| dispute.as_mut().unwrap().commit_until = 2 * SEEDS_KEPT);
		Now::set(COMMIT_FROM);
		assert_ok!(commit(JUDGE));
		Now::set(COMMIT_FROM + SEEDS_KEPT);
		assert_ok!(commit(JUDGE + 1));
	});
}

#[test]
fn judge_commit_should_keep_the_judges_whom_the_seed_prefers() {
	disputed().build_and_execute_with_sanity_tests(|| {
		Now::set(COMMIT_FROM);
		let mut ordered: Vec<_> = JUDGES.collect();
		ordered.sort_by_key(|who| seat_key(&seed_of(COMMIT_FROM - 1), 0, who));
		let (first, last) = (ordered[0], ordered[MAX_JUDGES as usize]);
		for who in &ordered[1..] {
			assert_ok!(commit(*who));
		}
		assert_ok!(commit(first));
		let seats = Disputes::<Test>::get(0).unwrap().seats;
		assert_eq!(seats.len(), MAX_JUDGES as usize);
		assert!(seats.iter().any(|seat| seat.judge == first) && seats.iter().all(|seat| seat.judge != last));
		assert_eq!(Models::free_capacity(last), 1, "who gives way is free");
		assert!(System::events()
			.iter()
			.any(|event| event.event == Event::JudgeDisplaced { job: 0, judge: last }.into()));
		assert_noop!(commit(last), Error::<Test>::SeatsTaken);
	});
}

#[test]
fn judge_commit_should_fail_when_it_is_not_the_time() {
	disputed().build_and_execute_with_sanity_tests(|| {
		Now::set(COMMIT_FROM - 1);
		assert_noop!(commit(JUDGE), Error::<Test>::SeedNotKnown);
		Now::set(REVEAL_FROM);
		assert_noop!(commit(JUDGE), Error::<Test>::NotCommitTime);
	});
}

#[test]
fn judge_commit_should_fail_when_unsigned_missing_or_not_disputed() {
	ExtBuilder::default()
		.with_judges()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::judge_commit(RuntimeOrigin::root(), 0, [0; 32]), BadOrigin);
			assert_noop!(
				Models::judge_commit(signed(JUDGE), 1, [0; 32]),
				Error::<Test>::JobNotFound
			);
			assert_noop!(commit(JUDGE), Error::<Test>::JobNotDisputed);
		});
}

#[test]
fn judge_commit_should_fail_when_the_judge_is_a_party_no_worker_or_too_new() {
	disputed()
		.with_worker(REQUESTER, 100)
		.with_worker(STRANGER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::register_worker(signed(WORKER_2), 100, text(""), capability()));
			Now::set(COMMIT_FROM);
			for who in [WORKER, REQUESTER, STRANGER] {
				assert_noop!(commit(who), Error::<Test>::JudgeIsParty);
			}
			assert_noop!(commit(OWNER), Error::<Test>::WorkerNotRegistered);
			assert_noop!(commit(WORKER_2), Error::<Test>::JudgeTooNew);
		});
}

#[test]
fn judge_commit_should_fail_when_the_judge_cannot_run_the_segment_or_its_bond_is_bound() {
	disputed().build_and_execute_with_sanity_tests(|| {
		Now::set(COMMIT_FROM);
		let less = Capability {
			dtypes: DtypeSet::of(&[Dtype::Bf16]),
			..capability()
		};
		assert_ok!(Models::update_worker(signed(JUDGE), None, Some(less), 0));
		assert_noop!(commit(JUDGE), Error::<Test>::CapabilityMissing);
		Disputes::<Test>::mutate(0, |dispute| dispute.as_mut().unwrap().claim = Claim::NotAvailable);
		assert_ok!(commit(JUDGE));
		assert_ok!(Models::request_job(signed(OWNER), spec(), 100));
		assert_ok!(Models::bid(signed(JUDGE + 1), 1));
		assert_noop!(commit(JUDGE + 1), Error::<Test>::NoFreeCapacity);
		assert_eq!(Workers::<Test>::get(JUDGE + 1).unwrap().active_jobs, 1);
	});
}
