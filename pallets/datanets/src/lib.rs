//! # Datanets
//!
//! Collections of contributed files, the line of claims on each content, and the versions that acceptances make.
//!
//! ## Terminology
//!
//! - **Datanet**: a collection of accepted items of one modality, with an owner and a policy: which files it takes, and under
//!   which licence it gives.
//! - **Item**: one contribution: a payload (hashes, size, format; the bytes are elsewhere) and what became of it.
//! - **Content**: the bytes themselves, known by their sha2-256. Content earns once on the whole chain.
//! - **Claim**: an item in review is a claim on its content. Claims on one content form a line in the order of their
//!   submission; they are judged in parallel, and one can be accepted only when those before it have failed.
//! - **Version**: a Datanet's version n is its first n accepted items, for ever. A running digest, its root, names it.
//! - **Exclusion**: an accepted item that was taken down. A Datanet's exclusions are numbered from 1, and its first k are a
//!   set that never changes; a dataset is named by Datanet, version and k. An excluded item keeps what it earned, its place
//!   in the version and its content: only training leaves it out. A model trained on it before is *marked*.
//! - **Grant**: leave to train on a restricted Datanet until a block. It is a gate for the licence: payloads are not secret,
//!   and a grant reveals nothing.
//! - **Standing**: an account's acceptances and rejections in a Datanet, from which its rank is computed.
//!
//! ## States
//!
//! An item: `InReview → Withdrawn | Accepted | Rejected | Expired | Planted`, all five final. How far a review is, the court
//! knows ([`openledger_primitives::traits::Court`]); it reports the final verdict through
//! [`Docket`](openledger_primitives::traits::Docket), which this pallet implements. What is not accepted can be pruned once the
//! court is done with it; its attempt at the content and its place in the standing stay.
//!
//! A planted item, a test of the panel, counts in no standing and earns nothing. Its attempt at the content stays counted,
//! or an owner could plant what a panel is about to reject and send it again at the first price.
//!
//! A Datanet: `open → closed`. A closed one takes no items and no training; what is in review is still decided, and what it
//! has stays. Its deposit is kept while it has versions, since they are kept for good. One that has none and nothing in
//! review is removed when it is closed, or by closing it again, and the deposit goes back.
//!
//! A request for access: `asked → granted until a block`, and again; it ends by `revoke`, which gives its deposit back.
//!
//! ## Calls
//!
//! | index | call | by |
//! |---|---|---|
//! | 0 | `create_datanet` | anyone, for a deposit |
//! | 1 | `submit` | anyone, within the day's quota, for a hold and a fee |
//! | 2 | `withdraw` | the contributor, before the item's first seed |
//! | 3 | `release_hold` | the contributor, [`DatanetParams::hold_days`] after the last submission |
//! | 4 | `set_metadata` | the owner |
//! | 5 | `set_policy` | the owner, for what is submitted later |
//! | 6 | `request_access` | anyone, for a deposit |
//! | 7 | `grant` | the owner; unasked, for a deposit |
//! | 8 | `revoke` | the owner or the account itself; anyone, when the grant has expired |
//! | 9 | `exclude` | the owner or [`Config::AdminOrigin`] |
//! | 10 | `transfer` | the owner: an offer |
//! | 11 | `close` | the owner |
//! | 12 | `prune` | anyone, when nothing can change any more |
//! | 13 | `accept_transfer` | who was offered a Datanet |
//! | 19 | `set_params` | [`Config::AdminOrigin`] |
//!
//! Indices 14 to 18 are reserved.
//!
//! ## Invariants
//!
//! 1. What is on hold under this pallet's reasons equals [`Holds`], [`Deposits`] and the deposits in [`Accesses`].
//! 2. No account has more in a UTC day than the quotas allow, whether it calls directly, in a batch or by proxy.
//! 3. The roots and points in [`Versions`] follow from the accepted items, in order.
//! 4. A Datanet's points are the sum of its contributors' last [`Checkpoints`], of which each acceptance made one.
//! 5. A Datanet's acceptances and rejections are the sums over its [`Standings`].
//! 6. The open claims on a content are exactly one line in [`Neighbours`], ending at [`Content::last`].
//! 7. A Datanet's exclusions are numbered without a gap, each of a version it has, and no version is excluded twice.
//! 8. A Datanet counts the items in review that it has, and only these keep their proof of possession.
//!
//! `try_state` checks them.
//!
//! ## Assumptions
//!
//! - The court's fee account exists (genesis endows it) and keeps its existence.
//! - The clock is the timestamp inherent's, which a block's author can move only within its slot.
//! - Nothing else holds or slashes under this pallet's reasons.
//! - A case that the court still has needs its item's record, and no other.
//!
//! ## Keys
//!
//! Numbers that the chain gives are hashed by twox-64, which is short; what users choose, accounts and contents, by
//! blake2-128, or a key could be ground that lies deep in the trie.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use frame_support::pallet_macros::import_section;

mod access;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod docket;
mod errors;
mod events;
mod exclusions;
#[cfg(test)]
mod mock;
mod owner;
mod submission;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod weights;

pub use openledger_primitives::hold::{Access, Deposit, Hold};
pub use openledger_primitives::params::DatanetParams;
pub use pallet::*;
pub use types::{AccessStatus, Checkpoint, ItemView, QuotaLeft};
pub use weights::WeightInfo;

#[import_section(events::events)]
#[import_section(errors::errors)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, EnsureOrigin, UnixTime},
	};
	use frame_system::pallet_prelude::*;
	use openledger_primitives::{
		format::Modality,
		item::{
			Content, Datanet, Exclusion, ExclusionReason, Item, Neighbours as LineNeighbours, Policy, Text,
			VersionEntry, MAX_DESCRIPTION, MAX_NAME,
		},
		payload::Payload,
		quota::{day_of, resets_at, DayUse},
		rank::Standing,
		training::DatasetRef,
		traits::{ActiveBlocks, Court, Rewards},
		vote::Reason,
		ActiveBlock, Balance, DatanetId, EpochIndex, ItemId,
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// OPEN: deposits and holds are taken from it, and review fees paid in it.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The clock that windows count by.
		type ActiveBlocks: ActiveBlocks;

		/// The clock that UTC days are told by.
		type UnixTime: UnixTime;

		/// Who judges items.
		type Court: Court<Self::AccountId>;

		/// Who pays for accepted ones.
		type Rewards: Rewards<Self::AccountId>;

		/// Who sets the parameters, and takes items down beside their Datanet's owner.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;

		/// Sets a stage for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: openledger_primitives::benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Why a balance is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of a Datanet, while it exists.
		Datanet,
		/// An account contributes, or did so recently.
		Contributor,
		/// The deposit of a request for access or of a grant, while it stands.
		Access,
	}

	/// What contributing is bounded by and costs.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, DatanetParams, ValueQuery>;

	/// The first whole UTC day under the present limits: invariant 2 counts from it on.
	#[pallet::storage]
	pub type LimitsSince<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// The id of the next Datanet.
	#[pallet::storage]
	pub type NextDatanet<T: Config> = StorageValue<_, DatanetId, ValueQuery>;

	/// Datanets.
	#[pallet::storage]
	pub type Datanets<T: Config> = StorageMap<_, Twox64Concat, DatanetId, Datanet<T::AccountId>>;

	/// Deposits of Datanets.
	#[pallet::storage]
	pub type Deposits<T: Config> = StorageMap<_, Twox64Concat, DatanetId, Deposit<T::AccountId>>;

	/// The id of the next item.
	#[pallet::storage]
	pub type NextItem<T: Config> = StorageValue<_, ItemId, ValueQuery>;

	/// Items.
	#[pallet::storage]
	pub type Items<T: Config> = StorageMap<_, Twox64Concat, ItemId, Item<T::AccountId>>;

	/// Neighbours of an open claim in the line of its content; one entry for each item in review.
	#[pallet::storage]
	pub type Neighbours<T: Config> = StorageMap<_, Twox64Concat, ItemId, LineNeighbours>;

	/// Contents by sha2-256. Kept for good: attempts, but for those withdrawn, are counted over the whole life of a content.
	#[pallet::storage]
	pub type Contents<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], Content, ValueQuery>;

	/// What an account contributed on the last day it did.
	#[pallet::storage]
	pub type DayUses<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, DayUse, ValueQuery>;

	/// What an account contributed to one Datanet on the last day it did.
	#[pallet::storage]
	pub type DatanetDayUses<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, DatanetId, DayUse, ValueQuery>;

	/// Holds of contributors.
	#[pallet::storage]
	pub type Holds<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Hold>;

	/// Standings of accounts in a Datanet.
	#[pallet::storage]
	pub type Standings<T: Config> =
		StorageDoubleMap<_, Twox64Concat, DatanetId, Blake2_128Concat, T::AccountId, Standing, ValueQuery>;

	/// What version n of a Datanet added, from 1.
	#[pallet::storage]
	pub type Versions<T: Config> = StorageDoubleMap<_, Twox64Concat, DatanetId, Twox64Concat, u32, VersionEntry>;

	/// Points of a contributor to a Datanet after each of its acceptances there, numbered from 0: searched in O(log n) for
	/// the points at any version. There are as many as its [`Standings`] say.
	#[pallet::storage]
	pub type Checkpoints<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Twox64Concat, DatanetId>,
			NMapKey<Blake2_128Concat, T::AccountId>,
			NMapKey<Twox64Concat, u32>,
		),
		Checkpoint,
	>;

	/// Requests for access to restricted Datanets, and grants.
	#[pallet::storage]
	pub type Accesses<T: Config> =
		StorageDoubleMap<_, Twox64Concat, DatanetId, Blake2_128Concat, T::AccountId, Access<T::AccountId>>;

	/// What was taken down of a Datanet, numbered from 1.
	#[pallet::storage]
	pub type Exclusions<T: Config> = StorageDoubleMap<_, Twox64Concat, DatanetId, Twox64Concat, u32, Exclusion>;

	/// The number of the exclusion that took the item of a version down.
	#[pallet::storage]
	pub type ExclusionOf<T: Config> = StorageDoubleMap<_, Twox64Concat, DatanetId, Twox64Concat, u32, u32>;

	/// To whom an owner offers its Datanet.
	#[pallet::storage]
	pub type Offers<T: Config> = StorageMap<_, Twox64Concat, DatanetId, T::AccountId>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// What contributing is bounded by and costs.
		pub params: DatanetParams,
		/// Ties the configuration to its runtime.
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert!(self.params.is_valid(), "no limit, deposit or fee may be zero");
			Params::<T>::put(self.params);
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::check_state().map_err(Into::into)
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Create a Datanet; the caller owns it, and a deposit is held while it exists.
		///
		/// - `modality`: what it holds, for ever.
		/// - `name`: UTF-8, not empty.
		/// - `description`: UTF-8, markdown.
		/// - `policy`: which files it takes, and under which licence it gives; its largest file at most the chain's.
		///
		/// Emits `DatanetCreated`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::create_datanet())]
		pub fn create_datanet(
			origin: OriginFor<T>,
			modality: Modality,
			name: Text<MAX_NAME>,
			description: Text<MAX_DESCRIPTION>,
			policy: Policy,
		) -> DispatchResult {
			Self::do_create_datanet(ensure_signed(origin)?, modality, name, description, policy)
		}

		/// Contribute a file to a Datanet.
		///
		/// The first submission takes a hold, each one renews it. The review fee is paid whatever the verdict will be, and
		/// doubles with each attempt at the same content.
		///
		/// - `datanet`: where to.
		/// - `payload`: hashes, size and format of the file.
		/// - `possession`: `blake2_256(account ‖ bytes)`, which validators check.
		///
		/// Emits `ItemSubmitted`, and `HoldTaken` the first time.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::submit())]
		pub fn submit(
			origin: OriginFor<T>,
			datanet: DatanetId,
			payload: Payload,
			possession: [u8; 32],
		) -> DispatchResult {
			Self::do_submit(ensure_signed(origin)?, datanet, payload, possession)
		}

		/// Take an item back before its first seed is known: later, withdrawing would be a way to choose the panel.
		///
		/// The unspent review fee is refunded and the attempt given back, as a content would otherwise get dearer for everybody
		/// at no cost. The day's quota stays used: otherwise submitting and withdrawing in turns would write to the chain
		/// without a bound.
		///
		/// - `item`: the caller's own, in review.
		///
		/// Emits `ItemWithdrawn`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>, item: ItemId) -> DispatchResult {
			Self::do_withdraw(ensure_signed(origin)?, item)
		}

		/// Have the contributor's hold back, some days after the last submission.
		///
		/// Emits `HoldReleased`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::release_hold())]
		pub fn release_hold(origin: OriginFor<T>) -> DispatchResult {
			Self::do_release_hold(ensure_signed(origin)?)
		}

		/// Give a Datanet another name and description.
		///
		/// - `datanet`: the caller's own.
		/// - `name`, `description`: as at its creation.
		///
		/// Emits `MetadataSet`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::set_metadata())]
		pub fn set_metadata(
			origin: OriginFor<T>,
			datanet: DatanetId,
			name: Text<MAX_NAME>,
			description: Text<MAX_DESCRIPTION>,
		) -> DispatchResult {
			Self::do_set_metadata(ensure_signed(origin)?, datanet, name, description)
		}

		/// Give a Datanet another policy. It counts for what is submitted and ordered later.
		///
		/// - `datanet`: the caller's own.
		/// - `policy`: as at its creation.
		///
		/// Emits `PolicySet`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::set_policy())]
		pub fn set_policy(origin: OriginFor<T>, datanet: DatanetId, policy: Policy) -> DispatchResult {
			Self::do_set_policy(ensure_signed(origin)?, datanet, policy)
		}

		/// Ask to train on a restricted Datanet. A deposit is held until `revoke`, through the grant and beyond; after an
		/// expired grant the same deposit serves to ask again.
		///
		/// - `datanet`: restricted and open.
		///
		/// Emits `AccessRequested`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::request_access())]
		pub fn request_access(origin: OriginFor<T>, datanet: DatanetId) -> DispatchResult {
			Self::do_request_access(ensure_signed(origin)?, datanet)
		}

		/// Let an account train on a restricted Datanet until a block; again, to move that block. Where the account did not
		/// ask, the deposit is the owner's.
		///
		/// - `datanet`: the caller's own, open.
		/// - `who`: the account.
		/// - `until`: the last active block at which it may request a training.
		///
		/// Emits `AccessGranted`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::grant())]
		pub fn grant(
			origin: OriginFor<T>,
			datanet: DatanetId,
			who: T::AccountId,
			until: ActiveBlock,
		) -> DispatchResult {
			Self::do_grant(ensure_signed(origin)?, datanet, who, until)
		}

		/// End a request or a grant; its deposit goes back. Trainings that were requested go on.
		///
		/// - `datanet`: the caller's own, or any: an account can give up its own, and anybody can remove what has expired or
		///   is left of a Datanet that is gone.
		/// - `who`: the account that has it.
		///
		/// Emits `AccessRevoked`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::revoke())]
		pub fn revoke(origin: OriginFor<T>, datanet: DatanetId, who: T::AccountId) -> DispatchResult {
			Self::do_revoke(ensure_signed(origin)?, datanet, who)
		}

		/// Take an accepted item down. It keeps its place in the versions, so that their roots hold, and its contributor what
		/// it earned; trainings ordered from now on leave it out.
		///
		/// - `datanet`: the caller's own, or any where the caller is the admin.
		/// - `version`: the one that the item made.
		/// - `reason`: why.
		///
		/// Emits `ItemExcluded`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::exclude())]
		pub fn exclude(
			origin: OriginFor<T>,
			datanet: DatanetId,
			version: u32,
			reason: ExclusionReason,
		) -> DispatchResult {
			let owner = match T::AdminOrigin::try_origin(origin) {
				Ok(_) => None,
				Err(origin) => Some(ensure_signed(origin)?),
			};
			Self::do_exclude(owner, datanet, version, reason)
		}

		/// Offer a Datanet to another account, which becomes its owner by `accept_transfer`. A new offer replaces the one
		/// before; to offer it to oneself takes the offer back.
		///
		/// - `datanet`: the caller's own.
		/// - `to`: the account.
		///
		/// Emits `TransferOffered` or `OfferWithdrawn`.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::transfer())]
		pub fn transfer(origin: OriginFor<T>, datanet: DatanetId, to: T::AccountId) -> DispatchResult {
			Self::do_transfer(ensure_signed(origin)?, datanet, to)
		}

		/// Close a Datanet for good: no submissions, no trainings. What is in review is still decided.
		///
		/// With versions it stays, and so does its deposit. Without, it is removed and the deposit goes back as soon as nothing
		/// is in review: call again then.
		///
		/// - `datanet`: the caller's own.
		///
		/// Emits `DatanetClosed` the first time, `DatanetRemoved` when it is removed.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::close())]
		pub fn close(origin: OriginFor<T>, datanet: DatanetId) -> DispatchResult {
			Self::do_close(ensure_signed(origin)?, datanet)
		}

		/// Remove the record of an item that is in no version and whose votes are settled. Standings and attempts stay.
		///
		/// - `item`: withdrawn, rejected, expired or planted.
		///
		/// Emits `ItemPruned`.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::prune())]
		pub fn prune(origin: OriginFor<T>, item: ItemId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_prune(item)
		}

		/// Become the owner of a Datanet that was offered to the caller: its deposit is held of the caller now, and released
		/// of the owner before. What that one earned stays its own.
		///
		/// - `datanet`: offered to the caller.
		///
		/// Emits `DatanetTransferred`.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::accept_transfer())]
		pub fn accept_transfer(origin: OriginFor<T>, datanet: DatanetId) -> DispatchResult {
			Self::do_accept_transfer(ensure_signed(origin)?, datanet)
		}

		/// Set what contributing is bounded by and costs, from now on: holds and deposits that were taken stay as they are.
		///
		/// - `params`: all of them, none of them zero but `hold_days` and `review_fee_per_kib`.
		///
		/// Emits `ParamsSet`.
		#[pallet::call_index(19)]
		#[pallet::weight(T::WeightInfo::set_params())]
		pub fn set_params(origin: OriginFor<T>, params: DatanetParams) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(params.is_valid(), Error::<T>::InvalidParams);
			if params.limits != Params::<T>::get().limits {
				LimitsSince::<T>::put(day_of(Self::now_millis()).saturating_add(1));
			}
			Params::<T>::put(params);
			Self::deposit_event(Event::ParamsSet { params });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// How much `account` may still contribute to `datanet` today, and until when that counts.
		pub fn quota_left(account: T::AccountId, datanet: DatanetId) -> QuotaLeft {
			let limits = Params::<T>::get().limits;
			let now = Self::now_millis();
			let used = DayUses::<T>::get(&account).on(day_of(now));
			let datanet_used = DatanetDayUses::<T>::get(&account, datanet).on(day_of(now));
			QuotaLeft {
				bytes: limits.account_bytes.saturating_sub(used.bytes),
				files: limits.account_files.saturating_sub(used.files),
				datanet_bytes: limits.datanet_bytes.saturating_sub(datanet_used.bytes),
				resets_at: resets_at(now),
			}
		}

		/// The review fee in plancks of a file of `size` bytes with this content, if it were submitted now.
		pub fn review_fee(sha256: [u8; 32], size: u32) -> Balance {
			Params::<T>::get().review_fee(size, Contents::<T>::get(sha256).attempts)
		}

		/// The rank of `account` in `datanet`, in millionths.
		pub fn rank(datanet: DatanetId, account: T::AccountId) -> u64 {
			Standings::<T>::get(datanet, account).rank()
		}

		/// What the rank of `account` in `datanet` is computed from.
		pub fn standing(datanet: DatanetId, account: T::AccountId) -> Standing {
			Standings::<T>::get(datanet, account)
		}

		/// An item and what can become of it; nothing where there was none, or it was pruned.
		pub fn item(item: ItemId) -> Option<ItemView<T::AccountId>> {
			Self::view_item(item)
		}

		/// What version `version` of `datanet` added, with its root and points.
		pub fn version(datanet: DatanetId, version: u32) -> Option<VersionEntry> {
			Versions::<T>::get(datanet, version)
		}

		/// The dataset that a training of `datanet` names now: its newest version and all its exclusions.
		pub fn newest(datanet: DatanetId) -> Option<DatasetRef> {
			Self::newest_dataset(datanet)
		}

		/// At most `limit` exclusions of `datanet`, the first of them number `from`, from 1.
		pub fn exclusions(datanet: DatanetId, from: u32, limit: u32) -> Vec<Exclusion> {
			Self::list_exclusions(datanet, from, limit)
		}

		/// Whether something of a dataset was taken down after it was named: models trained on it are marked.
		pub fn is_marked(dataset: DatasetRef) -> bool {
			Self::has_later_exclusion(dataset)
		}

		/// Whether `account` may train on `datanet`, and if not, why.
		pub fn access(datanet: DatanetId, account: T::AccountId) -> Option<AccessStatus> {
			Self::access_status(datanet, &account)
		}
	}
}
