use std::{
	io::{Read, Write},
	net::TcpStream,
	time::Duration,
};

use anyhow::{bail, Context, Result};
use serde_json::{json, Value};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Posts JSON to the server at `address`, such as `127.0.0.1:8000`, and reads what it answers until it closes the connection.
pub fn post(address: &str, path: &str, body: &Value) -> Result<Value> {
	let body = body.to_string();
	let mut stream = TcpStream::connect(address)?;
	stream.set_read_timeout(Some(PATIENCE))?;
	write!(
		stream,
		"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
		body.len(),
	)?;
	let mut answer = String::new();
	stream.read_to_string(&mut answer)?;
	let (_, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
	serde_json::from_str(body).with_context(|| format!("the answer's body is no JSON: {body}"))
}

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
		let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
		let answer = post(&self.address, "/", &request);
		let mut answer = answer.with_context(|| format!("call {method} of the node at {}", self.address))?;
		if let Some(error) = answer.get("error") {
			bail!("{method}: {error}");
		}
		Ok(answer["result"].take())
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
