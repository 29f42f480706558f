//! What tests across real processes share: [`processes`] that are never left behind, the product's own [`binaries`], a
//! [`Folder`] that keeps the logs of a failure, and a node's JSON-RPC by [`Rpc`].

mod folder;
mod node;
pub mod processes;
mod rpc;

use std::{net::TcpListener, path::PathBuf};

use anyhow::{Context, Result};

pub use folder::Folder;
pub use node::{start_dev_node, wait_for_rpc};
pub use rpc::Rpc;

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

/// A port that nobody listens on at the moment.
pub fn free_port() -> Result<u16> {
	let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
	Ok(listener.local_addr()?.port())
}
