//! The network that the job runs on: node, gateway, validators, worker, each a process of its own.

use std::{path::Path, time::Duration};

use anyhow::Result;
use openledger_test_support::{
	binaries,
	processes::{stop_requested, Processes},
	start_dev_node,
};

use crate::{job::Plan, report::Report, tools::Tools};

/// Validators that the dev chain's genesis staked.
const VALIDATORS: u8 = 5;
const STARTUP: Duration = Duration::from_secs(90);

pub struct Network {
	pub tools: Tools,
	pub processes: Processes,
}

impl Network {
	/// A fresh dev chain, a gateway in front of an empty store, and the validators' daemons, with everything they write
	/// below `folder`.
	pub fn start(folder: &Path) -> Result<Self> {
		let mut processes = Processes::new(folder.join("logs"))?;
		let node = start_dev_node(&mut processes, folder)?;
		let mut tools = Tools {
			binaries: binaries()?,
			node,
			gateway: String::new(),
		};
		let mut gateway = tools.command("openledger-gateway");
		gateway
			.args(["--listen", "127.0.0.1:0", "--node", &tools.node])
			.arg("--store")
			.arg(folder.join("payloads"));
		processes.start("gateway", &mut gateway)?;
		tools.gateway = format!(
			"http://{}",
			processes.wait_for_line("gateway", "listening on http://", STARTUP)?
		);
		let mut network = Self { tools, processes };
		for number in 1..=VALIDATORS {
			let name = format!("Validator{number}");
			let mut daemon = network.tools.openledger(&name);
			daemon.arg("validate");
			network.processes.start(&name.to_lowercase(), &mut daemon)?;
		}
		Ok(network)
	}

	/// Adds a worker that trains whatever is ordered.
	pub fn start_worker(&mut self, folder: &Path) -> Result<()> {
		let mut worker = self.tools.command("openledger-trainer");
		worker
			.args([
				"worker",
				"--node",
				&self.tools.node,
				"--gateway",
				&self.tools.gateway,
				"--suri",
				"//Worker",
			])
			.args(["--bond", "1000", "--work-dir"])
			.arg(folder.join("worker"));
		self.processes.start("worker", &mut worker)
	}

	/// Serves the base model, the adapter in a folder as `tuned`, and every model of the chain's registry. Returns the address.
	pub fn start_serving(&mut self, folder: &Path, base: &Path, adapter: &Path) -> Result<String> {
		let mut server = self.tools.command("openledger-trainer");
		server
			.args(["serve", "--listen", "127.0.0.1:0", "--name", "base", "--model"])
			.arg(base)
			.arg("--adapter")
			.arg(format!("tuned={}", adapter.display()))
			.args([
				"--node",
				&self.tools.node,
				"--gateway",
				&self.tools.gateway,
				"--work-dir",
			])
			.arg(folder.join("served"));
		self.processes.start("serve", &mut server)?;
		self.processes.wait_for_line("serve", "listening on http://", STARTUP)
	}

	/// Prints where everything is and waits for Ctrl-C.
	pub fn serve_until_stopped(&mut self, plan: &Plan, report: &Report) -> Result<()> {
		let binary = |name: &str| self.tools.binaries.join(name).display().to_string();
		println!();
		println!("the network stays up until Ctrl-C:");
		println!(
			"  node     {}  (polkadot.js apps: a custom endpoint with this address)",
			self.tools.node
		);
		println!("  gateway  {}", self.tools.gateway);
		println!("  logs     {}", plan.folder.join("logs").display());
		println!(
			"  try      {} --node {} --gateway {} --suri //Owner datanet list",
			binary("openledger"),
			self.tools.node,
			self.tools.gateway
		);
		println!(
			"  models   http://{}/v1  (OpenAI's API; the trained one is {})",
			report.served_at, report.served_model
		);
		println!(
			"  talk     {} chat --compare --model {} --adapter {}",
			binary("openledger-trainer"),
			report.base_model,
			plan.folder.join("adapter").display()
		);
		while !stop_requested() {
			self.processes.check()?;
			std::thread::sleep(Duration::from_millis(200));
		}
		println!("stopping");
		Ok(())
	}
}
