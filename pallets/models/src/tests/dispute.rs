use crate::{mock::*, Disputes, Error, Event, HoldReason};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	bid::SEED_DELAY,
	dispute::{Claim, Dispute},
	model::JobStatus,
};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

#[test]
fn dispute_should_hold_a_bond_and_stop_the_acceptance() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			Now::set(10);
			assert_ok!(Models::dispute(signed(STRANGER), 0, Claim::Segment));
			assert_eq!(
				status(0),
				JobStatus::Disputed {
					worker: WORKER,
					accept_at: 11,
					result: result(1),
					evaluation: due()
				}
			);
			let seed_at = 10 + SEED_DELAY;
			assert_eq!(
				Disputes::<Test>::get(0),
				Some(Dispute {
					disputer: STRANGER,
					bond: 60,
					claim: Claim::Segment,
					opened_at: 10,
					seed_at,
					seed: None,
					commit_until: seed_at + 8,
					reveal_until: seed_at + 12,
					seats: Default::default(),
					split_at: None,
				})
			);
			assert_eq!(
				Balances::balance_on_hold(&HoldReason::DisputeBond.into(), &STRANGER),
				60
			);
			last_event(Event::Disputed {
				job: 0,
				disputer: STRANGER,
				claim: Claim::Segment,
				seed_at,
			});
			assert_noop!(
				Models::accept_result(signed(REQUESTER), 0),
				Error::<Test>::JobNotSubmitted
			);
		});
}

#[test]
fn dispute_should_be_open_to_the_requester() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::dispute(signed(REQUESTER), 0, Claim::NotAvailable));
		});
}

#[test]
fn dispute_should_take_up_an_evaluation_once_it_is_reported() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			let dispute = || Models::dispute(signed(STRANGER), 0, Claim::Evaluation);
			assert_noop!(dispute(), Error::<Test>::EvaluationNotReported);
			evaluate(0);
			assert_ok!(dispute());
			assert_eq!(Disputes::<Test>::get(0).unwrap().claim, Claim::Evaluation);
		});
}

#[test]
fn dispute_should_fail_when_unsigned_missing_not_submitted_late_own_or_without_funds() {
	ExtBuilder::default()
		.with_claimed_job(100)
		.build_and_execute_with_sanity_tests(|| {
			let dispute = |who| Models::dispute(signed(who), 0, Claim::Segment);
			assert_noop!(Models::dispute(RuntimeOrigin::root(), 0, Claim::Segment), BadOrigin);
			assert_noop!(
				Models::dispute(signed(STRANGER), 1, Claim::Segment),
				Error::<Test>::JobNotFound
			);
			assert_noop!(dispute(STRANGER), Error::<Test>::JobNotSubmitted);
			assert_ok!(Models::heartbeat(signed(WORKER), 0, progress(1)));
			assert_ok!(Models::submit_result(signed(WORKER), 0, result(1)));
			assert_noop!(dispute(WORKER), Error::<Test>::OwnResult);
			assert_noop!(dispute(77), TokenError::FundsUnavailable);
			Now::set(11);
			assert_noop!(dispute(STRANGER), Error::<Test>::DisputeTooLate);
			Now::set(10);
			assert_ok!(dispute(STRANGER));
			assert_noop!(dispute(STRANGER), Error::<Test>::JobNotSubmitted);
		});
}
