//! The runtime as a whole: genesis, issuance, fees, filters, sessions.

use crate::{configs::*, *};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::GetDispatchInfo,
	genesis_builder_helper::build_state,
	traits::{fungible::Inspect, Get, TypedGet, UnfilteredDispatchable},
};
use sp_consensus_babe::{
	digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
	Slot,
};
use sp_core::{crypto::Pair, sr25519};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	generic::{Digest, DigestItem, Era},
	traits::{Dispatchable, Header as _},
	DispatchError,
};

/// Any slot will do for the first block.
const FIRST_SLOT: u64 = 1_700_000_000;

/// Merges a patch into a JSON value as RFC 7386 has it, which is what a chain specification does with a preset.
fn merge(value: &mut serde_json::Value, patch: serde_json::Value) {
	match (value, patch) {
		(serde_json::Value::Object(value), serde_json::Value::Object(patch)) => {
			for (key, change) in patch {
				merge(value.entry(key).or_insert(serde_json::Value::Null), change);
			}
		}
		(value, patch) => *value = patch,
	}
}

/// A chain at genesis by one of the presets.
fn chain(preset: &str) -> sp_io::TestExternalities {
	let patch = genesis::get_preset(&preset.into()).expect("the preset exists");
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default serializes");
	merge(&mut config, serde_json::from_slice(&patch).expect("a preset is JSON"));
	let mut chain = sp_io::TestExternalities::default();
	chain
		.execute_with(|| build_state::<RuntimeGenesisConfig>(config.to_string().into_bytes()).expect("genesis builds"));
	chain
}

/// Opens block `number`, `number` slots after the first.
fn open_block(number: BlockNumber) {
	let slot = Slot::from(FIRST_SLOT + u64::from(number));
	let pre_digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
		authority_index: 0,
		slot,
	});
	Executive::initialize_block(&Header::new(
		number,
		Hash::default(),
		Hash::default(),
		System::parent_hash(),
		Digest {
			logs: vec![DigestItem::babe_pre_digest(pre_digest)],
		},
	));
	let now = *slot * pallet_authorities::SlotDuration::<Runtime>::get();
	let inherent = UncheckedExtrinsic::new_bare(pallet_timestamp::Call::set { now }.into());
	assert_ok!(Executive::apply_extrinsic(inherent).expect("the timestamp is valid"));
}

/// Makes empty blocks from `from` to `to`, both included.
fn make_blocks(from: BlockNumber, to: BlockNumber) {
	for number in from..=to {
		open_block(number);
		Executive::finalize_block();
	}
}

fn signed(call: RuntimeCall, signer: Sr25519Keyring, nonce: Nonce) -> UncheckedExtrinsic {
	let extension: TxExtension = (
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckEra::from(Era::Immortal),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	);
	let payload = SignedPayload::new(call.clone(), extension.clone()).expect("the payload is complete");
	let signature = payload.using_encoded(|bytes| signer.sign(bytes));
	UncheckedExtrinsic::new_signed(call, signer.to_account_id().into(), signature.into(), extension)
}

fn transfer(to: Sr25519Keyring, value: Balance) -> RuntimeCall {
	BalancesCall::transfer_keep_alive {
		dest: to.to_account_id().into(),
		value,
	}
	.into()
}

#[test]
fn genesis_should_issue_the_same_in_every_preset() {
	for preset in genesis::preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			assert_eq!(Balances::total_issuance(), TOTAL_ISSUANCE, "{preset:?}");
			let held: Balance = frame_system::Account::<Runtime>::iter_values()
				.map(|account| account.data.free + account.data.reserved)
				.sum();
			assert_eq!(held, TOTAL_ISSUANCE, "{preset:?}: accounts sum up to the issuance");
		});
	}
}

#[test]
fn genesis_should_name_dev_accounts_by_their_derivation() {
	for (derivation, key) in genesis::DEV_ACCOUNTS {
		let pair = sr25519::Pair::from_string(derivation, None).expect("the derivation is valid");
		assert_eq!(pair.public().0, key, "{derivation}");
	}
}

#[test]
fn genesis_should_set_the_pace() {
	chain(genesis::DEV).execute_with(|| {
		assert_eq!(Babe::slot_duration(), 1_000);
		assert_eq!(<Runtime as pallet_babe::Config>::EpochDuration::get(), 20);
		assert_eq!(Babe::authorities().len(), 1);
		assert_eq!(Grandpa::grandpa_authorities().len(), 1);
	});
	chain(genesis::LOCAL).execute_with(|| {
		assert_eq!(Babe::slot_duration(), 6_000);
		assert_eq!(Session::validators().len(), 4);
	});
}

#[test]
fn genesis_should_stake_the_validators() {
	for preset in genesis::preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			assert_eq!(pallet_validation::Validators::<Runtime>::iter().count(), 5);
			for validator in pallet_validation::Validators::<Runtime>::iter_values() {
				assert_eq!(validator.stake, genesis::VALIDATOR_STAKE);
			}
		});
	}
}

#[test]
fn metadata_should_build_when_there_is_no_chain() {
	for version in [14, 15, 16] {
		assert!(Runtime::metadata_at_version(version).is_some(), "metadata {version}");
	}
}

#[test]
fn burn_should_be_refused_directly_and_in_a_batch() {
	chain(genesis::DEV).execute_with(|| {
		let burn: RuntimeCall = BalancesCall::burn {
			value: OPEN,
			keep_alive: true,
		}
		.into();
		let alice = RuntimeOrigin::signed(Sr25519Keyring::Alice.to_account_id());
		assert_noop!(
			burn.clone().dispatch(alice.clone()),
			frame_system::Error::<Runtime>::CallFiltered
		);
		let batch: RuntimeCall = pallet_utility::Call::batch_all { calls: vec![burn] }.into();
		let result = batch.dispatch(alice).map_err(|failure| failure.error);
		assert_eq!(
			result,
			Err(DispatchError::from(frame_system::Error::<Runtime>::CallFiltered))
		);
		assert_eq!(Balances::total_issuance(), TOTAL_ISSUANCE);
	});
}

#[test]
fn purge_keys_should_be_refused() {
	chain(genesis::DEV).execute_with(|| {
		let alice = Sr25519Keyring::Alice.to_account_id();
		let purge: RuntimeCall = pallet_session::Call::purge_keys {}.into();
		assert_noop!(
			purge.dispatch(RuntimeOrigin::signed(alice.clone())),
			frame_system::Error::<Runtime>::CallFiltered
		);
		assert!(Session::load_keys(&alice).is_some());
	});
}

#[test]
fn genesis_should_let_seed_and_commits_fit_a_session() {
	for preset in genesis::preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			let params = pallet_validation::Params::<Runtime>::get();
			let session = <Runtime as pallet_babe::Config>::EpochDuration::get();
			let blocks = u64::from(params.seed_delay) + u64::from(params.commit_blocks);
			assert!(
				blocks <= session,
				"{preset:?}: {blocks} blocks in sessions of {session}"
			);
		});
	}
}

#[test]
fn signed_transfer_should_pay_its_fee_without_moving_the_issuance() {
	chain(genesis::DEV).execute_with(|| {
		open_block(1);
		let (alice, bob) = (
			Sr25519Keyring::Alice.to_account_id(),
			Sr25519Keyring::Bob.to_account_id(),
		);
		let (alice_before, bob_before) = (Balances::balance(&alice), Balances::balance(&bob));
		let pot_before = Balances::balance(&PotAccount::get());
		let extrinsic = signed(transfer(Sr25519Keyring::Bob, 5 * OPEN), Sr25519Keyring::Alice, 0);
		assert_ok!(Executive::apply_extrinsic(extrinsic).expect("the extrinsic is valid"));
		Executive::finalize_block();

		let fee = alice_before - 5 * OPEN - Balances::balance(&alice);
		assert!(fee > 0 && fee < OPEN, "a transfer costs {fee} plancks");
		assert_eq!(Balances::balance(&bob), bob_before + 5 * OPEN);
		assert_eq!(Balances::balance(&PotAccount::get()), pot_before + fee);
		assert_eq!(Balances::total_issuance(), TOTAL_ISSUANCE);
	});
}

#[test]
fn replayed_extrinsic_should_be_invalid() {
	chain(genesis::DEV).execute_with(|| {
		open_block(1);
		let extrinsic = signed(transfer(Sr25519Keyring::Bob, OPEN), Sr25519Keyring::Alice, 0);
		assert_ok!(Executive::apply_extrinsic(extrinsic.clone()).expect("the extrinsic is valid"));
		assert!(
			Executive::apply_extrinsic(extrinsic).is_err(),
			"its nonce has been used"
		);
	});
}

#[test]
fn dust_should_go_to_the_treasury() {
	chain(genesis::DEV).execute_with(|| {
		let alice = Sr25519Keyring::Alice.to_account_id();
		let stranger = AccountId::from([7; 32]);
		let before = Balances::balance(&TreasuryAccount::get());
		let pay = |to: AccountId, value| BalancesCall::<Runtime>::transfer_allow_death { dest: to.into(), value };
		assert_ok!(
			pay(stranger.clone(), EXISTENTIAL_DEPOSIT + 5).dispatch_bypass_filter(RuntimeOrigin::signed(alice.clone()))
		);
		assert_ok!(pay(alice, 10).dispatch_bypass_filter(RuntimeOrigin::signed(stranger.clone())));
		assert_eq!(
			Balances::total_balance(&stranger),
			0,
			"below the existential deposit nothing is left"
		);
		assert_eq!(
			Balances::balance(&TreasuryAccount::get()),
			before + EXISTENTIAL_DEPOSIT - 5
		);
		assert_eq!(Balances::total_issuance(), TOTAL_ISSUANCE);
	});
}

#[test]
fn sessions_should_rotate_after_the_slots_that_genesis_says() {
	chain(genesis::DEV).execute_with(|| {
		make_blocks(1, 65);
		assert_eq!(Session::current_index(), 3);
		assert_eq!(Session::validators(), vec![Sr25519Keyring::Alice.to_account_id()]);
		assert_eq!(Babe::authorities().len(), 1);
		assert_eq!(<Authorities as openledger_primitives::traits::ActiveBlocks>::now(), 65);
	});
}

#[test]
fn offender_should_be_disabled_when_others_remain() {
	use sp_runtime::Perbill;
	use sp_staking::offence::{OffenceDetails, OnOffenceHandler};
	chain(genesis::LOCAL).execute_with(|| {
		let offender = Sr25519Keyring::Bob.to_account_id();
		let details = OffenceDetails {
			offender: (offender.clone(), ()),
			reporters: vec![],
		};
		<Runtime as pallet_offences::Config>::OnOffenceHandler::on_offence(&[details], &[Perbill::from_percent(10)], 0);
		let index = Session::validators()
			.iter()
			.position(|who| *who == offender)
			.expect("Bob is an authority");
		assert_eq!(Session::disabled_validators(), vec![index as u32]);
	});
}

#[test]
fn a_call_of_every_own_pallet_should_weigh_something_and_fit_a_block() {
	let alice = Sr25519Keyring::Alice.to_account_id();
	let calls: [RuntimeCall; 6] = [
		transfer(Sr25519Keyring::Bob, OPEN),
		pallet_authorities::Call::remove_authority { who: alice.clone() }.into(),
		pallet_datanets::Call::withdraw { item: 0 }.into(),
		pallet_validation::Call::finalize { item: 0 }.into(),
		pallet_rewards::Call::claim_fee { fee: 0, who: alice }.into(),
		pallet_models::Call::accept_result { job: 0 }.into(),
	];
	for call in calls {
		let weight = call.get_dispatch_info().call_weight;
		assert!(weight.ref_time() > 0, "{call:?}");
		assert!(weight.all_lt(RuntimeBlockWeights::get().max_block), "{call:?}");
	}
}
