//! # Authorities
//!
//! Who makes blocks, how fast, what they put up for it, and which code the chain runs next.
//!
//! ## Terminology
//!
//! - **Authority**: an account whose session keys author blocks (BABE) and finalize them (GRANDPA).
//! - **Bond**: OPEN on hold of an authority, or of an account that wants to be one; what equivocating costs.
//! - **Session**: the span, `session_blocks` slots long, during which the set of authorities stands still.
//! - **Active block**: a block during which the chain was not paused. Windows count these, not block numbers.
//! - **Upgrade**: the hash of a runtime that the chain may change to, once it has waited [`UpgradeDelay`] blocks.
//!
//! ## States of an account
//!
//! `bonded → listed → left → (withdrawn)`. A change of the list in session `s` counts from session `s + 2`, so an authority that
//! left in `s` makes blocks until the end of `s + 1`; its bond stays until that session can be proved no more. Equivocating
//! costs a part of the bond, and whoever equivocates leaves the list at once; it makes no block meanwhile ([`Offenders`]).
//! The list never becomes empty: the last authority is slashed, and stays.
//!
//! ## States of an upgrade
//!
//! `scheduled → (vetoed | authorized)`. Authorized is what frame-system knows: anybody sends the code itself by
//! `system.apply_authorized_upgrade`, which checks its hash and that it is a newer version of this runtime.
//!
//! ## Calls
//!
//! | index | call | by |
//! |---|---|---|
//! | 0, 1 | `add_authority`, `remove_authority` | [`Config::AdminOrigin`] |
//! | 2 | `bond` | anyone |
//! | 3 | `withdraw_bond` | who is not listed, once nothing can be proved any more |
//! | 4 | `leave` | an authority |
//! | 5 | `schedule_upgrade` | [`Config::AdminOrigin`] |
//! | 6 | `veto_upgrade` | [`Config::VetoOrigin`] |
//! | 7 | `enact_upgrade` | anyone, once the delay is over |
//! | 19 | `set_params` | [`Config::AdminOrigin`] |
//!
//! Slot duration, session length and the delay of upgrades are genesis values without a setter: BABE cannot change the first
//! two on a running chain, a development chain is faster without being another runtime, and who could shorten the delay could
//! do without it.
//!
//! ## Invariants
//!
//! 1. The list names nobody twice.
//! 2. Slots can be halved, and sessions are not empty.
//! 3. Whoever has left in a session is not on the list.
//! 4. Offenders are remembered for two sessions at most, none twice.
//!
//! Total issuance never moves: slashes are transfers to the treasury. `try_state` checks the rest.
//!
//! ## Assumptions
//!
//! - The treasury's account exists from genesis on.
//! - An equivocation in a session can be proved for [`Config::ProvableSessions`] sessions after it, and is reported once.
//! - Whoever holds two thirds of the council for longer than the delay decides what the chain is. The delay lets everybody else
//!   see what comes, and a third of the council stop it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;
use frame_support::traits::{
	fungible::{hold, Inspect},
	Get, ValidatorRegistration,
};
use frame_system::pallet_prelude::BlockNumberFor;
use openledger_primitives::{
	traits::{ActiveBlocks, Sessions},
	Balance,
};
use sp_runtime::Perbill;
use sp_staking::SessionIndex;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bonds;
#[cfg(test)]
mod mock;
mod pace;
mod sessions;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod weights;

pub use openledger_primitives::params::AuthorityParams;
pub use pace::{session_length, MinimumPeriod, SessionBlocks, SlotDuration};
pub use pallet::*;
pub use types::{AuthorityStatus, Offender, Upgrade};
pub use weights::WeightInfo;

/// Milliseconds of a slot where genesis does not say otherwise.
pub const DEFAULT_SLOT_MILLIS: u64 = 6_000;
/// Slots of a session where genesis does not say otherwise: one hour.
pub const DEFAULT_SESSION_BLOCKS: u64 = 600;
/// Blocks that an upgrade waits where genesis does not say otherwise: a week of six-second blocks.
pub const DEFAULT_UPGRADE_DELAY: u32 = 100_800;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{
		pallet_prelude::*,
		traits::{ConstU32, ConstU64},
	};
	use frame_system::pallet_prelude::*;
	use sp_runtime::traits::Saturating;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Who may change the list and the parameters, and propose code.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Who may stop an upgrade that waits.
		type VetoOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// OPEN.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who has registered session keys.
		type SessionKeys: ValidatorRegistration<Self::AccountId>;

		/// The current session.
		type Sessions: Sessions;

		/// Sessions after which an equivocation can be proved no more.
		#[pallet::constant]
		type ProvableSessions: Get<SessionIndex>;

		/// Where slashes go.
		type Treasury: Get<Self::AccountId>;

		/// Whether the chain is paused: active blocks are not counted then.
		type Paused: Get<bool>;

		/// Most authorities at one time. GRANDPA's traffic grows with the square of it.
		#[pallet::constant]
		type MaxAuthorities: Get<u32>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;

		/// Sets a stage for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: openledger_primitives::benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// What an authority can lose.
		Authority,
	}

	/// Accounts that make blocks from the session after the next.
	#[pallet::storage]
	pub type Authorities<T: Config> = StorageValue<_, BoundedVec<T::AccountId, T::MaxAuthorities>, ValueQuery>;

	/// Milliseconds of a slot. Set at genesis only.
	#[pallet::storage]
	pub type SlotMillis<T: Config> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_SLOT_MILLIS>>;

	/// Slots of a session. Set at genesis only.
	#[pallet::storage]
	pub type SessionSlots<T: Config> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_SESSION_BLOCKS>>;

	/// Blocks that an upgrade waits. Set at genesis only.
	#[pallet::storage]
	pub type UpgradeDelay<T: Config> = StorageValue<_, u32, ValueQuery, ConstU32<DEFAULT_UPGRADE_DELAY>>;

	/// Blocks so far during which the chain was not paused.
	#[pallet::storage]
	pub type ActiveBlockCount<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// Parameters of what happens from now on.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, AuthorityParams, ValueQuery>;

	/// The session in which a bonded account left the list.
	#[pallet::storage]
	pub type LeftIn<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, SessionIndex>;

	/// Those who left for an offence and are still in the set of this session or the next.
	#[pallet::storage]
	pub type Offenders<T: Config> = StorageValue<_, BoundedVec<Offender<T::AccountId>, T::MaxAuthorities>, ValueQuery>;

	/// The upgrade that waits.
	#[pallet::storage]
	pub type PendingUpgrade<T: Config> = StorageValue<_, Upgrade<T::Hash, BlockNumberFor<T>>>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account makes blocks from the session after the next.
		AuthorityAdded {
			/// The new authority.
			who: T::AccountId,
		},
		/// An account makes no blocks from the session after the next.
		AuthorityRemoved {
			/// The former authority.
			who: T::AccountId,
		},
		/// An account put up more.
		Bonded {
			/// Whose bond it is.
			who: T::AccountId,
			/// By how much it grew, plancks.
			amount: Balance,
		},
		/// An account took its bond back.
		BondWithdrawn {
			/// Whose bond it was.
			who: T::AccountId,
			/// All of it, plancks.
			amount: Balance,
		},
		/// An account lost a part of its bond to the treasury.
		Slashed {
			/// Who equivocated.
			who: T::AccountId,
			/// What it lost, plancks.
			amount: Balance,
		},
		/// A runtime waits to be authorized.
		UpgradeScheduled {
			/// Blake2b, 256 bits, of its code.
			code_hash: T::Hash,
			/// The block from which anybody may enact it.
			enact_at: BlockNumberFor<T>,
		},
		/// A runtime that waited will not be authorized.
		UpgradeVetoed {
			/// Of its code.
			code_hash: T::Hash,
		},
		/// A runtime has been authorized: anybody may send its code.
		UpgradeEnacted {
			/// Of its code.
			code_hash: T::Hash,
		},
		/// The parameters changed.
		ParamsSet {
			/// All of them.
			params: AuthorityParams,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account is an authority already.
		AlreadyAuthority,
		/// The account is not an authority.
		NotAuthority,
		/// The list holds as many authorities as it can.
		MaxAuthoritiesExceeded,
		/// Without the last authority the chain would stop.
		LastAuthority,
		/// The account has not registered session keys (`session.setKeys`).
		SessionKeysNotFound,
		/// The account's bond is below the least that an authority must have (`authorities.bond`).
		BondTooLow,
		/// The account has no bond.
		NotBonded,
		/// An authority's bond stays: it has to leave first (`authorities.leave`).
		StillAuthority,
		/// What the account signed can still be proved, and its bond slashed.
		StillSlashable,
		/// An upgrade waits already.
		UpgradePending,
		/// No upgrade waits.
		NoUpgrade,
		/// The upgrade has not waited long enough.
		UpgradeNotDue,
		/// The parameters contradict themselves.
		InvalidParams,
	}

	#[pallet::genesis_config]
	pub struct GenesisConfig<T: Config> {
		/// The first authorities; at least one. Each is bonded with the least bond from what it has.
		pub authorities: Vec<T::AccountId>,
		/// Milliseconds of a slot: even, because the least time between two blocks is half of it.
		pub slot_millis: u64,
		/// Slots of a session.
		pub session_blocks: u64,
		/// Blocks that an upgrade waits.
		pub upgrade_delay: u32,
		/// Parameters.
		pub params: AuthorityParams,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self {
				authorities: Vec::new(),
				slot_millis: DEFAULT_SLOT_MILLIS,
				session_blocks: DEFAULT_SESSION_BLOCKS,
				upgrade_delay: DEFAULT_UPGRADE_DELAY,
				params: AuthorityParams::default(),
			}
		}
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert!(
				self.slot_millis >= 2 && self.slot_millis.is_multiple_of(2),
				"slot_millis must be even and above zero"
			);
			assert!(self.session_blocks > 0, "session_blocks must be above zero");
			assert!(
				self.params.is_valid(),
				"the parameters of authorities contradict themselves"
			);
			let mut unique = self.authorities.clone();
			unique.sort();
			unique.dedup();
			assert_eq!(unique.len(), self.authorities.len(), "an authority is named twice");
			let authorities: BoundedVec<_, T::MaxAuthorities> = self
				.authorities
				.clone()
				.try_into()
				.expect("no more authorities at genesis than MaxAuthorities");
			for who in &authorities {
				Pallet::<T>::hold_bond(who, self.params.min_bond)
					.expect("genesis endows an authority with its bond and the existential deposit");
			}
			Authorities::<T>::put(authorities);
			SlotMillis::<T>::put(self.slot_millis);
			SessionSlots::<T>::put(self.session_blocks);
			UpgradeDelay::<T>::put(self.upgrade_delay);
			Params::<T>::put(self.params);
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			if !T::Paused::get() {
				ActiveBlockCount::<T>::mutate(|count| *count = count.saturating_add(1));
			}
			T::WeightInfo::on_initialize()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::check_state().map_err(Into::into)
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Let an account make blocks from the session after the next.
		///
		/// - `who`: must have registered session keys and put up the least bond.
		///
		/// Emits `AuthorityAdded`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::add_authority())]
		pub fn add_authority(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Authorities::<T>::try_mutate(|list| {
				ensure!(!list.contains(&who), Error::<T>::AlreadyAuthority);
				ensure!(T::SessionKeys::is_registered(&who), Error::<T>::SessionKeysNotFound);
				ensure!(
					Self::bond_of(&who) >= Params::<T>::get().min_bond,
					Error::<T>::BondTooLow
				);
				list.try_push(who.clone())
					.map_err(|_| Error::<T>::MaxAuthoritiesExceeded)
			})?;
			LeftIn::<T>::remove(&who);
			Self::deposit_event(Event::AuthorityAdded { who });
			Ok(())
		}

		/// Let an account make no more blocks from the session after the next.
		///
		/// - `who`: an authority, not the only one left.
		///
		/// Emits `AuthorityRemoved`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_authority())]
		pub fn remove_authority(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::take_off_the_list(&who)?;
			Ok(())
		}

		/// Put up OPEN to become an authority, or to lose more.
		///
		/// - `amount`: put on hold beside what is there already.
		///
		/// Emits `Bonded`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::bond())]
		pub fn bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::hold_bond(&who, amount)?;
			Self::deposit_event(Event::Bonded { who, amount });
			Ok(())
		}

		/// Take the whole bond back.
		///
		/// Who was an authority waits until nothing that it signed can be proved any more.
		///
		/// Emits `BondWithdrawn`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw_bond())]
		pub fn withdraw_bond(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let amount = Self::release_bond(&who)?;
			Self::deposit_event(Event::BondWithdrawn { who, amount });
			Ok(())
		}

		/// Make no more blocks from the session after the next. Fails for the only authority left.
		///
		/// Emits `AuthorityRemoved`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::take_off_the_list(&who)?;
			Ok(())
		}

		/// Announce the runtime that the chain changes to, unless it is vetoed while it waits.
		///
		/// - `code_hash`: of the code as it will be sent.
		///
		/// Emits `UpgradeScheduled`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::schedule_upgrade())]
		pub fn schedule_upgrade(origin: OriginFor<T>, code_hash: T::Hash) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(!PendingUpgrade::<T>::exists(), Error::<T>::UpgradePending);
			let now = frame_system::Pallet::<T>::block_number();
			let enact_at = now.saturating_add(UpgradeDelay::<T>::get().into());
			PendingUpgrade::<T>::put(Upgrade { code_hash, enact_at });
			Self::deposit_event(Event::UpgradeScheduled { code_hash, enact_at });
			Ok(())
		}

		/// Drop the upgrade that waits, as long as nobody has enacted it.
		///
		/// Emits `UpgradeVetoed`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::veto_upgrade())]
		pub fn veto_upgrade(origin: OriginFor<T>) -> DispatchResult {
			T::VetoOrigin::ensure_origin(origin)?;
			let Upgrade { code_hash, .. } = PendingUpgrade::<T>::take().ok_or(Error::<T>::NoUpgrade)?;
			Self::deposit_event(Event::UpgradeVetoed { code_hash });
			Ok(())
		}

		/// Authorize the upgrade that has waited long enough. Its code is then sent by `system.apply_authorized_upgrade`.
		///
		/// Emits `UpgradeEnacted`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::enact_upgrade())]
		pub fn enact_upgrade(origin: OriginFor<T>) -> DispatchResult {
			ensure_signed(origin)?;
			let Upgrade { code_hash, enact_at } = PendingUpgrade::<T>::get().ok_or(Error::<T>::NoUpgrade)?;
			ensure!(
				frame_system::Pallet::<T>::block_number() >= enact_at,
				Error::<T>::UpgradeNotDue
			);
			PendingUpgrade::<T>::kill();
			frame_system::Pallet::<T>::do_authorize_upgrade(code_hash, true);
			Self::deposit_event(Event::UpgradeEnacted { code_hash });
			Ok(())
		}

		/// Change the parameters. Who is an authority stays one.
		///
		/// - `params`: all of them.
		///
		/// Emits `ParamsSet`.
		#[pallet::call_index(19)]
		#[pallet::weight(T::WeightInfo::set_params())]
		pub fn set_params(origin: OriginFor<T>, params: AuthorityParams) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(params.is_valid(), Error::<T>::InvalidParams);
			Params::<T>::put(params);
			Self::deposit_event(Event::ParamsSet { params });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Whether the account is listed, what it has put up, and when it can have it back.
		pub fn authority(who: T::AccountId) -> AuthorityStatus {
			Self::status(&who)
		}

		/// The upgrade that waits: its code's hash, and the block from which it can be enacted.
		pub fn upgrade() -> Option<Upgrade<T::Hash, BlockNumberFor<T>>> {
			PendingUpgrade::<T>::get()
		}
	}
}
