//! Runs what the command line asks for.

use crate::{
	chain_spec,
	cli::{Cli, NewNetworkCmd, Subcommand},
	service,
};
use openledger_runtime::opaque::Block;
use sc_cli::SubstrateCli;
use sc_network::config::TransportConfig;
use sc_service::{ChainType, Configuration, DatabaseSource, PruningMode};

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"OpenLedger Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		"OpenLedger developers".into()
	}

	fn support_url() -> String {
		"the project's issue tracker".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(match id {
			"dev" => Box::new(chain_spec::development()?),
			"" | "local" => Box::new(chain_spec::local()?),
			path => Box::new(chain_spec::ChainSpec::from_json_file(path.into()).map_err(|error| {
				format!("{error}: --chain takes `dev`, `local` or the path of a chain specification")
			})?),
		})
	}
}

/// Parses the command line and runs it.
pub fn run() -> sc_cli::Result<()> {
	let cli = Cli::from_args();
	match &cli.subcommand {
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::ExportChainSpec(cmd)) => {
			let spec = cli.load_spec(&cmd.chain)?;
			cmd.run(spec)
		}
		Some(Subcommand::NewNetwork(cmd)) => new_network(cmd),
		Some(Subcommand::PurgeChain(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database)),
		Some(Subcommand::ChainInfo(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run::<Block>(&config)),
		None => cli
			.create_runner(&cli.run)?
			.run_node_until_exit(|mut config| async move {
				if config.chain_spec.chain_type() == ChainType::Development {
					settle_for_development(&cli, &mut config);
				}
				service::new_full(config).map_err(sc_cli::Error::Service)
			}),
	}
}

/// Writes the specification of a described network.
fn new_network(cmd: &NewNetworkCmd) -> sc_cli::Result<()> {
	let in_file = |error: &dyn std::fmt::Display| sc_cli::Error::Input(format!("{}: {error}", cmd.network.display()));
	let description = std::fs::read(&cmd.network).map_err(|error| in_file(&error))?;
	let spec = chain_spec::network(&description).map_err(|error| in_file(&error))?;
	let json = spec.as_json(!cmd.plain).map_err(sc_cli::Error::Input)?;
	match &cmd.output {
		Some(path) => std::fs::write(path, json)?,
		None => println!("{json}"),
	}
	Ok(())
}

/// A development chain talks to nobody, meets no other on a port, and forgets nothing, unless arguments say otherwise.
fn settle_for_development(cli: &Cli, config: &mut Configuration) {
	let network = &cli.run.network_params;
	if network.listen_addr.is_empty() && network.port.is_none() {
		config.network.listen_addresses = vec!["/ip4/127.0.0.1/tcp/0"
			.parse()
			.expect("a literal address of the loopback parses; qed")];
	}
	if !network.discover_local {
		config.network.transport = TransportConfig::Normal {
			enable_mdns: false,
			allow_private_ip: true,
		};
	}
	if cli.run.prometheus_params.prometheus_port.is_none() {
		config.prometheus_config = None;
	}
	if cli.run.import_params.pruning_params.state_pruning.is_none() && is_new_or_temporary(&config.database) {
		config.state_pruning = Some(PruningMode::ArchiveAll);
	}
}

/// Pruning is part of a database: one that exists keeps what it was made with.
fn is_new_or_temporary(database: &DatabaseSource) -> bool {
	database.path().is_none_or(|path| !path.exists())
}
