use codec::Decode;
use openledger_primitives::{ActiveBlock, Balance, SessionIndex};
use serde::Serialize;

use super::Query;
use crate::{keys, AccountId, Chain, Result};

/// What an account has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Account {
	/// Extrinsics sent so far.
	pub nonce: u32,
	/// Plancks not on hold.
	pub free: Balance,
	/// Plancks on hold: stakes, bonds, deposits, escrow.
	pub held: Balance,
}

/// `System.Account`'s record.
#[derive(Decode)]
struct AccountInfo {
	nonce: u32,
	_references: (u32, u32, u32),
	free: Balance,
	reserved: Balance,
	_frozen: Balance,
	_flags: u128,
}

impl<C: Chain + ?Sized> Query<'_, C> {
	pub async fn account(&self, who: &AccountId) -> Result<Account> {
		let info: Option<AccountInfo> = self
			.value(keys::map("System", "Account", who), "System.Account")
			.await?;
		Ok(info.map_or_else(Account::default, |info| Account {
			nonce: info.nonce,
			free: info.free,
			held: info.reserved,
		}))
	}

	/// Plancks there are.
	pub async fn total_issuance(&self) -> Result<Balance> {
		let value = self
			.value(keys::entry("Balances", "TotalIssuance"), "Balances.TotalIssuance")
			.await?;
		Ok(value.unwrap_or_default())
	}

	/// Unix time of the block in milliseconds.
	pub async fn now(&self) -> Result<u64> {
		Ok(self
			.value(keys::entry("Timestamp", "Now"), "Timestamp.Now")
			.await?
			.unwrap_or_default())
	}

	/// The clock that all windows count by.
	pub async fn active_block(&self) -> Result<ActiveBlock> {
		let key = keys::entry("Authorities", "ActiveBlockCount");
		Ok(self
			.value(key, "Authorities.ActiveBlockCount")
			.await?
			.unwrap_or_default())
	}

	pub async fn session(&self) -> Result<SessionIndex> {
		Ok(self
			.value(keys::entry("Session", "CurrentIndex"), "Session.CurrentIndex")
			.await?
			.unwrap_or_default())
	}
}
