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
//! - **Reserve**: weight times the round's risk, the part of the stake that a vote puts at risk until it is settled. The risk
//!   grows with the file ([`CourtParams::risk`]), as does what a wrong acceptance of it could earn. Half of a stake is kept
//!   for votes on challenges.
//! - **Trial**: a wide round on a provisional verdict, which somebody called with a bond: a challenger, or who planted
//!   the item.
//! - **Plant**: an item whose right verdict its Datanet's owner committed to before it was submitted
//!   ([`openledger_primitives::plant`]). **Batch**: the plants under one root.
//! - **Penalty**: which votes of a case were shown to be wrong, and lose their reserve when they are settled.
//! - **Active block**: a block during which the chain was not paused. All windows count these.
//!
//! ## A case
//!
//! ```text
//!                                           ┌─► Challenged ─┐
//!                                  challenge│               │close_round
//! open ─► Voting ──close_round, decided──► Provisional ◄────┘
//!           │  ▲                            │        └──────────finalize──┐
//!           │  └──close_round, undecided:   └─open_plant─► OnTrial        │
//!           │     the next, wider round                      │close_round ▼
//!           └─────close_round, undecided in the last round───┴────────► Final ──settle, once a vote──► gone
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
//! | `provisional_blocks` after `reveal_until` | the verdict is provisional: `challenge`, `open_plant`; `finalize` after it |
//!
//! Until `commit_until`, `report_preimage` takes half of the reserve of a vote whose verdict and salt are known to somebody
//! else, and the pot the other half; that vote is void.
//!
//! The time at which somebody calls `close_round`, `finalize` or `settle` does not move the seed's block, the windows of a
//! first round, or the block at which a verdict became final: these follow from deadlines. Exceptions: a later round's commit
//! window begins with the call where that comes after its seed's block; and its seed, that of the deadline, is a block yet
//! to come where the call comes so late that stakes of its session could have been moved with that seed known. The order
//! of calls of `finalize` decides the order of a Datanet's versions and the recent share of acceptances that each case's
//! points are scaled by.
//!
//! ## Challenges
//!
//! A challenge opens a trial, the widest round, on an acceptance or a rejection. Its majority decides
//! ([`openledger_primitives::challenge::rule`]); without a decision the verdict stands. The verdict is provisional again
//! after it, for another window. Each further challenge of a case doubles bond and panel, up to `max_challenges`: a case
//! ends.
//!
//! | ruling | bond | votes |
//! |---|---|---|
//! | upheld | to that round's panel, or to the pot where nobody revealed | |
//! | corrected: an acceptance with score or units far off | back | |
//! | overturned | back | |
//! | overturned by two thirds | back | the losing side of earlier rounds pays its reserves: a part to the challenger |
//! | by two thirds either way, in the last challenge there can be | as above | the losing side pays in that round as well |
//!
//! A simple majority also undoes what two thirds decided, with the wider panel, and then nobody is punished: if it took two
//! thirds, whoever won once while others slept could not be overruled. No penalty is ever for the side that won in the end.
//! Votes on the last challenge would risk nothing otherwise, since nobody can appeal from them: a verdict on the largest file
//! would cost no more than the points of a majority of them.
//! The bond is the risk of [`CourtParams::challenge_weight`] units of weight, and so grows with the file as reserves do.
//! A challenger has no vote in the round it called, and no part in its own slash.
//!
//! ## Plants
//!
//! A Datanet's owner posts the root of at most 256 plants, with a bond each. Whatever is submitted `plant_delay` blocks
//! later can be opened against it, once, while the item is provisional, by whoever knows the leaf. That opens a trial. Where
//! two thirds of its revealed weight, with the quorum, say what the plant says, votes of earlier rounds that said otherwise
//! pay their reserves to the pot (never to the owner; who had shown the same by a challenge gets its part), and the bond
//! comes back. Else the bond is for that round's panel. Either way the item is concluded as planted; votes are settled by
//! the trial's verdict, or by the one that stood before it.
//!
//! ## Calls
//!
//! `register`, `bond_more`, `unbond`, `withdraw_unbonded`, `set_modalities` for stake; `commit`, `reveal` for
//! votes; `close_round`, `finalize`, `settle`, which anybody may call; `challenge`, `report_preimage`; `plant`,
//! `open_plant`, `close_plant` for owners; `set_params` for the chain's administration. Call indices 15 to 18 are reserved.
//!
//! ## Pay
//!
//! The review fee waits in [`Pallet::fee_account_id`]. An undecided round in which anybody revealed earns half of what is
//! left of it; the deciding round, and the last one, all the rest. Revealed weight shares a round's fee. What nobody
//! earned, and the dust of sharing, goes to the rewards' pot. Points are given by
//! [`openledger_primitives::points::vote_points`] and the panel's verdict, whatever the docket made of it; a deficit is
//! carried to the validator's next votes. Committed and not revealed: the vote's whole reserve goes to the pot, and it costs
//! a point for each unit of weight, as much as the worst reveal could: holding back never pays. Dissent costs no stake unless
//! a trial's penalty lies on it: then the vote loses its reserve, and earns no fee. A record with a deficit outlives its
//! stake: who comes back with `bond_more` still has it.
//!
//! ## Invariants (`try_state`)
//!
//! 1. What a validator has on hold is its stake and what is unbonding.
//! 2. What is at risk is the sum of the reserves of unsettled votes, and never more than the stake.
//! 3. The total of each modality is the sum of its validators' stakes, in this session and in those to come.
//! 4. Cases and rounds count their unsettled votes; no round or vote is left without its case; until a case is final, its
//!    tallies are the sums of its votes.
//! 5. The fee account holds all fees that are owed.
//! 6. A trial has a bond, and nothing else has; what is on hold for challenges is the sum of the bonds of challenges.
//! 7. What is on hold for plants is the bonds of those not opened and of those on trial; no batch has more opened than it has.
//! 8. A penalty is for votes of rounds that are over, which said otherwise than the verdict that stands.
//!
//! Total issuance never moves: fees and slashes are transfers.
//!
//! ## Assumptions
//!
//! - `ActiveBlocks` grows by one a block or stands still; it, the session and the randomness (of the block that is being
//!   finalized: this pallet comes after BABE) are not chosen by users.
//! - A round's commit window ends within the session after the one it was opened in: schedules remember one past session.
//!   Later, who changed its stake meanwhile is not on the panel.
//! - Half of all stake carries the last challenge's panel on the largest file. Whose own does not carry the risk of its
//!   weight cannot vote in that round (`InsufficientFreeStake`).
//! - The fee account and the pot hold the existential deposit from genesis on.
//! - `set_params` changes what opens later, also the later rounds of an open case: the widths may end earlier for it.
//! - Commitments and their salts are by the validator's account, also where a proxy signs for it: a hot key that votes
//!   through pallet-proxy derives them for the account whose stake is at risk.
//! - A reveal is sent only when the commit window is over on the chain's best block: sent before, it shows the preimage.
//! - The window of a verdict counts from its round's deadline, not from the call of `close_round`: who watches for wrong
//!   verdicts also closes rounds.
//! - The order of calls of `finalize` is the order of versions. Whoever gains by it can only be first or last among items
//!   that are due.
//! - A deficit, like a rank, is an account's; a new account has none, and waits for a new stake's sessions and the old one's
//!   unbonding.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use frame_support::pallet_macros::import_section;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod challenge;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod check;
mod court;
mod errors;
mod events;
#[cfg(test)]
mod mock;
mod plants;
mod randomness;
mod stake;
#[cfg(test)]
mod tests;
mod types;
mod views;
mod votes;
mod weights;

pub use openledger_primitives::params::{CourtParams, MAX_CHALLENGES, MAX_PANEL, MAX_WIDTHS, RING_BLOCKS};
pub use openledger_primitives::{
	challenge::TrialBond,
	plant::PlantBatch,
	validator::{Unbonding, Validator, MAX_UNBONDING},
};
pub use pallet::*;
pub use types::{CaseStatus, ValidatorSummary, MAX_ROUNDS};
pub use weights::WeightInfo;

#[import_section(events::events)]
#[import_section(errors::errors)]
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
		challenge::Ruling,
		format::{Modality, ModalitySet},
		item::{Case, Round, Vote},
		plant::MAX_PROOF,
		points::AcceptShare,
		schedule::Schedule,
		traits::{ActiveBlocks, DatanetOwners, Docket, Rewards, Sessions},
		vote::Verdict,
		ActiveBlock, Balance, BatchId, DatanetId, ItemId, RoundIndex, SessionIndex,
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

		/// Who may set the parameters.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The clock of all windows.
		type ActiveBlocks: ActiveBlocks;

		/// The session, from which stakes count.
		type Sessions: Sessions;

		/// Who takes verdicts.
		type Docket: Docket;

		/// Who may plant items in a Datanet.
		type DatanetOwners: DatanetOwners<Self::AccountId>;

		/// Who counts points and takes slashes.
		type Rewards: Rewards<Self::AccountId>;

		/// The VRF output of the block that is being finalized; `None` in a block without one.
		type Randomness: Get<Option<[u8; 32]>>;

		/// Names the account in which review fees wait.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// Weights of the calls and the hook.
		type WeightInfo: WeightInfo;

		/// Sets a stage for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: openledger_primitives::benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Why a balance is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A validator's stake, bonded or unbonding.
		Stake,
		/// The bond of an open challenge.
		Challenge,
		/// The bonds of planted items.
		Plant,
	}

	/// What names a round.
	pub type RoundKey = (ItemId, RoundIndex);

	/// What rounds are opened under. Set at genesis and by `set_params`.
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

	/// Rounds, until their last vote is settled; at most [`MAX_ROUNDS`] a case. Paid for by the review fee, a trial's bond and
	/// stake at risk.
	#[pallet::storage]
	pub type Rounds<T: Config> = StorageMap<_, Blake2_128Concat, RoundKey, Round, OptionQuery>;

	/// Votes that are not settled. Paid for by stake at risk.
	#[pallet::storage]
	pub type Votes<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, RoundKey, Blake2_128Concat, T::AccountId, Vote, OptionQuery>;

	/// What is at stake for who called an item's open trial.
	#[pallet::storage]
	pub type TrialBonds<T: Config> = StorageMap<_, Blake2_128Concat, ItemId, TrialBond<T::AccountId>, OptionQuery>;

	/// Roots of planted items, until their bonds are returned. Paid for by these.
	#[pallet::storage]
	pub type PlantBatches<T: Config> = StorageMap<_, Blake2_128Concat, BatchId, PlantBatch<T::AccountId>, OptionQuery>;

	/// The id of the next batch.
	#[pallet::storage]
	pub type NextBatch<T: Config> = StorageValue<_, BatchId, ValueQuery>;

	/// How often items of a Datanet were accepted lately.
	#[pallet::storage]
	pub type RecentOutcomes<T: Config> = StorageMap<_, Blake2_128Concat, DatanetId, AcceptShare, ValueQuery>;

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

		/// Challenge a provisional verdict: a wide round decides on it by majority.
		///
		/// - `item`: an item with a provisional verdict.
		///
		/// Puts the bond on hold: see [`Pallet::challenge_bond_due`]. Emits `Challenged` and `RoundOpened`.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::challenge())]
		pub fn challenge(origin: OriginFor<T>, item: ItemId) -> DispatchResult {
			Self::do_challenge(ensure_signed(origin)?, item)
		}

		/// Show what another validator committed to while commitments are still taken: half of its reserve for whoever does,
		/// half for the pot, and the vote is void.
		///
		/// - `item`, `round`, `voter`: whose vote; in the item's open round.
		/// - `verdict`, `salt`: what the commitment was made of.
		///
		/// Emits `PreimageReported`.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::report_preimage())]
		pub fn report_preimage(
			origin: OriginFor<T>,
			item: ItemId,
			round: RoundIndex,
			voter: T::AccountId,
			verdict: Verdict,
			salt: [u8; 32],
		) -> DispatchResult {
			Self::do_report_preimage(ensure_signed(origin)?, item, round, voter, verdict, salt)
		}

		/// Commit to the right verdicts on items that are yet to be submitted. For the Datanet's owner.
		///
		/// - `datanet`: where they will be submitted, by anybody.
		/// - `root`: of the tree of plants, see [`openledger_primitives::plant`].
		/// - `count`: how many of its leaves can be opened, from the first; a bond is put on hold for each.
		///
		/// Emits `Planted`.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::plant())]
		pub fn plant(origin: OriginFor<T>, datanet: DatanetId, root: [u8; 32], count: u16) -> DispatchResult {
			Self::do_plant(ensure_signed(origin)?, datanet, root, count)
		}

		/// Show that an item with a provisional verdict was planted: a wide round tries it. Whoever knows the plant may call it.
		///
		/// - `batch`, `index`: which plant; each opens once.
		/// - `item`: an item of the batch's Datanet, submitted after the plants took effect.
		/// - `right`, `salt`: what the owner committed to for the item's content.
		/// - `proof`: see [`openledger_primitives::plant::proof`].
		///
		/// Emits `PlantOpened` and `RoundOpened`.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::open_plant())]
		pub fn open_plant(
			origin: OriginFor<T>,
			batch: BatchId,
			index: u16,
			item: ItemId,
			right: bool,
			salt: [u8; 32],
			proof: BoundedVec<[u8; 32], ConstU32<MAX_PROOF>>,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_open_plant(batch, index, item, right, salt, &proof)
		}

		/// Return the bond of plants that were never opened, once they cannot be any more. Anybody may call it.
		///
		/// - `batch`: a batch that expired, or of which every plant was opened.
		///
		/// Emits `PlantsClosed`.
		#[pallet::call_index(14)]
		#[pallet::weight(T::WeightInfo::close_plant())]
		pub fn close_plant(origin: OriginFor<T>, batch: BatchId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_close_plant(batch)
		}

		/// Set the parameters of all rounds, bonds and windows that start from now on, also in cases that are open. For the
		/// chain's administration.
		///
		/// - `params`: all of them.
		///
		/// Emits `ParamsSet`.
		#[pallet::call_index(19)]
		#[pallet::weight(T::WeightInfo::set_params())]
		pub fn set_params(origin: OriginFor<T>, params: CourtParams) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(params.is_valid(), Error::<T>::InvalidParams);
			Params::<T>::put(&params);
			Self::deposit_event(Event::ParamsSet { params });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The weight of a vote in the item's open round, zero for whoever is not on its panel. `None` where no round is
		/// open or its seed is not known yet.
		pub fn weight_of(item: ItemId, voter: T::AccountId) -> Option<u32> {
			Self::open_weight(item, &voter)
		}

		/// How far the item's case is, with its deadlines. `None` where there is none (any more).
		pub fn case_status(item: ItemId) -> Option<CaseStatus<T::AccountId>> {
			Self::status(item)
		}

		/// What a challenge of the item costs now, plancks. `None` where it cannot be challenged.
		pub fn challenge_bond_due(item: ItemId) -> Option<Balance> {
			Self::bond_due(item)
		}

		/// A batch of planted items. `None` where there is none, or it is closed.
		pub fn plant_batch(batch: BatchId) -> Option<PlantBatch<T::AccountId>> {
			PlantBatches::<T>::get(batch)
		}

		/// What a validator has at stake. `None` for whoever is none.
		pub fn validator_summary(who: T::AccountId) -> Option<ValidatorSummary> {
			Self::summary(&who)
		}
	}
}
