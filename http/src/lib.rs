//! What the HTTP servers of gateway, worker and serve share: a bound on their connections, Prometheus' text, the time.

mod listener;
mod prometheus;

use std::time::UNIX_EPOCH;

pub use listener::{Connection, Limited};
pub use prometheus::Exposition;

/// Seconds since 1970.
pub fn now() -> u64 {
	UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs())
}
