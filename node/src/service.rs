//! Assembles the node: client, transaction pool, import queue, network, RPC, block author and finality voter.

use crate::{
	inherents::ClockInherents,
	rpc,
	seal::{Sealed, Unsealed},
};
use openledger_runtime::{apis::RuntimeApi, opaque::Block, Hash};
use prometheus_endpoint::Registry;
use sc_client_api::BlockBackend;
use sc_consensus_babe::{BabeBlockImport, BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::{GrandpaBlockImport, LinkHalf, SharedVoterState, VotingRulesBuilder};
use sc_executor::WasmExecutor;
use sc_network::{
	config::FullNetworkConfiguration,
	service::traits::{NetworkBackend, NetworkService, NotificationService},
	Litep2pNetworkBackend, ProtocolName,
};
use sc_network_sync::SyncingService;
use sc_service::{
	error::Error as ServiceError, ChainType, Configuration, KeystoreContainer, TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryHandle, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use std::{sync::Arc, time::Duration};

/// The chain and its runtime.
pub type FullClient = sc_service::TFullClient<Block, RuntimeApi, WasmExecutor<sp_io::SubstrateHostFunctions>>;
/// The chain's database.
pub type FullBackend = sc_service::TFullBackend<Block>;
/// Extrinsics that wait for a block.
pub type FullPool = sc_transaction_pool::TransactionPoolHandle<Block, FullClient>;
/// The longest chain that contains the last finalized block is best.
pub type SelectChain = sc_consensus::LongestChain<FullBackend, Block>;

type GrandpaImport = GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;
type BabeImport = Sealed<BabeBlockImport<Block, FullClient, Unsealed<GrandpaImport>, ClockInherents, SelectChain>>;
type GrandpaLink = LinkHalf<Block, FullClient, SelectChain>;
type Network = Litep2pNetworkBackend;

/// GRANDPA keeps a justification of every so many blocks, for nodes that sync later.
const JUSTIFICATION_PERIOD: u32 = 512;
/// How long a GRANDPA message is expected to travel.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);
/// On a development chain it does not travel, and finality follows at once.
const DEV_GOSSIP_DURATION: Duration = Duration::from_millis(100);

/// What the rest of the node is built on.
struct Foundation {
	client: Arc<FullClient>,
	backend: Arc<FullBackend>,
	keystore: KeystoreContainer,
	pool: Arc<FullPool>,
	select_chain: SelectChain,
	task_manager: TaskManager,
	telemetry: Option<Telemetry>,
}

impl Foundation {
	fn new(config: &Configuration) -> Result<Self, ServiceError> {
		let telemetry = config
			.telemetry_endpoints
			.clone()
			.filter(|endpoints| !endpoints.is_empty())
			.map(|endpoints| -> Result<_, sc_telemetry::Error> {
				let worker = TelemetryWorker::new(16)?;
				let telemetry = worker.handle().new_telemetry(endpoints);
				Ok((worker, telemetry))
			})
			.transpose()?;

		let executor = sc_service::new_wasm_executor::<sp_io::SubstrateHostFunctions>(&config.executor);
		let (client, backend, keystore, task_manager) = sc_service::new_full_parts::<Block, RuntimeApi, _>(
			config,
			telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
			executor,
			vec![],
		)?;
		let client = Arc::new(client);

		let telemetry = telemetry.map(|(worker, telemetry)| {
			task_manager.spawn_handle().spawn("telemetry", None, worker.run());
			telemetry
		});
		let pool = Arc::from(
			sc_transaction_pool::Builder::new(
				task_manager.spawn_essential_handle(),
				client.clone(),
				config.role.is_authority().into(),
			)
			.with_options(config.transaction_pool.clone())
			.with_prometheus(config.prometheus_registry())
			.build(),
		);
		let select_chain = SelectChain::new(backend.clone());
		Ok(Self {
			client,
			backend,
			keystore,
			pool,
			select_chain,
			task_manager,
			telemetry,
		})
	}

	fn telemetry_handle(&self) -> Option<TelemetryHandle> {
		self.telemetry.as_ref().map(Telemetry::handle)
	}

	/// Lets the runtime submit what it finds outside of a block, such as a proof of an equivocation.
	fn offchain_pool(&self) -> OffchainTransactionPoolFactory<Block> {
		OffchainTransactionPoolFactory::new(self.pool.clone())
	}
}

/// How blocks come in: through BABE's checks, then GRANDPA's.
struct Import {
	block_import: BabeImport,
	babe_link: BabeLink<Block>,
	babe_worker: BabeWorkerHandle<Block>,
	grandpa_link: GrandpaLink,
	queue: sc_consensus::DefaultImportQueue<Block>,
	inherents: ClockInherents,
}

impl Import {
	fn new(base: &Foundation, config: &Configuration) -> Result<Self, ServiceError> {
		let (grandpa_import, grandpa_link) = sc_consensus_grandpa::block_import(
			base.client.clone(),
			JUSTIFICATION_PERIOD,
			&base.client,
			base.select_chain.clone(),
			base.telemetry_handle(),
		)?;

		let babe_config = sc_consensus_babe::configuration(&*base.client)?;
		let slot_duration = babe_config.slot_duration();
		let inherents = ClockInherents(slot_duration);
		let (block_import, babe_link) = sc_consensus_babe::block_import(
			babe_config,
			Unsealed(grandpa_import.clone()),
			base.client.clone(),
			inherents.clone(),
			base.select_chain.clone(),
			base.offchain_pool(),
		)?;
		let block_import = Sealed(block_import);

		let (queue, babe_worker) = sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
			link: babe_link.clone(),
			block_import: block_import.clone(),
			justification_import: Some(Box::new(grandpa_import)),
			client: base.client.clone(),
			slot_duration,
			spawner: &base.task_manager.spawn_essential_handle(),
			registry: config.prometheus_registry(),
			telemetry: base.telemetry_handle(),
		})?;
		Ok(Self {
			block_import,
			babe_link,
			babe_worker,
			grandpa_link,
			queue,
			inherents,
		})
	}
}

/// How this node takes part in consensus, taken from the configuration before the RPC server consumes it.
struct Duties {
	is_authority: bool,
	force_authoring: bool,
	votes: bool,
	name: String,
	role: sc_service::Role,
	registry: Option<Registry>,
	is_development: bool,
}

/// The node's place in the network.
struct Peers {
	network: Arc<dyn NetworkService>,
	sync: Arc<SyncingService<Block>>,
	grandpa_protocol: ProtocolName,
	grandpa_notifications: Box<dyn NotificationService>,
}

/// Starts a node; it runs until its task manager is dropped.
pub fn new_full(config: Configuration) -> Result<TaskManager, ServiceError> {
	let mut base = Foundation::new(&config)?;
	let Import {
		block_import,
		babe_link,
		babe_worker,
		grandpa_link,
		queue,
		inherents,
	} = Import::new(&base, &config)?;

	let registry = config.prometheus_registry().cloned();
	let mut net_config = FullNetworkConfiguration::<Block, Hash, Network>::new(&config.network, registry.clone());
	let metrics = <Network as NetworkBackend<Block, Hash>>::register_notification_metrics(registry.as_ref());
	let genesis_hash = base
		.client
		.block_hash(0)?
		.ok_or_else(|| ServiceError::Other("no genesis block".into()))?;
	let grandpa_protocol = sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &config.chain_spec);
	let (grandpa_set, grandpa_notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<Block, Network>(
		grandpa_protocol.clone(),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	// A protocol whose messages nobody takes would break every connection.
	if !config.disable_grandpa {
		net_config.add_notification_protocol(grandpa_set);
	}
	let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		base.backend.clone(),
		grandpa_link.shared_authority_set().clone(),
		Vec::default(),
	));

	let (network, system_rpc_tx, tx_handler_controller, sync, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: base.client.clone(),
			transaction_pool: base.pool.clone(),
			spawn_handle: base.task_manager.spawn_handle(),
			spawn_essential_handle: base.task_manager.spawn_essential_handle(),
			import_queue: queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	let duties = Duties {
		is_authority: config.role.is_authority(),
		force_authoring: config.force_authoring,
		votes: !config.disable_grandpa,
		name: config.network.node_name.clone(),
		role: config.role,
		registry,
		is_development: config.chain_spec.chain_type() == ChainType::Development,
	};
	let peers = Peers {
		network: network.clone(),
		sync: sync.clone(),
		grandpa_protocol,
		grandpa_notifications,
	};

	let rpc_builder = {
		let (client, pool) = (base.client.clone(), base.pool.clone());
		let (select_chain, keystore) = (base.select_chain.clone(), base.keystore.keystore());
		Box::new(move |_| {
			rpc::create_full(rpc::Deps {
				client: client.clone(),
				pool: pool.clone(),
				select_chain: select_chain.clone(),
				keystore: keystore.clone(),
				babe_worker: babe_worker.clone(),
			})
			.map_err(Into::into)
		})
	};
	sc_service::spawn_tasks(sc_service::SpawnTasksParams {
		config,
		client: base.client.clone(),
		backend: base.backend.clone(),
		task_manager: &mut base.task_manager,
		keystore: base.keystore.keystore(),
		transaction_pool: base.pool.clone(),
		rpc_builder,
		network,
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync,
		telemetry: base.telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	if duties.is_authority {
		author_blocks(&base, &duties, &peers, block_import, babe_link, inherents)?;
	}
	if duties.votes {
		finalize_blocks(&base, duties, peers, grandpa_link)?;
	}
	Ok(base.task_manager)
}

/// Makes a block in each slot that this node's keys win.
fn author_blocks(
	base: &Foundation,
	duties: &Duties,
	peers: &Peers,
	block_import: BabeImport,
	babe_link: BabeLink<Block>,
	inherents: ClockInherents,
) -> Result<(), ServiceError> {
	let proposer = sc_basic_authorship::ProposerFactory::new(
		base.task_manager.spawn_handle(),
		base.client.clone(),
		base.pool.clone(),
		duties.registry.as_ref(),
		base.telemetry_handle(),
	);
	// One authority that stops making blocks because finality lags would stop the chain for good.
	let backoff_authoring_blocks: Option<()> = None;
	let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
		keystore: base.keystore.keystore(),
		client: base.client.clone(),
		select_chain: base.select_chain.clone(),
		env: proposer,
		block_import,
		sync_oracle: peers.sync.clone(),
		justification_sync_link: peers.sync.clone(),
		create_inherent_data_providers: inherents,
		force_authoring: duties.force_authoring,
		backoff_authoring_blocks,
		babe_link,
		block_proposal_slot_portion: SlotProportion::new(0.5),
		max_block_proposal_slot_portion: None,
		telemetry: base.telemetry_handle(),
	})?;
	base.task_manager
		.spawn_essential_handle()
		.spawn_blocking("babe-proposer", Some("block-authoring"), babe);
	Ok(())
}

/// Votes on finality with this node's keys, or follows the votes of others without any.
fn finalize_blocks(base: &Foundation, duties: Duties, peers: Peers, link: GrandpaLink) -> Result<(), ServiceError> {
	// Votes usually stay behind the best block, which others may not have yet. Where there are no others, they need not.
	let voting_rule = if duties.is_development {
		VotingRulesBuilder::new()
	} else {
		VotingRulesBuilder::default()
	};
	let config = sc_consensus_grandpa::Config {
		gossip_duration: if duties.is_development {
			DEV_GOSSIP_DURATION
		} else {
			GOSSIP_DURATION
		},
		justification_generation_period: JUSTIFICATION_PERIOD,
		name: Some(duties.name),
		observer_enabled: false,
		keystore: duties.is_authority.then(|| base.keystore.keystore()),
		local_role: duties.role,
		telemetry: base.telemetry_handle(),
		protocol_name: peers.grandpa_protocol,
	};
	let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
		config,
		link,
		network: peers.network,
		sync: peers.sync,
		notification_service: peers.grandpa_notifications,
		voting_rule: voting_rule.build(),
		prometheus_registry: duties.registry,
		shared_voter_state: SharedVoterState::empty(),
		telemetry: base.telemetry_handle(),
		offchain_tx_pool_factory: base.offchain_pool(),
	})?;
	base.task_manager
		.spawn_essential_handle()
		.spawn_blocking("grandpa-voter", None, voter);
	Ok(())
}
