use std::ops::RangeInclusive;

use openledger_primitives::{
	hold::{Access, Hold},
	item::{Content, Datanet, Exclusion, Item, Neighbours, VersionEntry},
	params::DatanetParams,
	quota::DayUse,
	rank::Standing,
	DatanetId, ItemId,
};

use super::Query;
use crate::{keys, AccountId, Chain, ChainError, Result};

const PALLET: &str = "Datanets";

/// The key of what a version of a Datanet added.
pub fn version_key(datanet: DatanetId, version: u32) -> Vec<u8> {
	keys::with_twox(keys::numbered(PALLET, "Versions", datanet), version)
}

/// The key of a Datanet's exclusion number `number`.
pub fn exclusion_key(datanet: DatanetId, number: u32) -> Vec<u8> {
	keys::with_twox(keys::numbered(PALLET, "Exclusions", datanet), number)
}

impl<C: Chain + ?Sized> Query<'_, C> {
	pub async fn datanet_params(&self) -> Result<DatanetParams> {
		self.value(keys::entry(PALLET, "Params"), "Datanets.Params")
			.await?
			.ok_or_else(|| ChainError::Missing("storage Datanets.Params".into()))
	}

	pub async fn datanet(&self, id: DatanetId) -> Result<Option<Datanet<AccountId>>> {
		self.value(keys::numbered(PALLET, "Datanets", id), "Datanets.Datanets")
			.await
	}

	pub async fn datanets(&self) -> Result<Vec<(DatanetId, Datanet<AccountId>)>> {
		self.numbered_entries(keys::entry(PALLET, "Datanets"), "Datanets.Datanets")
			.await
	}

	/// How many items there were: ids are below it.
	pub async fn item_count(&self) -> Result<ItemId> {
		Ok(self
			.value(keys::entry(PALLET, "NextItem"), "Datanets.NextItem")
			.await?
			.unwrap_or_default())
	}

	pub async fn item(&self, id: ItemId) -> Result<Option<Item<AccountId>>> {
		self.value(keys::numbered(PALLET, "Items", id), "Datanets.Items").await
	}

	/// Items by id, in the ids' order.
	pub async fn items(&self, ids: &[ItemId]) -> Result<Vec<Option<Item<AccountId>>>> {
		let keys: Vec<_> = ids.iter().map(|id| keys::numbered(PALLET, "Items", id)).collect();
		self.values(&keys, "Datanets.Items").await
	}

	/// All items there are, in the order of their ids: for a tool or a rebuilt index, not for every block.
	pub async fn all_items(&self) -> Result<Vec<(ItemId, Item<AccountId>)>> {
		let ids: Vec<_> = (0..self.item_count().await?).collect();
		let items = self.items(&ids).await?;
		Ok(ids
			.into_iter()
			.zip(items)
			.filter_map(|(id, item)| Some((id, item?)))
			.collect())
	}

	/// The line of claims on a content, by the sha2-256 of its bytes.
	pub async fn content(&self, sha256: &[u8; 32]) -> Result<Content> {
		Ok(self
			.value(keys::map(PALLET, "Contents", sha256), "Datanets.Contents")
			.await?
			.unwrap_or_default())
	}

	pub async fn contents(&self, sha256: &[[u8; 32]]) -> Result<Vec<Content>> {
		let keys: Vec<_> = sha256
			.iter()
			.map(|digest| keys::map(PALLET, "Contents", digest))
			.collect();
		let contents = self.values(&keys, "Datanets.Contents").await?;
		Ok(contents.into_iter().map(Option::unwrap_or_default).collect())
	}

	/// A claim's neighbours in its line; `None` for an item that is not in review.
	pub async fn neighbours(&self, item: ItemId) -> Result<Option<Neighbours>> {
		self.value(keys::numbered(PALLET, "Neighbours", item), "Datanets.Neighbours")
			.await
	}

	/// What an account contributed on the last day it did: ask it for the day.
	pub async fn day_use(&self, who: &AccountId) -> Result<DayUse> {
		Ok(self
			.value(keys::map(PALLET, "DayUses", who), "Datanets.DayUses")
			.await?
			.unwrap_or_default())
	}

	/// What an account contributed to one Datanet on the last day it did.
	pub async fn datanet_day_use(&self, who: &AccountId, datanet: DatanetId) -> Result<DayUse> {
		let key = keys::with_twox(keys::map(PALLET, "DatanetDayUses", who), datanet);
		Ok(self.value(key, "Datanets.DatanetDayUses").await?.unwrap_or_default())
	}

	pub async fn contributor_hold(&self, who: &AccountId) -> Result<Option<Hold>> {
		self.value(keys::map(PALLET, "Holds", who), "Datanets.Holds").await
	}

	pub async fn standing(&self, datanet: DatanetId, who: &AccountId) -> Result<Standing> {
		let key = keys::with_blake2(keys::numbered(PALLET, "Standings", datanet), who);
		Ok(self.value(key, "Datanets.Standings").await?.unwrap_or_default())
	}

	pub async fn standings(&self, datanet: DatanetId) -> Result<Vec<(AccountId, Standing)>> {
		self.entries_under(keys::numbered(PALLET, "Standings", datanet), "Datanets.Standings")
			.await
	}

	/// What these versions of a Datanet added; versions begin at 1. An error where one is missing.
	pub async fn versions(&self, datanet: DatanetId, range: RangeInclusive<u32>) -> Result<Vec<VersionEntry>> {
		let keys: Vec<_> = range.map(|version| version_key(datanet, version)).collect();
		let versions = self.values(&keys, "Datanets.Versions").await?;
		let missing = || ChainError::decode("Datanets.Versions", format!("Datanet {datanet} has no such version"));
		versions
			.into_iter()
			.map(|version| version.ok_or_else(missing))
			.collect()
	}

	/// A Datanet's first `count` exclusions, in order. An error where one is missing.
	pub async fn exclusions(&self, datanet: DatanetId, count: u32) -> Result<Vec<Exclusion>> {
		let keys: Vec<_> = (1..=count).map(|number| exclusion_key(datanet, number)).collect();
		let exclusions = self.values(&keys, "Datanets.Exclusions").await?;
		let missing = || {
			ChainError::decode(
				"Datanets.Exclusions",
				format!("Datanet {datanet} has no {count} exclusions"),
			)
		};
		exclusions
			.into_iter()
			.map(|exclusion| exclusion.ok_or_else(missing))
			.collect()
	}

	/// Requests for access to a Datanet, and grants.
	pub async fn accesses(&self, datanet: DatanetId) -> Result<Vec<(AccountId, Access<AccountId>)>> {
		self.entries_under(keys::numbered(PALLET, "Accesses", datanet), "Datanets.Accesses")
			.await
	}

	/// To whom a Datanet is offered.
	pub async fn offer(&self, datanet: DatanetId) -> Result<Option<AccountId>> {
		self.value(keys::numbered(PALLET, "Offers", datanet), "Datanets.Offers")
			.await
	}
}
