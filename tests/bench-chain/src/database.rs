//! Puts a genesis state into a database that the node opens as its own.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use openledger_runtime::{opaque::Block, Hash};
use sc_chain_spec::{BuildGenesisBlock, GenesisBlockBuilder};
use sc_client_api::{Backend as _, BlockImportOperation, NewBlockState};
use sc_client_db::{BlocksPruning, DatabaseSettings, DatabaseSource, PruningMode};
use sc_executor::WasmExecutor;
use sp_runtime::traits::Block as _;
use sp_storage::Storage;

/// Writes block 0 with `state` below `folder`, as the node of the chain `id` would, and returns its hash.
pub fn write(folder: &Path, id: &str, state: Storage) -> Result<Hash> {
	let settings = DatabaseSettings {
		trie_cache_maximum_size: None,
		state_pruning: Some(PruningMode::ArchiveAll),
		source: DatabaseSource::ParityDb {
			path: folder.join("chains").join(id).join("paritydb").join("full"),
		},
		blocks_pruning: BlocksPruning::KeepAll,
		pruning_filters: vec![],
		metrics_registry: None,
	};
	let backend = sc_service::new_db_backend::<Block>(settings).context("open the database")?;
	let executor = WasmExecutor::<sp_io::SubstrateHostFunctions>::builder().build();
	let builder = GenesisBlockBuilder::<Block, _, _>::new_with_storage(state, true, backend.clone(), executor)?;
	let (block, mut operation) = builder.build_genesis_block()?;
	let hash = block.header().hash();
	let (header, body) = block.deconstruct();
	operation.set_block_data(header, Some(body), None, None, NewBlockState::Final, true)?;
	backend.commit_operation(operation)?;
	drop(Arc::into_inner(backend));
	Ok(hash)
}
