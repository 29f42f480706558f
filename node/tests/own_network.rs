//! A network of one's own: what `scripts/new-network.sh` makes starts, finalizes, and has no root.

#![cfg(unix)]

use openledger_test_support::{
	free_ports,
	processes::{wait_for, Processes},
	wait_for_rpc, Folder, Rpc,
};
use std::{os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

/// More than three blocks take under load.
const PATIENCE: Duration = Duration::from_secs(120);

fn script() -> Command {
	let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/new-network.sh"));
	command.env("OPENLEDGER_NODE", env!("CARGO_BIN_EXE_openledger-node"));
	command
}

#[test]
fn own_network_should_finalize_without_root() {
	let folder = Folder::new().expect("a temporary folder");
	let ours = folder.path().join("ours");
	let path = |name: &str| ours.join(name).to_str().expect("a path of letters").to_owned();
	let port = free_ports(2).expect("the loopback has ports");
	let made = script()
		.arg(&ours)
		.args([
			"--authorities",
			"2",
			"--validators",
			"1",
			"--slot-millis",
			"2000",
			"--id",
			"ours",
		])
		.args(["--port", &port.to_string()])
		.status()
		.expect("the script runs");
	assert!(made.success());
	for secret in [
		"authority-1/account",
		"authority-2/babe",
		"authority-2/node",
		"founder/account",
	] {
		let mode = std::fs::metadata(path(secret))
			.expect("the key was made")
			.permissions()
			.mode();
		assert_eq!(mode & 0o777, 0o600, "{secret}");
	}

	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let nodes: Vec<Rpc> = (1..=2u16)
		.map(|n| {
			let name = format!("authority-{n}");
			let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-node"));
			command
				.args(["--chain", &path("spec.json")])
				.args(["--base-path", &path(&format!("{name}/data"))])
				.args(["--node-key-file", &path(&format!("{name}/node"))])
				.args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", port + n - 1)])
				.args([
					"--validator",
					"--no-prometheus",
					"--allow-private-ip",
					"--rpc-port",
					"0",
				]);
			processes.start(&name, &mut command).expect("the node's program starts");
			wait_for_rpc(&mut processes, &name).expect("the node opens an RPC server")
		})
		.collect();
	// One of two authorities finalizes nothing: they have found each other.
	for node in &nodes {
		wait_for("three final blocks", PATIENCE, || {
			processes.check()?;
			Ok((node.finalized()? >= 3).then_some(()))
		})
		.expect("blocks become final");
	}
	let ask = |method: &str, params| nodes[0].call(method, params).expect("the node answers");
	assert_eq!(ask("system_properties", serde_json::json!([]))["tokenSymbol"], "OPEN");
	assert_eq!(ask("system_chainType", serde_json::json!([])), "Live");
	// twox_128("Sudo") ++ twox_128("Key")
	let key = "0x5c0d1176a568c1f92944340dbfed9e9c530ebca703c85910e7164cb7d1c9e47b";
	assert!(
		ask("state_getStorage", serde_json::json!([key])).is_null(),
		"nobody has the key of sudo"
	);
}

#[test]
fn known_keys_should_be_refused() {
	let folder = Folder::new().expect("a temporary folder");
	let network = folder.path().join("network.json");
	let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
	let description = serde_json::json!({
		"name": "Ours",
		"id": "ours",
		"authorities": [{
			"account": alice,
			"babe": alice,
			"grandpa": "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu",
		}],
		"council": [alice],
		"endowments": [{ "account": alice, "amount": 60000 }],
	});
	std::fs::write(&network, description.to_string()).expect("the description is written");
	let made = Command::new(env!("CARGO_BIN_EXE_openledger-node"))
		.arg("new-network")
		.arg(&network)
		.output()
		.expect("the node's program starts");
	assert!(!made.status.success());
	let message = String::from_utf8_lossy(&made.stderr);
	assert!(message.contains("development account"), "{message}");
}
