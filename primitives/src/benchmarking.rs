//! What the benchmarks of a pallet ask of the runtime: clocks that show any time, and the state of the pallet's neighbours, which
//! it knows through [`traits`](crate::traits) only.

use crate::{training::DatasetRef, ActiveBlock, Balance, DatanetId, ItemId, SessionIndex};

/// Sets a stage for benchmarks, in the worst case: longest texts, all records that can be there.
pub trait BenchmarkHelper<AccountId> {
	/// Gives an account so much.
	fn endow(who: &AccountId, amount: Balance);
	/// Sets the clock that windows count by.
	fn set_active_block(now: ActiveBlock);
	/// Sets Unix time, in milliseconds.
	fn set_time(millis: u64);
	/// Sets the current session.
	fn set_session(session: SessionIndex);
	/// Lets the randomness of an active block be known.
	fn set_seed(at: ActiveBlock);
	/// Registers session keys.
	fn register_keys(who: &AccountId);
	/// A Datanet of text, with sponsors and versions.
	fn datanet(owner: &AccountId) -> DatanetId;
	/// A dataset of a restricted Datanet, with points at its version and a grant for `trainer`.
	fn dataset(owner: &AccountId, trainer: &AccountId) -> DatasetRef;
	/// An item in review, submitted now, with a later claim on its content, and an earlier one where `is_claimed`. Its
	/// contributor had an item accepted before.
	fn item(datanet: DatanetId, contributor: &AccountId, is_claimed: bool) -> ItemId;
	/// Gives `who` all points at version 1 of a Datanet, which take the longest search to find.
	fn bury_points(datanet: DatanetId, who: &AccountId);
}
