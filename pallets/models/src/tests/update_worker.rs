use crate::{mock::*, Error, Event, HoldReason, Workers};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	capability::{Capability, MethodSet},
	model::Worker,
};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

#[test]
fn update_worker_should_change_the_endpoint_and_raise_the_bond() {
	ExtBuilder::default()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_ok!(Models::update_worker(signed(WORKER), Some(text("wss://x")), None, 150));
			assert_eq!(
				Workers::<Test>::get(WORKER),
				Some(Worker {
					bond: 250,
					endpoint: text("wss://x"),
					capability: capability(),
					registered_at: 1,
					active_jobs: 0
				})
			);
			assert_eq!(Balances::balance_on_hold(&HoldReason::WorkerBond.into(), &WORKER), 250);
			last_event(Event::WorkerUpdated {
				worker: WORKER,
				bond: 250,
			});
			assert_ok!(Models::update_worker(signed(WORKER), None, None, 0));
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().endpoint, text::<128>("wss://x"));
		});
}

#[test]
fn update_worker_should_fail_when_unsigned_unregistered_without_funds_or_not_utf8() {
	ExtBuilder::default()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(Models::update_worker(RuntimeOrigin::root(), None, None, 1), BadOrigin);
			assert_noop!(
				Models::update_worker(signed(STRANGER), None, None, 1),
				Error::<Test>::WorkerNotRegistered
			);
			assert_noop!(
				Models::update_worker(signed(WORKER), None, None, ENDOWMENT),
				TokenError::FundsUnavailable
			);
			let broken = vec![0xff].try_into().unwrap();
			assert_noop!(
				Models::update_worker(signed(WORKER), Some(broken), None, 0),
				Error::<Test>::InvalidUtf8
			);
		});
}

#[test]
fn update_worker_should_change_the_capability() {
	ExtBuilder::default()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			let more = Capability {
				memory_mib: 9_000,
				..capability()
			};
			assert_ok!(Models::update_worker(signed(WORKER), None, Some(more), 0));
			assert_eq!(Workers::<Test>::get(WORKER).unwrap().capability, more);
			let nothing = Capability {
				methods: MethodSet(0),
				..more
			};
			assert_noop!(
				Models::update_worker(signed(WORKER), None, Some(nothing), 0),
				Error::<Test>::InvalidCapability
			);
		});
}
