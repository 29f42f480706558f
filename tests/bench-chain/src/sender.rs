//! Accounts that sign.

use codec::Encode;
use openledger_runtime::{AccountId, Hash, Runtime, RuntimeCall, SignedPayload, TxExtension, UncheckedExtrinsic};
use sp_core::{crypto::Pair as _, sr25519::Pair};
use sp_runtime::generic::Era;

use crate::state::pair;

/// An account that sends extrinsics.
pub struct Sender {
	pair: Pair,
	nonce: u32,
}

impl Sender {
	pub fn all(kind: &str, count: u32) -> Vec<Self> {
		(0..count)
			.map(|number| Self {
				pair: pair(kind, number),
				nonce: 0,
			})
			.collect()
	}

	pub fn account(&self) -> AccountId {
		self.pair.public().into()
	}

	/// The next extrinsic of this account.
	pub fn sign(&mut self, call: RuntimeCall, genesis: Hash) -> UncheckedExtrinsic {
		let extension: TxExtension = (
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckEra::from(Era::Immortal),
			frame_system::CheckNonce::from(self.nonce),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		);
		self.nonce += 1;
		let version = <Runtime as frame_system::Config>::Version::get();
		let implicit = (
			(),
			version.spec_version,
			version.transaction_version,
			genesis,
			genesis,
			(),
			(),
			(),
			None,
			(),
		);
		let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
		let signature = payload.using_encoded(|bytes| self.pair.sign(bytes));
		UncheckedExtrinsic::new_signed(call, self.account().into(), signature.into(), extension)
	}
}
