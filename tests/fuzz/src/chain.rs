//! The native runtime on a state in memory, block by block as a node runs it.

use codec::Encode;
use frame_support::{
	dispatch::DispatchResult,
	genesis_builder_helper::build_state,
	storage::{with_transaction, TransactionOutcome},
	traits::Get,
};
use openledger_primitives::Balance;
use openledger_runtime::{
	genesis, AccountId, Authorities, Balances, BlockNumber, Datanets, Executive, Hash, Header, Models, Rewards,
	Runtime, RuntimeCall, RuntimeEvent, RuntimeGenesisConfig, RuntimeOrigin, SignedPayload, System, TxExtension,
	UncheckedExtrinsic, Validation, TOTAL_ISSUANCE,
};
use sp_consensus_babe::{
	digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
	Slot,
};
use sp_core::{sr25519, Pair};
use sp_io::{hashing::blake2_256, TestExternalities};
use sp_runtime::{
	generic::{Digest, DigestItem, Era},
	traits::{Dispatchable, Header as _, IdentifyAccount},
	ApplyExtrinsicResult, DispatchError, MultiSigner,
};

/// Any slot will do for the first block.
const FIRST_SLOT: u64 = 1_700_000_000;

/// Numbers of the genesis that are made small, so that what they bound comes within a few hundred blocks; wherever a
/// parameter has such a name.
const SMALL: &[(&str, u64)] = &[
	("epoch_millis", 8_000),
	("expire_epochs", 3),
	("commit_blocks", 8),
	("reveal_blocks", 6),
	("provisional_blocks", 4),
	("open_blocks", 60),
	("heartbeat_blocks", 12),
	("max_train_blocks", 100),
	("accept_blocks", 20),
	("evaluate_blocks", 10),
];

/// Somebody who signs.
pub struct Signer {
	pub account: AccountId,
	pair: sr25519::Pair,
}

impl Signer {
	fn new(uri: &str) -> Self {
		let pair = sr25519::Pair::from_string(uri, None).expect("a development key derives");
		Self {
			account: MultiSigner::from(pair.public()).into_account(),
			pair,
		}
	}

	/// Everybody whom the development genesis endows.
	pub fn all() -> Vec<Self> {
		let known = ["//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie"];
		let ours = genesis::DEV_ACCOUNTS.iter().map(|(uri, _)| *uri);
		known.into_iter().chain(ours).map(Self::new).collect()
	}

	/// What surrounds a call of this signer now.
	fn extension(&self) -> TxExtension {
		(
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckEra::from(Era::Immortal),
			frame_system::CheckNonce::from(System::account_nonce(&self.account)),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		)
	}

	/// A call as a wallet signs it.
	pub fn sign(&self, call: RuntimeCall) -> UncheckedExtrinsic {
		let payload = SignedPayload::new(call.clone(), self.extension()).expect("the payload is complete");
		let signature = payload.using_encoded(|bytes| self.pair.sign(bytes));
		self.with_signature(call, signature)
	}

	/// A call with some signature, which need not be right.
	pub fn with_signature(&self, call: RuntimeCall, signature: sr25519::Signature) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_signed(call, self.account.clone().into(), signature.into(), self.extension())
	}
}

/// Merges a patch into a JSON value as RFC 7386 has it.
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

/// Makes the numbers of [`SMALL`] small wherever they are.
fn shrink(value: &mut serde_json::Value) {
	let serde_json::Value::Object(fields) = value else {
		return;
	};
	for (name, field) in fields {
		match SMALL.iter().find(|(small, _)| small == name) {
			Some((_, number)) if field.is_number() => *field = (*number).into(),
			_ => shrink(field),
		}
	}
}

/// The development chain at genesis, with small windows and nobody who can sudo.
pub fn genesis() -> TestExternalities {
	let preset = genesis::get_preset(&genesis::DEV.into()).expect("the preset exists");
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default serializes");
	merge(&mut config, serde_json::from_slice(&preset).expect("a preset is JSON"));
	config["sudo"]["key"] = serde_json::Value::Null;
	shrink(&mut config);
	let mut chain = TestExternalities::default();
	chain
		.execute_with(|| build_state::<RuntimeGenesisConfig>(config.to_string().into_bytes()).expect("genesis builds"));
	chain
}

/// Where a chain is.
#[derive(Clone, Copy)]
pub struct Head {
	pub number: BlockNumber,
	pub hash: Hash,
	/// Slots since the first.
	slot: u64,
}

impl Head {
	pub fn genesis(hash: Hash) -> Self {
		Self {
			number: 0,
			hash,
			slot: 0,
		}
	}
}

/// Opens the block after `head`, `slots` later.
pub fn open_block(head: &mut Head, slots: u64) {
	head.number += 1;
	head.slot += slots;
	let slot = Slot::from(FIRST_SLOT + head.slot);
	let pre_digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
		authority_index: 0,
		slot,
	});
	let digest = Digest {
		logs: vec![DigestItem::babe_pre_digest(pre_digest)],
	};
	Executive::initialize_block(&Header::new(
		head.number,
		Hash::default(),
		Hash::default(),
		head.hash,
		digest,
	));
	let now = *slot * pallet_authorities::SlotDuration::<Runtime>::get();
	let inherent = UncheckedExtrinsic::new_bare(pallet_timestamp::Call::set { now }.into());
	Executive::apply_extrinsic(inherent)
		.expect("the timestamp is valid")
		.expect("the timestamp is set");
}

/// Closes the block. Signatures are random, and with them the hashes of headers; another one in its place, as good to the
/// runtime, keeps the chain of a seed the same.
pub fn close_block(head: &mut Head) {
	Executive::finalize_block();
	head.hash = blake2_256(head.hash.as_ref()).into();
}

/// What a call would do, without doing it.
pub fn dry_run(call: &RuntimeCall, origin: RuntimeOrigin) -> DispatchResult {
	with_transaction(|| {
		let result = call.clone().dispatch(origin);
		TransactionOutcome::Rollback(Ok::<_, DispatchError>(result))
	})
	.expect("a transaction is nested less deep than allowed")
	.map(drop)
	.map_err(|failure| failure.error)
}

/// Which calls of the batch succeeded that made the events from the `first` on.
pub fn batch_outcome(first: u32) -> Vec<bool> {
	let events = System::read_events_no_consensus().skip(first as usize);
	events
		.filter_map(|record| match record.event {
			RuntimeEvent::Utility(pallet_utility::Event::ItemCompleted) => Some(true),
			RuntimeEvent::Utility(pallet_utility::Event::ItemFailed { .. }) => Some(false),
			_ => None,
		})
		.collect()
}

/// Applies an extrinsic to the open block; what came of it.
pub fn apply(extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult {
	Executive::apply_extrinsic(extrinsic)
}

/// What must hold after every block, whatever was called; what does not otherwise.
pub fn check() -> Result<(), String> {
	let named = |pallet: &str, result: Result<(), &'static str>| result.map_err(|error| format!("{pallet}: {error}"));
	named("authorities", Authorities::check_state())?;
	named("datanets", Datanets::check_state())?;
	named("validation", Validation::check_state())?;
	named("rewards", Rewards::check_state())?;
	named("models", Models::check_state())?;
	let issued = Balances::total_issuance();
	if issued != TOTAL_ISSUANCE {
		return Err(format!("the issuance is {issued}, not {TOTAL_ISSUANCE}"));
	}
	let sum: Balance = frame_system::Account::<Runtime>::iter_values()
		.map(|account| account.data.free + account.data.reserved)
		.sum();
	if sum != TOTAL_ISSUANCE {
		return Err(format!("accounts have {sum} together, not {TOTAL_ISSUANCE}"));
	}
	Ok(())
}
