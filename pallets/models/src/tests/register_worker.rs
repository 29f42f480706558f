use crate::{mock::*, Error, Event, HoldReason, Workers};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	capability::{Capability, DtypeSet, MethodSet},
	model::Worker,
};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

#[test]
fn register_worker_should_hold_the_bond() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::register_worker(signed(WORKER), 250, text(""), capability()));
		assert_eq!(
			Workers::<Test>::get(WORKER),
			Some(Worker {
				bond: 250,
				endpoint: text(""),
				capability: capability(),
				registered_at: 1,
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
		assert_noop!(
			Models::register_worker(RuntimeOrigin::root(), 100, text(""), capability()),
			BadOrigin
		);
		assert_noop!(
			Models::register_worker(signed(WORKER), ENDOWMENT + 1, text(""), capability()),
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
				Models::register_worker(signed(WORKER), 100, text(""), capability()),
				Error::<Test>::WorkerAlreadyRegistered
			);
		});
}

#[test]
fn register_worker_should_fail_when_the_bond_is_too_small_or_the_endpoint_not_utf8() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(
			Models::register_worker(signed(WORKER), 99, text(""), capability()),
			Error::<Test>::BondTooSmall
		);
		let broken = vec![0xff].try_into().unwrap();
		assert_noop!(
			Models::register_worker(signed(WORKER), 100, broken, capability()),
			Error::<Test>::InvalidUtf8
		);
	});
}

#[test]
fn register_worker_should_fail_when_the_capability_is_nothing_or_unknown() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		for change in [
			(|c| c.memory_mib = 0) as fn(&mut Capability),
			|c| c.methods = MethodSet(0),
			|c| c.dtypes = DtypeSet(4),
		] {
			let mut capability = capability();
			change(&mut capability);
			assert_noop!(
				Models::register_worker(signed(WORKER), 100, text(""), capability),
				Error::<Test>::InvalidCapability
			);
		}
	});
}
