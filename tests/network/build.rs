//! Builds the runtime a second time, as a later version of itself. It shares its folder, and so every compiled dependency,
//! with the first: what costs time is the runtime's own crate and its linking.

use std::path::Path;

fn main() {
	let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtime/Cargo.toml");
	// The builder looks for it among cargo's packages, which are named by canonical paths.
	let manifest = manifest.canonicalize().expect("the runtime is part of the workspace");
	substrate_wasm_builder::WasmBuilder::new()
		.with_project(manifest)
		.expect("it is a Cargo.toml")
		.import_memory()
		.export_heap_base()
		.enable_feature("upgraded")
		.set_file_name("upgraded.rs")
		.build();
}
