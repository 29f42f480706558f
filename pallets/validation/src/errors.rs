//! Why a call fails.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod errors {
	#[pallet::error]
	pub enum Error<T> {
		/// The account is a validator already; `bond_more` adds stake.
		AlreadyRegistered,
		/// The account is not a validator.
		NotValidator,
		/// The stake would be below the least one and not zero.
		BelowMinStake,
		/// The set of modalities is empty or names an unknown one.
		InvalidModalities,
		/// The account has less free balance than it has to bond.
		InsufficientBalance,
		/// The amount is zero.
		ZeroAmount,
		/// More than the part of the stake that is not at risk in unsettled votes, or than what of it is not kept for challenges.
		InsufficientFreeStake,
		/// As many withdrawals wait as can; withdraw those that are due first.
		MaxUnbondingExceeded,
		/// Nothing that is unbonding is due yet.
		NothingToWithdraw,
		/// The item has a case already.
		CaseAlreadyExists,
		/// The item is not in review, or its last vote is settled.
		CaseNotFound,
		/// The first seed is known: the item can no longer be withdrawn.
		TooLateToWithdraw,
		/// This round of the item is not open.
		RoundNotOpen,
		/// Nobody votes on an item of their own.
		OwnItem,
		/// Commitments are taken after the seed's block, up to the round's `commit_until`.
		NotInCommitWindow,
		/// The validator has committed in this round already.
		AlreadyCommitted,
		/// The round's randomness is not remembered.
		SeedNotFound,
		/// The validator was not drawn for this round.
		NotOnPanel,
		/// Reveals are taken after `commit_until`, up to `reveal_until`.
		NotInRevealWindow,
		/// There is no such vote, or it is settled.
		VoteNotFound,
		/// The vote is revealed already.
		AlreadyRevealed,
		/// A number in the verdict is out of range.
		InvalidVerdict,
		/// Verdict and salt do not fit the commitment.
		CommitmentMismatch,
		/// Reveals can still come in.
		RoundNotOver,
		/// The item has no provisional verdict.
		NotProvisional,
		/// The verdict can still be challenged.
		StillProvisional,
		/// Votes are settled once the item's outcome is final.
		NotFinal,
		/// The window in which the verdict could be challenged or put on trial is over.
		NoLongerProvisional,
		/// The item was challenged as often as it can be.
		MaxChallengesExceeded,
		/// Nobody votes in a round that they called with a bond.
		OwnTrial,
		/// Nobody reports their own vote.
		OwnVote,
		/// The vote's preimage was reported: it counts nothing.
		VoteVoid,
		/// There is no such Datanet.
		DatanetNotFound,
		/// Only its owner plants items in a Datanet.
		NotDatanetOwner,
		/// A batch has between one and 256 plants.
		InvalidPlantCount,
		/// There is no such batch of plants, or it is closed.
		BatchNotFound,
		/// The batch has no plant of this index.
		PlantNotFound,
		/// This plant was opened already.
		AlreadyOpened,
		/// The plants can no longer be opened.
		PlantsExpired,
		/// The plants can still be opened.
		PlantsNotExpired,
		/// The item was submitted before the plants took effect.
		SubmittedTooEarly,
		/// Item, verdict and salt are not what stands at this index under the batch's root.
		InvalidPlantProof,
		/// Rounds could not run under such parameters.
		InvalidParams,
	}
}
