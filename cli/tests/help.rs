//! The help of every command is a contract: what changes it shows here.
//!
//! After a wanted change: `OPENLEDGER_BLESS=1 cargo test -p openledger-cli --test help`.

use std::process::Output;

use clap::{Command, CommandFactory};
use openledger_cli::Cli;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help.txt");

/// The help of a command and of all below it, each under its name. Options that every command has are shown once.
fn render(command: &mut Command, path: &str, out: &mut String) {
	let inherited = path != "openledger";
	let mut shown = command.clone().bin_name(path).term_width(100);
	if inherited {
		for name in ["node", "gateway", "json", "suri", "key_file"] {
			if shown.get_arguments().any(|argument| argument.get_id() == name) {
				shown = shown.mut_arg(name, |argument| argument.hide(true));
			}
		}
	}
	out.push_str(&format!("## {path}\n\n{}\n", shown.render_help()));
	let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
	for name in names.iter().filter(|name| *name != "help") {
		if let Some(sub) = command.find_subcommand_mut(name) {
			render(sub, &format!("{path} {name}"), out);
		}
	}
}

#[test]
fn help_should_be_the_committed_one() {
	let mut command = Cli::command();
	command.build();
	let mut help = String::new();
	render(&mut command, "openledger", &mut help);
	let help: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
	if std::env::var_os("OPENLEDGER_BLESS").is_some() {
		std::fs::write(SNAPSHOT, &help).unwrap();
	}
	let committed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
	assert!(
		help == committed,
		"the help changed; if that is wanted, run this test with OPENLEDGER_BLESS=1\n{help}"
	);
}

fn openledger(arguments: &[&str]) -> Output {
	std::process::Command::new(env!("CARGO_BIN_EXE_openledger"))
		.args(arguments)
		.env("OPENLEDGER_NODE", "ws://callers-own:1")
		.env("OPENLEDGER_GATEWAY", "http://callers-own:2")
		.output()
		.unwrap()
}

#[test]
fn help_should_not_depend_on_the_callers_environment() {
	let output = openledger(&["--json", "--help"]);
	let text = String::from_utf8(output.stdout).unwrap();
	assert!(output.status.success() && text.contains("OPENLEDGER_NODE") && !text.contains("callers-own"));
}

#[test]
fn wrong_arguments_should_be_an_error_object_on_stdout_when_json_is_asked_for() {
	for (arguments, message) in [
		(&["--json", "frobnicate"][..], "unrecognized subcommand 'frobnicate'"),
		(
			&["account", "new", "--json"],
			"arguments were not provided: --out <FILE>",
		),
		(&["--json"], "requires a subcommand"),
	] {
		let output = openledger(arguments);
		assert_eq!(output.status.code(), Some(2));
		assert!(!output.stderr.is_empty());
		let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
		assert_eq!(object["error"]["kind"], "usage");
		assert!(
			object["error"]["message"].as_str().unwrap().contains(message),
			"{object}"
		);
	}
	let output = openledger(&["frobnicate"]);
	assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn arguments_should_be_consistent() {
	Cli::command().debug_assert();
}
