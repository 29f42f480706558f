//! # Rewards
//!
//! What contributors, validators and owners of Datanets earn: a day's budget shared by points, what sponsors add to it, and
//! fees of use shared by the points of a version.
//!
//! ## Terminology
//!
//! - **Pot**: the account that everything here is paid from. Slashes, dust and fees that nobody earned go there.
//! - **Owed**: the part of the pot that belongs to somebody who has not claimed it yet.
//! - **Epoch**: a day (or what [`RewardParams::epoch_millis`] says), with a budget of its own: a fixed fraction of what
//!   the pot had and did not owe when the epoch began.
//! - **Pool**: the part of an epoch's budget for one kind of work; contributors have one for each modality.
//! - **Sponsorship**: what anybody gave for the contributors of one Datanet. It is a gift: nobody gets it back. Its
//!   Datanet's own pool gets a part of it in each epoch in which an item is accepted there.
//! - **Points**: what the pool is shared by. They belong to the epoch of the block at which a verdict became final by
//!   its deadline, not of the block in which somebody got around to saying so.
//! - **Fee of use**: what a fine-tune pays to the contributors of the Datanet version it used.
//!
//! ## States of an epoch
//!
//! `Open → Closed → Swept`. Epoch e is open while it is the current one or the one before; it closes when e + 2 begins,
//! which fixes what each pool pays; what is not claimed within [`RewardParams::expire_epochs`] after that goes back. An epoch
//! keeps the parameters it started under.
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
//! | 3 | `sweep` | anyone, when an epoch's pay has expired |
//! | 4 | `sponsor` | anyone |
//! | 5 | `sweep_datanet` | anyone, when an epoch's pay has expired |
//! | 6 | `sweep_fee` | anyone, when a fee has expired |
//! | 7 | `prune_share` | anyone, for points that nothing pays any more |
//! | 8 | `prune_fee_claim` | anyone, for a fee that was swept |
//! | 9 | `release_sponsorship` | anyone, when no item came for it |
//! | 19 | `set_params` | [`Config::AdminOrigin`] |
//!
//! ## Invariants
//!
//! 1. [`Owed`] is the sum of what closed pools, Datanets' own pools, sponsorships and fees have not paid, and never more than
//!    the pot has.
//! 2. A pool's points are the sum of its [`Shares`] and of what was claimed.
//! 3. A pool never pays more than its payout, an epoch's pools together never more than its budget; Datanets' own pools
//!    together never more than what sponsors gave.
//! 4. Epochs are numbered without a gap; only the last two are open.
//! 5. Nothing is minted or burnt here.
//! 6. A swept epoch has no pools that its budget pays.
//!
//! `try_state` checks them.
//!
//! ## Assumptions
//!
//! - The pot's account exists (genesis endows it with more than the existential deposit).
//! - The pallet that counts active blocks comes before this one, so that an epoch's first block is the one that starts it.
//! - Points at a version never change.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod epochs;
mod fees;
#[cfg(test)]
mod mock;
mod sponsors;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod weights;

pub use epochs::PotAccount;
pub use openledger_primitives::params::{PerKind, RewardParams};
pub use openledger_primitives::{
	epoch::{Epoch, EpochState, PoolBook, Sponsorship},
	fee::Fee,
};
pub use pallet::*;
pub use types::{EpochStatus, SponsorshipStatus};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, UnixTime},
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use openledger_primitives::{
		traits::{ActiveBlocks, DatanetOwners, Pool, VersionPoints},
		Balance, DatanetId, EpochIndex, FeeId,
	};

	/// Epochs that `claimable_list` looks at, at most.
	pub const MAX_LISTED_EPOCHS: u32 = 128;

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

		/// Which Datanets there are.
		type Datanets: DatanetOwners<Self::AccountId>;

		/// Who may change the parameters.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Names the pot's account.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;

		/// Sets a stage for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: openledger_primitives::benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// What epochs that begin from now on pay.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, RewardParams, ValueQuery>;

	/// The epoch that is on.
	#[pallet::storage]
	pub type CurrentEpoch<T: Config> = StorageValue<_, EpochIndex, ValueQuery>;

	/// Epochs.
	#[pallet::storage]
	pub type Epochs<T: Config> = StorageMap<_, Blake2_128Concat, EpochIndex, Epoch>;

	/// Account books of the pools in which somebody earned points, until they are swept.
	#[pallet::storage]
	pub type Pools<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, EpochIndex, Blake2_128Concat, Pool, PoolBook, ValueQuery>;

	/// Points that were earned and not claimed. Those whose pool was swept can be pruned.
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

	/// What sponsors of a Datanet have left.
	#[pallet::storage]
	pub type Sponsorships<T: Config> = StorageMap<_, Blake2_128Concat, DatanetId, Sponsorship>;

	/// The id of the next fee.
	#[pallet::storage]
	pub type NextFee<T: Config> = StorageValue<_, FeeId, ValueQuery>;

	/// Fees of use, until they are swept.
	#[pallet::storage]
	pub type Fees<T: Config> = StorageMap<_, Blake2_128Concat, FeeId, Fee>;

	/// Who had its share of a fee. Those of a fee that was swept can be pruned.
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
		/// Somebody gave OPEN for the contributors of a Datanet.
		Sponsored {
			/// Which one.
			datanet: DatanetId,
			/// Who gave it.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
		/// A sponsored Datanet's first item of an epoch fixed what its own pool pays.
		DatanetFunded {
			/// The epoch.
			epoch: EpochIndex,
			/// Which Datanet.
			datanet: DatanetId,
			/// Plancks.
			amount: Balance,
		},
		/// What was not claimed of a Datanet's own pool went back to its sponsorship.
		DatanetSwept {
			/// The epoch.
			epoch: EpochIndex,
			/// Which Datanet.
			datanet: DatanetId,
			/// Plancks.
			amount: Balance,
		},
		/// A sponsorship for which no item came went to the pot.
		SponsorshipReleased {
			/// Which Datanet's.
			datanet: DatanetId,
			/// Plancks.
			amount: Balance,
		},
		/// What was not claimed of a fee went to the pot.
		FeeSwept {
			/// The fee's id.
			fee: FeeId,
			/// Plancks.
			amount: Balance,
		},
		/// Points that nothing paid any more were removed.
		SharePruned {
			/// The epoch in which they were earned.
			epoch: EpochIndex,
			/// The pool in which they were earned.
			pool: Pool,
			/// Who earned them.
			who: T::AccountId,
		},
		/// A claim on a fee that was swept was forgotten.
		FeeClaimPruned {
			/// The fee's id.
			fee: FeeId,
			/// Who claimed.
			who: T::AccountId,
		},
		/// Epochs that begin from now on have other parameters.
		ParamsSet {
			/// All of them.
			params: RewardParams,
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
		/// There is no fee with this id, or it was swept.
		FeeNotFound,
		/// The fee can still be claimed, so it cannot be swept.
		FeeNotExpired,
		/// There is no Datanet with this id.
		DatanetNotFound,
		/// A sponsorship must be larger: see [`RewardParams::min_sponsorship`].
		SponsorshipTooSmall,
		/// The Datanet has no sponsors, or nothing is left of what they gave.
		SponsorshipNotFound,
		/// The sponsorship still waits for an item.
		SponsorshipNotExpired,
		/// The Datanet had no pool of its own in this epoch, or it was swept.
		PoolNotFound,
		/// There is no such entry.
		NothingToPrune,
		/// The entry belongs to a pool or fee that was not swept.
		StillClaimable,
		/// The parameters make no sense together, or would change the length of epochs, which earlier ones are aligned to.
		InvalidParams,
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
					params: self.params,
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

		/// Give OPEN for the contributors of a Datanet, beside what the budget pays them. A gift: it cannot be taken back.
		///
		/// In each epoch in which an item is accepted there, a part ([`RewardParams::sponsor_epochs`]) of what is left is shared
		/// by that epoch's points.
		///
		/// - `datanet`: whose contributors.
		/// - `amount`: plancks.
		///
		/// Emits `Sponsored`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::sponsor())]
		pub fn sponsor(origin: OriginFor<T>, datanet: DatanetId, amount: Balance) -> DispatchResult {
			Self::add_sponsorship(ensure_signed(origin)?, datanet, amount)
		}

		/// Let what nobody claimed of a Datanet's own pool go back to its sponsorship.
		///
		/// - `epoch`: one that closed at least [`RewardParams::expire_epochs`] epochs ago.
		/// - `datanet`: one that had sponsors then.
		///
		/// Emits `DatanetSwept`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::sweep_datanet())]
		pub fn sweep_datanet(origin: OriginFor<T>, epoch: EpochIndex, datanet: DatanetId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_sweep_datanet(epoch, datanet)
		}

		/// Let what nobody claimed of a fee of use go to the pot, and remove the fee.
		///
		/// - `fee`: one that came in when an epoch's pay that expired by now was earned.
		///
		/// Emits `FeeSwept`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::sweep_fee())]
		pub fn sweep_fee(origin: OriginFor<T>, fee: FeeId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_sweep_fee(fee)
		}

		/// Remove points that nothing pays any more.
		///
		/// - `epoch`, `pool`: swept.
		/// - `who`: who did not claim.
		///
		/// Emits `SharePruned`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::prune_share())]
		pub fn prune_share(origin: OriginFor<T>, epoch: EpochIndex, pool: Pool, who: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_prune_share(epoch, pool, &who)
		}

		/// Forget that somebody had its share of a fee that was swept.
		///
		/// - `fee`: swept.
		/// - `who`: who claimed.
		///
		/// Emits `FeeClaimPruned`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::prune_fee_claim())]
		pub fn prune_fee_claim(origin: OriginFor<T>, fee: FeeId, who: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_prune_fee_claim(fee, &who)
		}

		/// Let a sponsorship for which no item came, perhaps because its Datanet was closed, go to the pot, and so to the
		/// contributors of all.
		///
		/// - `datanet`: whose sponsorship; nobody sponsored it and no item was paid from it for long enough.
		///
		/// Emits `SponsorshipReleased`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::release_sponsorship())]
		pub fn release_sponsorship(origin: OriginFor<T>, datanet: DatanetId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_release_sponsorship(datanet)
		}

		/// Set the parameters of epochs that begin from now on.
		///
		/// - `params`: all of them; `epoch_millis` as it is.
		///
		/// Emits `ParamsSet`.
		#[pallet::call_index(19)]
		#[pallet::weight(T::WeightInfo::set_params())]
		pub fn set_params(origin: OriginFor<T>, params: RewardParams) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			let is_same_length = params.epoch_millis == Params::<T>::get().epoch_millis;
			ensure!(params.check().is_ok() && is_same_length, Error::<T>::InvalidParams);
			Params::<T>::put(params);
			Self::deposit_event(Event::ParamsSet { params });
			Ok(())
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

		/// All that `account` would be paid for points of `epochs` epochs (at most [`MAX_LISTED_EPOCHS`]) from `first` on.
		pub fn claimable_list(
			account: T::AccountId,
			first: EpochIndex,
			epochs: u32,
		) -> Vec<(EpochIndex, Pool, Balance)> {
			Self::claimable_in(&account, first, epochs.min(MAX_LISTED_EPOCHS))
		}

		/// The epoch that is on.
		pub fn current_epoch() -> Option<EpochStatus> {
			Self::status_of(CurrentEpoch::<T>::get())
		}

		/// How far an epoch is. `None` where it has not begun.
		pub fn epoch_status(epoch: EpochIndex) -> Option<EpochStatus> {
			Self::status_of(epoch)
		}

		/// What sponsors of `datanet` have left. `None` where there is nothing.
		pub fn sponsorship(datanet: DatanetId) -> Option<SponsorshipStatus> {
			Self::sponsorship_status(datanet)
		}

		/// What the pot owes, plancks, and what it has beyond that and its own existence.
		pub fn pot_status() -> (Balance, Balance) {
			(Owed::<T>::get(), Self::free())
		}
	}
}
