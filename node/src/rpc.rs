//! RPC methods beside those that every Substrate node has.

use crate::service::{FullClient, FullPool, SelectChain};
use jsonrpsee::RpcModule;
use openledger_runtime::opaque::Block;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What the methods ask.
pub struct Deps {
	/// The chain.
	pub client: Arc<FullClient>,
	/// Extrinsics that wait for a block.
	pub pool: Arc<FullPool>,
	/// Which chain is best.
	pub select_chain: SelectChain,
	/// The keys of this node.
	pub keystore: KeystorePtr,
	/// BABE's epochs.
	pub babe_worker: BabeWorkerHandle<Block>,
}

/// Methods `system_*`, `payment_*` and `babe_*`.
pub fn create_full(deps: Deps) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let Deps {
		client,
		pool,
		select_chain,
		keystore,
		babe_worker,
	} = deps;
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(Babe::new(client, babe_worker, keystore, select_chain).into_rpc())?;
	Ok(module)
}
