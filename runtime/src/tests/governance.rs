//! The council, the treasury, parameters, the scheduler.

use super::*;
use frame_support::dispatch::GetDispatchInfo;
use pallet_transaction_payment::MultiplierUpdate as _;
use sp_runtime::traits::Hash as _;

/// Carries a motion through signed extrinsics: Alice proposes, she and Bob say aye, Charlie closes.
fn carry(call: RuntimeCall) {
	let hash = BlakeTwo256::hash_of(&call);
	let length_bound = call.encoded_size() as u32;
	let proposal_weight_bound = call.get_dispatch_info().call_weight;
	let index = pallet_collective::ProposalCount::<Runtime>::get();
	assert_ok!(send(
		"Alice",
		pallet_collective::Call::propose {
			threshold: 2,
			proposal: Box::new(call),
			length_bound,
		}
	));
	for name in ["Alice", "Bob"] {
		assert_ok!(send(
			name,
			pallet_collective::Call::vote {
				proposal: hash,
				index,
				approve: true,
			}
		));
	}
	assert_ok!(send(
		"Charlie",
		pallet_collective::Call::close {
			proposal_hash: hash,
			index,
			proposal_weight_bound,
			length_bound,
		}
	));
}

fn spend(amount: Balance) -> RuntimeCall {
	pallet_treasury::Call::spend {
		asset_kind: Box::new(()),
		amount,
		beneficiary: Box::new(account("Eve")),
		valid_from: None,
	}
	.into()
}

#[test]
fn motion_of_two_thirds_should_act_as_administrator() {
	in_first_block(presets::DEV, || {
		carry(spend(10 * OPEN));
		System::assert_has_event(
			pallet_collective::Event::Executed {
				proposal_hash: BlakeTwo256::hash_of(&spend(10 * OPEN)),
				result: Ok(()),
			}
			.into(),
		);
		assert_eq!(pallet_treasury::SpendCount::<Runtime>::get(), 1);
	});
}

/// Calls that need an administrator and succeed on a fresh chain.
fn admin_calls() -> Vec<RuntimeCall> {
	vec![
		spend(OPEN),
		pallet_authorities::Call::schedule_upgrade {
			code_hash: Hash::default(),
		}
		.into(),
		pallet_authorities::Call::set_params {
			params: Default::default(),
		}
		.into(),
		pallet_collective::Call::set_members {
			new_members: vec![account("Dave")],
			prime: None,
			old_count: 3,
		}
		.into(),
		pallet_parameters::Call::set_parameter {
			key_value: RuntimeParameters::Fees(dynamic_params::fees::Parameters::PlancksPerByte(
				fees::PlancksPerByte,
				Some(5),
			)),
		}
		.into(),
		pallet_safe_mode::Call::force_enter {}.into(),
		pallet_tx_pause::Call::pause {
			full_name: (
				b"Datanets".to_vec().try_into().expect("short"),
				b"submit".to_vec().try_into().expect("short"),
			),
		}
		.into(),
		pallet_scheduler::Call::schedule {
			when: 10,
			maybe_periodic: None,
			priority: 0,
			call: Box::new(frame_system::Call::remark { remark: vec![] }.into()),
		}
		.into(),
	]
}

#[test]
fn administration_should_take_two_thirds_of_the_council() {
	for call in admin_calls() {
		in_first_block(presets::DEV, || {
			let what = format!("{call:?}");
			assert_eq!(send("Alice", call.clone()), Err(DispatchError::BadOrigin), "{what}");
			assert_eq!(as_council(1, 3, call.clone()), Err(DispatchError::BadOrigin), "{what}");
			assert_eq!(as_council(5, 8, call.clone()), Err(DispatchError::BadOrigin), "{what}");
			assert_eq!(as_council(2, 3, call), Ok(()), "{what}");
		});
	}
}

#[test]
fn silence_in_the_council_should_not_be_consent() {
	in_first_block(presets::DEV, || {
		let call = spend(OPEN);
		let hash = BlakeTwo256::hash_of(&call);
		assert_ok!(send(
			"Alice",
			pallet_collective::Call::propose {
				threshold: 2,
				length_bound: call.encoded_size() as u32,
				proposal: Box::new(call.clone()),
			}
		));
		assert_ok!(send(
			"Alice",
			pallet_collective::Call::vote {
				proposal: hash,
				index: 0,
				approve: true,
			}
		));
		System::set_block_number(8 * DAY);
		assert_ok!(send(
			"Alice",
			pallet_collective::Call::close {
				proposal_hash: hash,
				index: 0,
				proposal_weight_bound: call.get_dispatch_info().call_weight,
				length_bound: call.encoded_size() as u32,
			}
		));
		System::assert_has_event(pallet_collective::Event::Disapproved { proposal_hash: hash }.into());
		assert_eq!(pallet_treasury::SpendCount::<Runtime>::get(), 0);
	});
}

#[test]
fn treasury_should_pay_what_was_approved() {
	in_first_block(presets::DEV, || {
		assert_eq!(Treasury::account_id(), TreasuryAccount::get());
		let (treasury, eve) = (
			Balances::balance(&TreasuryAccount::get()),
			Balances::balance(&account("Eve")),
		);
		assert_ok!(as_council(2, 3, spend(7 * OPEN)));
		assert_ok!(send("Alice", pallet_treasury::Call::payout { index: 0 }));
		assert_eq!(Balances::balance(&TreasuryAccount::get()), treasury - 7 * OPEN);
		assert_eq!(Balances::balance(&account("Eve")), eve + 7 * OPEN);
		assert!(
			send("Alice", pallet_treasury::Call::payout { index: 0 }).is_err(),
			"it is paid once"
		);
	});
}

#[test]
fn treasury_should_keep_its_account_alive() {
	in_first_block(presets::DEV, || {
		let all = Balances::balance(&TreasuryAccount::get());
		assert_ok!(as_council(2, 3, spend(all)));
		assert!(send("Alice", pallet_treasury::Call::payout { index: 0 }).is_err());
		assert_eq!(Balances::balance(&TreasuryAccount::get()), all);
	});
}

#[test]
fn treasury_should_have_one_way_to_pay() {
	in_first_block(presets::DEV, || {
		let call = pallet_treasury::Call::spend_local {
			amount: OPEN,
			beneficiary: account("Eve").into(),
		};
		assert_eq!(
			as_council(3, 3, call),
			Err(pallet_treasury::Error::<Runtime>::TooManyApprovals.into())
		);
	});
}

#[test]
fn parameters_should_change_fees_and_deposits() {
	in_first_block(presets::DEV, || {
		let before = TransactionPayment::length_to_fee(100);
		let set = |key_value| pallet_parameters::Call::set_parameter { key_value };
		let byte = |plancks| {
			RuntimeParameters::Fees(dynamic_params::fees::Parameters::PlancksPerByte(
				fees::PlancksPerByte,
				plancks,
			))
		};
		assert_ok!(as_council(2, 3, set(byte(Some(3 * OPEN / 1_000_000)))));
		assert_eq!(TransactionPayment::length_to_fee(100), 3 * before);
		assert_ok!(as_council(2, 3, set(byte(None))));
		assert_eq!(TransactionPayment::length_to_fee(100), before);

		let keys = RuntimeParameters::Deposits(dynamic_params::deposits::Parameters::SessionKeys(
			deposits::SessionKeys,
			Some(20 * OPEN),
		));
		assert_ok!(as_council(2, 3, set(keys)));
		assert_eq!(<Runtime as pallet_session::Config>::KeyDeposit::get(), 20 * OPEN);

		let base = <Runtime as pallet_multisig::Config>::DepositBase::get();
		let item = RuntimeParameters::Deposits(dynamic_params::deposits::Parameters::PerItem(
			deposits::PerItem,
			Some(2 * OPEN),
		));
		assert_ok!(as_council(2, 3, set(item)));
		assert_eq!(<Runtime as pallet_multisig::Config>::DepositBase::get(), base + OPEN);
	});
}

#[test]
fn fee_multiplier_should_never_reach_zero() {
	in_first_block(presets::DEV, || {
		let zero = RuntimeParameters::Fees(dynamic_params::fees::Parameters::MinimumMultiplier(
			fees::MinimumMultiplier,
			Some(0.into()),
		));
		assert_ok!(as_council(
			2,
			3,
			pallet_parameters::Call::set_parameter { key_value: zero }
		));
		let least = <Runtime as pallet_transaction_payment::Config>::FeeMultiplierUpdate::min();
		assert!(least > 0.into());
	});
}

#[test]
fn scheduled_call_should_run_and_be_cancelled_by_any_two_thirds() {
	in_first_block(presets::DEV, || {
		let schedule = |when| pallet_scheduler::Call::schedule {
			when,
			maybe_periodic: None,
			priority: 0,
			call: Box::new(spend(OPEN)),
		};
		assert_ok!(as_council(2, 3, schedule(3)));
		assert_ok!(as_council(2, 3, schedule(4)));
		let cancel = pallet_scheduler::Call::cancel { when: 4, index: 0 };
		assert_eq!(send("Alice", cancel.clone()), Err(DispatchError::BadOrigin));
		assert_ok!(as_council(3, 3, cancel));
		pass_blocks(4);
		assert_eq!(
			pallet_treasury::SpendCount::<Runtime>::get(),
			1,
			"one ran, one was cancelled"
		);
	});
}

#[test]
fn preimage_should_hold_a_deposit_and_give_it_back() {
	in_first_block(presets::DEV, || {
		let bytes = vec![1; 100];
		let hash = BlakeTwo256::hash(&bytes);
		let held = || Balances::total_balance(&account("Eve")) - Balances::balance(&account("Eve"));
		assert_ok!(send("Eve", pallet_preimage::Call::note_preimage { bytes }));
		let deposit = <deposits::PerItem as Get<Balance>>::get() * 2 + <deposits::PerByte as Get<Balance>>::get() * 164;
		assert_eq!(held(), deposit);
		assert_ok!(send("Eve", pallet_preimage::Call::unnote_preimage { hash }));
		assert_eq!(held(), 0);
	});
}

#[test]
fn sudo_should_be_of_no_use_without_a_key() {
	in_first_block(presets::DEV, || {
		pallet_sudo::Key::<Runtime>::kill();
		let call = Box::new(frame_system::Call::remark { remark: vec![] }.into());
		assert_eq!(
			send("Alice", pallet_sudo::Call::sudo { call }),
			Err(pallet_sudo::Error::<Runtime>::RequireSudo.into())
		);
	});
}
