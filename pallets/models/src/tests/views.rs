//! What pages ask.

use crate::{mock::*, JobDeadlines, MAX_LINEAGE};
use frame_support::assert_ok;
use openledger_primitives::{bid::SEED_DELAY, dispute::Claim, training::Parent};

#[test]
fn lineage_should_name_parents_up_to_the_base_model() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			for id in 1..=3 {
				let spec = spec_on(Parent::Model(id - 1), &[(TEXT, 5)]);
				assert_ok!(Models::request_job(signed(STRANGER), spec, 1_000));
				assert_ok!(Models::bid(signed(WORKER), id));
				assert_ok!(Models::heartbeat(signed(WORKER), id, progress(1)));
				assert_ok!(Models::submit_result(signed(WORKER), id, result(id as u16 + 1)));
				assert_ok!(Models::accept_result(signed(STRANGER), id));
			}
			let line = [Parent::Model(2), Parent::Model(1), Parent::Model(0), Parent::Base(0)];
			assert_eq!(Models::lineage(3, MAX_LINEAGE), line);
			assert_eq!(Models::lineage(3, 2), line[..2]);
			assert_eq!(Models::lineage(0, u32::MAX), [Parent::Base(0)]);
			assert_eq!(Models::lineage(9, 1), []);
		});
}

#[test]
fn job_deadlines_should_be_those_of_the_state() {
	ExtBuilder::default()
		.with_params(BIDDING)
		.with_job(100)
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(Models::job_deadlines(1), None);
			let due = || Models::job_deadlines(0).unwrap();
			let open = JobDeadlines {
				bids_until: Some(4),
				draw_after: Some(4 + SEED_DELAY),
				expires_at: Some(21),
				..Default::default()
			};
			assert_eq!(due(), open);
			Now::set(4);
			assert_ok!(Models::bid(signed(WORKER), 0));
			let claimed = JobDeadlines {
				heartbeat_by: Some(9),
				train_until: Some(34),
				..Default::default()
			};
			assert_eq!(due(), claimed);
			assert_ok!(Models::pause(signed(REQUESTER), 0));
			let paused = JobDeadlines {
				resume_at: Some(19),
				..Default::default()
			};
			assert_eq!(due(), paused);
			assert_ok!(Models::cancel_job(signed(REQUESTER), 0));
			assert_eq!(due(), JobDeadlines::default());
		});
}

#[test]
fn a_dispute_should_tell_its_segment_once_the_seed_is_known_and_its_deadlines() {
	ExtBuilder::default()
		.with_submitted_job(100)
		.build_and_execute_with_sanity_tests(|| {
			assert_eq!(Models::dispute_about(0), None);
			let due = || Models::job_deadlines(0).unwrap();
			let submitted = JobDeadlines {
				evaluate_after: Some(EVALUATE_FROM - 1),
				evaluate_by: Some(EVALUATE_BY),
				accept_at: Some(11),
				..Default::default()
			};
			assert_eq!(due(), submitted);
			Now::set(2);
			assert_ok!(Models::dispute(signed(STRANGER), 0, Claim::Segment));
			let disputed = JobDeadlines {
				evaluate_after: Some(EVALUATE_FROM - 1),
				evaluate_by: Some(EVALUATE_BY),
				commit_until: Some(REVEAL_FROM - 1),
				reveal_until: Some(CLOSE_FROM - 1),
				..Default::default()
			};
			assert_eq!(due(), disputed);
			assert!(matches!(Models::dispute_about(0), Some((_, None))));
			Now::set(COMMIT_FROM);
			assert!(matches!(Models::dispute_about(0), Some((_, Some(0)))));
			Now::set(EVALUATE_FROM);
			evaluate(0);
			Now::set(CLOSE_FROM);
			assert_ok!(Models::close_dispute(signed(STRANGER), 0));
			let undecided = JobDeadlines {
				split_at: Some(CLOSE_FROM + PARAMS.correct_blocks),
				..Default::default()
			};
			assert_eq!(due(), undecided);
		});
}
