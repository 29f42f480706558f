//! Builds the runtime a second time, as a later version of itself. It shares its folder, and so every compiled dependency,
//! with the first: what costs time is the runtime's own crate and its linking.

use std::path::Path;

fn main() {
	// Asked when this runs: what another clone compiled may be used again here.
	let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder");
	let runtime = Path::new(&here).join("../../runtime");
	// The builder looks for it among cargo's packages, which are named by canonical paths.
	let runtime = runtime.canonicalize().expect("the runtime is part of the workspace");
	// As the first build has it, or each would undo what the other compiled. It is the digest of the first's metadata, which
	// names the version too; nothing signs with it here.
	let hash = runtime.join("metadata-hash.txt");
	println!("cargo:rerun-if-changed={}", hash.display());
	let hash = std::fs::read_to_string(hash).expect("the runtime knows its metadata's digest");
	std::env::set_var("RUNTIME_METADATA_HASH", hash.trim());
	substrate_wasm_builder::WasmBuilder::new()
		.with_project(runtime.join("Cargo.toml"))
		.expect("it is a Cargo.toml")
		.import_memory()
		.export_heap_base()
		.enable_feature("upgraded")
		.set_file_name("upgraded.rs")
		.build();
}
