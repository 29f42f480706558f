//! Networks of real node processes on loopback.
//!
//! - [`Network`]: authorities and full nodes that are started, killed and started again
//! - [`spec`]: their chain, the preset `local` with a pace that a test can wait for
//! - [`Ledger`]: what a node says of the chain's state
//! - [`court`]: items brought into every state that an item can be in
//! - [`orders`]: jobs in every state that a job waits in
//! - [`council`]: the administrator
//!
//! Everything waits for conditions, with bounds far above what a busy machine needs.

pub mod council;
pub mod court;
mod ledger;
mod network;
pub mod orders;
pub mod spec;

use std::time::Duration;

pub use ledger::Ledger;
pub use network::{Network, Role};

/// The runtime as a later version of itself, built by this crate's build script.
pub mod upgraded {
	include!(concat!(env!("OUT_DIR"), "/upgraded.rs"));
}

/// More than anything here takes that does happen, on a machine with other work.
pub const PATIENCE: Duration = Duration::from_secs(400);
