use crate::{mock::*, Disputes, Error, Event, HoldReason, JobByAdapter, Jobs, Workers};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	dispute::{
		Claim,
		Finding::{Broken, Unavailable, Upheld},
		Ruling,
	},
	model::JobStatus,
};
use sp_runtime::DispatchError::BadOrigin;

const JUDGE: AccountId = JUDGES.start;

fn disputed(test: impl FnOnce()) {
	ExtBuilder::default()
		.with_disputed_job(1_001, Claim::Segment)
		.build_and_execute_with_sanity_tests(test);
}

fn close() -> frame_support::dispatch::DispatchResult {
	Models::close_dispute(signed(OWNER), 0)
}

#[test]
fn close_dispute_should_slash_a_broken_result_and_open_the_job_again() {
	disputed(|| {
		judge(&[Some(Broken), Some(Unavailable), Some(Broken), Some(Upheld)]);
		assert_ok!(close());
		let job = Jobs::<Test>::get(0).unwrap();
		assert_eq!((job.status, job.failures), (JobStatus::Open, 1));
		last_event(Event::DisputeDecided {
			job: 0,
			ruling: Ruling::Broken,
			judges: 3,
			lost: 100,
		});
		assert_eq!(Workers::<Test>::get(WORKER).unwrap().bond, 0);
		assert_eq!(Balances::balance_on_hold(&HoldReason::WorkerBond.into(), &WORKER), 0);
		assert_eq!(
			free(STRANGER),
			ENDOWMENT + 50,
			"the disputer's bond is back, with its part"
		);
		let paid = [0, 1, 2, 3].map(|n| free(JUDGE + n) - (ENDOWMENT - 100));
		assert_eq!(paid, [16, 16, 16, 0]);
		assert_eq!(free(POT), ENDOWMENT + 2, "what does not divide");
		assert_eq!(Models::free_capacity(JUDGE), 1);
		assert!(Disputes::<Test>::get(0).is_none());
		assert_eq!(JobByAdapter::<Test>::iter().count(), 0);
	});
}

#[test]
fn close_dispute_should_fail_and_refund_the_job_at_the_last_failure() {
	disputed(|| {
		Jobs::<Test>::mutate(0, |job| job.as_mut().unwrap().failures = PARAMS.max_failures - 1);
		judge(&[Some(Broken); 3]);
		assert_ok!(close());
		assert_eq!((status(0), free(REQUESTER)), (JobStatus::Failed, ENDOWMENT));
	});
}

#[test]
fn close_dispute_should_pay_judges_and_worker_when_the_result_is_upheld() {
	disputed(|| {
		judge(&[Some(Upheld), Some(Upheld), Some(Broken), Some(Upheld), Some(Upheld)]);
		assert_ok!(close());
		assert_eq!(
			status(0),
			JobStatus::Submitted {
				worker: WORKER,
				accept_at: 11,
				result: result(1),
				evaluation: due()
			}
		);
		last_event(Event::DisputeDecided {
			job: 0,
			ruling: Ruling::Upheld,
			judges: 4,
			lost: 60,
		});
		let paid = [0, 1, 2, 3].map(|n| free(JUDGE + n) - (ENDOWMENT - 100));
		assert_eq!(paid, [7, 7, 0, 7]);
		assert_eq!(free(WORKER), ENDOWMENT - 100 + 60 - 4 * 7);
		assert_eq!(free(STRANGER), ENDOWMENT - 60);
		// It waits no longer than it would have.
		assert_noop!(
			Models::dispute(signed(STRANGER), 0, Claim::Segment),
			Error::<Test>::DisputeTooLate
		);
		assert_ok!(Models::accept_result(signed(REQUESTER), 0));
	});
}

#[test]
fn close_dispute_should_take_the_penalty_of_judges_who_stay_silent() {
	disputed(|| {
		judge(&[Some(Broken), None, Some(Broken), Some(Broken)]);
		assert_ok!(close());
		assert_eq!(Workers::<Test>::get(JUDGE + 1).unwrap().bond, 80);
		assert_eq!(free(POT), ENDOWMENT + 20 + 2);
		assert!(System::events().iter().any(|event| event.event
			== Event::JudgeSilent {
				job: 0,
				judge: JUDGE + 1,
				penalty: 20
			}
			.into()));
	});
}

#[test]
fn close_dispute_should_split_the_price_when_there_is_no_ruling_and_nobody_corrects_it() {
	for findings in [
		&[][..],
		&[Some(Broken), Some(Broken)],
		&[Some(Broken), Some(Broken), Some(Upheld), Some(Upheld)],
		&[Some(Broken), Some(Broken), None, None],
	] {
		disputed(|| {
			judge(findings);
			assert_ok!(close());
			let split_at = CLOSE_FROM + PARAMS.correct_blocks;
			last_event(Event::DisputeUndecided { job: 0, split_at });
			assert!(matches!(status(0), JobStatus::Disputed { .. }));
			assert_eq!(Workers::<Test>::get(JUDGE).unwrap().active_jobs, 0, "judges are free");
			Now::set(split_at - 1);
			assert_noop!(close(), Error::<Test>::DisputeNotOver);
			Now::set(split_at);
			assert_ok!(close());
			last_event(Event::JobSplit {
				job: 0,
				paid: 601,
				refunded: 400,
			});
			assert_eq!(status(0), JobStatus::Split);
			assert_eq!(free(REQUESTER), ENDOWMENT - 601);
			assert_eq!(free(WORKER), ENDOWMENT - 100 + 601);
			assert_eq!(free(STRANGER), ENDOWMENT, "the disputer's bond is back");
			assert_eq!(JobByAdapter::<Test>::iter().count(), 0);
			assert_noop!(close(), Error::<Test>::JobNotDisputed);
		});
	}
}

#[test]
fn close_dispute_should_fail_when_unsigned_not_disputed_or_early() {
	disputed(|| {
		assert_noop!(Models::close_dispute(RuntimeOrigin::root(), 0), BadOrigin);
		assert_noop!(Models::close_dispute(signed(OWNER), 1), Error::<Test>::JobNotDisputed);
		Now::set(CLOSE_FROM - 1);
		assert_noop!(close(), Error::<Test>::DisputeNotOver);
	});
}

#[test]
fn close_dispute_should_slash_no_more_than_the_bond() {
	disputed(|| {
		// What an earlier penalty left: the hold says the same.
		assert_ok!(Models::take_bond(&WORKER, &POT, 65));
		judge(&[Some(Broken); 3]);
		assert_ok!(close());
		assert_eq!(Workers::<Test>::get(WORKER).unwrap().bond, 0);
		assert_eq!(free(STRANGER), ENDOWMENT + 17);
		assert_eq!(free(JUDGE), ENDOWMENT - 100 + 6);
	});
}
