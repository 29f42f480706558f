//! What tests across real processes share: [`processes`] that are never left behind, the product's own [`binaries`], a
//! [`Folder`] that keeps the logs of a failure, and a node's JSON-RPC by [`Rpc`], and [`post`] for other servers.

mod folder;
mod node;
pub mod processes;
mod rpc;

use std::{
	net::TcpListener,
	ops::Range,
	path::PathBuf,
	sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{bail, Context, Result};

pub use folder::Folder;
pub use node::{start_dev_node, wait_for_rpc};
pub use rpc::{post, Rpc};

/// Where this binary lies, the others lie too; a test's binary lies one folder deeper.
pub fn binaries() -> Result<PathBuf> {
	let me = std::env::current_exe().context("find this binary")?;
	let folder = me.parent().context("a binary lies in a folder")?;
	let folder = if folder.ends_with("deps") {
		folder.parent().unwrap_or(folder)
	} else {
		folder
	};
	Ok(folder.to_path_buf())
}

/// Above the well-known ports, below those that a system gives to whoever asks for any.
const PORTS: Range<u32> = 10_000..30_000;

/// The first of `count` ports in a row on which nobody listens at the moment, and which this process was not given before.
pub fn free_ports(count: u16) -> Result<u16> {
	static GIVEN: AtomicU32 = AtomicU32::new(0);
	let count = u32::from(count);
	// Tests in several processes begin at different places.
	let start = std::process::id().wrapping_mul(101) % PORTS.len() as u32;
	for _ in PORTS {
		let given = GIVEN.fetch_add(count, Ordering::Relaxed);
		let first = PORTS.start + (start + given) % (PORTS.len() as u32 - count);
		let free = |port: u32| TcpListener::bind(("127.0.0.1", port as u16)).is_ok();
		if (first..first + count).all(free) {
			return Ok(first as u16);
		}
	}
	bail!("no {count} free ports in a row")
}
