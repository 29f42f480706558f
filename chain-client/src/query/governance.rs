use codec::{Decode, Encode};
use openledger_primitives::params::AuthorityParams;

use super::Query;
use crate::{keys, AccountId, Chain, ChainError, ChainExt, Hash, Result};

/// A runtime that waits to be authorized.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Upgrade {
	/// blake2-256 of its code.
	pub code_hash: Hash,
	/// The block from which anybody may enact it.
	pub enact_at: u32,
}

/// A call that the council votes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Motion {
	/// blake2-256 of the call.
	pub hash: Hash,
	/// SCALE.
	pub call: Vec<u8>,
	pub votes: Votes,
}

/// How far a motion is, as the pallet stores it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Votes {
	/// The motion's number.
	pub index: u32,
	/// Ayes that carry it.
	pub threshold: u32,
	pub ayes: Vec<AccountId>,
	pub nays: Vec<AccountId>,
	/// The block from which it can be closed, whoever has voted.
	pub end: u32,
}

impl Votes {
	/// Whether a council of `seats` can close it in block `now`.
	pub fn can_close(&self, seats: u32, now: u32) -> bool {
		let (ayes, nays) = (self.ayes.len() as u32, self.nays.len() as u32);
		ayes >= self.threshold || seats.saturating_sub(nays) < self.threshold || now >= self.end
	}
}

impl<C: Chain + ?Sized> Query<'_, C> {
	pub async fn authority_params(&self) -> Result<AuthorityParams> {
		self.value(keys::entry("Authorities", "Params"), "Authorities.Params")
			.await?
			.ok_or_else(|| ChainError::Missing("storage Authorities.Params".into()))
	}

	/// The upgrade that waits.
	pub async fn pending_upgrade(&self) -> Result<Option<Upgrade>> {
		let key = keys::entry("Authorities", "PendingUpgrade");
		self.value(key, "Authorities.PendingUpgrade").await
	}

	/// blake2-256 of the code that anybody may send.
	pub async fn authorized_upgrade(&self) -> Result<Option<Hash>> {
		/// The code's hash, and whether its version is checked.
		type Authorization = (Hash, bool);
		let key = keys::entry("System", "AuthorizedUpgrade");
		let authorized: Option<Authorization> = self.value(key, "System.AuthorizedUpgrade").await?;
		Ok(authorized.map(|(hash, _)| hash))
	}

	/// The members of the council.
	pub async fn council(&self) -> Result<Vec<AccountId>> {
		let members = self.value(keys::entry("Council", "Members"), "Council.Members").await?;
		Ok(members.unwrap_or_default())
	}

	/// The open motions.
	pub async fn motions(&self) -> Result<Vec<Motion>> {
		let hashes: Option<Vec<Hash>> = self
			.value(keys::entry("Council", "Proposals"), "Council.Proposals")
			.await?;
		// Hashes are keys as they are.
		let under = |name: &str, hash: &Hash| [&keys::entry("Council", name)[..], hash].concat();
		let mut motions = Vec::new();
		for hash in hashes.unwrap_or_default() {
			let votes = self.value(under("Voting", &hash), "Council.Voting").await?;
			let call = self.chain.get(under("ProposalOf", &hash), self.at).await?;
			if let (Some(votes), Some(call)) = (votes, call) {
				motions.push(Motion { hash, call, votes });
			}
		}
		Ok(motions)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_motion_should_be_closed_once_its_end_is_certain() {
		let votes = |ayes: u8, nays: u8| Votes {
			index: 0,
			threshold: 2,
			ayes: (0..ayes).map(|n| AccountId::new([n; 32])).collect(),
			nays: (0..nays).map(|n| AccountId::new([100 + n; 32])).collect(),
			end: 10,
		};
		assert!(!votes(1, 1).can_close(3, 9));
		assert!(votes(2, 0).can_close(3, 9), "carried");
		assert!(votes(0, 2).can_close(3, 9), "two of three cannot agree any more");
		assert!(votes(0, 0).can_close(3, 10), "late");
	}
}
