//! # Datanets
//!
//! Collections of contributed files, the line of claims on each content, and the versions that acceptances make.
//!
//! ## Terminology
//!
//! - **Datanet**: a collection of accepted items of one modality, with an owner.
//! - **Item**: one contribution: a payload (hashes, size, format; the bytes are elsewhere) and what became of it.
//! - **Content**: the bytes themselves, known by their sha2-256. Content earns once on the whole chain.
//! - **Claim**: an item in review is a claim on its content. Claims on one content form a line in the order of their
//!   submission; they are judged in parallel, and one can be accepted only when those before it have failed.
//! - **Version**: a Datanet's version n is its first n accepted items, for ever. A running digest, its root, names it.
//! - **Standing**: an account's acceptances and rejections in a Datanet, from which its rank is computed.
//!
//! ## States of an item
//!
//! `InReview → Withdrawn | Accepted | Rejected | Expired`, all four final. How far a review is, the court knows
//! ([`openledger_primitives::traits::Court`]); it reports the final verdict through
//! [`Docket`](openledger_primitives::traits::Docket), which this pallet implements.
//!
//! ## Calls
//!
//! | index | call | by |
//! |---|---|---|
//! | 0 | `create_datanet` | anyone, for a deposit |
//! | 1 | `submit` | anyone, within the day's quota, for a hold and a fee |
//! | 2 | `withdraw` | the contributor, before the item's first seed |
//! | 3 | `release_hold` | the contributor, [`DatanetParams::hold_days`] after the last submission |
//!
//! Indices 4 to 19 are reserved: `set_metadata` 4, `set_policy` 5, `request_access` 6, `grant` 7, `revoke` 8, `exclude`
//! 9, `transfer` 10, `close` 11, `prune` 12.
//!
//! ## Invariants
//!
//! 1. What is on hold under this pallet's reasons equals [`Holds`] and [`Deposits`].
//! 2. No account has more in a UTC day than the quotas allow, whether it calls directly, in a batch or by proxy.
//! 3. The roots and points in [`Versions`] follow from the accepted items, in order.
//! 4. A Datanet's points are the sum of its contributors' last [`Checkpoints`].
//! 5. A Datanet's acceptances and rejections are the sums over its [`Standings`].
//! 6. The open claims on a content are exactly one line in [`Neighbours`], ending at [`Content::last`].
//!
//! `try_state` checks them.
//!
//! ## Assumptions
//!
//! - The court's fee account exists (genesis endows it) and keeps its existence.
//! - The clock is the timestamp inherent's, which a block's author can move only within its slot.
//! - Nothing else holds or slashes under this pallet's reasons.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod docket;
#[cfg(test)]
mod mock;
mod submission;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
mod weights;

pub use pallet::*;
pub use types::{Checkpoint, DatanetParams, Deposit, Hold, QuotaLeft};
pub use weights::{DbWeightInfo, WeightInfo};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible,
			fungible::{Mutate as _, MutateHold as _},
			tokens::{Precision, Preservation},
			UnixTime,
		},
	};
	use frame_system::pallet_prelude::*;
	use openledger_primitives::{
		format::Modality,
		item::{
			Content, Datanet, Item, Neighbours as LineNeighbours, Outcome, Text, VersionEntry, MAX_DESCRIPTION,
			MAX_NAME,
		},
		payload::Payload,
		quota::{day_of, resets_at, DayUse},
		rank::Standing,
		traits::{ActiveBlocks, Court, Rewards},
		vote::Reason,
		Balance, DatanetId, EpochIndex, ItemId,
	};
	use sp_runtime::ArithmeticError;

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

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why a balance is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of a Datanet, while it exists.
		Datanet,
		/// An account contributes, or did so recently.
		Contributor,
	}

	/// What contributing is bounded by and costs. Set at genesis only.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, DatanetParams, ValueQuery>;

	/// The id of the next Datanet.
	#[pallet::storage]
	pub type NextDatanet<T: Config> = StorageValue<_, DatanetId, ValueQuery>;

	/// Datanets.
	#[pallet::storage]
	pub type Datanets<T: Config> = StorageMap<_, Blake2_128Concat, DatanetId, Datanet<T::AccountId>>;

	/// Deposits of Datanets.
	#[pallet::storage]
	pub type Deposits<T: Config> = StorageMap<_, Blake2_128Concat, DatanetId, Deposit<T::AccountId>>;

	/// The id of the next item.
	#[pallet::storage]
	pub type NextItem<T: Config> = StorageValue<_, ItemId, ValueQuery>;

	/// Items.
	#[pallet::storage]
	pub type Items<T: Config> = StorageMap<_, Blake2_128Concat, ItemId, Item<T::AccountId>>;

	/// Neighbours of an open claim in the line of its content; one entry for each item in review.
	#[pallet::storage]
	pub type Neighbours<T: Config> = StorageMap<_, Blake2_128Concat, ItemId, LineNeighbours>;

	/// Contents by sha2-256. Kept for good: attempts, but for those withdrawn, are counted over the whole life of a content.
	#[pallet::storage]
	pub type Contents<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], Content, ValueQuery>;

	/// What an account contributed on the last day it did.
	#[pallet::storage]
	pub type DayUses<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, DayUse, ValueQuery>;

	/// What an account contributed to one Datanet on the last day it did.
	#[pallet::storage]
	pub type DatanetDayUses<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, DatanetId, DayUse, ValueQuery>;

	/// Holds of contributors.
	#[pallet::storage]
	pub type Holds<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Hold>;

	/// Standings of accounts in a Datanet.
	#[pallet::storage]
	pub type Standings<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, DatanetId, Blake2_128Concat, T::AccountId, Standing, ValueQuery>;

	/// What version n of a Datanet added, from 1.
	#[pallet::storage]
	pub type Versions<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, DatanetId, Blake2_128Concat, u32, VersionEntry>;

	/// Points of a contributor to a Datanet after each of its acceptances there, numbered from 0: searched in O(log n) for
	/// the points at any version.
	#[pallet::storage]
	pub type Checkpoints<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Blake2_128Concat, DatanetId>,
			NMapKey<Blake2_128Concat, T::AccountId>,
			NMapKey<Blake2_128Concat, u32>,
		),
		Checkpoint,
	>;

	/// How many checkpoints a contributor to a Datanet has.
	#[pallet::storage]
	pub type CheckpointCount<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, DatanetId, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A Datanet was created.
		DatanetCreated {
			/// Its id.
			datanet: DatanetId,
			/// Whose it is.
			owner: T::AccountId,
			/// What it holds.
			modality: Modality,
		},
		/// A file was contributed and is in review.
		ItemSubmitted {
			/// Its id.
			item: ItemId,
			/// Where to.
			datanet: DatanetId,
			/// By whom.
			contributor: T::AccountId,
			/// sha2-256 of the bytes.
			sha256: [u8; 32],
			/// The review fee, plancks.
			fee: Balance,
		},
		/// A contributor took an item back.
		ItemWithdrawn {
			/// Its id.
			item: ItemId,
			/// What was left of the review fee and went back, plancks.
			refund: Balance,
		},
		/// An item was accepted and made a version.
		ItemAccepted {
			/// Its id.
			item: ItemId,
			/// The Datanet that has it now.
			datanet: DatanetId,
			/// The version it made.
			version: u32,
			/// The digest that names that version.
			root: [u8; 32],
			/// What it earned, for the contributor and again for the owner.
			points: u64,
			/// The epoch whose budget these points share.
			epoch: EpochIndex,
		},
		/// An item was rejected.
		ItemRejected {
			/// Its id.
			item: ItemId,
			/// Why.
			reason: Reason,
		},
		/// No round decided on an item. It does not count in its contributor's standing.
		ItemExpired {
			/// Its id.
			item: ItemId,
		},
		/// An item had been planted by its Datanet's owner. It earns nothing, counts for nobody and enters no version.
		ItemPlanted {
			/// Its id.
			item: ItemId,
		},
		/// A contributor's hold was taken.
		HoldTaken {
			/// The contributor.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
		/// A contributor had its hold back.
		HoldReleased {
			/// The contributor.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no Datanet with this id.
		DatanetNotFound,
		/// The Datanet takes no items and no training jobs any more.
		DatanetClosed,
		/// A Datanet needs a name.
		EmptyName,
		/// Name and description must be UTF-8.
		NotUtf8,
		/// The cap on file sizes is zero or above the chain's own.
		InvalidMaxFileBytes,
		/// The file has no bytes.
		EmptyFile,
		/// The file is larger than the Datanet or the chain takes.
		FileTooLarge,
		/// The file's format is not of the Datanet's modality.
		WrongFormat,
		/// Codec and root are not what the import profile gives a file of this size and hash: import it again as CIDv1 with
		/// sha2-256, raw leaves and chunks of 1 MiB.
		NotCanonicalCid,
		/// This content was accepted before, in some Datanet.
		ContentAlreadyAccepted,
		/// The account would contribute more bytes today than it may.
		DailyBytesExceeded,
		/// The account would contribute more files today than it may.
		DailyFilesExceeded,
		/// The account would contribute more bytes to this Datanet today than it may.
		DatanetDailyBytesExceeded,
		/// There is no item with this id.
		ItemNotFound,
		/// The item is decided or withdrawn.
		ItemNotInReview,
		/// Only the contributor may do this.
		NotContributor,
		/// An earlier claim on the same content is not decided.
		EarlierClaimOpen,
		/// The account has nothing on hold.
		HoldNotFound,
		/// The account contributed too recently to have its hold back.
		HoldNotExpired,
		/// The Datanet has no such version.
		VersionNotFound,
	}

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
			assert!(
				self.params.limits.file_bytes > 0,
				"limits.file_bytes must be above zero"
			);
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
		/// - `max_file_bytes`: the largest file taken; at most the chain's cap.
		///
		/// Emits `DatanetCreated`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::create_datanet())]
		pub fn create_datanet(
			origin: OriginFor<T>,
			modality: Modality,
			name: Text<MAX_NAME>,
			description: Text<MAX_DESCRIPTION>,
			max_file_bytes: u32,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			let params = Params::<T>::get();
			ensure!(!name.is_empty(), Error::<T>::EmptyName);
			let is_text = |bytes: &[u8]| core::str::from_utf8(bytes).is_ok();
			ensure!(is_text(&name) && is_text(&description), Error::<T>::NotUtf8);
			ensure!(
				(1..=params.limits.file_bytes).contains(&max_file_bytes),
				Error::<T>::InvalidMaxFileBytes
			);

			let amount = params.datanet_deposit;
			T::Currency::hold(&HoldReason::Datanet.into(), &owner, amount)?;
			let datanet = NextDatanet::<T>::get();
			NextDatanet::<T>::put(datanet.checked_add(1).ok_or(ArithmeticError::Overflow)?);
			Deposits::<T>::insert(
				datanet,
				Deposit {
					who: owner.clone(),
					amount,
				},
			);
			let record = Datanet {
				owner: owner.clone(),
				modality,
				name,
				description,
				max_file_bytes,
				closed: false,
				version: 0,
				root: [0; 32],
				points: 0,
				rejected: 0,
			};
			Datanets::<T>::insert(datanet, record);
			Self::deposit_event(Event::DatanetCreated {
				datanet,
				owner,
				modality,
			});
			Ok(())
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
			let contributor = ensure_signed(origin)?;
			let params = Params::<T>::get();
			let modality = Self::check_payload(datanet, &payload, &params)?;
			let content = Contents::<T>::get(payload.sha256);
			ensure!(content.accepted.is_none(), Error::<T>::ContentAlreadyAccepted);

			let now = Self::now_millis();
			Self::charge_quotas(&contributor, datanet, payload.size, day_of(now), &params)?;
			Self::take_hold(&contributor, now, &params)?;
			let fee = params.review_fee(payload.size, content.attempts);
			T::Currency::transfer(&contributor, &T::Court::fee_account(), fee, Preservation::Preserve)?;

			let item = NextItem::<T>::get();
			NextItem::<T>::put(item.checked_add(1).ok_or(ArithmeticError::Overflow)?);
			Self::join_line(item, payload.sha256, content);
			let record = Item {
				datanet,
				contributor: contributor.clone(),
				payload,
				possession,
				submitted_at: T::ActiveBlocks::now(),
				day: day_of(now),
				outcome: Outcome::InReview,
			};
			Items::<T>::insert(item, record);
			T::Court::open(item, datanet, modality, &contributor, fee)?;
			Self::deposit_event(Event::ItemSubmitted {
				item,
				datanet,
				contributor,
				sha256: payload.sha256,
				fee,
			});
			Ok(())
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
			let who = ensure_signed(origin)?;
			let mut record = Items::<T>::get(item).ok_or(Error::<T>::ItemNotFound)?;
			ensure!(record.contributor == who, Error::<T>::NotContributor);
			ensure!(record.outcome == Outcome::InReview, Error::<T>::ItemNotInReview);

			let refund = T::Court::withdraw(item)?;
			T::Currency::transfer(&T::Court::fee_account(), &who, refund, Preservation::Preserve)?;
			Self::leave_line(item, record.payload.sha256);
			Contents::<T>::mutate(record.payload.sha256, |content| {
				content.attempts = content.attempts.saturating_sub(1);
			});
			record.outcome = Outcome::Withdrawn;
			Items::<T>::insert(item, record);
			Self::deposit_event(Event::ItemWithdrawn { item, refund });
			Ok(())
		}

		/// Have the contributor's hold back, some days after the last submission.
		///
		/// Emits `HoldReleased`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::release_hold())]
		pub fn release_hold(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let hold = Holds::<T>::get(&who).ok_or(Error::<T>::HoldNotFound)?;
			ensure!(Self::now_millis() >= hold.until_millis, Error::<T>::HoldNotExpired);
			T::Currency::release(&HoldReason::Contributor.into(), &who, hold.amount, Precision::Exact)?;
			Holds::<T>::remove(&who);
			Self::deposit_event(Event::HoldReleased {
				who,
				amount: hold.amount,
			});
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

		/// The rank of `account` in `datanet`, in millionths.
		pub fn rank(datanet: DatanetId, account: T::AccountId) -> u64 {
			Standings::<T>::get(datanet, account).rank()
		}
	}
}
