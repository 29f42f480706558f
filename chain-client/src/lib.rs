//! Typed access to the chain.
//!
//! [`Chain`] is what a service needs of a node: storage, blocks, extrinsics. [`Subxt`] is a node behind a WebSocket,
//! [`Memory`] a fake for tests. On top of the trait, [`Call`] builds every call that the project's clients make, and
//! [`Query`] reads every storage entry they need, in the types of `openledger_primitives`.
//!
//! ```no_run
//! use chain_client::{calls, Chain, ChainExt, Query, Signer, Subxt, Wait};
//! # async fn example() -> chain_client::Result<()> {
//! let chain = Subxt::connect("ws://127.0.0.1:9944").await?;
//! let datanets = Query::new(&chain).datanets().await?;
//! let signer = Signer::from_suri("//Alice")?;
//! let outcome = chain.submit(&signer, calls::withdraw(7), Wait::InBlock).await?;
//! println!("{} Datanets; withdrawn in block {}", datanets.len(), outcome.block);
//! # Ok(())
//! # }
//! ```

mod call;
pub mod calls;
mod chain;
mod error;
pub mod keys;
mod memory;
mod query;
mod signer;
mod subxt;

pub use call::{Args, Call};
pub use chain::{At, Chain, ChainExt, Event, Hash, Head, Outcome, Sent, Wait};
pub use error::{ChainError, DispatchError, Result};
pub use memory::{Memory, Submitted};
pub use query::{
	exclusion_key, version_key, Account, Earning, FeeShare, Motion, Query, Terms, Upgrade, Votes, ENTRIES,
};
pub use signer::{Signer, SignerError};
pub use sp_core::crypto::{AccountId32 as AccountId, Ss58Codec};

pub use self::subxt::Subxt;

/// The account printed with the prefix of this chain, 42.
pub fn address(account: &AccountId) -> String {
	account.to_ss58check()
}

/// Reads a printed account of any prefix, or 32 bytes in hexadecimal after `0x`.
pub fn parse_account(text: &str) -> Option<AccountId> {
	if let Some(digits) = text.strip_prefix("0x") {
		let bytes = hex::decode(digits).ok()?;
		return <[u8; 32]>::try_from(bytes).ok().map(AccountId::new);
	}
	AccountId::from_ss58check(text).ok()
}
