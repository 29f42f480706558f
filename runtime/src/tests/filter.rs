//! Calls that nobody gets through: those that would move the total issuance, and the purge of session keys.

use super::*;

/// Every refused call.
fn refused() -> [RuntimeCall; 4] {
	let who = account("Bob").into();
	[
		BalancesCall::burn {
			value: OPEN,
			keep_alive: true,
		}
		.into(),
		BalancesCall::force_set_balance {
			who,
			new_free: 2 * TOTAL_ISSUANCE,
		}
		.into(),
		BalancesCall::force_adjust_total_issuance {
			direction: pallet_balances::AdjustmentDirection::Increase,
			delta: OPEN,
		}
		.into(),
		pallet_session::Call::purge_keys {}.into(),
	]
}

#[test]
fn refused_calls_should_fail_when_sent_alone() {
	for call in refused() {
		in_first_block(presets::DEV, || {
			assert_eq!(send("Alice", call), Err(filtered()));
			assert!(Session::load_keys(&account("Alice")).is_some());
		});
	}
}

#[test]
fn refused_calls_should_fail_when_in_a_batch() {
	for call in refused() {
		in_first_block(presets::DEV, || {
			let batch = pallet_utility::Call::batch_all { calls: vec![call] };
			assert_eq!(send("Alice", batch), Err(filtered()));
		});
	}
}

#[test]
fn refused_calls_should_fail_when_sent_by_proxy() {
	for call in refused() {
		in_first_block(presets::DEV, || {
			assert_ok!(send(
				"Alice",
				pallet_proxy::Call::add_proxy {
					delegate: account("Bob").into(),
					proxy_type: ProxyType::Any,
					delay: 0,
				}
			));
			assert_ok!(send(
				"Bob",
				pallet_proxy::Call::proxy {
					real: account("Alice").into(),
					force_proxy_type: None,
					call: Box::new(call),
				}
			));
			System::assert_has_event(
				pallet_proxy::Event::ProxyExecuted {
					result: Err(filtered()),
				}
				.into(),
			);
		});
	}
}

#[test]
fn refused_calls_should_fail_when_sent_by_a_multisig() {
	for call in refused() {
		in_first_block(presets::DEV, || {
			let sent = send(
				"Alice",
				pallet_multisig::Call::as_multi_threshold_1 {
					other_signatories: vec![account("Bob")],
					call: Box::new(call),
				},
			);
			assert_eq!(sent, Err(filtered()));
		});
	}
}

#[test]
fn refused_calls_should_fail_when_the_council_moves_them() {
	for call in refused() {
		in_first_block(presets::DEV, || {
			assert_eq!(as_council(3, 3, call), Err(filtered()));
		});
	}
}
