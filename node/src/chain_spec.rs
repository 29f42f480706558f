//! Chain specifications: the runtime's genesis presets, and what wallets want to know of the token.

use openledger_runtime::{
	configs::{SS58_PREFIX, TOKEN_DECIMALS, TOKEN_SYMBOL},
	genesis, WASM_BINARY,
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

fn from_preset(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
	let code = WASM_BINARY.ok_or(
		"this node was built without its Wasm runtime (SKIP_WASM_BUILD was set): build it again without, \
		 or pass --chain with a chain specification file",
	)?;
	Ok(ChainSpec::builder(code, None)
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
