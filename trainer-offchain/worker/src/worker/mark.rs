//! A line in a safetensors file's metadata that makes it one job's.
//!
//! Training is exact: the same order on the same machine gives the same bytes, and the chain takes an adapter only once.
//! The mark also lets a worker submit again whose hash somebody copied out of the transaction pool.

use super::error::{Result, WorkerError};
use openledger_finetune::state::MAX_HEADER;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{copy, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The metadata's key.
pub const KEY: &str = "openledger";
/// Tensors begin at a multiple of this.
const ALIGNMENT: usize = 8;

/// Sets the metadata's [`KEY`] of a safetensors file to `value`. Tensors are copied as they are, and the file is replaced
/// as a whole.
pub fn set(path: &Path, value: &str) -> Result<()> {
	let malformed = |reason: &str| WorkerError::Malformed {
		path: path.to_owned(),
		reason: reason.into(),
	};
	let io = || WorkerError::io(path);
	let mut file = File::open(path).map_err(io())?;
	let mut length = [0; 8];
	file.read_exact(&mut length).map_err(io())?;
	let length = u64::from_le_bytes(length);
	if length > MAX_HEADER {
		return Err(malformed("its header is too long for a safetensors file"));
	}
	let mut header = vec![0; length as usize];
	file.read_exact(&mut header).map_err(io())?;
	let mut header: Map<String, Value> =
		serde_json::from_slice(&header).map_err(|_| malformed("its header is not that of a safetensors file"))?;
	let metadata = header
		.entry("__metadata__")
		.or_insert_with(|| Value::Object(Map::new()));
	let metadata = metadata
		.as_object_mut()
		.ok_or_else(|| malformed("its metadata is not a map"))?;
	metadata.insert(KEY.into(), value.into());

	let mut bytes = serde_json::to_vec(&header).map_err(|error| malformed(&error.to_string()))?;
	// The format pads its header with spaces.
	bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), b' ');
	let temporary = path.with_extension("marked");
	let mut marked = File::create(&temporary).map_err(WorkerError::io(&temporary))?;
	let mut write = || {
		marked.write_all(&(bytes.len() as u64).to_le_bytes())?;
		marked.write_all(&bytes)?;
		file.seek(SeekFrom::Start(8 + length))?;
		copy(&mut file, &mut marked)?;
		marked.sync_all()
	};
	write().map_err(WorkerError::io(&temporary))?;
	std::fs::rename(&temporary, path).map_err(io())
}
