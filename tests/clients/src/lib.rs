//! Subxt for this chain, without generated types: the configuration that signs with the metadata's hash, and that hash. Used
//! by the client `subxt-client` and by the test that looks at what all clients did.

use std::sync::Arc;

use anyhow::{Context, Result};
use codec::{Decode, Encode};
use merkleized_metadata::{generate_metadata_digest, ExtraInfo};
use scale_info::PortableRegistry;
use subxt::{
	backend::LegacyBackend,
	config::{
		substrate::{AccountId32, DynamicHasher256, MultiAddress, MultiSignature, SubstrateHeader, H256},
		transaction_extensions::{
			ChargeTransactionPayment, ChargeTransactionPaymentParams, CheckGenesis, CheckMetadataHashMode,
			CheckMortality, CheckMortalityParams, CheckNonce, CheckNonceParams, CheckSpecVersion, CheckTxVersion,
			Params,
		},
		ClientState, Config, RpcConfigFor, SubstrateConfig, TransactionExtension, TransactionExtensions,
	},
	error::TransactionExtensionError,
	ext::{
		frame_decode::extrinsics::{TransactionExtension as Extension, TransactionExtensionError as EncodeError},
		frame_metadata::RuntimeMetadataPrefixed,
	},
	rpcs::{client::RpcClient, methods::legacy::LegacyRpcMethods},
	ArcMetadata, OnlineClient,
};

/// Blocks after which a transaction that no block took is void.
const MORTALITY: u64 = 64;
/// The metadata that the digest is computed from.
const METADATA_VERSION: u32 = 15;

/// Substrate's usual configuration, but for [`MetadataHash`], where subxt's own extension always says "without".
#[derive(Clone, Debug, Default)]
pub struct OpenLedger(SubstrateConfig);

impl Config for OpenLedger {
	type AccountId = AccountId32;
	type Address = MultiAddress<AccountId32, u32>;
	type Signature = MultiSignature;
	type Header = SubstrateHeader<H256>;
	type AssetId = u32;
	type Hasher = DynamicHasher256;
	type TransactionExtensions = (
		CheckSpecVersion,
		CheckTxVersion,
		CheckNonce,
		CheckGenesis<Self>,
		CheckMortality<Self>,
		ChargeTransactionPayment,
		MetadataHash,
	);

	fn metadata_for_spec_version(&self, spec_version: u32) -> Option<ArcMetadata> {
		self.0.metadata_for_spec_version(spec_version)
	}

	fn set_metadata_for_spec_version(&self, spec_version: u32, metadata: ArcMetadata) {
		self.0.set_metadata_for_spec_version(spec_version, metadata);
	}
}

/// Signs with this metadata hash, or without any.
pub struct MetadataHash(Option<[u8; 32]>);

/// What [`MetadataHash`] is made of.
pub struct MetadataHashParams(Option<[u8; 32]>);

impl<C: Config> Params<C> for MetadataHashParams {}

impl<C: Config> TransactionExtension<C> for MetadataHash {
	type Decoded = CheckMetadataHashMode;
	type Params = MetadataHashParams;

	fn new(_: &ClientState<C>, params: Self::Params) -> Result<Self, TransactionExtensionError> {
		Ok(Self(params.0))
	}
}

impl Extension<PortableRegistry> for MetadataHash {
	const NAME: &str = "CheckMetadataHash";

	fn encode_value_to(&self, _: u32, _: &PortableRegistry, out: &mut Vec<u8>) -> Result<(), EncodeError> {
		u8::from(self.0.is_some()).encode_to(out);
		Ok(())
	}

	fn encode_implicit_to(&self, _: u32, _: &PortableRegistry, out: &mut Vec<u8>) -> Result<(), EncodeError> {
		self.0.encode_to(out);
		Ok(())
	}
}

/// What surrounds a call: its nonce, and the metadata hash to sign with.
pub fn signing(
	nonce: u64,
	metadata_hash: Option<[u8; 32]>,
) -> <<OpenLedger as Config>::TransactionExtensions as TransactionExtensions<OpenLedger>>::Params {
	(
		(),
		(),
		CheckNonceParams::with_nonce(nonce),
		(),
		CheckMortalityParams::mortal(MORTALITY),
		ChargeTransactionPaymentParams::no_tip(),
		MetadataHashParams(metadata_hash),
	)
}

/// A node: subxt's client, and the plain RPC methods beside it.
pub struct Node {
	pub client: OnlineClient<OpenLedger>,
	pub rpc: LegacyRpcMethods<RpcConfigFor<OpenLedger>>,
}

impl Node {
	pub async fn connect(url: &str) -> Result<Self> {
		let rpc = RpcClient::from_insecure_url(url).await?;
		// The plain methods: they answer at any block, the best one too.
		let backend = Arc::new(LegacyBackend::builder().build(rpc.clone()));
		let client = OnlineClient::from_backend_with_config(OpenLedger::default(), backend).await?;
		Ok(Self {
			client,
			rpc: LegacyRpcMethods::new(rpc),
		})
	}

	/// The hash of the best block.
	pub async fn best(&self) -> Result<H256> {
		let hash = self.rpc.chain_get_block_hash(None).await?;
		hash.context("there is a best block")
	}

	/// The digest of the metadata as RFC 78 defines it, from what the node says.
	pub async fn metadata_hash(&self) -> Result<[u8; 32]> {
		let version = METADATA_VERSION.encode();
		let answer: Vec<u8> = self
			.rpc
			.state_call("Metadata_metadata_at_version", Some(&version), None)
			.await?;
		let opaque = Option::<Vec<u8>>::decode(&mut &answer[..])?.context("metadata of this version")?;
		let metadata = RuntimeMetadataPrefixed::decode(&mut &opaque[..])?.1;
		let runtime = self.rpc.state_get_runtime_version(None).await?;
		let properties = self.rpc.system_properties().await?;
		let property = |name: &str| properties.get(name).with_context(|| format!("the chain has a {name}"));
		let spec_name = runtime.other.get("specName").and_then(|name| name.as_str());
		let info = ExtraInfo {
			spec_version: runtime.spec_version,
			spec_name: spec_name.context("the runtime has a name")?.into(),
			base58_prefix: serde_json::from_value(property("ss58Format")?.clone())?,
			decimals: serde_json::from_value(property("tokenDecimals")?.clone())?,
			token_symbol: serde_json::from_value(property("tokenSymbol")?.clone())?,
		};
		let digest = generate_metadata_digest(&metadata, info).map_err(anyhow::Error::msg)?;
		Ok(digest.hash())
	}
}
