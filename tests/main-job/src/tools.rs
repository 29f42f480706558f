//! The product's own binaries, called as a user calls them.

use std::{
	io::Read,
	path::PathBuf,
	process::{Command, Stdio},
};

use anyhow::{bail, Context, Result};
use openledger_test_support::processes::{end, stop_requested, tie_to_parent, POLL};
use serde_json::Value;

/// Where the binaries are and which network they talk to.
#[derive(Clone)]
pub struct Tools {
	pub binaries: PathBuf,
	pub node: String,
	pub gateway: String,
}

/// What a command printed, and whether it was content.
pub struct Answer {
	pub json: Value,
	pub success: bool,
}

impl Tools {
	pub fn command(&self, binary: &str) -> Command {
		Command::new(self.binaries.join(binary))
	}

	/// `openledger` as `who`, a development account's name.
	pub fn openledger(&self, who: &str) -> Command {
		let mut command = self.command("openledger");
		command.args([
			"--json",
			"--node",
			&self.node,
			"--gateway",
			&self.gateway,
			"--suri",
			&format!("//{who}"),
		]);
		command
	}

	/// Runs `openledger` as `who`; fails where it fails.
	pub fn call(&self, who: &str, arguments: &[&str]) -> Result<Value> {
		expect_success(self.openledger(who).args(arguments))
	}

	/// Runs `openledger contribute` as `who`; refusals by the chain are part of the answer.
	pub fn contribute(&self, who: &str, datanet: u64, files: &[PathBuf]) -> Result<Answer> {
		let mut command = self.openledger(who);
		command
			.args(["contribute", "--force", "--datanet", &datanet.to_string()])
			.args(files);
		answer(&mut command)
	}

	/// Runs a command of `openledger-trainer` that ends with a line of JSON.
	pub fn train(&self, arguments: &[&str]) -> Result<Value> {
		expect_success(self.command("openledger-trainer").args(arguments))
	}
}

/// Runs `command` to its end and reads the last line of its standard output as JSON; its standard error is the user's. A
/// signal to this process ends the command too.
pub fn answer(command: &mut Command) -> Result<Answer> {
	let mut child = tie_to_parent(command.stdin(Stdio::null()))
		.stdout(Stdio::piped())
		.spawn()
		.with_context(|| format!("run {command:?}"))?;
	let mut stdout = child.stdout.take().context("standard output is piped")?;
	let reader = std::thread::spawn(move || {
		let mut text = String::new();
		stdout.read_to_string(&mut text).map(|_| text)
	});
	let status = loop {
		if let Some(status) = child.try_wait()? {
			break status;
		}
		if stop_requested() {
			end(&mut child);
			bail!("stopped by a signal");
		}
		std::thread::sleep(POLL);
	};
	let text = reader.join().expect("the reader does not panic")?;
	let json = text
		.trim()
		.lines()
		.last()
		.and_then(|line| serde_json::from_str(line).ok());
	match json {
		Some(json) => Ok(Answer {
			json,
			success: status.success(),
		}),
		None => bail!("{command:?} gave no JSON ({status}):\n{text}"),
	}
}

fn expect_success(command: &mut Command) -> Result<Value> {
	let answer = answer(command)?;
	if !answer.success {
		bail!("{command:?} failed: {}", answer.json);
	}
	Ok(answer.json)
}
