use std::{io, path::PathBuf, time::Duration};

use openledger_primitives::payload::Cid;

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
	/// The store does not keep this payload.
	#[error("payload {cid} is not in the store")]
	NotFound { cid: Cid },
	/// The gateway has the payload, but no block carries it yet.
	#[error("payload {cid} is not announced on chain yet")]
	NotAnnounced { cid: Cid },
	/// A stored block is not what its name says.
	#[error("block {block} of payload {cid} is damaged on disk; put the payload again to repair it")]
	Corrupt { cid: Cid, block: Cid },
	/// A block of a stored payload is gone.
	#[error("block {block} of payload {cid} is missing; put the payload again to repair it")]
	Incomplete { cid: Cid, block: Cid },
	/// The payload is longer than the caller allows.
	#[error("payload {cid} is larger than {cap} bytes")]
	TooLarge { cid: Cid, cap: u64 },
	/// A remote store sent other bytes than those asked for.
	#[error("the bytes received for {expected} are those of {got}")]
	WrongBytes { expected: Cid, got: Cid },
	/// A remote store names what it was given by another CID than it has.
	#[error("the store calls the payload {got}, but it is {expected}")]
	WrongCid { expected: Cid, got: String },
	/// No answer in time.
	#[error("{operation} did not finish within {deadline:?}")]
	Deadline {
		operation: &'static str,
		deadline: Duration,
	},
	/// No connection, or it broke.
	#[error("cannot reach {url}: {reason}")]
	Unreachable { url: String, reason: String },
	/// A remote store's own error.
	#[error("{url} refused: {message} ({code})")]
	Refused { url: String, code: String, message: String },
	/// A remote store's answer is not what its protocol says.
	#[error("the answer of {url} cannot be read: {reason}")]
	InvalidReply { url: String, reason: String },
	/// The address given for a remote store is not one.
	#[error("{url} is not an http address: {reason}")]
	InvalidUrl { url: String, reason: String },
	/// The disk or the quota is full.
	#[error("no space left in {path}")]
	Full { path: PathBuf },
	/// Another process has this store open.
	#[error("the store in {path} is in use by another process")]
	Locked { path: PathBuf },
	/// This kind of store cannot do that.
	#[error("{store} cannot {operation}")]
	Unsupported {
		store: &'static str,
		operation: &'static str,
	},
	/// Reading or writing a file failed.
	#[error("{path}: {source}")]
	Io { path: PathBuf, source: io::Error },
	/// The work was given up because the process is shutting down.
	#[error("the store is shutting down")]
	Stopped,
}

impl StoreError {
	/// Names a failure at `path`; a full disk gets an error of its own.
	pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
		let path = path.into();
		match source.kind() {
			io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
			_ => Self::Io { path, source },
		}
	}
}
