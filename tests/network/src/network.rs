use std::{
	path::{Path, PathBuf},
	process::Command,
};

use anyhow::{ensure, Context, Result};
use openledger_test_support::{
	binaries, free_ports,
	processes::{wait_for, Processes},
	wait_for_rpc, Rpc,
};

use crate::{
	spec::{self, Pace},
	Ledger, PATIENCE,
};

/// What a node does beside following the chain.
#[derive(Clone, Copy)]
pub enum Role {
	/// Makes and finalizes blocks by the session keys of a development account, such as `alice`.
	Authority(&'static str),
	/// Makes blocks by such an account's session keys, and finalizes none.
	Author(&'static str),
	/// Nothing.
	Full,
}

/// A node that was started once, and may be dead.
struct Node {
	name: &'static str,
	role: Role,
	/// Below it everything that the node keeps.
	base: PathBuf,
	key: PathBuf,
	listen: String,
	/// Where others find it.
	address: String,
	/// How often it was started: each time has its own log.
	starts: u32,
	rpc: Option<Rpc>,
}

impl Node {
	fn new(name: &'static str, role: Role, base: PathBuf) -> Result<Self> {
		std::fs::create_dir_all(&base).with_context(|| format!("create {}", base.display()))?;
		let key = base.join("node-key");
		let generated = Command::new(binaries()?.join("openledger-node"))
			.args(["key", "generate-node-key", "--file"])
			.arg(&key)
			.output()
			.context("generate a node key")?;
		// The name that follows from the key is on standard error, alone on its line.
		let said = String::from_utf8_lossy(&generated.stderr);
		let peer = said.lines().map(str::trim).find(|line| line.starts_with("12D3"));
		let peer = peer.with_context(|| format!("generate-node-key named no peer: {said}"))?;
		let listen = format!("/ip4/127.0.0.1/tcp/{}", free_ports(1)?);
		Ok(Self {
			name,
			role,
			base,
			key,
			address: format!("{listen}/p2p/{peer}"),
			listen,
			starts: 0,
			rpc: None,
		})
	}

	/// Runs it, on the chain of this specification.
	fn command(&self, spec: &Path) -> Result<Command> {
		let mut command = Command::new(binaries()?.join("openledger-node"));
		command
			.args(["--no-mdns", "--no-telemetry", "--no-prometheus", "--rpc-port", "0"])
			.args(["--listen-addr", &self.listen])
			.arg("--chain")
			.arg(spec)
			.arg("--base-path")
			.arg(&self.base)
			.arg("--node-key-file")
			.arg(&self.key);
		match self.role {
			Role::Authority(account) => command.arg(format!("--{account}")),
			Role::Author(account) => command.arg(format!("--{account}")).arg("--no-grandpa"),
			Role::Full => command.args(["--name", self.name]),
		};
		Ok(command)
	}

	fn process(&self) -> String {
		format!("{}-{}", self.name, self.starts)
	}
}

/// Nodes of one chain. Each knows where the others are that were there when it was started, and is found by the rest.
pub struct Network {
	folder: PathBuf,
	spec: PathBuf,
	processes: Processes,
	nodes: Vec<Node>,
}

impl Network {
	/// A chain without nodes, with everything below `folder`.
	pub fn new(folder: &Path, pace: &Pace) -> Result<Self> {
		Ok(Self {
			processes: Processes::new(folder.join("logs"))?,
			spec: spec::write(folder, pace)?,
			folder: folder.into(),
			nodes: Vec::new(),
		})
	}

	/// Starts new nodes, each with a key, a port and a folder of its own, and waits until they answer.
	pub fn add(&mut self, nodes: &[(&'static str, Role)]) -> Result<()> {
		for (name, role) in nodes {
			self.nodes.push(Node::new(name, *role, self.folder.join(name))?);
		}
		let names: Vec<_> = nodes.iter().map(|(name, _)| *name).collect();
		self.start(&names)
	}

	/// Starts nodes that are dead, or new, at the same time, and waits until they answer.
	pub fn start(&mut self, names: &[&str]) -> Result<()> {
		for name in names {
			self.spawn(name)?;
		}
		for name in names {
			let at = self.index(name)?;
			let process = self.nodes[at].process();
			self.nodes[at].rpc = Some(wait_for_rpc(&mut self.processes, &process)?);
		}
		Ok(())
	}

	fn spawn(&mut self, name: &str) -> Result<()> {
		let at = self.index(name)?;
		let others = self.nodes.iter().filter(|other| other.name != name);
		let others: Vec<String> = others.map(|other| other.address.clone()).collect();
		let node = &mut self.nodes[at];
		ensure!(node.rpc.is_none(), "{name} is running");
		node.starts += 1;
		let mut command = node.command(&self.spec)?;
		if !others.is_empty() {
			command.arg("--bootnodes").args(others);
		}
		self.processes.start(&node.process(), &mut command)
	}

	/// Ends a node by SIGKILL.
	pub fn kill(&mut self, name: &str) -> Result<()> {
		let at = self.index(name)?;
		self.nodes[at].rpc = None;
		self.processes.kill(&self.nodes[at].process())
	}

	/// The JSON-RPC of a running node.
	pub fn rpc(&self, name: &str) -> Result<&Rpc> {
		let node = &self.nodes[self.index(name)?];
		node.rpc.as_ref().with_context(|| format!("{name} is not running"))
	}

	/// The chain's state as a running node has it.
	pub fn ledger(&self, name: &str) -> Result<Ledger> {
		Ledger::connect(&self.rpc(name)?.websocket())
	}

	/// The names of the running nodes.
	pub fn running(&self) -> Vec<&'static str> {
		let running = self.nodes.iter().filter(|node| node.rpc.is_some());
		running.map(|node| node.name).collect()
	}

	/// Waits for something of this network; fails at once when one of its nodes dies.
	pub fn wait<T>(&mut self, what: &str, mut probe: impl FnMut(&Self) -> Result<Option<T>>) -> Result<T> {
		wait_for(what, PATIENCE, || {
			self.processes.check()?;
			probe(self)
		})
	}

	/// Waits until every running node has finalized block `number`, and returns its hash, which must be the same everywhere.
	pub fn wait_final(&mut self, number: u32) -> Result<String> {
		let names = self.running();
		self.wait(&format!("block {number} to be final on {names:?}"), |network| {
			for name in &names {
				if network.rpc(name)?.finalized()? < number {
					return Ok(None);
				}
			}
			Ok(Some(()))
		})?;
		self.agreed(number)
	}

	/// The hash of a block that all running nodes have finalized.
	pub fn agreed(&self, number: u32) -> Result<String> {
		let mut found: Option<String> = None;
		for name in self.running() {
			let hash = self.rpc(name)?.block_hash(number)?;
			let hash = hash.with_context(|| format!("{name} has no block {number}"))?;
			let first = found.get_or_insert_with(|| hash.clone());
			ensure!(*first == hash, "{name} has another block {number}: {hash}, not {first}");
		}
		found.context("no node is running")
	}

	/// The highest block that some running node has finalized, and its hash.
	pub fn finalized(&self) -> Result<(u32, String)> {
		let mut highest = None;
		for name in self.running() {
			let rpc = self.rpc(name)?;
			let number = rpc.finalized()?;
			if highest.as_ref().is_none_or(|(most, _)| *most < number) {
				highest = Some((number, rpc.block_hash(number)?.context("a final block has a hash")?));
			}
		}
		highest.context("no node is running")
	}

	fn index(&self, name: &str) -> Result<usize> {
		let at = self.nodes.iter().position(|node| node.name == name);
		at.with_context(|| format!("there is no node {name}"))
	}
}
