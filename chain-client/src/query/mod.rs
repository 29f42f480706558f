//! The chain's storage in the types of `openledger_primitives`.

mod datanets;
mod governance;
mod models;
mod rewards;
mod system;
mod validation;

use codec::{Decode, DecodeAll};

pub use datanets::{exclusion_key, version_key};
pub use governance::{Motion, Upgrade, Votes};
pub use models::Terms;
pub use rewards::{Earning, FeeShare};
pub use system::Account;

use crate::{keys, At, Chain, ChainError, ChainExt, Hash, Result};

/// Names of all storage entries that [`Query`] reads, to be compared with a node's metadata.
pub const ENTRIES: &[(&str, &str)] = &[
	("System", "Account"),
	("System", "Events"),
	("Timestamp", "Now"),
	("Balances", "TotalIssuance"),
	("Session", "CurrentIndex"),
	("Authorities", "ActiveBlockCount"),
	("Authorities", "Params"),
	("Authorities", "PendingUpgrade"),
	("System", "AuthorizedUpgrade"),
	("Council", "Members"),
	("Council", "Proposals"),
	("Council", "ProposalOf"),
	("Council", "Voting"),
	("Datanets", "Params"),
	("Datanets", "NextDatanet"),
	("Datanets", "Datanets"),
	("Datanets", "NextItem"),
	("Datanets", "Items"),
	("Datanets", "Neighbours"),
	("Datanets", "Contents"),
	("Datanets", "DayUses"),
	("Datanets", "DatanetDayUses"),
	("Datanets", "Holds"),
	("Datanets", "Standings"),
	("Datanets", "Versions"),
	("Validation", "Params"),
	("Validation", "Validators"),
	("Validation", "TotalStake"),
	("Validation", "Accumulator"),
	("Validation", "Ring"),
	("Validation", "Cases"),
	("Validation", "Rounds"),
	("Validation", "Votes"),
	("Validation", "RecentOutcomes"),
	("Validation", "PlantBatches"),
	("Datanets", "Checkpoints"),
	("Datanets", "Accesses"),
	("Datanets", "Exclusions"),
	("Datanets", "Offers"),
	("Rewards", "Params"),
	("Rewards", "CurrentEpoch"),
	("Rewards", "Epochs"),
	("Rewards", "Pools"),
	("Rewards", "Shares"),
	("Rewards", "Owed"),
	("Rewards", "Fees"),
	("Rewards", "FeeClaims"),
	("Rewards", "Sponsorships"),
	("Models", "Params"),
	("Models", "NextBaseModel"),
	("Models", "BaseModels"),
	("Models", "Workers"),
	("Models", "NextJob"),
	("Models", "Jobs"),
	("Models", "JobTerms"),
	("Models", "Bids"),
	("Models", "Disputes"),
	("Models", "Evaluations"),
	("Models", "NextModel"),
	("Models", "Models"),
	("Models", "ModelByAdapter"),
];

/// Questions to a chain, all at the best block, or all at one block.
#[derive(Clone, Copy)]
pub struct Query<'a, C: Chain + ?Sized> {
	chain: &'a C,
	at: At,
}

impl<'a, C: Chain + ?Sized> Query<'a, C> {
	/// Asks at whatever block is the best at the moment of each question.
	pub fn new(chain: &'a C) -> Self {
		Self { chain, at: None }
	}

	/// Asks at one block, so that the answers fit together.
	pub fn at(chain: &'a C, block: Hash) -> Self {
		Self { chain, at: Some(block) }
	}

	/// The value under `key`; `what` names it in errors.
	pub async fn value<T: Decode>(&self, key: Vec<u8>, what: &str) -> Result<Option<T>> {
		decode_value(self.chain.get(key, self.at).await?, what)
	}

	/// Many values of one type, in the keys' order.
	pub async fn values<T: Decode>(&self, keys: &[Vec<u8>], what: &str) -> Result<Vec<Option<T>>> {
		let values = self.chain.get_many(keys, self.at).await?;
		values.into_iter().map(|value| decode_value(value, what)).collect()
	}

	/// All keys and values of a map whose keys are hashed by blake2-128 and kept, in the order of the keys.
	async fn entries<K: Decode + Ord, V: Decode>(&self, pallet: &str, name: &str) -> Result<Vec<(K, V)>> {
		self.entries_under(keys::entry(pallet, name), &format!("{pallet}.{name}"))
			.await
	}

	/// As [`Self::entries`], of what begins with `prefix`.
	async fn entries_under<K: Decode + Ord, V: Decode>(&self, prefix: Vec<u8>, what: &str) -> Result<Vec<(K, V)>> {
		self.entries_by(keys::blake2_suffix, prefix, what).await
	}

	/// All entries of a map whose keys are numbers that the chain gives, in their order.
	async fn numbered_entries<K: Decode + Ord, V: Decode>(&self, prefix: Vec<u8>, what: &str) -> Result<Vec<(K, V)>> {
		self.entries_by(keys::twox_suffix, prefix, what).await
	}

	/// All entries under `prefix`, whose keys `suffix` finds behind their hashes.
	async fn entries_by<K: Decode + Ord, V: Decode>(
		&self,
		suffix: impl for<'k> Fn(&'k [u8], &[u8]) -> Option<&'k [u8]>,
		prefix: Vec<u8>,
		what: &str,
	) -> Result<Vec<(K, V)>> {
		let mut entries = Vec::new();
		for (key, value) in self.chain.entries(&prefix, self.at).await? {
			let key = suffix(&key, &prefix).and_then(|mut key| K::decode(&mut key).ok());
			let key = key.ok_or_else(|| ChainError::decode(what, "its key has another shape"))?;
			entries.push((key, decode(&value, what)?));
		}
		entries.sort_by(|(a, _), (b, _)| a.cmp(b));
		Ok(entries)
	}
}

fn decode_value<T: Decode>(value: Option<Vec<u8>>, what: &str) -> Result<Option<T>> {
	value.map(|bytes| decode(&bytes, what)).transpose()
}

fn decode<T: Decode>(mut bytes: &[u8], what: &str) -> Result<T> {
	T::decode_all(&mut bytes).map_err(|error| ChainError::decode(what, error))
}
