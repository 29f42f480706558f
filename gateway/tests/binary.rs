//! The program itself.

use std::process::Command;

/// The chain's part needs a node, which the tests across processes have; here is what happens without one.
#[test]
fn program_should_say_what_to_do_when_there_is_no_node() {
	let folder = tempfile::tempdir().unwrap();
	let unused = std::net::TcpListener::bind("127.0.0.1:0")
		.unwrap()
		.local_addr()
		.unwrap();
	let output = Command::new(env!("CARGO_BIN_EXE_openledger-gateway"))
		.args([
			"--listen",
			"127.0.0.1:0",
			"--node",
			&format!("ws://{unused}"),
			"--store",
		])
		.arg(folder.path())
		.output()
		.unwrap();
	assert!(!output.status.success());
	let error = String::from_utf8(output.stderr).unwrap();
	assert!(
		error.contains(&format!("no node at ws://{unused}")) && error.contains("--node"),
		"{error}"
	);
	assert!(output.stdout.is_empty());
}
