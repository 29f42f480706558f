//! Errors on their way to the user: an exit code, the cause, and what to do next.

use std::{fmt, process::ExitCode};

use chain_client::{ChainError, SignerError};
use payload_store::StoreError;
use serde_json::json;

/// Printed under the help of the program.
pub const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed or only partly done, 2 wrong usage, 3 the chain refused, \
	4 node or gateway not reachable.\nA key comes from --key-file, --suri (development accounts), OPENLEDGER_KEY, or a \
	prompt.\nWith --json the result is one line of JSON on stdout; amounts are strings in OPEN.";

/// What went wrong, as scripts tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
	Failed,
	Usage,
	Refused,
	Unreachable,
}

impl Kind {
	pub fn code(self) -> ExitCode {
		ExitCode::from(match self {
			Self::Failed => 1,
			Self::Usage => 2,
			Self::Refused => 3,
			Self::Unreachable => 4,
		})
	}

	fn name(self) -> &'static str {
		match self {
			Self::Failed => "failed",
			Self::Usage => "usage",
			Self::Refused => "refused",
			Self::Unreachable => "unreachable",
		}
	}
}

/// An error of the command line's own, with what to do about it.
#[derive(Debug)]
pub struct Failure {
	pub kind: Kind,
	pub message: String,
	pub hint: Option<String>,
}

impl Failure {
	pub fn new(message: impl Into<String>) -> Self {
		Self {
			kind: Kind::Failed,
			message: message.into(),
			hint: None,
		}
	}

	/// The command was given something that it cannot work with.
	pub fn usage(message: impl Into<String>) -> Self {
		Self {
			kind: Kind::Usage,
			..Self::new(message)
		}
	}

	pub fn hint(mut self, hint: impl Into<String>) -> Self {
		self.hint = Some(hint.into());
		self
	}
}

impl fmt::Display for Failure {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(&self.message)
	}
}

impl std::error::Error for Failure {}

/// Kind and hint of whichever error in the chain of causes knows them.
pub fn classify(error: &anyhow::Error) -> (Kind, Option<String>) {
	for cause in error.chain() {
		if let Some(failure) = cause.downcast_ref::<Failure>() {
			return (failure.kind, failure.hint.clone());
		}
		if let Some(chain) = cause.downcast_ref::<ChainError>() {
			let kind = match chain {
				ChainError::Unreachable { .. } => Kind::Unreachable,
				ChainError::Dispatch { .. } | ChainError::Pool(_) => Kind::Refused,
				ChainError::Signer(_) => Kind::Usage,
				_ => Kind::Failed,
			};
			return (kind, chain.hint());
		}
		if let Some(signer) = cause.downcast_ref::<SignerError>() {
			return (Kind::Usage, signer.hint());
		}
		if let Some(store) = cause.downcast_ref::<StoreError>() {
			return match store {
				StoreError::Unreachable { .. } => (
					Kind::Unreachable,
					Some("is the gateway running? Name another with --gateway".into()),
				),
				StoreError::InvalidUrl { .. } => (Kind::Usage, None),
				_ => (Kind::Failed, None),
			};
		}
	}
	(Kind::Failed, None)
}

/// Prints the error once, with its causes and its hint, and gives the exit code.
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
	let (kind, hint) = classify(error);
	if json {
		let refusal = error
			.chain()
			.find_map(|cause| cause.downcast_ref::<ChainError>()?.dispatch());
		let report = json!({
			"error": {
				"kind": kind.name(),
				"message": format!("{error:#}"),
				"hint": hint,
				"pallet": refusal.map(|refusal| &refusal.pallet),
				"name": refusal.map(|refusal| &refusal.name),
			}
		});
		println!("{report}");
	} else {
		eprintln!("error: {error:#}");
		if let Some(hint) = hint {
			eprintln!("hint: {hint}");
		}
	}
	kind.code()
}

/// Prints what clap says of the arguments of this process: the help or version that was asked for, or an error, which
/// with `--json` is the error object on stdout too.
pub fn report_arguments(error: &clap::Error) -> ExitCode {
	// A closed stdout or stderr leaves nobody to tell.
	let _ = error.print();
	if !error.use_stderr() {
		return ExitCode::SUCCESS;
	}
	// The arguments could not be read as a whole, so `--json` is looked for by itself.
	let json = std::env::args_os()
		.take_while(|argument| argument != "--")
		.any(|argument| argument == "--json");
	if json {
		return report(&from_arguments(error).into(), true);
	}
	Kind::Usage.code()
}

/// The first paragraph of clap's error, on one line.
fn from_arguments(error: &clap::Error) -> Failure {
	let text = error.render().to_string();
	let paragraph = text.split("\n\n").next().unwrap_or_default();
	let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
	Failure::usage(line.trim_start_matches("error: ")).hint("--help lists commands and options")
}

#[cfg(test)]
mod tests {
	use super::*;
	use anyhow::Context;
	use chain_client::DispatchError;

	#[test]
	fn the_cause_should_decide_the_exit_code_under_any_context() {
		let unreachable = ChainError::Unreachable {
			url: "ws://x".into(),
			reason: "refused".into(),
		};
		let error = Err::<(), _>(unreachable).context("asking").unwrap_err();
		let (kind, hint) = classify(&error);
		assert_eq!(kind, Kind::Unreachable);
		assert!(hint.unwrap().contains("--node"));
		let error = DispatchError {
			pallet: "Datanets".into(),
			name: "EmptyFile".into(),
			docs: String::new(),
		};
		assert_eq!(
			classify(&ChainError::Dispatch { error, block: 1 }.into()).0,
			Kind::Refused
		);
		assert_eq!(classify(&Failure::usage("no").into()).0, Kind::Usage);
		let error = Err::<(), _>(SignerError::Invalid("short".into()))
			.context("the key file x")
			.unwrap_err();
		assert_eq!(classify(&error).0, Kind::Usage);
		assert_eq!(classify(&anyhow::anyhow!("else")).0, Kind::Failed);
	}
}
