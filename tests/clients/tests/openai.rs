//! `openledger-trainer serve`, spoken to by the `openai` package.

mod support;

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use openledger_test_support::{binaries, processes::Processes, Folder};
use support::{install, wait_for_reports, Client};

/// From the process's start until it listens.
const STARTUP: Duration = Duration::from_secs(120);
/// For all that the client asks.
const SCENARIO: Duration = Duration::from_secs(240);

#[test]
fn the_openai_package_should_be_answered() {
	let libraries = install().expect("the client's libraries are installed");
	let folder = Folder::new().expect("a temporary folder");
	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/tiny-llama");
	let mut server = Command::new(binaries().expect("the binaries are built").join("openledger-trainer"));
	server.args(["serve", "--listen", "127.0.0.1:0", "--name", "tiny", "--model"]);
	server.arg(fixture.join("model"));
	for adapter in ["init", "trained"] {
		let dir = fixture.join(format!("adapter_{adapter}"));
		server.args(["--adapter", &format!("{adapter}={}", dir.display())]);
	}
	processes.start("serve", &mut server).expect("the server starts");
	let line = processes
		.wait_for_line("serve", "listening on ", STARTUP)
		.expect("the server listens");
	let url = line.trim_start_matches("listening on ");

	let arguments = [url, "tiny", "init", "trained"];
	let client = Client::start("openai_client.py", &libraries, &folder.logs(), &arguments);
	let mut clients = [client.expect("the client starts")];
	let reports = wait_for_reports(&mut clients, SCENARIO).expect("the client is content");
	let answers: BTreeMap<String, String> = serde_json::from_str(&reports[0]).expect("a line of JSON");
	assert_eq!(answers.len(), 3);
	assert_ne!(answers["tiny"], answers["trained"], "an adapter changes the answer");
	processes.check().expect("the server still runs");
}
