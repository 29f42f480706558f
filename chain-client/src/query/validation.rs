use openledger_primitives::{
	challenge::TrialBond,
	format::Modality,
	item::{Case, Round, Vote},
	params::{CourtParams, RING_BLOCKS},
	plant::PlantBatch,
	points::AcceptShare,
	schedule::Schedule,
	validator::Validator,
	ActiveBlock, Balance, BatchId, DatanetId, ItemId, RoundIndex,
};

use super::Query;
use crate::{keys, AccountId, Chain, ChainError, Result};

const PALLET: &str = "Validation";

/// The storage key of one vote.
fn vote_key(item: ItemId, round: RoundIndex, voter: &AccountId) -> Vec<u8> {
	keys::double_map(PALLET, "Votes", (item, round), voter)
}

impl<C: Chain + ?Sized> Query<'_, C> {
	/// Roots of known-answer items that are not closed.
	pub async fn plant_batches(&self) -> Result<Vec<(BatchId, PlantBatch<AccountId>)>> {
		self.entries(PALLET, "PlantBatches").await
	}

	pub async fn court_params(&self) -> Result<CourtParams> {
		self.value(keys::entry(PALLET, "Params"), "Validation.Params")
			.await?
			.ok_or_else(|| ChainError::Missing("storage Validation.Params".into()))
	}

	pub async fn validator(&self, who: &AccountId) -> Result<Option<Validator>> {
		self.value(keys::map(PALLET, "Validators", who), "Validation.Validators")
			.await
	}

	pub async fn validators(&self) -> Result<Vec<(AccountId, Validator)>> {
		self.entries(PALLET, "Validators").await
	}

	pub async fn total_stake(&self, modality: Modality) -> Result<Schedule<Balance>> {
		let value = self
			.value(keys::map(PALLET, "TotalStake", modality), "Validation.TotalStake")
			.await?;
		Ok(value.unwrap_or_default())
	}

	/// All cases whose votes are not all settled.
	pub async fn cases(&self) -> Result<Vec<(ItemId, Case<AccountId>)>> {
		self.entries(PALLET, "Cases").await
	}

	pub async fn case(&self, item: ItemId) -> Result<Option<Case<AccountId>>> {
		self.value(keys::map(PALLET, "Cases", item), "Validation.Cases").await
	}

	/// The bond on the item's open trial, where there is one.
	pub async fn trial_bond(&self, item: ItemId) -> Result<Option<TrialBond<AccountId>>> {
		self.value(keys::map(PALLET, "TrialBonds", item), "Validation.TrialBonds")
			.await
	}

	pub async fn rounds(&self, rounds: &[(ItemId, RoundIndex)]) -> Result<Vec<Option<Round>>> {
		let keys: Vec<_> = rounds.iter().map(|round| keys::map(PALLET, "Rounds", round)).collect();
		self.values(&keys, "Validation.Rounds").await
	}

	/// One voter's votes in these rounds.
	pub async fn votes(&self, voter: &AccountId, rounds: &[(ItemId, RoundIndex)]) -> Result<Vec<Option<Vote>>> {
		let keys: Vec<_> = rounds
			.iter()
			.map(|(item, round)| vote_key(*item, *round, voter))
			.collect();
		self.values(&keys, "Validation.Votes").await
	}

	/// All unsettled votes of a round.
	pub async fn round_votes(&self, item: ItemId, round: RoundIndex) -> Result<Vec<(AccountId, Vote)>> {
		self.entries_under(keys::map(PALLET, "Votes", (item, round)), "Validation.Votes")
			.await
	}

	/// The last active block whose randomness is known, and that randomness.
	pub async fn accumulator(&self) -> Result<(ActiveBlock, [u8; 32])> {
		Ok(self
			.value(keys::entry(PALLET, "Accumulator"), "Validation.Accumulator")
			.await?
			.unwrap_or_default())
	}

	/// The randomness of these active blocks, all of the last 14,400 before the accumulator's.
	pub async fn seeds(&self, blocks: &[ActiveBlock]) -> Result<Vec<Option<[u8; 32]>>> {
		let keys: Vec<_> = blocks
			.iter()
			.map(|block| keys::map(PALLET, "Ring", block % RING_BLOCKS))
			.collect();
		self.values(&keys, "Validation.Ring").await
	}

	pub async fn recent_outcomes(&self, datanet: DatanetId) -> Result<AcceptShare> {
		let key = keys::map(PALLET, "RecentOutcomes", datanet);
		Ok(self.value(key, "Validation.RecentOutcomes").await?.unwrap_or_default())
	}
}
