//! Calls within calls cannot pass a contributor's quotas.

use super::{court, *};

/// More than half of a day's bytes, so that two of them are too much.
const LARGE: u32 = 6_000_000;

fn over_quota() -> DispatchError {
	pallet_datanets::Error::<Runtime>::DailyBytesExceeded.into()
}

/// Runs `test` where Contributor1 has used more than half of its day.
fn after_a_large_file(test: impl FnOnce()) {
	in_first_block(presets::DEV, || {
		assert_ok!(send("Owner", court::create_datanet()));
		assert_ok!(send("Contributor1", court::submit(1, LARGE)));
		test();
	});
}

#[test]
fn quota_should_hold_for_a_batch() {
	after_a_large_file(|| {
		let calls = vec![court::submit(2, LARGE)];
		let batch = pallet_utility::Call::batch_all { calls };
		assert_eq!(send("Contributor1", batch), Err(over_quota()));
		let calls = (10..40).map(|seed| court::submit(seed, 10)).collect();
		let many = pallet_utility::Call::force_batch { calls };
		assert_ok!(send("Contributor1", many));
		let items = pallet_datanets::NextItem::<Runtime>::get();
		assert_eq!(items, 20, "twenty files a day and no more");
	});
}

#[test]
fn quota_should_hold_for_a_proxy() {
	after_a_large_file(|| {
		assert_ok!(send(
			"Contributor1",
			pallet_proxy::Call::add_proxy {
				delegate: account("Eve").into(),
				proxy_type: ProxyType::Contributing,
				delay: 0,
			}
		));
		assert_ok!(send(
			"Eve",
			pallet_proxy::Call::proxy {
				real: account("Contributor1").into(),
				force_proxy_type: None,
				call: Box::new(court::submit(2, LARGE)),
			}
		));
		System::assert_has_event(
			pallet_proxy::Event::ProxyExecuted {
				result: Err(over_quota()),
			}
			.into(),
		);
		assert_eq!(pallet_datanets::NextItem::<Runtime>::get(), 1);
	});
}

#[test]
fn quota_should_hold_for_a_multisig() {
	in_first_block(presets::DEV, || {
		assert_ok!(send("Owner", court::create_datanet()));
		let mut members = [account("Alice"), account("Bob")];
		members.sort();
		let joint = Multisig::multi_account_id(&members, 1);
		assert_ok!(send(
			"Alice",
			BalancesCall::transfer_keep_alive {
				dest: joint.into(),
				value: 100 * OPEN,
			}
		));
		let by = |sender: &str, other: &str, seed| {
			send(
				sender,
				pallet_multisig::Call::as_multi_threshold_1 {
					other_signatories: vec![account(other)],
					call: Box::new(court::submit(seed, LARGE)),
				},
			)
		};
		assert_ok!(by("Alice", "Bob", 1));
		assert_eq!(by("Bob", "Alice", 2), Err(over_quota()), "whoever of them sends it");
	});
}
