//! Safe mode and paused calls: what stops, what goes on, and that deadlines wait.

use super::{court, *};
use openledger_primitives::{item::Phase, traits::ActiveBlocks};

fn enter_safe_mode() {
	assert_ok!(as_council(2, 3, pallet_safe_mode::Call::force_enter {}));
}

fn exit_safe_mode() {
	assert_ok!(as_council(2, 3, pallet_safe_mode::Call::force_exit {}));
}

fn pause(pallet: &str, call: &str) -> DispatchResult {
	let name = |text: &str| text.as_bytes().to_vec().try_into().expect("a short name");
	as_council(
		2,
		3,
		pallet_tx_pause::Call::pause {
			full_name: (name(pallet), name(call)),
		},
	)
}

fn now() -> u32 {
	<Authorities as ActiveBlocks>::now()
}

#[test]
fn safe_mode_should_stop_what_is_not_named() {
	in_first_block(presets::DEV, || {
		enter_safe_mode();
		assert_eq!(send("Alice", transfer("Bob", OPEN)), Err(filtered()));
		assert_eq!(send("Owner", court::create_datanet()), Err(filtered()));
		let batch = pallet_utility::Call::batch_all {
			calls: vec![transfer("Bob", OPEN)],
		};
		assert_eq!(send("Alice", batch), Err(filtered()), "a batch is no way round");
		exit_safe_mode();
		assert_ok!(send("Alice", transfer("Bob", OPEN)));
	});
}

#[test]
fn safe_mode_should_end_by_itself() {
	in_first_block(presets::DEV, || {
		enter_safe_mode();
		assert_eq!(pallet_safe_mode::EnteredUntil::<Runtime>::get(), Some(1 + DAY));
		// What a day of empty blocks does is of no interest here: two more are enough.
		pallet_safe_mode::EnteredUntil::<Runtime>::put(3);
		let before = now();
		pass_blocks(2);
		assert!(SafeMode::is_entered());
		assert_eq!(now(), before);
		pass_blocks(1);
		assert!(!SafeMode::is_entered());
		assert_eq!(now(), before + 1, "the first block after it counts again");
	});
}

#[test]
fn windows_should_stand_still_in_safe_mode_and_reveals_pass() {
	in_first_block(presets::DEV, || {
		let item = court::open_case();
		let voters: Vec<_> = (1..=5).map(|n| format!("Validator{n}")).collect();
		for voter in &voters {
			assert_ok!(send(voter, court::commit(voter, item)));
		}
		let params = pallet_validation::Params::<Runtime>::get();
		pass_blocks(params.commit_blocks);
		assert_ok!(send(&voters[0], court::reveal(item)));

		enter_safe_mode();
		let before = now();
		pass_blocks(3 * params.reveal_blocks);
		assert_eq!(now(), before, "active blocks stand still");
		for voter in &voters[1..] {
			assert_eq!(send(voter, court::reveal(item)), Ok(()), "a reveal passes in safe mode");
		}
		let early = send("Eve", pallet_validation::Call::close_round { item });
		assert!(early.is_err(), "the window has not run out");
		exit_safe_mode();

		pass_blocks(params.reveal_blocks);
		enter_safe_mode();
		assert_ok!(send("Eve", pallet_validation::Call::close_round { item }));
		let status = Validation::case_status(item).expect("the case is open");
		assert!(
			matches!(status.phase, Phase::Provisional { .. }),
			"all revealed the same: {:?}",
			status.phase
		);
	});
}

#[test]
fn windows_should_stand_still_while_their_calls_are_paused() {
	for (pallet, call) in [
		("Validation", "commit"),
		("Validation", "reveal"),
		("Validation", "challenge"),
		("Models", "heartbeat"),
		("Models", "submit_result"),
		("Models", "report_evaluation"),
		("Models", "judge_commit"),
		("Models", "judge_reveal"),
	] {
		in_first_block(presets::DEV, || {
			assert_ok!(pause(pallet, call));
			let before = now();
			pass_blocks(5);
			assert_eq!(now(), before, "{pallet}.{call}");
			assert!(Paused::get());
		});
	}
	in_first_block(presets::DEV, || {
		assert_ok!(pause("Datanets", "submit"));
		let before = now();
		pass_blocks(5);
		assert_eq!(now(), before + 5, "nobody misses a deadline by not submitting");
	});
}

#[test]
fn paused_call_should_be_refused_nested_too() {
	in_first_block(presets::DEV, || {
		assert_ok!(pause("Balances", "transfer_keep_alive"));
		assert_eq!(send("Alice", transfer("Bob", OPEN)), Err(filtered()));
		let batch = pallet_utility::Call::batch_all {
			calls: vec![transfer("Bob", OPEN)],
		};
		assert_eq!(send("Alice", batch), Err(filtered()));
	});
}

#[test]
fn calls_that_help_a_chain_should_not_be_paused() {
	in_first_block(presets::DEV, || {
		for (pallet, call) in [
			("System", "apply_authorized_upgrade"),
			("Timestamp", "set"),
			("Babe", "report_equivocation_unsigned"),
			("Authorities", "veto_upgrade"),
			("Council", "vote"),
			("SafeMode", "force_exit"),
			("TxPause", "unpause"),
		] {
			assert_eq!(
				pause(pallet, call),
				Err(pallet_tx_pause::Error::<Runtime>::Unpausable.into()),
				"{pallet}.{call}"
			);
		}
	});
}

#[test]
fn failed_migration_should_end_in_safe_mode_and_leave_the_council_free() {
	use frame_support::migrations::{FailedMigrationHandler, FailedMigrationHandling};
	in_first_block(presets::DEV, || {
		type Handler = <Runtime as pallet_migrations::Config>::FailedMigrationHandler;
		assert_eq!(Handler::failed(Some(0)), FailedMigrationHandling::ForceUnstuck);
		assert!(SafeMode::is_entered());
		assert_eq!(
			Handler::failed(Some(1)),
			FailedMigrationHandling::ForceUnstuck,
			"twice too"
		);
		assert_eq!(send("Alice", transfer("Bob", OPEN)), Err(filtered()));
		exit_safe_mode();
	});
}
