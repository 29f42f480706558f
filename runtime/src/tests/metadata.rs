//! What clients are told, and what wallets sign over.
//!
//! `metadata.txt` lists every index and type that encodings depend on; `metadata-hash.txt` is the digest of RFC 78, which the Wasm
//! build is given (`build.rs`) so that wallets can prove what they show. Both are rewritten by
//! `UPDATE_SNAPSHOTS=1 cargo test -p openledger-runtime metadata`.

use super::*;
use codec::Decode;
use frame_metadata::{
	v16::{PalletMetadata, RuntimeMetadataV16, StorageEntryType},
	RuntimeMetadata, RuntimeMetadataPrefixed,
};
use merkleized_metadata::{generate_metadata_digest, ExtraInfo};
use scale_info::{form::PortableForm, Field, PortableRegistry, Type, TypeDef, Variant};
use std::fmt::Write;

/// Crates whose types are ours to change.
const OWN_CRATES: [&str; 7] = [
	"openledger_primitives",
	"openledger_runtime",
	"pallet_authorities",
	"pallet_datanets",
	"pallet_validation",
	"pallet_rewards",
	"pallet_models",
];

fn metadata_at(version: u32) -> RuntimeMetadata {
	let bytes = Runtime::metadata_at_version(version).expect("the version is built");
	RuntimeMetadataPrefixed::decode(&mut &bytes[..])
		.expect("metadata decodes")
		.1
}

fn metadata_16() -> RuntimeMetadataV16 {
	match metadata_at(16) {
		RuntimeMetadata::V16(metadata) => metadata,
		other => panic!("asked for version 16, not {}", other.version()),
	}
}

/// Compares with the committed file, or rewrites it.
fn check_snapshot(name: &str, current: &str) {
	let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
	if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
		std::fs::write(&path, current).expect("the snapshot is written");
		return;
	}
	let committed = std::fs::read_to_string(&path).unwrap_or_default();
	if let Some((at, (old, new))) = committed
		.lines()
		.zip(current.lines())
		.enumerate()
		.find(|(_, (old, new))| old != new)
	{
		panic!(
			"{name}:{}: committed `{old}`, now `{new}`; if that is meant, UPDATE_SNAPSHOTS=1 and transaction_version",
			at + 1
		);
	}
	assert_eq!(committed, current, "{name} is shorter or longer than what there is now");
}

/// Writes types by their names, as a reader of Rust knows them.
struct Names<'a>(&'a PortableRegistry);

impl Names<'_> {
	fn resolve(&self, id: u32) -> &Type<PortableForm> {
		self.0.resolve(id).expect("a type that is named is there")
	}

	fn name(&self, id: u32) -> String {
		let ty = self.resolve(id);
		match &ty.type_def {
			TypeDef::Primitive(primitive) => format!("{primitive:?}").to_lowercase(),
			TypeDef::Sequence(sequence) => format!("[{}]", self.name(sequence.type_param.id)),
			TypeDef::Array(array) => format!("[{}; {}]", self.name(array.type_param.id), array.len),
			TypeDef::Tuple(tuple) => format!("({})", self.list(tuple.fields.iter().map(|field| field.id))),
			TypeDef::Compact(compact) => format!("Compact<{}>", self.name(compact.type_param.id)),
			TypeDef::BitSequence(_) => "Bits".into(),
			TypeDef::Composite(_) | TypeDef::Variant(_) => {
				let name = ty.path.segments.last().map(String::as_str).unwrap_or("Unnamed");
				let parameters: Vec<u32> = ty.type_params.iter().filter_map(|param| Some(param.ty?.id)).collect();
				// The outer enums have every pallet's types as parameters, which says nothing.
				if parameters.is_empty() || name == "Call" || name == "Event" {
					name.into()
				} else {
					format!("{name}<{}>", self.list(parameters.into_iter()))
				}
			}
		}
	}

	fn list(&self, ids: impl Iterator<Item = u32>) -> String {
		ids.map(|id| self.name(id)).collect::<Vec<_>>().join(", ")
	}

	fn fields(&self, fields: &[Field<PortableForm>]) -> String {
		let field = |field: &Field<PortableForm>| match &field.name {
			Some(name) => format!("{name}: {}", self.name(field.ty.id)),
			None => self.name(field.ty.id),
		};
		fields.iter().map(field).collect::<Vec<_>>().join(", ")
	}

	fn variant(&self, variant: &Variant<PortableForm>) -> String {
		format!("{} {}({})", variant.index, variant.name, self.fields(&variant.fields))
	}

	fn variants(&self, out: &mut String, kind: &str, id: u32) {
		let TypeDef::Variant(variants) = &self.resolve(id).type_def else {
			panic!("{kind}s are an enum")
		};
		for variant in &variants.variants {
			writeln!(out, "  {kind} {}", self.variant(variant)).expect("a string takes all");
		}
	}

	fn pallet(&self, out: &mut String, pallet: &PalletMetadata<PortableForm>) {
		writeln!(out, "\npallet {} {}", pallet.index, pallet.name).expect("a string takes all");
		if let Some(calls) = &pallet.calls {
			self.variants(out, "call", calls.ty.id);
		}
		if let Some(events) = &pallet.event {
			self.variants(out, "event", events.ty.id);
		}
		if let Some(errors) = &pallet.error {
			self.variants(out, "error", errors.ty.id);
		}
		for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
			let shape = match &entry.ty {
				StorageEntryType::Plain(value) => self.name(value.id),
				StorageEntryType::Map { hashers, key, value } => {
					format!("{hashers:?} {} -> {}", self.name(key.id), self.name(value.id))
				}
			};
			writeln!(out, "  storage {} {:?} {shape}", entry.name, entry.modifier).expect("a string takes all");
		}
		for function in &pallet.view_functions {
			let inputs = function
				.inputs
				.iter()
				.map(|input| format!("{}: {}", input.name, self.name(input.ty.id)));
			let inputs = inputs.collect::<Vec<_>>().join(", ");
			writeln!(
				out,
				"  view {}({inputs}) -> {}",
				function.name,
				self.name(function.output.id)
			)
			.expect("a string takes all");
		}
	}

	/// Definitions of our own types, in the order of their names.
	fn own_types(&self, out: &mut String) {
		let mut definitions = std::collections::BTreeSet::new();
		for ty in &self.0.types {
			let path = ty.ty.path.segments.join("::");
			let is_ours = OWN_CRATES.iter().any(|own| path.starts_with(&format!("{own}::")));
			let is_listed = ["::Call", "::Event", "::Error"].iter().any(|end| path.ends_with(end));
			if !is_ours || is_listed {
				continue;
			}
			match &ty.ty.type_def {
				TypeDef::Composite(composite) => {
					definitions.insert(format!("type {path} {{ {} }}", self.fields(&composite.fields)));
				}
				TypeDef::Variant(variants) => {
					let variants: Vec<_> = variants.variants.iter().map(|variant| self.variant(variant)).collect();
					definitions.insert(format!("type {path} {}", variants.join(" | ")));
				}
				_ => {}
			}
		}
		for definition in definitions {
			writeln!(out, "{definition}").expect("a string takes all");
		}
	}
}

#[test]
fn metadata_should_build_when_there_is_no_chain() {
	for version in [14, 15, 16] {
		assert_eq!(metadata_at(version).version(), version, "metadata {version}");
	}
}

#[test]
fn metadata_should_keep_indices_and_types() {
	let metadata = metadata_16();
	let names = Names(&metadata.types);
	let mut out = String::from("# Every index and type that encodings depend on. See src/tests/metadata.rs.\n\n");
	for extension in &metadata.extrinsic.transaction_extensions {
		writeln!(
			out,
			"extension {} {} implicit {}",
			extension.identifier,
			names.name(extension.ty.id),
			names.name(extension.implicit.id)
		)
		.expect("a string takes all");
	}
	let mut pallets: Vec<_> = metadata.pallets.iter().collect();
	pallets.sort_by_key(|pallet| pallet.index);
	for pallet in pallets {
		names.pallet(&mut out, pallet);
	}
	out.push('\n');
	names.own_types(&mut out);
	check_snapshot("metadata.txt", &out);
}

#[test]
fn metadata_hash_should_be_what_the_wasm_build_is_given() {
	let extra = ExtraInfo {
		spec_version: VERSION.spec_version,
		spec_name: VERSION.spec_name.to_string(),
		base58_prefix: SS58_PREFIX,
		decimals: TOKEN_DECIMALS as u8,
		token_symbol: TOKEN_SYMBOL.into(),
	};
	let digest = generate_metadata_digest(&metadata_at(15), extra).expect("the digest is computed");
	let hash: String = digest.hash().iter().map(|byte| format!("{byte:02x}")).collect();
	check_snapshot("metadata-hash.txt", &format!("0x{hash}\n"));
}
