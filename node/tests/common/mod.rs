//! A node as a process, and what it says over RPC.

use openledger_test_support::{
	processes::{wait_for, Processes},
	wait_for_rpc, Folder, Rpc,
};
use std::{process::Command, time::Duration};

/// More than a few blocks take under load.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node that ends with the test.
pub struct Node {
	_processes: Processes,
	rpc: Rpc,
	/// Goes after what writes there.
	_folder: Folder,
}

impl Node {
	/// Starts a node with these arguments on a free port for RPC, and waits until that answers.
	pub fn start(arguments: &[&str]) -> Self {
		let folder = Folder::new().expect("a temporary folder");
		let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
		let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-node"));
		processes
			.start("node", command.args(arguments).args(["--rpc-port", "0"]))
			.expect("the node's program starts");
		Self {
			rpc: wait_for_rpc(&mut processes, "node").expect("the node opens an RPC server"),
			_processes: processes,
			_folder: folder,
		}
	}

	/// Calls an RPC method and returns its result.
	pub fn call(&self, method: &str, params: serde_json::Value) -> serde_json::Value {
		self.rpc.call(method, params).expect("the node answers")
	}

	/// Waits until block `number` is final.
	pub fn wait_until_final(&self, number: u32) {
		wait_for(&format!("block {number} to be final"), PATIENCE, || {
			Ok((self.rpc.finalized()? >= number).then_some(()))
		})
		.expect("blocks become final");
	}
}
