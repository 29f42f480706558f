//! One client as a process, and the libraries that those not in Rust need.

use std::{
	fs::File,
	io::{BufRead, BufReader, Write},
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	time::Duration,
};

use anyhow::{bail, ensure, Context, Result};
use openledger_test_support::processes::{end, tail, tie_to_parent, wait_for};

/// Where the clients' sources and lock files are.
const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Installs what the clients speak through where that is not done yet; says what to install where the machine lacks the
/// tools. Returns the folder that has it.
pub fn install() -> Result<PathBuf> {
	let script = Path::new(HERE).join("install.sh");
	let output = Command::new(&script).stderr(Stdio::inherit()).output();
	let output = output.with_context(|| format!("run {}", script.display()))?;
	ensure!(output.status.success(), "{} failed, and said why", script.display());
	Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// A running client. Dropping it ends it.
pub struct Client {
	name: String,
	child: Child,
	log: PathBuf,
}

impl Client {
	/// Starts the client `name`: a script beside the lock files, or the binary of this crate.
	pub fn start(name: &str, libraries: &Path, logs: &Path, arguments: &[&str]) -> Result<Self> {
		let mut command = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
			Some("mjs") => {
				let mut node = Command::new("node");
				node.arg(beside_its_modules(name, libraries, logs)?);
				node
			}
			Some("py") => {
				let mut python = Command::new(libraries.join("venv/bin/python"));
				python.arg(Path::new(HERE).join(name));
				python
			}
			_ => Command::new(env!("CARGO_BIN_EXE_subxt-client")),
		};
		let log = logs.join(format!("{name}.log"));
		let out = File::create(&log).with_context(|| format!("create {}", log.display()))?;
		let err = out.try_clone()?;
		command.args(arguments).stdin(Stdio::piped()).stdout(out).stderr(err);
		let child = tie_to_parent(&mut command).spawn();
		Ok(Self {
			name: name.into(),
			child: child.with_context(|| format!("start {command:?}"))?,
			log,
		})
	}

	/// Waits until the client has connected and read the metadata.
	pub fn wait_until_ready(&mut self, limit: Duration) -> Result<()> {
		wait_for(&format!("{} to be ready", self.name), limit, || {
			if let Some(status) = self.child.try_wait()? {
				bail!("{} ended early ({status}):\n{}", self.name, tail(&self.log));
			}
			Ok(self.lines()?.contains(&"ready".to_string()).then_some(()))
		})
	}

	/// Lets it submit.
	pub fn begin(&mut self) -> Result<()> {
		let mut input = self.child.stdin.take().context("its standard input is piped")?;
		Ok(input.write_all(b"begin\n")?)
	}

	/// The last line of a client that has ended as it should; `None` while it runs.
	fn report(&mut self) -> Result<Option<String>> {
		let Some(status) = self.child.try_wait()? else {
			return Ok(None);
		};
		ensure!(
			status.success(),
			"{} failed ({status}):\n{}",
			self.name,
			tail(&self.log)
		);
		self.lines()?.pop().context("it said something").map(Some)
	}

	fn lines(&self) -> Result<Vec<String>> {
		let lines = BufReader::new(File::open(&self.log)?).lines();
		Ok(lines.map_while(|line| line.ok()).collect())
	}
}

/// Waits until all clients have ended, and returns the last line of each. Fails as soon as one fails.
pub fn wait_for_reports(clients: &mut [Client], limit: Duration) -> Result<Vec<String>> {
	wait_for("the clients to claim", limit, || {
		let reports: Result<Vec<_>> = clients.iter_mut().map(Client::report).collect();
		// The vector of options is an option of a vector.
		Ok(reports?.into_iter().collect())
	})
}

impl Drop for Client {
	fn drop(&mut self) {
		end(&mut self.child);
	}
}

/// Node.js looks for modules beside the file that imports them: the scripts are copied to a folder that links to them, so
/// that nothing is written into the checkout.
fn beside_its_modules(name: &str, libraries: &Path, logs: &Path) -> Result<PathBuf> {
	let folder = logs.with_file_name("scripts");
	std::fs::create_dir_all(&folder)?;
	for entry in std::fs::read_dir(HERE)? {
		let path = entry?.path();
		if path.extension().is_some_and(|extension| extension == "mjs") {
			std::fs::copy(&path, folder.join(path.file_name().context("a file has a name")?))?;
		}
	}
	let modules = folder.join("node_modules");
	if !modules.exists() {
		std::os::unix::fs::symlink(libraries.join("node_modules"), modules)?;
	}
	Ok(folder.join(name))
}
