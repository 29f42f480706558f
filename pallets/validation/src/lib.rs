//! # Validation
//!
//! The court: who judges an item, how, and what that earns or costs.
//!
//! ## Terminology
//!
//! - **Validator**: an account with stake on hold, which judges items of the modalities it chose.
//! - **Case**: an item in review. **Round**: one vote on it; rounds of a case count from zero and widen.
//! - **Seed**: the accumulated randomness of the block `seed_at`, which nobody knew when the round was opened.
//! - **Weight**: what a validator's vote counts in one round; zero for whoever is not on its panel. It follows from seed
//!   and stake ([`openledger_primitives::sortition`]), and no panel is stored.
//! - **Commitment**: a hash that hides a verdict until everybody has voted ([`openledger_primitives::vote`]).
//! - **Reserve**: weight times the round's risk, the part of the stake that a vote puts at risk until it is settled.
//! - **Active block**: a block during which the chain was not paused. All windows count these.
//!
//! ## A case
//!
//! ```text
//! open ─► Voting ──close_round, decided──► Provisional ──finalize──► Final ──settle, once a vote──► gone
//!           │  ▲                                                       ▲
//!           │  └──close_round, undecided: the next, wider round        │
//!           └─────close_round, undecided in the last round─────────────┘
//! ```
//!
//! A round opened at block `b`, with the parameters it was opened under:
//!
//! | blocks | what can be done |
//! |---|---|
//! | up to `seed_at = b + seed_delay` | the contributor can withdraw (round 0 only) |
//! | after it, up to `commit_until` | `commit` |
//! | after it, up to `reveal_until` | `reveal` |
//! | after it | `close_round` |
//! | `provisional_blocks` after `reveal_until` | the verdict is provisional; `finalize` after it |
//!
//! The time at which somebody calls `close_round`, `finalize` or `settle` does not move the seed's block, the windows of a
//! first round, or the block at which a verdict became final: these follow from deadlines. Exceptions: a later round's commit
//! window begins with the call where that comes after its seed's block; and its seed, that of the deadline, is a block yet
//! to come where the call comes so late that stakes of its session could have been moved with that seed known. The order
//! of calls of `finalize` decides the order of a Datanet's versions and the recent share of acceptances that each case's
//! points are scaled by.
//!
//! ## Calls
//!
//! `register`, `bond_more`, `unbond`, `withdraw_unbonded`, `set_modalities` for stake; `commit`, `reveal` for
//! votes; `close_round`, `finalize`, `settle`, which anybody may call. Call indices 10 to 19 are reserved: 10
//! `challenge`, 11 `report_preimage`, 12 `plant`, 13 to 19 for what these need.
//!
//! ## Pay
//!
//! The review fee waits in [`Pallet::fee_account_id`]. An undecided round in which anybody revealed earns half of what is
//! left of it; the deciding round, and the last one, all the rest. Revealed weight shares a round's fee. What nobody
//! earned, and the dust of sharing, goes to the rewards' pot. Points are given by
//! [`openledger_primitives::points::vote_points`] and the panel's verdict, whatever the docket made of it; a deficit is carried to the validator's next votes.
//! Committed and not revealed: the vote's whole reserve goes to the pot. Dissent costs no stake.
//!
//! ## Invariants (`try_state`)
//!
//! 1. What a validator has on hold is its stake and what is unbonding.
//! 2. What is at risk is the sum of the reserves of unsettled votes, and never more than the stake.
//! 3. The total of each modality is the sum of its validators' stakes, in this session and in those to come.
//! 4. Cases and rounds count their unsettled votes; no round or vote is left without its case.
//! 5. The fee account holds all fees that are owed.
//!
//! Total issuance never moves: fees and slashes are transfers.
//!
//! ## Assumptions
//!
//! - `ActiveBlocks` grows by one a block or stands still; it, the session and the randomness (of the block that is being
//!   finalized: this pallet comes after BABE) are not chosen by users.
//! - A round's commit window ends within the session after the one it was opened in: schedules remember one past session.
//!   Later, who changed its stake meanwhile is not on the panel.
//! - The fee account and the pot hold the existential deposit from genesis on.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(any(feature = "std", feature = "try-runtime"))]
mod check;
mod court;
#[cfg(test)]
mod mock;
mod randomness;
mod stake;
#[cfg(test)]
mod tests;
mod types;
mod votes;
mod weights;

pub use pallet::*;
pub use types::{CaseStatus, CourtParams, Unbonding, Validator, MAX_ROUNDS, MAX_UNBONDING, RING_BLOCKS};
pub use weights::{DbWeightInfo, WeightInfo};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{
		pallet_prelude::*,
		traits::fungible::{hold, Inspect, Mutate},
		DefaultNoBound, PalletId,
	};
	use frame_system::pallet_prelude::*;
	use openledger_primitives::{
		format::{Modality, ModalitySet},
		item::{Case, Round, Vote},
		points::AcceptShare,
		schedule::Schedule,
		traits::{ActiveBlocks, Docket, Rewards, Sessions},
		vote::Verdict,
		ActiveBlock, Balance, DatanetId, ItemId, RoundIndex, SessionIndex,
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The runtime's reasons to hold a balance.
		type RuntimeHoldReason: From<HoldReason>;

		/// What is staked, and what reviews are paid in.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ Mutate<Self::AccountId>
			+ hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The clock of all windows.
		type ActiveBlocks: ActiveBlocks;

		/// The session, from which stakes count.
		type Sessions: Sessions;

		/// Who takes verdicts.
		type Docket: Docket;

		/// Who counts points and takes slashes.
		type Rewards: Rewards<Self::AccountId>;

		/// The VRF output of the block that is being finalized; `None` in a block without one.
		type Randomness: Get<Option<[u8; 32]>>;

		/// Names the account in which review fees wait.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;
	}

	/// Why a balance is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A validator's stake, bonded or unbonding.
		Stake,
	}

	/// What names a round.
	pub type RoundKey = (ItemId, RoundIndex);

	/// What rounds are opened under. Set at genesis.
	#[pallet::storage]
	pub type Params<T: Config> = StorageValue<_, CourtParams, ValueQuery>;

	/// Who judges, and with what stake. Paid for by the least stake.
	#[pallet::storage]
	pub type Validators<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Validator, OptionQuery>;

	/// Sum of the stakes of all validators of a modality, by session.
	#[pallet::storage]
	pub type TotalStake<T: Config> = StorageMap<_, Blake2_128Concat, Modality, Schedule<Balance>, ValueQuery>;

	/// The last active block whose randomness was taken, and all randomness up to it:
	/// `acc_n = blake2_256(acc_{n-1} ‖ VRF of block n)`.
	#[pallet::storage]
	pub type Accumulator<T: Config> = StorageValue<_, (ActiveBlock, [u8; 32]), ValueQuery>;

	/// The accumulator after each of the last [`RING_BLOCKS`] active blocks, by block number modulo that.
	#[pallet::storage]
	pub type Ring<T: Config> = StorageMap<_, Blake2_128Concat, ActiveBlock, [u8; 32], OptionQuery>;

	/// Items in review, until their last vote is settled. Paid for by the review fee.
	#[pallet::storage]
	pub type Cases<T: Config> = StorageMap<_, Blake2_128Concat, ItemId, Case<T::AccountId>, OptionQuery>;

	/// Rounds, until their last vote is settled; at most [`MAX_ROUNDS`] a case.
	#[pallet::storage]
	pub type Rounds<T: Config> = StorageMap<_, Blake2_128Concat, RoundKey, Round, OptionQuery>;

	/// Votes that are not settled. Paid for by stake at risk.
	#[pallet::storage]
	pub type Votes<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, RoundKey, Blake2_128Concat, T::AccountId, Vote, OptionQuery>;

	/// How often items of a Datanet were accepted lately.
	#[pallet::storage]
	pub type RecentOutcomes<T: Config> = StorageMap<_, Blake2_128Concat, DatanetId, AcceptShare, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account became a validator; its stake counts two sessions later.
		Registered {
			/// The new validator.
			who: T::AccountId,
			/// Its stake, plancks.
			stake: Balance,
			/// What it judges.
			modalities: ModalitySet,
		},
		/// A validator added stake, which counts two sessions later.
		Bonded {
			/// The validator.
			who: T::AccountId,
			/// What was added, plancks.
			amount: Balance,
			/// Its stake now, plancks.
			stake: Balance,
		},
		/// A validator took out stake, which stops counting two sessions later.
		Unbonded {
			/// The validator.
			who: T::AccountId,
			/// What is on its way out, plancks.
			amount: Balance,
			/// The first session in which it can be withdrawn.
			from_session: SessionIndex,
		},
		/// Unbonded stake is free.
		Withdrawn {
			/// The validator, or former validator.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
		/// A validator judges other modalities from the session after the next on.
		ModalitiesSet {
			/// The validator.
			who: T::AccountId,
			/// What it judges.
			modalities: ModalitySet,
		},
		/// A round on an item opened.
		RoundOpened {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// The block whose randomness draws the panel.
			seed_at: ActiveBlock,
			/// The last block that takes commitments.
			commit_until: ActiveBlock,
			/// The last block that takes reveals.
			reveal_until: ActiveBlock,
		},
		/// A case was dropped because its item was withdrawn.
		CaseWithdrawn {
			/// The item.
			item: ItemId,
		},
		/// A validator committed to a verdict.
		Committed {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// The validator.
			voter: T::AccountId,
			/// What its vote counts.
			weight: u32,
		},
		/// A validator revealed its verdict.
		Revealed {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// The validator.
			voter: T::AccountId,
			/// Its verdict.
			verdict: Verdict,
		},
		/// A round ended without a decision.
		RoundUndecided {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
		},
		/// A round decided.
		VerdictReached {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// What it decided.
			verdict: Verdict,
			/// The last block in which the verdict is provisional.
			until: ActiveBlock,
		},
		/// What becomes of an item is final.
		CaseConcluded {
			/// The item.
			item: ItemId,
			/// `None`: no round decided.
			outcome: Option<Verdict>,
		},
		/// A vote was settled and deleted.
		VoteSettled {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// The validator.
			voter: T::AccountId,
			/// Its share of the round's fee, plancks.
			fee: Balance,
			/// Points of this vote, before deficits.
			points: i64,
			/// What it lost for not revealing, plancks.
			slashed: Balance,
		},
	}

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
		/// The account has less free balance than it wants to bond.
		InsufficientBalance,
		/// The amount is zero.
		ZeroAmount,
		/// More than the part of the stake that is not at risk in unsettled votes.
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
	}

	#[pallet::genesis_config]
	#[derive(DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// What rounds are opened under.
		pub params: CourtParams,
		/// The first validators: account, stake in plancks, what it judges. Their stakes count from session 0.
		pub validators: Vec<(T::AccountId, Balance, ModalitySet)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert!(self.params.is_valid(), "the court's parameters are out of range");
			Params::<T>::put(&self.params);
			for (who, stake, modalities) in &self.validators {
				Pallet::<T>::register_at_genesis(who, *stake, *modalities);
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			T::WeightInfo::on_finalize()
		}

		fn on_finalize(_: BlockNumberFor<T>) {
			Self::accumulate();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::check_state().map_err(Into::into)
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Become a validator. The stake counts from the session after the next on.
		///
		/// - `stake`: at least the least stake, plancks; put on hold.
		/// - `modalities`: what to judge.
		///
		/// Emits `Registered`.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(origin: OriginFor<T>, stake: Balance, modalities: ModalitySet) -> DispatchResult {
			Self::do_register(ensure_signed(origin)?, stake, modalities)
		}

		/// Add stake, which counts from the session after the next on.
		///
		/// - `amount`: plancks; put on hold.
		///
		/// Emits `Bonded`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::bond_more())]
		pub fn bond_more(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			Self::do_bond_more(ensure_signed(origin)?, amount)
		}

		/// Take out stake. It stops counting in the session after the next, stays on hold and slashable until it can be
		/// withdrawn.
		///
		/// - `amount`: plancks; at most what is not at risk. What stays is zero or at least the least stake.
		///
		/// Emits `Unbonded`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			Self::do_unbond(ensure_signed(origin)?, amount)
		}

		/// Free the stake whose unbonding is over. With nothing left, the account is no validator any more.
		///
		/// Emits `Withdrawn`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw_unbonded())]
		pub fn withdraw_unbonded(origin: OriginFor<T>) -> DispatchResult {
			Self::do_withdraw_unbonded(ensure_signed(origin)?)
		}

		/// Judge other modalities, from the session after the next on.
		///
		/// - `modalities`: what to judge, at least one.
		///
		/// Emits `ModalitiesSet`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::set_modalities())]
		pub fn set_modalities(origin: OriginFor<T>, modalities: ModalitySet) -> DispatchResult {
			Self::do_set_modalities(ensure_signed(origin)?, modalities)
		}

		/// Commit to a verdict on an item, and put the vote's reserve at risk.
		///
		/// - `item`, `round`: what is voted on; the item's open round.
		/// - `commitment`: see [`openledger_primitives::vote::Ballot::commitment`].
		///
		/// Emits `Committed`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::commit())]
		pub fn commit(origin: OriginFor<T>, item: ItemId, round: RoundIndex, commitment: [u8; 32]) -> DispatchResult {
			Self::do_commit(ensure_signed(origin)?, item, round, commitment)
		}

		/// Reveal the verdict that was committed to.
		///
		/// - `item`, `round`: what was voted on.
		/// - `verdict`, `salt`: what the commitment was made of.
		///
		/// Emits `Revealed`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::reveal())]
		pub fn reveal(
			origin: OriginFor<T>,
			item: ItemId,
			round: RoundIndex,
			verdict: Verdict,
			salt: [u8; 32],
		) -> DispatchResult {
			Self::do_reveal(ensure_signed(origin)?, item, round, verdict, salt)
		}

		/// Close the item's open round after its deadline: a decision becomes the provisional verdict, without one
		/// the next round opens, and after the last one the item expires. Anybody may call it.
		///
		/// - `item`: an item in review.
		///
		/// Emits `VerdictReached`, or `RoundUndecided` and then `RoundOpened` or `CaseConcluded`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::close_round())]
		pub fn close_round(origin: OriginFor<T>, item: ItemId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_close_round(item)
		}

		/// Make a provisional verdict final after its window. Anybody may call it.
		///
		/// - `item`: an item with a provisional verdict.
		///
		/// Fails with the docket's error where an earlier claim on the same content is still open. Emits `CaseConcluded`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::finalize())]
		pub fn finalize(origin: OriginFor<T>, item: ItemId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_finalize(item)
		}

		/// Pay or slash one vote on an item whose outcome is final, free its reserve and delete it. Anybody may call it.
		///
		/// - `item`, `round`, `voter`: whose vote.
		///
		/// Emits `VoteSettled`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::settle())]
		pub fn settle(origin: OriginFor<T>, item: ItemId, round: RoundIndex, voter: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_settle(item, round, voter)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The weight of a vote in the item's open round, zero for whoever is not on its panel. `None` where no round is
		/// open or its seed is not known yet.
		pub fn weight_of(item: ItemId, voter: T::AccountId) -> Option<u32> {
			Self::open_weight(item, &voter)
		}

		/// How far the item's case is. `None` where there is none (any more).
		pub fn case_status(item: ItemId) -> Option<CaseStatus> {
			Self::status(item)
		}
	}
}
