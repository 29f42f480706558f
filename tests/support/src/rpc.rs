use std::{
	io::{Read, Write},
	net::TcpStream,
	time::Duration,
};

use anyhow::{bail, Context, Result};
use serde_json::{json, Value};

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The JSON-RPC of one node, called over HTTP: what is asked of a node itself and not of the chain.
#[derive(Clone, Debug)]
pub struct Rpc {
	address: String,
}

impl Rpc {
	/// A node that answers at `address`, such as `127.0.0.1:9944`.
	pub fn new(address: &str) -> Self {
		Self {
			address: address.into(),
		}
	}

	/// Where its WebSocket is.
	pub fn websocket(&self) -> String {
		format!("ws://{}", self.address)
	}

	/// Calls a method and returns its result.
	pub fn call(&self, method: &str, params: Value) -> Result<Value> {
		let answer = self.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string());
		let answer = answer.with_context(|| format!("call {method} of the node at {}", self.address))?;
		let (_, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
		let mut answer: Value = serde_json::from_str(body).context("the answer's body is no JSON")?;
		if let Some(error) = answer.get("error") {
			bail!("{method}: {error}");
		}
		Ok(answer["result"].take())
	}

	/// Sends one request and reads the answer until the node closes the connection.
	fn post(&self, body: &str) -> Result<String> {
		let mut stream = TcpStream::connect(&self.address)?;
		stream.set_read_timeout(Some(PATIENCE))?;
		write!(
			stream,
			"POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
			self.address,
			body.len(),
		)?;
		let mut answer = String::new();
		stream.read_to_string(&mut answer)?;
		Ok(answer)
	}

	/// Number of the block with this hash; `None` where the node does not know it.
	pub fn number(&self, hash: &str) -> Result<Option<u32>> {
		let header = self.call("chain_getHeader", json!([hash]))?;
		match header["number"].as_str() {
			Some(number) => Ok(Some(u32::from_str_radix(number.trim_start_matches("0x"), 16)?)),
			None => Ok(None),
		}
	}

	/// Number of the last finalized block.
	pub fn finalized(&self) -> Result<u32> {
		let hash = self.call("chain_getFinalizedHead", json!([]))?;
		let hash = hash.as_str().context("there is no finalized block")?;
		self.number(hash)?.context("the finalized block has no header")
	}

	/// Number of the best block.
	pub fn best(&self) -> Result<u32> {
		let hash = self.call("chain_getBlockHash", json!([]))?;
		let hash = hash.as_str().context("there is no best block")?;
		self.number(hash)?.context("the best block has no header")
	}

	/// Hash of the best chain's block of this number; `None` where it is not that long.
	pub fn block_hash(&self, number: u32) -> Result<Option<String>> {
		Ok(self
			.call("chain_getBlockHash", json!([number]))?
			.as_str()
			.map(Into::into))
	}
}
