use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;

use crate::{binaries, processes::Processes, Rpc};

/// More than a cold start under load takes.
const STARTUP: Duration = Duration::from_secs(120);

/// Starts a fresh dev chain below `folder` and waits until it answers. Returns the address of its WebSocket.
pub fn start_dev_node(processes: &mut Processes, folder: &Path) -> Result<String> {
	let mut node = Command::new(binaries()?.join("openledger-node"));
	node.args(["--dev", "--no-prometheus", "--no-telemetry", "--rpc-port", "0"])
		.arg("--base-path")
		.arg(folder.join("node"));
	processes.start("node", &mut node)?;
	Ok(wait_for_rpc(processes, "node")?.websocket())
}

/// Waits until the node that was started as `name` with `--rpc-port 0` has said on which port it answers.
pub fn wait_for_rpc(processes: &mut Processes, name: &str) -> Result<Rpc> {
	let addresses = processes.wait_for_line(name, "Running JSON-RPC server: addr=", STARTUP)?;
	let first = addresses.split(',').next().unwrap_or(&addresses);
	Ok(Rpc::new(first.trim()))
}
