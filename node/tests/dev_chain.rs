//! The node as a process: `--dev` starts from nothing, makes a block a second and finalizes them.

use openledger_test_support::{
	processes::{wait_for, Processes},
	wait_for_rpc, Folder,
};
use serde_json::json;
use std::{process::Command, time::Duration};

/// More than three blocks take under load.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn dev_chain_should_make_and_finalize_blocks() {
	let folder = Folder::new().expect("a temporary folder");
	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-node"));
	processes
		.start("node", command.args(["--dev", "--rpc-port", "0"]))
		.expect("the node's program starts");
	let node = wait_for_rpc(&mut processes, "node").expect("the node opens an RPC server");

	let properties = node.call("system_properties", json!([])).expect("tells properties");
	assert_eq!(properties["tokenSymbol"], "OPEN");
	assert_eq!(properties["tokenDecimals"], 12);
	assert_eq!(properties["ss58Format"], 42);

	wait_for("three final blocks", PATIENCE, || {
		processes.check()?;
		Ok((node.finalized()? >= 3).then_some(()))
	})
	.expect("blocks become final");
	let nonce = node
		.call(
			"system_accountNextIndex",
			json!(["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"]),
		)
		.expect("tells a nonce");
	assert_eq!(nonce, 0);
}
