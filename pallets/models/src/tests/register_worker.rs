use crate::{mock::*, Error, Event, HoldReason, Workers};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::model::Worker;
use sp_runtime::{DispatchError::BadOrigin, TokenError};

#[test]
fn register_worker_should_hold_the_bond() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::register_worker(signed(WORKER), 250, text("")));
		assert_eq!(
			Workers::<Test>::get(WORKER),
			Some(Worker {
				bond: 250,
				endpoint: text(""),
				active_jobs: 0
			})
		);
		assert_eq!(Balances::balance_on_hold(&HoldReason::WorkerBond.into(), &WORKER), 250);
		assert_eq!(Models::free_capacity(WORKER), 2);
		assert_eq!(Models::free_capacity(STRANGER), 0);
		last_event(Event::WorkerRegistered {
			worker: WORKER,
			bond: 250,
		});
	});
}

#[test]
fn register_worker_should_fail_when_unsigned_or_without_funds() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(Models::register_worker(RuntimeOrigin::root(), 100, text("")), BadOrigin);
		assert_noop!(
			Models::register_worker(signed(WORKER), ENDOWMENT + 1, text("")),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn register_worker_should_fail_when_registered() {
	ExtBuilder::default()
		.with_worker(WORKER, 100)
		.build_and_execute_with_sanity_tests(|| {
			assert_noop!(
				Models::register_worker(signed(WORKER), 100, text("")),
				Error::<Test>::WorkerAlreadyRegistered
			);
		});
}

#[test]
fn register_worker_should_fail_when_the_bond_is_too_small_or_the_endpoint_not_utf8() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(
			Models::register_worker(signed(WORKER), 99, text("")),
			Error::<Test>::BondTooSmall
		);
		let broken = vec![0xff].try_into().unwrap();
		assert_noop!(
			Models::register_worker(signed(WORKER), 100, broken),
			Error::<Test>::InvalidUtf8
		);
	});
}
