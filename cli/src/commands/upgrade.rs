//! The runtime's next version: announced by the council, sent by anybody once it has waited.

use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

use anyhow::{Context as _, Result};
use blake2::{digest::consts::U32, Blake2b, Digest};
use chain_client::{calls, Call, Chain, ChainError, ChainExt, Hash, Outcome, Query, Signer, Wait};
use clap::Subcommand;

use super::council::{administer, hex, Administrator, Part};
use crate::{context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// Show the upgrade that waits, and the one that anybody may send
	Show,
	/// Announce a runtime; the chain's delay begins
	Schedule {
		/// The code, as `…compact.compressed.wasm`
		wasm: PathBuf,
		#[command(flatten)]
		administrator: Administrator,
	},
	/// Stop the upgrade that waits; more than a third of the council is enough
	Veto {
		#[command(flatten)]
		administrator: Administrator,
	},
	/// Upgrade the chain to the announced runtime, once its delay is over
	Enact {
		/// The code
		wasm: PathBuf,
	},
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Show => {
			let chain = context.chain().await?;
			let query = Query::new(&chain);
			let (pending, authorized) = (query.pending_upgrade().await?, query.authorized_upgrade().await?);
			let shown = serde_json::json!({
				"pending": pending.map(|upgrade| {
					serde_json::json!({ "code_hash": hex(&upgrade.code_hash), "enact_at": upgrade.enact_at })
				}),
				"authorized": authorized.as_ref().map(hex),
			});
			context.print(&shown, |_| {
				let none = || "none".to_owned();
				let waits = |upgrade: chain_client::Upgrade| {
					format!("{} until block {}", hex(&upgrade.code_hash), upgrade.enact_at)
				};
				output::fields(&[
					("waits", pending.map_or_else(none, waits)),
					("may be sent", authorized.as_ref().map_or_else(none, hex)),
				])
			})?;
		}
		Command::Schedule { wasm, administrator } => {
			let hash = hash_of(&read(&wasm)?);
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let call = calls::schedule_upgrade(hash);
			let done = administer(&chain, &signer, call, administrator, Part::TwoThirds).await?;
			let shown = serde_json::json!({ "code_hash": hex(&hash), "done": done });
			context.print(&shown, |_| format!("code {}: {}", hex(&hash), done.describe()))?;
		}
		Command::Veto { administrator } => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let call = veto(&chain).await?;
			let done = administer(&chain, &signer, call, administrator, Part::MoreThanAThird).await?;
			context.print(&done, |done| done.describe())?;
		}
		Command::Enact { wasm } => {
			let code = read(&wasm)?;
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let outcome = enact(&chain, &signer, &code).await?;
			let hash = hex(&hash_of(&code));
			let done = serde_json::json!({ "code_hash": hash, "block": outcome.block });
			context.print(&done, |_| {
				format!("the chain runs {hash} from the block after {}", outcome.block)
			})?;
		}
	}
	Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>> {
	std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// What the chain knows code by.
fn hash_of(code: &[u8]) -> Hash {
	Blake2b::<U32>::digest(code).into()
}

/// The call that stops the upgrade that waits, if one does.
async fn veto<C: Chain + ?Sized>(chain: &C) -> Result<Call> {
	match Query::new(chain).pending_upgrade().await? {
		Some(_) => Ok(calls::veto_upgrade()),
		None => Err(Failure::new("no upgrade waits").into()),
	}
}

/// Authorizes the code, unless that is done already, and sends it.
async fn enact<C: Chain + ?Sized>(chain: &C, signer: &Signer, code: &[u8]) -> Result<Outcome> {
	let query = Query::new(chain);
	let hash = hash_of(code);
	let apply = calls::apply_upgrade(code);
	let call = if query.authorized_upgrade().await? == Some(hash) {
		apply
	} else {
		let pending = query.pending_upgrade().await?.ok_or_else(|| {
			Failure::new("no upgrade waits")
				.hint("two thirds of the council announce one: `openledger upgrade schedule`")
		})?;
		if pending.code_hash != hash {
			let (found, waits) = (hex(&hash), hex(&pending.code_hash));
			return Err(Failure::usage(format!("this is the code {found}; {waits} waits"))
				.hint("build it from the same commit with the same compiler, or get the file from who announced it")
				.into());
		}
		let now = chain.head().await?.number;
		// The call comes into a later block.
		if now.saturating_add(1) < pending.enact_at {
			return Err(Failure::new(format!(
				"the upgrade waits until block {}; this is block {now}",
				pending.enact_at
			))
			.hint("until then more than a third of the council can stop it: `openledger upgrade veto`")
			.into());
		}
		calls::batch_all(vec![calls::enact_upgrade(), apply])
	};
	let outcome = chain.submit(signer, call, Wait::InBlock).await?;
	// The call itself succeeds also where the chain does not take the code.
	let rejected = outcome.find("System", "RejectedInvalidAuthorizedUpgrade");
	if let Some(error) = rejected.and_then(|event| event.error.clone()) {
		return Err(ChainError::Dispatch {
			error,
			block: outcome.block,
		}
		.into());
	}
	Ok(outcome)
}

#[cfg(test)]
mod tests {
	use super::*;
	use chain_client::{keys, DispatchError, Event, Memory, Upgrade};

	const CODE: &[u8] = b"code";

	fn waiting(code: &[u8]) -> Memory {
		let chain = Memory::new();
		let upgrade = Upgrade {
			code_hash: hash_of(code),
			enact_at: 20,
		};
		chain.set(keys::entry("Authorities", "PendingUpgrade"), upgrade);
		chain
	}

	async fn sent(chain: &Memory) -> Result<Call> {
		enact(chain, &Signer::from_suri("//Dave").unwrap(), CODE).await?;
		Ok(chain.submitted().pop().unwrap().call)
	}

	#[tokio::test]
	async fn an_upgrade_should_be_enacted_and_applied_once_it_has_waited() {
		let chain = waiting(CODE);
		chain.set_head(18, 0);
		let error = sent(&chain).await.unwrap_err();
		assert!(error.to_string().contains("until block 20"), "{error}");
		chain.set_head(19, 0);
		let both = vec![calls::enact_upgrade(), calls::apply_upgrade(CODE)];
		assert_eq!(sent(&chain).await.unwrap(), calls::batch_all(both));
	}

	#[tokio::test]
	async fn an_authorized_upgrade_should_only_be_applied() {
		let chain = Memory::new();
		chain.set(keys::entry("System", "AuthorizedUpgrade"), (hash_of(CODE), true));
		assert_eq!(sent(&chain).await.unwrap(), calls::apply_upgrade(CODE));
	}

	#[tokio::test]
	async fn other_code_than_what_waits_should_not_be_sent() {
		let chain = waiting(b"other code");
		chain.set_head(30, 0);
		assert!(sent(&chain).await.unwrap_err().to_string().contains("waits"));
		assert!(sent(&Memory::new())
			.await
			.unwrap_err()
			.to_string()
			.contains("no upgrade"));
		assert!(chain.submitted().is_empty());
	}

	#[tokio::test]
	async fn code_that_the_chain_does_not_take_should_be_an_error() {
		let chain = waiting(CODE);
		chain.set_head(30, 0);
		let rejected = Event {
			pallet: "System".into(),
			name: "RejectedInvalidAuthorizedUpgrade".into(),
			fields: vec![],
			extrinsic: Some(1),
			error: Some(DispatchError {
				pallet: "System".into(),
				name: "SpecVersionNeedsToIncrease".into(),
				docs: String::new(),
			}),
		};
		chain.script(Ok(chain.outcome(vec![rejected])));
		assert!(sent(&chain).await.unwrap_err().to_string().contains("SpecVersion"));
	}

	#[tokio::test]
	async fn only_what_waits_should_be_vetoed() {
		assert_eq!(veto(&waiting(CODE)).await.unwrap(), calls::veto_upgrade());
		assert!(veto(&Memory::new()).await.is_err());
	}
}
