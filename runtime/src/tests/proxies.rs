//! What each type of proxy may do.

use super::{court, *};
use frame_support::traits::InstanceFilter;

const TYPES: [ProxyType; 6] = [
	ProxyType::Any,
	ProxyType::NonTransfer,
	ProxyType::Voting,
	ProxyType::Contributing,
	ProxyType::Working,
	ProxyType::Claiming,
];

/// Some calls, and the types beside `Any` that may make them.
fn calls() -> Vec<(RuntimeCall, Vec<ProxyType>)> {
	use ProxyType::*;
	vec![
		(transfer("Eve", OPEN), vec![]),
		(court::commit("Validator1", 0), vec![NonTransfer, Voting]),
		(court::reveal(0), vec![NonTransfer, Voting]),
		(
			pallet_validation::Call::finalize { item: 0 }.into(),
			vec![NonTransfer, Voting],
		),
		(
			pallet_validation::Call::unbond { amount: OPEN }.into(),
			vec![NonTransfer],
		),
		(court::submit(1, 10), vec![NonTransfer, Contributing]),
		(
			pallet_datanets::Call::withdraw { item: 0 }.into(),
			vec![NonTransfer, Contributing],
		),
		(
			pallet_models::Call::accept_result { job: 0 }.into(),
			vec![NonTransfer, Working],
		),
		(
			pallet_rewards::Call::claim_fee {
				fee: 0,
				who: account("Eve"),
			}
			.into(),
			vec![NonTransfer, Claiming],
		),
		(pallet_sudo::Call::remove_key {}.into(), vec![]),
		(
			pallet_proxy::Call::add_proxy {
				delegate: account("Eve").into(),
				proxy_type: Claiming,
				delay: 0,
			}
			.into(),
			vec![],
		),
		(pallet_authorities::Call::withdraw_bond {}.into(), vec![]),
	]
}

#[test]
fn proxy_types_should_let_pass_what_they_name() {
	for (call, allowed) in chain(presets::DEV).execute_with(calls) {
		for kind in TYPES {
			let expected = kind == ProxyType::Any || allowed.contains(&kind);
			assert_eq!(kind.filter(&call), expected, "{kind:?}: {call:?}");
		}
	}
}

#[test]
fn superset_should_let_pass_all_that_its_subset_does() {
	let calls = chain(presets::DEV).execute_with(calls);
	for outer in TYPES {
		for inner in TYPES {
			let contains = calls.iter().all(|(call, _)| !inner.filter(call) || outer.filter(call));
			assert_eq!(outer.is_superset(&inner), contains, "{outer:?} over {inner:?}");
		}
	}
}

fn add_proxy(real: &str, delegate: &str, proxy_type: ProxyType) {
	assert_ok!(send(
		real,
		pallet_proxy::Call::add_proxy {
			delegate: account(delegate).into(),
			proxy_type,
			delay: 0,
		}
	));
}

/// What became of a call that `delegate` made for `real`.
fn by_proxy(delegate: &str, real: &str, call: RuntimeCall) -> DispatchResult {
	System::reset_events();
	assert_ok!(send(
		delegate,
		pallet_proxy::Call::proxy {
			real: account(real).into(),
			force_proxy_type: None,
			call: Box::new(call),
		}
	));
	System::events()
		.into_iter()
		.find_map(|record| match record.event {
			RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
			_ => None,
		})
		.expect("a proxy's call leaves an event")
}

#[test]
fn hot_key_should_vote_with_the_stake_of_a_cold_one() {
	in_first_block(presets::DEV, || {
		add_proxy("Validator1", "Eve", ProxyType::Voting);
		let item = court::open_case();
		let cold = account("Validator1");
		assert_ok!(by_proxy("Eve", "Validator1", court::commit("Validator1", item)));
		pass_blocks(pallet_validation::Params::<Runtime>::get().commit_blocks);
		assert_ok!(by_proxy("Eve", "Validator1", court::reveal(item)));
		assert!(pallet_validation::Validators::<Runtime>::contains_key(&cold));
		// What the stake is worth stays with the cold key.
		assert_eq!(by_proxy("Eve", "Validator1", transfer("Eve", OPEN)), Err(filtered()));
		let unbond = pallet_validation::Call::unbond { amount: OPEN };
		assert_eq!(by_proxy("Eve", "Validator1", unbond.into()), Err(filtered()));
	});
}

#[test]
fn proxy_should_not_widen_itself_by_a_batch() {
	in_first_block(presets::DEV, || {
		add_proxy("Alice", "Eve", ProxyType::NonTransfer);
		let batch = pallet_utility::Call::batch_all {
			calls: vec![transfer("Eve", OPEN)],
		};
		assert_eq!(by_proxy("Eve", "Alice", batch.into()), Err(filtered()));
		let more = pallet_proxy::Call::add_proxy {
			delegate: account("Eve").into(),
			proxy_type: ProxyType::Any,
			delay: 0,
		};
		assert_eq!(by_proxy("Eve", "Alice", more.into()), Err(filtered()));
	});
}

#[test]
fn new_calls_should_be_outside_of_every_narrow_type() {
	// Every call of the runtime whose arguments can be read from zeros: transfers of every kind are outside.
	for call in super::weights::all_calls(&["Balances", "Treasury", "Sudo", "Multisig", "Scheduler", "Preimage"]) {
		for kind in &TYPES[1..] {
			assert!(!kind.filter(&call), "{kind:?}: {call:?}");
		}
	}
}
