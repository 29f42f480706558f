//! Builds the Wasm runtime, and tells it the digest of its own metadata (RFC 78), by which wallets prove what they show. A test
//! computes the digest and keeps `metadata-hash.txt` right; wasm-builder could compute it too, but compiles a second executor
//! for it.

fn main() {
	#[cfg(feature = "std")]
	{
		println!("cargo:rerun-if-changed=metadata-hash.txt");
		let hash = std::fs::read_to_string("metadata-hash.txt").expect("metadata-hash.txt lies beside this script");
		// The Wasm build is a process of its own; it takes this from its environment.
		std::env::set_var("RUNTIME_METADATA_HASH", hash.trim());
		substrate_wasm_builder::WasmBuilder::build_using_defaults();
	}
}
