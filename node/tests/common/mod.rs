//! A node as a process, and what it says over RPC.

use std::{
	io::{BufRead, BufReader, Read, Write},
	net::TcpStream,
	process::{Child, Command, Stdio},
	sync::mpsc,
	time::{Duration, Instant},
};

/// More than a cold start under load takes.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A node that ends with the test.
pub struct Node {
	process: Child,
	rpc: String,
}

impl Node {
	/// Starts a node with these arguments on a free port for RPC, and waits until that answers.
	pub fn start(arguments: &[&str]) -> Self {
		let mut process = Command::new(env!("CARGO_BIN_EXE_openledger-node"))
			.args(arguments)
			.args(["--rpc-port", "0"])
			.stdout(Stdio::null())
			.stderr(Stdio::piped())
			.spawn()
			.expect("the node's program starts");
		let log = BufReader::new(process.stderr.take().expect("standard error is piped"));
		let (found, address) = mpsc::channel();
		// Reads to the end, so that the node never waits for a full pipe.
		std::thread::spawn(move || {
			for line in log.lines().map_while(Result::ok) {
				eprintln!("{line}");
				if let Some((_, rest)) = line.split_once("Running JSON-RPC server: addr=") {
					let first = rest.split(',').next().unwrap_or(rest).trim();
					let _ = found.send(first.to_owned());
				}
			}
		});
		match address.recv_timeout(PATIENCE) {
			Ok(rpc) => Self { process, rpc },
			Err(_) => {
				let _ = process.kill();
				let _ = process.wait();
				panic!("the node opened no RPC server within {PATIENCE:?}");
			}
		}
	}

	/// Calls an RPC method over HTTP and returns its result.
	pub fn call(&self, method: &str, params: serde_json::Value) -> serde_json::Value {
		let request = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
		let mut stream = TcpStream::connect(&self.rpc).expect("the RPC server accepts");
		stream
			.set_read_timeout(Some(PATIENCE))
			.expect("a timeout above zero is valid");
		write!(
			stream,
			"POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{request}",
			self.rpc,
			request.len(),
		)
		.expect("the request is sent");
		let mut answer = String::new();
		stream.read_to_string(&mut answer).expect("the answer is read");
		let (_, body) = answer.split_once("\r\n\r\n").expect("the answer has a body");
		let answer: serde_json::Value = serde_json::from_str(body).expect("the body is JSON");
		assert!(answer.get("error").is_none(), "{method}: {answer}");
		answer["result"].clone()
	}

	/// Number of the last finalized block.
	pub fn finalized(&self) -> u64 {
		let hash = self.call("chain_getFinalizedHead", serde_json::json!([]));
		let header = self.call("chain_getHeader", serde_json::json!([hash]));
		let number = header["number"].as_str().expect("a header has a number");
		u64::from_str_radix(number.trim_start_matches("0x"), 16).expect("the number is hexadecimal")
	}
}

impl Node {
	/// Waits until block `number` is final.
	pub fn wait_until_final(&self, number: u64) {
		let started = Instant::now();
		while self.finalized() < number {
			assert!(
				started.elapsed() < PATIENCE,
				"block {number} is not final within {PATIENCE:?}"
			);
			std::thread::sleep(Duration::from_millis(200));
		}
	}
}

impl Drop for Node {
	fn drop(&mut self) {
		let _ = self.process.kill();
		let _ = self.process.wait();
	}
}
