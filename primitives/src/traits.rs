//! What the pallets ask of one another. A pallet knows another only through these.

use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	format::Modality, vote::Verdict, ActiveBlock, Balance, DatanetId, EpochIndex, FeeId, ItemId, SessionIndex,
};

/// The clock that windows count by.
pub trait ActiveBlocks {
	fn now() -> ActiveBlock;
}

/// The current session.
pub trait Sessions {
	fn current() -> SessionIndex;
}

/// Judges items. Implemented by validation, asked by datanets.
pub trait Court<AccountId> {
	/// Opens a case for a new item. `fee` has been moved to [`Court::fee_account`].
	fn open(
		item: ItemId,
		datanet: DatanetId,
		modality: Modality,
		contributor: &AccountId,
		fee: Balance,
	) -> DispatchResult;
	/// Drops the case of a withdrawn item, possible only before its first seed is known. Returns the unspent fee, which
	/// the caller moves back from [`Court::fee_account`].
	fn withdraw(item: ItemId) -> Result<Balance, DispatchError>;
	/// Where review fees wait for the panel.
	fn fee_account() -> AccountId;
}

/// Takes verdicts. Implemented by datanets, asked by validation.
pub trait Docket {
	/// The verdict became final at block `final_at`; `None`: no round decided. Returns what the outcome is in the end, which
	/// for a second claim on accepted content is a rejection as a duplicate (votes are settled by the verdict nevertheless); fails with `EarlierClaimOpen` while an
	/// earlier claim on the same content is not decided.
	fn conclude(
		item: ItemId,
		verdict: Option<Verdict>,
		final_at: ActiveBlock,
	) -> Result<Option<Verdict>, DispatchError>;
}

/// Who shares a budget.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	codec::Encode,
	codec::Decode,
	codec::DecodeWithMemTracking,
	codec::MaxEncodedLen,
	scale_info::TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
	Contributors(Modality),
	Validators,
	/// Owners of Datanets.
	Owners,
}

impl Pool {
	pub const ALL: [Pool; 5] = [
		Pool::Contributors(Modality::Text),
		Pool::Contributors(Modality::Image),
		Pool::Contributors(Modality::Audio),
		Pool::Validators,
		Pool::Owners,
	];
}

/// Gives points and takes what nobody else gets. Implemented by rewards, asked by datanets and validation.
pub trait Rewards<AccountId> {
	/// `who` earned `points` in `pool`, in the epoch of block `final_at` (or the oldest that is still open).
	fn award(pool: Pool, who: &AccountId, points: u128, final_at: ActiveBlock) -> EpochIndex;
	/// The account that rewards are paid from; slashes and dust go there.
	fn pot() -> AccountId;
}

/// What a fine-tune asks of a Datanet. Implemented by datanets, asked by models.
pub trait Datasets {
	/// Modality of a Datanet that is open to training, the newest version, and the root of `version` if there is one.
	fn dataset(datanet: DatanetId, version: u32) -> Result<Dataset, DispatchError>;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dataset {
	pub modality: Modality,
	pub root: [u8; 32],
}

/// Points of a version's contributors. Implemented by datanets, asked by rewards.
pub trait VersionPoints<AccountId> {
	/// All points at `version`.
	fn total(datanet: DatanetId, version: u32) -> u128;
	/// Points of `who` at `version`, in O(log n).
	fn of(datanet: DatanetId, version: u32, who: &AccountId) -> u128;
}

/// Shares a fee of use among a version's contributors. Implemented by rewards, asked by models.
pub trait Fees<AccountId> {
	/// `amount` has been moved to the pot's account by the caller and is owed to the contributors of `datanet` at
	/// `version`. With no points at that version the pot keeps it, and there is no fee to claim from.
	fn collect(datanet: DatanetId, version: u32, amount: Balance) -> Option<FeeId>;
}
