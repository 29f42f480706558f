//! What the pallet stores beside the types of [`openledger_primitives::item`].

use codec::{Decode, DecodeWithMemTracking, Encode};
use openledger_primitives::{
	challenge::TrialBond,
	item::{Phase, Round},
	params::{MAX_CHALLENGES, MAX_WIDTHS},
	ActiveBlock, Balance, RoundIndex,
};
use scale_info::TypeInfo;

/// Most rounds of one item: all widths, all challenges and a plant's trial.
pub const MAX_ROUNDS: u32 = MAX_WIDTHS + MAX_CHALLENGES as u32 + 1;

/// How far an item's case is, in one answer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CaseStatus<AccountId> {
	pub phase: Phase,
	/// The round that is open or was the last.
	pub round: RoundIndex,
	/// Its record with its windows, while any of its votes is not settled.
	pub details: Option<Round>,
	/// Whether a seed is known, so that weights are.
	pub seeded: bool,
	/// Who called the open round, and what is at stake for it.
	pub bond: Option<TrialBond<AccountId>>,
	/// How often the case was challenged.
	pub challenges: u8,
	/// The block that deadlines are compared with.
	pub now: ActiveBlock,
	/// The last block of what can be done now: of withdrawing, committing, revealing, or challenging. `None` once that is
	/// over, and somebody has to close the round, to finalize or to settle.
	pub until: Option<ActiveBlock>,
}

/// What a validator has at stake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ValidatorSummary {
	/// Bonded, plancks.
	pub stake: Balance,
	/// What of it counts in the current session, plancks.
	pub counting: Balance,
	/// What of the stake unsettled votes reserve, plancks.
	pub at_risk: Balance,
	/// The rest of it, plancks: for new votes, or to unbond.
	pub free: Balance,
	/// On its way out, plancks.
	pub unbonding: Balance,
	/// What of that can be withdrawn now, plancks.
	pub withdrawable: Balance,
	/// Zero or a deficit of points.
	pub credit: i64,
	/// Everything that was ever slashed, plancks.
	pub slashed: Balance,
}
