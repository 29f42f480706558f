use crate::{mock::*, BaseModelUses, Error, Event, HoldReason, JobTerms, Jobs, Models as Registry, NextJob};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	model::{Job, JobStatus},
	training::{Method, Parent, TrainingSpec},
};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

fn request(spec: TrainingSpec) -> frame_support::dispatch::DispatchResult {
	Models::request_job(signed(REQUESTER), spec, 100)
}

#[test]
fn request_job_should_hold_the_price_and_open_the_job() {
	ExtBuilder::default()
		.with_params(BIDDING)
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			Now::set(7);
			assert_ok!(request(spec()));
			assert_eq!(
				Jobs::<Test>::get(0),
				Some(Job {
					requester: REQUESTER,
					spec: spec(),
					price: 100,
					created_at: 7,
					bids_until: 10,
					expires_at: 27,
					failures: 0,
					paused_blocks: 0,
					status: JobStatus::Open,
				})
			);
			let terms = JobTerms::<Test>::get(0).unwrap();
			assert_eq!((terms.params, terms.roots.into_inner()), (BIDDING, vec![root(TEXT, 4)]));
			assert_eq!(Balances::balance_on_hold(&HoldReason::Escrow.into(), &REQUESTER), 100);
			assert_eq!(BaseModelUses::<Test>::get(0), 1);
			last_event(Event::JobRequested {
				job: 0,
				requester: REQUESTER,
				price: 100,
				spec: spec().digest(),
			});
		});
}

#[test]
fn request_job_should_fail_when_unsigned_too_cheap_or_without_funds() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::request_job(RuntimeOrigin::root(), spec(), 100), BadOrigin);
			assert_noop!(
				Models::request_job(signed(REQUESTER), spec(), 49),
				Error::<Test>::PriceTooLow
			);
			assert_noop!(
				Models::request_job(signed(REQUESTER), spec(), ENDOWMENT),
				TokenError::FundsUnavailable
			);
		});
}

#[test]
fn request_job_should_fail_when_the_order_is_invalid() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			let base = Parent::Base(0);
			assert_noop!(request(spec_on(base, &[])), Error::<Test>::InvalidDatasets);
			assert_noop!(request(spec_on(base, &[(TEXT, 0)])), Error::<Test>::InvalidDatasets);
			assert_noop!(
				request(spec_on(base, &[(TEXT, 1), (TEXT, 2)])),
				Error::<Test>::InvalidDatasets
			);
			let mut spec = spec();
			spec.hyperparameters.batch_size = 0;
			assert_noop!(request(spec), Error::<Test>::InvalidHyperparameters);
		});
}

#[test]
fn request_job_should_fail_when_a_dataset_is_missing_closed_or_not_text() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			let base = Parent::Base(0);
			assert_noop!(request(spec_on(base, &[(TEXT, 1), (99, 1)])), UNKNOWN_DATASET);
			assert_noop!(
				request(spec_on(base, &[(TEXT, 1), (IMAGES, 1)])),
				Error::<Test>::ModalityNotTrainable
			);
			DatanetsClosed::set(true);
			assert_noop!(request(spec_on(base, &[(TEXT, 1)])), CLOSED_DATASET);
		});
}

#[test]
fn request_job_should_fail_when_the_parent_is_missing() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(
				request(spec_on(Parent::Base(1), &[(TEXT, 1)])),
				Error::<Test>::BaseModelNotFound
			);
			assert_noop!(
				request(spec_on(Parent::Model(0), &[(TEXT, 1)])),
				Error::<Test>::ModelNotFound
			);
		});
}

#[test]
fn request_job_should_continue_adapters_only() {
	ExtBuilder::default()
		.with_model()
		.build_and_execute_with_sanity_tests(|| {
			let on_model = spec_on(Parent::Model(0), &[(TEXT, 5)]);
			assert_ok!(request(on_model.clone()));
			let full = TrainingSpec {
				method: Method::Full,
				..on_model.clone()
			};
			assert_noop!(request(full), Error::<Test>::ParentNotContinuable);
			let dora = TrainingSpec {
				method: Method::Dora,
				..on_model.clone()
			};
			assert_noop!(request(dora.clone()), Error::<Test>::ParentNotContinuable);
			Registry::<Test>::mutate(0, |model| model.as_mut().unwrap().spec.method = Method::Dora);
			assert_noop!(request(on_model.clone()), Error::<Test>::ParentNotContinuable);
			assert_ok!(request(dora));
			Registry::<Test>::mutate(0, |model| model.as_mut().unwrap().spec.method = Method::Full);
			assert_noop!(request(on_model), Error::<Test>::ParentNotContinuable);
		});
}

#[test]
fn request_job_should_fail_when_ids_are_exhausted() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			NextJob::<Test>::put(u32::MAX);
			assert_noop!(request(spec()), Error::<Test>::IdsExhausted);
		});
}
