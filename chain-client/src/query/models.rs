use codec::{Decode, Encode};
use openledger_primitives::{
	bid::Bid,
	dispute::Dispute,
	model::{BaseModel, Evaluation, Job, Model, Worker},
	params::ModelParams,
	BaseModelId, JobId, ModelId,
};
use serde::Serialize;

use super::{decode, Query};
use crate::{keys, AccountId, Chain, ChainError, ChainExt, Result};

const PALLET: &str = "Models";

/// What an unfinished job was ordered under.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize)]
pub struct Terms {
	pub params: ModelParams,
	/// Roots of the dataset versions, in the order of the order.
	pub roots: Vec<[u8; 32]>,
}

impl<C: Chain + ?Sized> Query<'_, C> {
	pub async fn model_params(&self) -> Result<ModelParams> {
		self.value(keys::entry(PALLET, "Params"), "Models.Params")
			.await?
			.ok_or_else(|| ChainError::Missing("storage Models.Params".into()))
	}

	pub async fn base_model(&self, id: BaseModelId) -> Result<Option<BaseModel<AccountId>>> {
		self.value(keys::map(PALLET, "BaseModels", id), "Models.BaseModels")
			.await
	}

	pub async fn base_models(&self) -> Result<Vec<(BaseModelId, BaseModel<AccountId>)>> {
		self.entries(PALLET, "BaseModels").await
	}

	pub async fn worker(&self, who: &AccountId) -> Result<Option<Worker>> {
		self.value(keys::map(PALLET, "Workers", who), "Models.Workers").await
	}

	pub async fn workers(&self) -> Result<Vec<(AccountId, Worker)>> {
		self.entries(PALLET, "Workers").await
	}

	pub async fn job(&self, id: JobId) -> Result<Option<Job<AccountId>>> {
		self.value(keys::map(PALLET, "Jobs", id), "Models.Jobs").await
	}

	/// All jobs there were.
	pub async fn jobs(&self) -> Result<Vec<(JobId, Job<AccountId>)>> {
		self.entries(PALLET, "Jobs").await
	}

	/// The next job's id.
	pub async fn job_count(&self) -> Result<JobId> {
		Ok(self
			.value(keys::entry(PALLET, "NextJob"), "Models.NextJob")
			.await?
			.unwrap_or_default())
	}

	/// What an unfinished job was ordered under.
	pub async fn job_terms(&self, id: JobId) -> Result<Option<Terms>> {
		self.value(keys::map(PALLET, "JobTerms", id), "Models.JobTerms").await
	}

	/// Who bids on an open job.
	pub async fn bids(&self, id: JobId) -> Result<Vec<Bid<AccountId>>> {
		Ok(self
			.value(keys::map(PALLET, "Bids", id), "Models.Bids")
			.await?
			.unwrap_or_default())
	}

	/// The dispute about a job's result.
	pub async fn dispute(&self, id: JobId) -> Result<Option<Dispute<AccountId>>> {
		self.value(keys::map(PALLET, "Disputes", id), "Models.Disputes").await
	}

	/// All disputes that are open.
	pub async fn disputes(&self) -> Result<Vec<(JobId, Dispute<AccountId>)>> {
		self.entries(PALLET, "Disputes").await
	}

	/// All evaluations of a model, by their authors.
	pub async fn evaluations(&self, model: ModelId) -> Result<Vec<(AccountId, Evaluation)>> {
		self.entries_under(keys::map(PALLET, "Evaluations", model), "Models.Evaluations")
			.await
	}

	/// All evaluations of all models.
	pub async fn all_evaluations(&self) -> Result<Vec<Evaluation>> {
		let entries = self
			.chain
			.entries(&keys::entry(PALLET, "Evaluations"), self.at)
			.await?
			.into_iter();
		entries.map(|(_, value)| decode(&value, "Models.Evaluations")).collect()
	}

	pub async fn model(&self, id: ModelId) -> Result<Option<Model<AccountId>>> {
		self.value(keys::map(PALLET, "Models", id), "Models.Models").await
	}

	pub async fn models(&self) -> Result<Vec<(ModelId, Model<AccountId>)>> {
		self.entries(PALLET, "Models").await
	}

	/// The registered model with this adapter, by its sha2-256.
	pub async fn model_by_adapter(&self, sha256: &[u8; 32]) -> Result<Option<ModelId>> {
		self.value(keys::map(PALLET, "ModelByAdapter", sha256), "Models.ModelByAdapter")
			.await
	}
}
