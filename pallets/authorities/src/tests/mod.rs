//! One file a call, and one for what other pallets are told.

mod add_authority;
mod bond;
mod enact_upgrade;
mod genesis;
mod invariants;
mod leave;
mod pace;
mod punish;
mod remove_authority;
mod schedule_upgrade;
mod sessions;
mod set_params;
mod veto_upgrade;
mod withdraw_bond;

pub use crate::{mock::*, Error, Event};
pub use frame_support::{assert_noop, assert_ok};
pub use pallet_session::SessionManager;
pub use sp_runtime::{DispatchError::BadOrigin, Perbill};
