//! What the pallet tells.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod events {
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A Datanet was created.
		DatanetCreated {
			/// Its id.
			datanet: DatanetId,
			/// Whose it is.
			owner: T::AccountId,
			/// What it holds.
			modality: Modality,
		},
		/// A file was contributed and is in review.
		ItemSubmitted {
			/// Its id.
			item: ItemId,
			/// Where to.
			datanet: DatanetId,
			/// By whom.
			contributor: T::AccountId,
			/// sha2-256 of the bytes.
			sha256: [u8; 32],
			/// The review fee, plancks.
			fee: Balance,
		},
		/// A contributor took an item back.
		ItemWithdrawn {
			/// Its id.
			item: ItemId,
			/// What was left of the review fee and went back, plancks.
			refund: Balance,
		},
		/// An item was accepted and made a version.
		ItemAccepted {
			/// Its id.
			item: ItemId,
			/// The Datanet that has it now.
			datanet: DatanetId,
			/// The version it made.
			version: u32,
			/// The digest that names that version.
			root: [u8; 32],
			/// What it earned, for the contributor and again for the owner.
			points: u64,
			/// The epoch whose budget these points share.
			epoch: EpochIndex,
		},
		/// An item was rejected.
		ItemRejected {
			/// Its id.
			item: ItemId,
			/// Why.
			reason: Reason,
		},
		/// No round decided on an item. It does not count in its contributor's standing.
		ItemExpired {
			/// Its id.
			item: ItemId,
		},
		/// An item had been planted by its Datanet's owner. It earns nothing, counts for nobody and enters no version.
		ItemPlanted {
			/// Its id.
			item: ItemId,
		},
		/// The record of an item that is in no version was removed.
		ItemPruned {
			/// Its id.
			item: ItemId,
		},
		/// An accepted item was taken down.
		ItemExcluded {
			/// The Datanet.
			datanet: DatanetId,
			/// The exclusion's number there.
			number: u32,
			/// The version that the item made.
			version: u32,
			/// The item.
			item: ItemId,
			/// Why.
			reason: ExclusionReason,
		},
		/// A Datanet has another name or description.
		MetadataSet {
			/// The Datanet.
			datanet: DatanetId,
		},
		/// A Datanet has another policy.
		PolicySet {
			/// The Datanet.
			datanet: DatanetId,
		},
		/// An account asks to train on a restricted Datanet.
		AccessRequested {
			/// The Datanet.
			datanet: DatanetId,
			/// The account.
			who: T::AccountId,
		},
		/// An account may train on a restricted Datanet.
		AccessGranted {
			/// The Datanet.
			datanet: DatanetId,
			/// The account.
			who: T::AccountId,
			/// The last active block at which it may request a training.
			until: ActiveBlock,
		},
		/// A request or a grant has ended.
		AccessRevoked {
			/// The Datanet.
			datanet: DatanetId,
			/// The account that had it.
			who: T::AccountId,
		},
		/// An owner offers its Datanet.
		TransferOffered {
			/// The Datanet.
			datanet: DatanetId,
			/// To whom.
			to: T::AccountId,
		},
		/// An owner took its offer back.
		OfferWithdrawn {
			/// The Datanet.
			datanet: DatanetId,
		},
		/// A Datanet has another owner.
		DatanetTransferred {
			/// The Datanet.
			datanet: DatanetId,
			/// Whose it was.
			from: T::AccountId,
			/// Whose it is.
			to: T::AccountId,
		},
		/// A Datanet takes no items and no training any more.
		DatanetClosed {
			/// The Datanet.
			datanet: DatanetId,
		},
		/// A closed Datanet without versions was removed, and its deposit went back.
		DatanetRemoved {
			/// The Datanet.
			datanet: DatanetId,
		},
		/// Contributing has other bounds or costs.
		ParamsSet {
			/// The new ones.
			params: DatanetParams,
		},
		/// A contributor's hold was taken.
		HoldTaken {
			/// The contributor.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
		/// A contributor had its hold back.
		HoldReleased {
			/// The contributor.
			who: T::AccountId,
			/// Plancks.
			amount: Balance,
		},
	}
}
