//! What the pallets ask of one another. A pallet knows another only through these.

use sp_runtime::{DispatchError, DispatchResult};

use crate::{
	format::Modality, training::DatasetRef, vote::Verdict, ActiveBlock, Balance, DatanetId, EpochIndex, FeeId, ItemId,
	SessionIndex,
};

/// The clock that windows count by.
pub trait ActiveBlocks {
	fn now() -> ActiveBlock;
}

/// Randomness that nobody knew when its block was named. Implemented by validation, asked by models.
pub trait Seeds {
	/// For how many active blocks a seed is kept.
	const KEPT: ActiveBlock;
	/// The randomness accumulated up to and with block `at`; `None` where that block is not over, or longer ago than is kept.
	fn seed(at: ActiveBlock) -> Option<[u8; 32]>;
}

/// The current session.
pub trait Sessions {
	fn current() -> SessionIndex;
}

/// Judges items. Implemented by validation, asked by datanets.
pub trait Court<AccountId> {
	/// Opens a case for a new item of `bytes`. `fee` has been moved to [`Court::fee_account`].
	fn open(
		item: ItemId,
		datanet: DatanetId,
		modality: Modality,
		contributor: &AccountId,
		bytes: u32,
		fee: Balance,
	) -> DispatchResult;
	/// Drops the case of a withdrawn item, possible only before its first seed is known. Returns the unspent fee, which
	/// the caller moves back from [`Court::fee_account`].
	fn withdraw(item: ItemId) -> Result<Balance, DispatchError>;
	/// Where review fees wait for the panel.
	fn fee_account() -> AccountId;
	/// Whether anything about the item can still change or be settled: while so, its record is needed.
	fn has_case(item: ItemId) -> bool;
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
	/// What was submitted as the item. `None` where no such item is in review.
	fn submission(item: ItemId) -> Option<Submission>;
	/// The item was planted by its Datanet's owner: it earns nothing, counts for nobody and enters no version.
	fn conclude_planted(item: ItemId) -> DispatchResult;
}

/// What the court must know of an item to compare it with a plant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Submission {
	/// Of the content.
	pub sha256: [u8; 32],
	pub submitted_at: ActiveBlock,
}

/// Whose a Datanet is. Implemented by datanets, asked by validation and rewards.
pub trait DatanetOwners<AccountId> {
	/// `None` where there is no such Datanet.
	fn owner(datanet: DatanetId) -> Option<AccountId>;
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
	/// Contributors to a Datanet that has sponsors.
	Datanet(DatanetId),
}

impl Pool {
	/// The pools that an epoch's budget pays.
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
	/// An accepted item earned `points`: for its contributor, in the modality's pool and in the Datanet's own if that has
	/// sponsors, and again for the Datanet's owner.
	fn award_item(item: AcceptedItem<AccountId>, points: u128, final_at: ActiveBlock) -> EpochIndex;
	/// The account that rewards are paid from; slashes and dust go there.
	fn pot() -> AccountId;
}

/// Whom an accepted item's points are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AcceptedItem<'a, AccountId> {
	pub datanet: DatanetId,
	pub modality: Modality,
	pub contributor: &'a AccountId,
	/// Of the Datanet.
	pub owner: &'a AccountId,
}

/// What a fine-tune asks of a Datanet. Implemented by datanets, asked by models.
pub trait Datasets<AccountId> {
	/// Modality and root of a dataset that is open to training by `who`. Fails where Datanet, version or exclusions are not
	/// there, the Datanet is closed, or it is restricted and `who` has no access.
	fn dataset(dataset: DatasetRef, who: &AccountId) -> Result<Dataset, DispatchError>;
	/// The newest version of a Datanet and all its exclusions. `None` where there is no such Datanet.
	fn newest(datanet: DatanetId) -> Option<DatasetRef>;
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
