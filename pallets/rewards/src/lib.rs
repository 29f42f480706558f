//! # Rewards
//!
//! What contributors, validators and owners of Datanets earn: a day's budget shared by points, and fees of use shared by
//! the points of a version.
//!
//! ## Terminology
//!
//! - **Pot**: the account that everything here is paid from. Slashes, dust and fees that nobody earned go there.
//! - **Owed**: the part of the pot that belongs to somebody who has not claimed it yet.
//! - **Epoch**: a day (or what [`RewardParams::epoch_millis`] says), with a budget of its own: a fixed fraction of what
//!   the pot had and did not owe when the epoch began.
//! - **Pool**: the part of an epoch's budget for one kind of work; contributors have one for each modality.
//! - **Points**: what the pool is shared by. They belong to the epoch of the block at which a verdict became final by
//!   its deadline, not of the block in which somebody got around to saying so.
//! - **Fee of use**: what a fine-tune pays to the contributors of the Datanet version it used.
//!
//! ## States of an epoch
//!
//! `Open → Closed → Swept`. Epoch e is open while it is the current one or the one before; it closes when e + 2 begins,
//! which fixes what each pool pays; what is not claimed within [`RewardParams::expire_epochs`] after that goes back.
//! Epoch 0 is the time before the clock's first reading and has no budget. Time in which no block was made has none
//! either.
//!
//! ## Calls
//!
//! | index | call | by |
//! |---|---|---|
//! | 0 | `claim` | who earned points |
//! | 1 | `claim_for` | anyone, for who earned points |
//! | 2 | `claim_fee` | anyone, for a contributor |
//! | 3 | `sweep` | anyone |
//!
//! Indices 4 to 9 are reserved.
//!
//! ## Invariants
//!
//! 1. [`Owed`] is the sum of what closed pools and fees have not paid, and never more than the pot has.
//! 2. A pool's points are the sum of its [`Shares`] and of what was claimed.
//! 3. A pool never pays more than its payout, an epoch's pools together never more than its budget.
//! 4. Epochs are numbered without a gap; only the last two are open.
//! 5. Nothing is minted or burnt here.
//!
//! `try_state` checks them.
//!
//! ## Assumptions
//!
//! - The pot's account exists (genesis endows it with more than the existential deposit).
//! - The pallet that counts active blocks comes before this one, so that an epoch's first block is the one that starts it.
//! - Points at a version never change.

#![cfg_attr(not(feature = "std"), no_std)]

mod epochs;
mod fees;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
mod weights;

pub use epochs::PotAccount;
pub use pallet::*;
pub use types::{Epoch, EpochState, Fee, PerKind, PoolBook, RewardParams};
pub use weights::{DbWeightInfo, WeightInfo};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, UnixTime},
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use openledger_primitives::{
		traits::{ActiveBlocks, Pool, VersionPoints},
		Balance, DatanetId, EpochIndex, FeeId,
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// OPEN, which rewards are paid in.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>;

		/// The clock that verdicts become final by.
		type ActiveBlocks: ActiveBlocks;

		/// The clock that epochs begin by.
		type UnixTime: UnixTime;

		/// Points of a version's contributors.
		type VersionPoints: VersionPoints<Self::AccountId>;

		/// Names the pot's account.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;
	}

	/// What an epoch pays. Set at genesis only.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, RewardParams, ValueQuery>;

	/// The epoch that is on.
	#[pallet::storage]
	pub type CurrentEpoch<T: Config> = StorageValue<_, EpochIndex, ValueQuery>;

	/// Epochs.
	#[pallet::storage]
	pub type Epochs<T: Config> = StorageMap<_, Blake2_128Concat, EpochIndex, Epoch>;

	/// Account books of the pools in which somebody earned points.
	#[pallet::storage]
	pub type Pools<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, EpochIndex, Blake2_128Concat, Pool, PoolBook, ValueQuery>;

	/// Points that were earned and not claimed.
	#[pallet::storage]
	pub type Shares<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Blake2_128Concat, EpochIndex>,
			NMapKey<Blake2_128Concat, Pool>,
			NMapKey<Blake2_128Concat, T::AccountId>,
		),
		u128,
		ValueQuery,
	>;

	/// What the pot owes, plancks.
	#[pallet::storage]
	pub type Owed<T: Config> = StorageValue<_, Balance, ValueQuery>;

	/// The id of the next fee.
	#[pallet::storage]
	pub type NextFee<T: Config> = StorageValue<_, FeeId, ValueQuery>;

	/// Fees of use.
	#[pallet::storage]
	pub type Fees<T: Config> = StorageMap<_, Blake2_128Concat, FeeId, Fee>;

	/// Who had its share of a fee.
	#[pallet::storage]
	pub type FeeClaims<T: Config> = StorageDoubleMap<_, Blake2_128Concat, FeeId, Blake2_128Concat, T::AccountId, ()>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An epoch began.
		EpochStarted {
			/// Its index.
			epoch: EpochIndex,
			/// Unix time in milliseconds.
			start_millis: u64,
			/// What it may pay, plancks.
			budget: Balance,
		},
		/// What an epoch pays is fixed, and can be claimed.
		EpochClosed {
			/// Its index.
			epoch: EpochIndex,
			/// What all its pools pay, plancks.
			payout: Balance,
		},
		/// Somebody earned points.
		PointsAwarded {
			/// The epoch whose budget they share.
			epoch: EpochIndex,
			/// The pool whose budget they share.
			pool: Pool,
			/// Who earned them.
			who: T::AccountId,
			/// How many.
			points: u128,
		},
		/// Points were paid.
		RewardClaimed {
			/// Who was paid.
			who: T::AccountId,
			/// The epoch in which they were earned.
			epoch: EpochIndex,
			/// The pool in which they were earned.
			pool: Pool,
			/// Plancks.
			amount: Balance,
		},
		/// A fee of use came in.
		FeeCollected {
			/// Its id.
			fee: FeeId,
			/// The Datanet that was used.
			datanet: DatanetId,
			/// The version of it.
			version: u32,
			/// Plancks.
			amount: Balance,
		},
		/// A share of a fee was paid.
		FeeClaimed {
			/// The fee's id.
			fee: FeeId,
			/// Who was paid.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
		/// What was not claimed of an epoch's pay went back to the pot.
		EpochSwept {
			/// Its index.
			epoch: EpochIndex,
			/// Plancks.
			amount: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The epoch's pools are not fixed yet: they are when the second epoch after it begins.
		EpochNotClosed,
		/// What was not claimed of this epoch in time went back to the pot.
		EpochSwept,
		/// The epoch's pay can still be claimed, so it cannot be swept.
		EpochNotExpired,
		/// The account earned nothing here, or had it already.
		NothingToClaim,
		/// The account does not exist, and this alone would be too little for it to exist: it waits.
		BelowExistentialDeposit,
		/// There is no fee with this id.
		FeeNotFound,
	}

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// What an epoch pays.
		pub params: RewardParams,
		/// Ties the configuration to its runtime.
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if let Err(error) = self.params.check() {
				panic!("reward parameters: {error}");
			}
			Params::<T>::put(self.params);
			Epochs::<T>::insert(
				0,
				Epoch {
					start_millis: 0,
					start_block: 0,
					budget: 0,
					state: EpochState::Open,
				},
			);
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Begins the next epoch when the previous block's time says so.
		fn on_initialize(block: BlockNumberFor<T>) -> Weight {
			// The first block has no previous one whose time could be looked at.
			if block > 1u32.into() && Self::try_next_epoch() {
				T::WeightInfo::on_initialize_new_epoch()
			} else {
				T::WeightInfo::on_initialize()
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::check_state().map_err(Into::into)
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Be paid for the caller's points.
		///
		/// - `epoch`: a closed one.
		/// - `pool`: the kind of work.
		///
		/// Emits `RewardClaimed`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, epoch: EpochIndex, pool: Pool) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::pay_points(&who, epoch, pool)
		}

		/// Have somebody else be paid for its points.
		///
		/// - `who`: who earned them and is paid.
		/// - `epoch`: a closed one.
		/// - `pool`: the kind of work.
		///
		/// Emits `RewardClaimed`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim_for(origin: OriginFor<T>, who: T::AccountId, epoch: EpochIndex, pool: Pool) -> DispatchResult {
			ensure_signed(origin)?;
			Self::pay_points(&who, epoch, pool)
		}

		/// Have a contributor, the caller or another, be paid its share of a fee of use.
		///
		/// - `fee`: the fee's id.
		/// - `who`: a contributor to the version that was used.
		///
		/// Emits `FeeClaimed`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::claim_fee())]
		pub fn claim_fee(origin: OriginFor<T>, fee: FeeId, who: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::pay_fee(fee, &who)
		}

		/// Let what nobody claimed of an epoch's pay go back to the pot.
		///
		/// - `epoch`: one that closed at least [`RewardParams::expire_epochs`] epochs ago.
		///
		/// Emits `EpochSwept`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::sweep())]
		pub fn sweep(origin: OriginFor<T>, epoch: EpochIndex) -> DispatchResult {
			ensure_signed(origin)?;
			Self::sweep_epoch(epoch)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Plancks that `account` would be paid for its points in `pool` of `epoch`; zero while that is not fixed.
		pub fn claimable(account: T::AccountId, epoch: EpochIndex, pool: Pool) -> Balance {
			Self::reward_of(&account, epoch, pool).map_or(0, |(_, amount)| amount)
		}

		/// Plancks that `account` would be paid of `fee`.
		pub fn claimable_fee(fee: FeeId, account: T::AccountId) -> Balance {
			Self::fee_share_of(fee, &account).map_or(0, |(_, _, amount)| amount)
		}
	}
}
