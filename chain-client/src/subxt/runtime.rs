//! What the node's metadata says: indices of calls, shapes of events, words for errors.

use codec::Decode;
use serde_json::Value;
use subxt::{
	client::{OfflineClient, OfflineClientAtBlock},
	config::{
		substrate::{SpecVersionForRange, SubstrateConfig},
		DefaultExtrinsicParamsBuilder,
	},
	events::Phase,
	ext::{
		scale_encode::{self, EncodeAsFields, FieldIter},
		scale_type_resolver::TypeResolver,
		scale_value,
	},
	metadata::Metadata,
	rpcs::client::{RpcClient, RpcParams},
	tx::Payload,
};

use super::{call, params, parse_bytes};
use crate::{Call, ChainError, DispatchError, Event, Hash, Head, Result, Signer};

/// The version of the metadata that is asked for: the newest stable one that subxt reads.
const METADATA_VERSION: u32 = 15;
/// Blocks after which a transaction that no block took is void.
const MORTALITY: u64 = 64;

/// One version of the runtime.
pub(super) struct Runtime {
	pub(super) spec_version: u32,
	client: OfflineClientAtBlock<SubstrateConfig>,
}

impl Runtime {
	pub(super) async fn load(rpc: &RpcClient, url: &str, genesis: Hash) -> Result<Self> {
		let version: Value = call(rpc, url, "state_getRuntimeVersion", params![]).await?;
		let number = |name: &str| {
			let number = version[name].as_u64().and_then(|number| u32::try_from(number).ok());
			number.ok_or_else(|| ChainError::decode("the runtime's version", format!("it has no {name}")))
		};
		let (spec_version, transaction_version) = (number("specVersion")?, number("transactionVersion")?);
		let metadata = Self::metadata(rpc, url).await?;
		let range = SpecVersionForRange {
			block_range: 0..u64::MAX,
			spec_version,
			transaction_version,
		};
		let config = SubstrateConfig::builder()
			.set_genesis_hash(genesis.into())
			.set_spec_version_for_block_ranges([range])
			.set_metadata_for_spec_versions([(spec_version, metadata.arc())])
			.build();
		let client = OfflineClient::new_with_config(config)
			.at_block(0u64)
			.map_err(|error| ChainError::decode("the metadata", error))?;
		Ok(Self { spec_version, client })
	}

	async fn metadata(rpc: &RpcClient, url: &str) -> Result<Metadata> {
		let argument = format!("0x{}", hex::encode(METADATA_VERSION.to_le_bytes()));
		let bytes: String = call(
			rpc,
			url,
			"state_call",
			params!["Metadata_metadata_at_version", argument],
		)
		.await?;
		let bytes = Option::<Vec<u8>>::decode(&mut &parse_bytes(&bytes)?[..])
			.map_err(|error| ChainError::decode("the metadata", error))?
			.ok_or_else(|| ChainError::Missing(format!("metadata of version {METADATA_VERSION}")))?;
		Metadata::decode_from(&bytes).map_err(|error| ChainError::decode("the metadata", error))
	}

	fn index(&self, call: &Call) -> Result<[u8; 2]> {
		let pallet = self.client.metadata_ref().pallet_by_name(call.pallet);
		pallet
			.and_then(|pallet| Some([pallet.call_index(), pallet.call_variant_by_name(call.name)?.index]))
			.ok_or_else(|| ChainError::Missing(format!("call {}.{}", call.pallet, call.name)))
	}

	pub(super) fn missing(&self, calls: &[(&str, &str)], storage: &[(&str, &str)]) -> Vec<String> {
		let metadata = self.client.metadata_ref();
		let has_call = |pallet: &str, name: &str| {
			metadata
				.pallet_by_name(pallet)
				.is_some_and(|pallet| pallet.call_variant_by_name(name).is_some())
		};
		let has_entry = |pallet: &str, name: &str| {
			let storage = metadata.pallet_by_name(pallet).and_then(|pallet| pallet.storage());
			storage.is_some_and(|storage| storage.entry_by_name(name).is_some())
		};
		let calls = calls
			.iter()
			.filter(|(pallet, name)| !has_call(pallet, name))
			.map(|(p, n)| format!("call {p}.{n}"));
		let entries = storage
			.iter()
			.filter(|(pallet, name)| !has_entry(pallet, name))
			.map(|(p, n)| format!("storage {p}.{n}"));
		calls.chain(entries).collect()
	}

	pub(super) fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>> {
		let missing = || ChainError::Missing(format!("constant {pallet}.{name}"));
		let pallet = self.client.metadata_ref().pallet_by_name(pallet).ok_or_else(missing)?;
		Ok(pallet.constant_by_name(name).ok_or_else(missing)?.value().to_vec())
	}

	/// A call as the runtime reads it, for people; bytes in hexadecimal.
	pub(super) fn describe(&self, mut call: &[u8]) -> Result<String> {
		let metadata = self.client.metadata_ref();
		let kind = metadata.outer_enums().call_enum_ty();
		let value = scale_value::scale::decode_as_type(&mut call, kind, metadata.types())
			.map_err(|error| ChainError::decode("a call", error))?;
		let mut text = String::new();
		scale_value::stringify::to_writer_custom()
			.add_custom_formatter(|value, to| scale_value::stringify::custom_formatters::format_hex(value, to))
			.write(&value, &mut text)
			.map_err(|error| ChainError::decode("a call", error))?;
		Ok(text)
	}

	/// Whether the runtime has the call, and those inside it.
	pub(super) fn check(&self, call: &Call) -> Result<()> {
		self.index(call)?;
		call.encode_args(&|call| self.index(call), &mut Vec::new())
	}

	/// A signed transaction, ready to be sent, valid from block `from` on.
	pub(super) fn sign(&self, signer: &Signer, call: &Call, nonce: u64, from: &Head) -> Result<Vec<u8>> {
		let mut args = Vec::new();
		call.encode_args(&|call| self.index(call), &mut args)?;
		let payload = Encoded {
			call,
			args: Scale(args),
		};
		let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
			.nonce(nonce)
			.mortal_from_unchecked(MORTALITY, from.number.into(), from.hash.into())
			.build();
		let failed = |error: subxt::error::ExtrinsicError| ChainError::decode("the transaction's format", error);
		let mut transaction = self
			.client
			.tx()
			.create_v4_signable_offline(&payload, params)
			.map_err(failed)?;
		Ok(transaction.sign(&signer.keypair).map_err(failed)?.into_encoded())
	}

	pub(super) fn events(&self, bytes: Vec<u8>) -> Result<Vec<Event>> {
		let events = self.client.events().from_bytes(bytes);
		let read = |event: Result<subxt::events::Event<'_, SubstrateConfig>, _>| {
			let event = event.map_err(|error: subxt::error::EventsError| ChainError::decode("the events", error))?;
			let fields = event.field_bytes().to_vec();
			let error = match (event.pallet_name(), event.event_name()) {
				("System", "ExtrinsicFailed") | ("Utility", "ItemFailed") => Some(self.dispatch_error(&fields)),
				("Utility", "BatchInterrupted") => fields.get(4..).map(|error| self.dispatch_error(error)),
				("Sudo", "Sudid") | ("Proxy", "ProxyExecuted") if fields.first() == Some(&1) => {
					Some(self.dispatch_error(&fields[1..]))
				}
				// After the motion's hash.
				("Council", "Executed") if fields.get(32) == Some(&1) => {
					fields.get(33..).map(|error| self.dispatch_error(error))
				}
				// After the code's hash.
				("System", "RejectedInvalidAuthorizedUpgrade") => {
					fields.get(32..).map(|error| self.dispatch_error(error))
				}
				_ => None,
			};
			let extrinsic = match event.phase() {
				Phase::ApplyExtrinsic(index) => Some(index),
				_ => None,
			};
			Ok(Event {
				pallet: event.pallet_name().into(),
				name: event.event_name().into(),
				fields,
				extrinsic,
				error,
			})
		};
		events.iter().map(read).collect()
	}

	fn dispatch_error(&self, mut bytes: &[u8]) -> DispatchError {
		use sp_runtime::DispatchError as Raw;
		let named = |kind: &str, name: String, docs: &str| DispatchError {
			pallet: kind.into(),
			name,
			docs: docs.into(),
		};
		match Raw::decode(&mut bytes) {
			Ok(Raw::Module(module)) => self.module_error(module.index, module.error[0]),
			Ok(Raw::Token(error)) => named("Token", format!("{error:?}"), error.into()),
			Ok(Raw::Arithmetic(error)) => named("Arithmetic", format!("{error:?}"), error.into()),
			Ok(Raw::Transactional(error)) => named("Transactional", format!("{error:?}"), error.into()),
			Ok(error) => named("System", format!("{error:?}"), error.into()),
			Err(error) => named(
				"System",
				"Unknown".into(),
				&format!("an error that this client cannot read: {error}"),
			),
		}
	}

	fn module_error(&self, pallet: u8, error: u8) -> DispatchError {
		let pallet = self.client.metadata_ref().pallet_by_error_index(pallet);
		let variant = pallet.as_ref().and_then(|pallet| pallet.error_variant_by_index(error));
		DispatchError {
			pallet: pallet.as_ref().map_or("unknown", |pallet| pallet.name()).into(),
			name: variant.map_or("Unknown", |variant| &variant.name).into(),
			docs: variant.map_or_else(
				|| "an error that the metadata does not name".into(),
				|variant| {
					variant
						.docs
						.iter()
						.map(|line| line.trim())
						.collect::<Vec<_>>()
						.join(" ")
				},
			),
		}
	}
}

/// A call whose arguments are encoded already.
struct Encoded<'a> {
	call: &'a Call,
	args: Scale,
}

struct Scale(Vec<u8>);

impl EncodeAsFields for Scale {
	fn encode_as_fields_to<R: TypeResolver>(
		&self,
		_: &mut dyn FieldIter<'_, R::TypeId>,
		_: &R,
		out: &mut Vec<u8>,
	) -> Result<(), scale_encode::Error> {
		out.extend_from_slice(&self.0);
		Ok(())
	}
}

impl Payload for Encoded<'_> {
	type CallData = Scale;

	fn pallet_name(&self) -> &str {
		self.call.pallet
	}

	fn call_name(&self) -> &str {
		self.call.name
	}

	fn call_data(&self) -> &Scale {
		&self.args
	}
}
