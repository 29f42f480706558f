//! What the pallet tells.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod events {
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
			/// What it lost for not revealing or for having been shown wrong, plancks.
			slashed: Balance,
			/// What of that the challenger got, plancks.
			rewarded: Balance,
		},
		/// A provisional verdict was challenged.
		Challenged {
			/// The item.
			item: ItemId,
			/// Who challenged it.
			challenger: T::AccountId,
			/// What was put on hold, plancks.
			bond: Balance,
		},
		/// A challenge's round ended; `VerdictReached` follows.
		ChallengeDecided {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// What it made of the verdict.
			ruling: Ruling,
			/// The bond: lost where the verdict was upheld, else returned; plancks.
			bond: Balance,
		},
		/// A vote is void because its verdict and salt were known during the commit window.
		PreimageReported {
			/// The item.
			item: ItemId,
			/// Which of its rounds.
			round: RoundIndex,
			/// The validator.
			voter: T::AccountId,
			/// Who showed it.
			reporter: T::AccountId,
			/// What the reporter got, plancks.
			rewarded: Balance,
			/// What the voter lost, plancks.
			slashed: Balance,
		},
		/// A Datanet's owner planted items.
		Planted {
			/// The plants' batch.
			batch: BatchId,
			/// Where the items will be.
			datanet: DatanetId,
			/// Commits to what is right.
			root: [u8; 32],
			/// How many there are.
			count: u16,
			/// What was put on hold for all of them, plancks.
			bond: Balance,
			/// Items submitted after this block can be opened.
			from: ActiveBlock,
			/// The last block in which they can be opened.
			until: ActiveBlock,
		},
		/// An item was shown to be planted; a trial opens.
		PlantOpened {
			/// The plant's batch.
			batch: BatchId,
			/// Its place in the batch.
			index: u16,
			/// The item.
			item: ItemId,
			/// Whether accepting it is right, says the plant.
			right: bool,
		},
		/// A plant's trial ended, and the item with it.
		PlantConcluded {
			/// The item.
			item: ItemId,
			/// Whether two thirds said what the plant says.
			confirmed: bool,
			/// The plant's bond: returned where it was confirmed, else for the panel; plancks.
			bond: Balance,
		},
		/// A batch is over.
		PlantsClosed {
			/// The batch.
			batch: BatchId,
			/// The bond of plants that were never opened, plancks.
			returned: Balance,
		},
		/// The parameters changed.
		ParamsSet {
			/// What holds for what starts from now on.
			params: CourtParams,
		},
	}
}
