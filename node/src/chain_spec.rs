//! Chain specifications: the runtime's genesis presets, and what wallets want to know of the token.

use openledger_runtime::{
	configs::{SS58_PREFIX, TOKEN_DECIMALS, TOKEN_SYMBOL},
	genesis::{self, network::Network},
	WASM_BINARY,
};
use sc_service::{ChainType, Properties};

/// A chain specification of this chain.
pub type ChainSpec = sc_service::GenericChainSpec;

/// Token symbol, decimals and address prefix, under the names that wallets read.
fn properties() -> Properties {
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), TOKEN_SYMBOL.into());
	properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
	properties.insert("ss58Format".into(), SS58_PREFIX.into());
	properties
}

fn code() -> Result<&'static [u8], String> {
	WASM_BINARY.ok_or_else(|| {
		"this node was built without its Wasm runtime (SKIP_WASM_BUILD was set): build it again without, \
		 or pass --chain with a chain specification file"
			.into()
	})
}

fn from_preset(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
	Ok(ChainSpec::builder(code()?, None)
		.with_name(name)
		.with_id(id)
		.with_chain_type(chain_type)
		.with_properties(properties())
		.with_genesis_config_preset_name(preset)
		.build())
}

/// A chain of one authority and slots of one second.
pub fn development() -> Result<ChainSpec, String> {
	from_preset(
		"OpenLedger Development",
		"openledger_dev",
		ChainType::Development,
		genesis::DEV,
	)
}

/// A chain of four authorities and slots of six seconds.
pub fn local() -> Result<ChainSpec, String> {
	from_preset(
		"OpenLedger Local Testnet",
		"openledger_local",
		ChainType::Local,
		genesis::LOCAL,
	)
}

/// A network of one's own, from its description in JSON.
pub fn network(description: &[u8]) -> Result<ChainSpec, String> {
	let network: Network = serde_json::from_slice(description).map_err(|error| error.to_string())?;
	if network.id.is_empty()
		|| !network
			.id
			.chars()
			.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
	{
		return Err("`id` takes letters, digits, `_` and `-`: databases lie in a folder of this name".into());
	}
	let bootnodes = network
		.bootnodes
		.iter()
		.map(|address| {
			address
				.parse()
				.map_err(|error| format!("bootnode `{address}`: {error}"))
		})
		.collect::<Result<Vec<_>, _>>()?;
	Ok(ChainSpec::builder(code()?, None)
		.with_name(&network.name)
		.with_id(&network.id)
		.with_protocol_id(&network.id)
		.with_chain_type(ChainType::Live)
		.with_properties(properties())
		.with_boot_nodes(bootnodes)
		.with_genesis_config_patch(network.genesis().map_err(|error| error.to_string())?)
		.build())
}
