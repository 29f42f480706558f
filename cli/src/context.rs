//! What every command needs: the chain, the gateway, the key, and the way to print.

use std::{io::IsTerminal, path::PathBuf, time::Duration};

use anyhow::Result;
use chain_client::{parse_account, AccountId, Signer, Subxt};
use clap::Args;
use payload_store::{GatewayClient, Kind};
use serde::Serialize;

use crate::{failure::Failure, key};

/// How long an upload may take; the largest contributed file has 10 MB.
const UPLOAD: Duration = Duration::from_secs(60);
/// How long an upload of a model's file may take.
const ARTIFACT_UPLOAD: Duration = Duration::from_secs(3_600);

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
	/// WebSocket of a node
	#[arg(
		long,
		global = true,
		value_name = "URL",
		default_value = "ws://127.0.0.1:9944",
		env = "OPENLEDGER_NODE",
		hide_env_values = true
	)]
	pub node: String,
	/// A gateway, which files are uploaded to and fetched from
	#[arg(
		long,
		global = true,
		value_name = "URL",
		default_value = "http://127.0.0.1:8080",
		env = "OPENLEDGER_GATEWAY",
		hide_env_values = true
	)]
	pub gateway: String,
	/// Print one line of JSON on stdout
	#[arg(long, global = true)]
	pub json: bool,
	/// Sign as a development account, such as //Alice
	#[arg(long, global = true, value_name = "//NAME", conflicts_with = "key_file")]
	pub suri: Option<String>,
	/// Sign with the key in this file (mode 0600): a phrase, 0x and a seed, or a secret URI
	#[arg(long, global = true, value_name = "FILE")]
	pub key_file: Option<PathBuf>,
}

/// What a command works with.
pub struct Context {
	global: Global,
}

impl Context {
	pub fn new(global: Global) -> Self {
		Self { global }
	}

	/// Connects to the node.
	pub async fn chain(&self) -> Result<Subxt> {
		Ok(Subxt::connect(&self.global.node).await?)
	}

	/// The key that signs.
	pub fn signer(&self) -> Result<Signer> {
		key::find(self.global.suri.as_deref(), self.global.key_file.as_deref())
	}

	/// The account that a question is about: the one named, or the key's own.
	pub fn account(&self, named: Option<&str>) -> Result<AccountId> {
		match named {
			Some(text) => read_account(text),
			None => Ok(self.signer()?.account().clone()),
		}
	}

	/// The gateway's contributed files.
	pub fn payloads(&self) -> Result<GatewayClient> {
		Ok(GatewayClient::new(&self.global.gateway, Kind::Payload, UPLOAD)?)
	}

	/// The gateway's files of models.
	pub fn artifacts(&self) -> Result<GatewayClient> {
		Ok(GatewayClient::new(
			&self.global.gateway,
			Kind::Artifact,
			ARTIFACT_UPLOAD,
		)?)
	}

	pub fn json(&self) -> bool {
		self.global.json
	}

	/// Whether somebody watches: then progress bars are drawn on stderr.
	pub fn interactive(&self) -> bool {
		!self.global.json && std::io::stderr().is_terminal()
	}

	/// Prints a result: `value` as JSON, or what `text` makes of it for people.
	pub fn print<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
		if self.global.json {
			println!("{}", serde_json::to_string(value)?);
		} else {
			println!("{}", text(value));
		}
		Ok(())
	}

	/// Says something on the way, for people only.
	pub fn note(&self, text: impl AsRef<str>) {
		if !self.global.json {
			eprintln!("{}", text.as_ref());
		}
	}
}

/// Reads an account: an address, 32 bytes in hexadecimal, or a development account's name.
pub fn read_account(text: &str) -> Result<AccountId> {
	if text.starts_with("//") {
		return Ok(Signer::from_suri(text)?.account().clone());
	}
	parse_account(text).ok_or_else(|| {
		Failure::usage(format!("{text} is not an account"))
			.hint("an account is an address such as 5Grw…, 0x and 64 hexadecimal digits, or //Alice for a development account")
			.into()
	})
}
