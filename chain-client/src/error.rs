use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SignerError;

pub type Result<T, E = ChainError> = std::result::Result<T, E>;

/// Why the chain did not do or tell what it was asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChainError {
	/// No connection, or it broke and could not be made again.
	#[error("cannot reach the node at {url}: {reason}")]
	Unreachable { url: String, reason: String },
	/// The node answers a request with an error.
	#[error("the node refused {method}: {message}")]
	Rpc { method: String, message: String },
	/// The transaction never came into a block.
	#[error("the transaction was not taken: {0}")]
	Pool(String),
	/// The call was executed and failed.
	#[error("{error}")]
	Dispatch { error: DispatchError, block: u32 },
	/// No block in time.
	#[error("{what} took longer than {} s", limit.as_secs())]
	Timeout { what: String, limit: Duration },
	/// What the chain stores is not what this client expects.
	#[error("cannot read {what}: {reason}")]
	Decode { what: String, reason: String },
	/// The node's runtime lacks something that this client needs.
	#[error("the node's runtime has no {0}")]
	Missing(String),
	#[error(transparent)]
	Signer(#[from] SignerError),
}

impl ChainError {
	/// What the user can do about it.
	pub fn hint(&self) -> Option<String> {
		Some(match self {
			Self::Unreachable { url, .. } => {
				format!(
					"is it running? Start one with `openledger-node --dev`, or name another with --node (now {url})"
				)
			}
			Self::Pool(reason) if reason.contains("pay some fees") => {
				"the account cannot pay the fee; send it some OPEN first".into()
			}
			Self::Timeout { .. } => "look whether the node still makes blocks, then try again".into(),
			Self::Decode { .. } | Self::Missing(_) => {
				"this client and the node's runtime are of different versions; build both from one commit".into()
			}
			Self::Dispatch { error, .. } => return error.hint(),
			Self::Signer(error) => return error.hint(),
			Self::Rpc { .. } | Self::Pool(_) => return None,
		})
	}

	/// The error's name where the chain itself refused the call.
	pub fn dispatch(&self) -> Option<&DispatchError> {
		match self {
			Self::Dispatch { error, .. } => Some(error),
			_ => None,
		}
	}

	pub(crate) fn decode(what: impl Into<String>, reason: impl ToString) -> Self {
		Self::Decode {
			what: what.into(),
			reason: reason.to_string(),
		}
	}
}

/// Why a call failed, in the runtime's own words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{pallet}.{name}: {docs}")]
pub struct DispatchError {
	/// The pallet, or the kind of an error that belongs to none: `Token`, `Arithmetic`, `System`.
	pub pallet: String,
	pub name: String,
	/// The runtime's explanation.
	pub docs: String,
}

impl DispatchError {
	fn hint(&self) -> Option<String> {
		match (self.pallet.as_str(), self.name.as_str()) {
			("Token", "FundsUnavailable" | "Frozen") | ("Balances", "InsufficientBalance") => {
				Some("see what is free with `openledger account show`".into())
			}
			_ => None,
		}
	}
}
