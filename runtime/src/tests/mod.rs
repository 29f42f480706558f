//! The runtime as a whole, through signed extrinsics with the extensions that wallets sign.

mod court;
mod filter;
mod genesis;
mod governance;
mod metadata;
mod nested;
mod network;
mod offences;
mod payment;
mod proxies;
mod safety;
mod sessions;
mod upgrades;
mod weights;

use crate::{configs::*, genesis as presets, *};
use codec::Encode;
use frame_support::{
	assert_ok,
	genesis_builder_helper::build_state,
	traits::{fungible::Inspect, Get},
};
use pallet_collective::RawOrigin as CouncilOrigin;
use sp_consensus_babe::{
	digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
	Slot,
};
use sp_core::{crypto::Pair as _, sr25519::Pair};
use sp_runtime::{
	generic::{Digest, DigestItem, Era},
	traits::{Dispatchable, Header as _},
	DispatchError, DispatchResult,
};

/// Any slot will do for the first block, as long as an epoch of BABE begins with it.
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

/// A chain whose genesis is the default one with a patch.
fn chain_of(patch: serde_json::Value) -> sp_io::TestExternalities {
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default serializes");
	merge(&mut config, patch);
	let mut chain = sp_io::TestExternalities::default();
	chain
		.execute_with(|| build_state::<RuntimeGenesisConfig>(config.to_string().into_bytes()).expect("genesis builds"));
	chain
}

/// A chain at genesis by one of the presets.
fn chain(preset: &str) -> sp_io::TestExternalities {
	let patch = presets::get_preset(&preset.into()).expect("the preset exists");
	chain_of(serde_json::from_slice(&patch).expect("a preset is JSON"))
}

/// Runs a test on a chain of a preset in its first block, and checks after it what must hold on every chain.
fn in_first_block(preset: &str, test: impl FnOnce()) {
	chain(preset).execute_with(|| {
		open_block(1);
		test();
		check_invariants();
	});
}

/// Issuance is what genesis issued, and what the accounts have together.
fn check_invariants() {
	assert_eq!(Balances::total_issuance(), TOTAL_ISSUANCE);
	let held: Balance = frame_system::Account::<Runtime>::iter_values()
		.map(|account| account.data.free + account.data.reserved)
		.sum();
	assert_eq!(held, TOTAL_ISSUANCE, "accounts sum up to the issuance");
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

/// Finishes the open block, makes `count` more, the last of which stays open.
fn pass_blocks(count: BlockNumber) {
	for _ in 0..count {
		let number = System::block_number();
		Executive::finalize_block();
		open_block(number + 1);
	}
}

/// The key of a development account: `//Alice`, `//Owner`.
fn key(name: &str) -> Pair {
	Pair::from_string(&format!("//{name}"), None).expect("the derivation is valid")
}

fn account(name: &str) -> AccountId {
	key(name).public().into()
}

/// Signs as a wallet does.
fn signed(call: RuntimeCall, signer: &Pair, nonce: Nonce) -> UncheckedExtrinsic {
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
	let sender = AccountId::from(signer.public());
	UncheckedExtrinsic::new_signed(call, sender.into(), signature.into(), extension)
}

/// Sends a call from a development account's wallet into the open block, and says what became of it there.
fn send(name: &str, call: impl Into<RuntimeCall>) -> DispatchResult {
	let nonce = System::account_nonce(account(name));
	Executive::apply_extrinsic(signed(call.into(), &key(name), nonce)).expect("the extrinsic is valid")
}

/// Dispatches a call as `ayes` of `seats` members of the council.
fn as_council(ayes: u32, seats: u32, call: impl Into<RuntimeCall>) -> DispatchResult {
	call.into()
		.dispatch(CouncilOrigin::Members(ayes, seats).into())
		.map(|_| ())
		.map_err(|failure| failure.error)
}

fn transfer(to: &str, value: Balance) -> RuntimeCall {
	BalancesCall::transfer_keep_alive {
		dest: account(to).into(),
		value,
	}
	.into()
}

fn filtered() -> DispatchError {
	frame_system::Error::<Runtime>::CallFiltered.into()
}
