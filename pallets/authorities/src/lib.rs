//! # Authorities
//!
//! Who makes blocks, and how fast.
//!
//! ## Terminology
//!
//! - **Authority**: an account whose session keys author blocks (BABE) and finalize them (GRANDPA).
//! - **Session**: the span, `session_blocks` slots long, during which the set of authorities stands still.
//! - **Active block**: a block during which the chain was not paused. Windows count these, not block numbers.
//!
//! ## What it does
//!
//! The list is given at genesis and changed by [`Config::AdminOrigin`]; pallet-session asks for it through
//! [`pallet_session::SessionManager`], so that a change made in session `s` counts from session `s + 2`. The list never
//! becomes empty, and only accounts with registered session keys enter it.
//!
//! Slot duration and session length are genesis values without a setter: BABE cannot change them on a running chain,
//! and a development chain is faster without being another runtime. [`SlotDuration`], [`MinimumPeriod`] and
//! [`SessionBlocks`] hand them to the other pallets' configuration.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::traits::{Get, ValidatorRegistration};
use frame_system::pallet_prelude::BlockNumberFor;
use openledger_primitives::traits::ActiveBlocks;
use sp_staking::SessionIndex;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod weights;

pub use pallet::*;
pub use weights::{DbWeightInfo, WeightInfo};

/// Milliseconds of a slot where genesis does not say otherwise.
pub const DEFAULT_SLOT_MILLIS: u64 = 6_000;
/// Slots of a session where genesis does not say otherwise: one hour.
pub const DEFAULT_SESSION_BLOCKS: u64 = 600;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::ConstU64};
	use frame_system::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Who may change the list.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Who has registered session keys.
		type SessionKeys: ValidatorRegistration<Self::AccountId>;

		/// Whether the chain is paused: active blocks are not counted then.
		type Paused: Get<bool>;

		/// Most authorities at one time. GRANDPA's traffic grows with the square of it.
		#[pallet::constant]
		type MaxAuthorities: Get<u32>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;
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

	/// Blocks so far during which the chain was not paused.
	#[pallet::storage]
	pub type ActiveBlockCount<T: Config> = StorageValue<_, u32, ValueQuery>;

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
	}

	#[pallet::genesis_config]
	pub struct GenesisConfig<T: Config> {
		/// The first authorities; at least one.
		pub authorities: Vec<T::AccountId>,
		/// Milliseconds of a slot: even, because the least time between two blocks is half of it.
		pub slot_millis: u64,
		/// Slots of a session.
		pub session_blocks: u64,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self {
				authorities: Vec::new(),
				slot_millis: DEFAULT_SLOT_MILLIS,
				session_blocks: DEFAULT_SESSION_BLOCKS,
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
			let mut unique = self.authorities.clone();
			unique.sort();
			unique.dedup();
			assert_eq!(unique.len(), self.authorities.len(), "an authority is named twice");
			let authorities: BoundedVec<_, T::MaxAuthorities> = self
				.authorities
				.clone()
				.try_into()
				.expect("no more authorities at genesis than MaxAuthorities");
			Authorities::<T>::put(authorities);
			SlotMillis::<T>::put(self.slot_millis);
			SessionSlots::<T>::put(self.session_blocks);
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
		/// - `who`: must have registered session keys.
		///
		/// Emits `AuthorityAdded`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::add_authority())]
		pub fn add_authority(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Authorities::<T>::try_mutate(|list| {
				ensure!(!list.contains(&who), Error::<T>::AlreadyAuthority);
				ensure!(T::SessionKeys::is_registered(&who), Error::<T>::SessionKeysNotFound);
				list.try_push(who.clone())
					.map_err(|_| Error::<T>::MaxAuthoritiesExceeded)
			})?;
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
			Authorities::<T>::try_mutate(|list| {
				let at = list
					.iter()
					.position(|authority| *authority == who)
					.ok_or(Error::<T>::NotAuthority)?;
				ensure!(list.len() > 1, Error::<T>::LastAuthority);
				list.remove(at);
				Ok::<(), Error<T>>(())
			})?;
			Self::deposit_event(Event::AuthorityRemoved { who });
			Ok(())
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Checks what must hold after every block: the list names nobody twice, and slots can be halved.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn check_state() -> Result<(), &'static str> {
		let list = Authorities::<T>::get();
		for (at, who) in list.iter().enumerate() {
			if list[..at].contains(who) {
				return Err("an authority is listed twice");
			}
		}
		if !SlotMillis::<T>::get().is_multiple_of(2) || SessionSlots::<T>::get() == 0 {
			return Err("slot duration must be even and sessions not empty");
		}
		Ok(())
	}
}

impl<T: Config> ActiveBlocks for Pallet<T> {
	fn now() -> u32 {
		ActiveBlockCount::<T>::get()
	}
}

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
	/// Names the authorities of a coming session that have keys; `None` when none has. pallet-session then takes the set of
	/// before, again without who has no keys, and finality halts: the runtime must not let everybody purge their keys.
	fn new_session(_: SessionIndex) -> Option<Vec<T::AccountId>> {
		let mut list = Authorities::<T>::get().into_inner();
		list.retain(T::SessionKeys::is_registered);
		(!list.is_empty()).then_some(list)
	}

	fn new_session_genesis(_: SessionIndex) -> Option<Vec<T::AccountId>> {
		let list = Authorities::<T>::get().into_inner();
		(!list.is_empty()).then_some(list)
	}

	fn end_session(_: SessionIndex) {}

	fn start_session(_: SessionIndex) {}
}

/// Historical sessions keep who was an authority and nothing else of them.
impl<T: Config> pallet_session::historical::SessionManager<T::AccountId, ()> for Pallet<T> {
	fn new_session(index: SessionIndex) -> Option<Vec<(T::AccountId, ())>> {
		<Self as pallet_session::SessionManager<_>>::new_session(index)
			.map(|list| list.into_iter().map(|who| (who, ())).collect())
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<(T::AccountId, ())>> {
		<Self as pallet_session::SessionManager<_>>::new_session_genesis(index)
			.map(|list| list.into_iter().map(|who| (who, ())).collect())
	}

	fn end_session(_: SessionIndex) {}

	fn start_session(_: SessionIndex) {}
}

/// Milliseconds of a slot, as genesis has it.
pub struct SlotDuration<T>(PhantomData<T>);

impl<T: Config> Get<u64> for SlotDuration<T> {
	fn get() -> u64 {
		if state_is_reachable() {
			SlotMillis::<T>::get()
		} else {
			DEFAULT_SLOT_MILLIS
		}
	}
}

/// Least milliseconds between two blocks; BABE takes twice this as its slot.
pub struct MinimumPeriod<T>(PhantomData<T>);

impl<T: Config> Get<u64> for MinimumPeriod<T> {
	fn get() -> u64 {
		SlotDuration::<T>::get() / 2
	}
}

/// Slots of a session, as genesis has it; BABE's epoch.
pub struct SessionBlocks<T>(PhantomData<T>);

impl<T: Config> Get<u64> for SessionBlocks<T> {
	fn get() -> u64 {
		if state_is_reachable() {
			SessionSlots::<T>::get()
		} else {
			DEFAULT_SESSION_BLOCKS
		}
	}
}

/// False in native code outside of a block: metadata evaluates constants there, and reading storage would panic.
#[cfg(feature = "std")]
fn state_is_reachable() -> bool {
	sp_externalities::with_externalities(|_| ()).is_some()
}

#[cfg(not(feature = "std"))]
fn state_is_reachable() -> bool {
	true
}

/// The session length as block numbers, for pallets that estimate sessions in blocks.
pub fn session_length<T: Config>() -> BlockNumberFor<T> {
	use sp_runtime::SaturatedConversion;
	SessionBlocks::<T>::get().saturated_into()
}
