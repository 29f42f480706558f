//! Why a call fails.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod errors {
	#[pallet::error]
	pub enum Error<T> {
		/// There is no Datanet with this id.
		DatanetNotFound,
		/// The Datanet takes no items and no training jobs any more.
		DatanetClosed,
		/// Only the Datanet's owner may do this.
		NotOwner,
		/// A Datanet needs a name.
		EmptyName,
		/// Name, description and licence must be UTF-8.
		NotUtf8,
		/// The least size of a file is zero or above the largest, or the largest is above the chain's.
		InvalidFileBytes,
		/// The set of formats is empty, or has one that is not of the Datanet's modality.
		InvalidFormats,
		/// The file has no bytes.
		EmptyFile,
		/// The file is larger than the Datanet or the chain takes.
		FileTooLarge,
		/// The file is smaller than the Datanet takes.
		FileTooSmall,
		/// The file's format is not of the Datanet's modality.
		WrongFormat,
		/// The Datanet does not take files of this format.
		FormatNotTaken,
		/// Codec and root are not what the import profile gives a file of this size and hash: import it again as CIDv1 with
		/// sha2-256, raw leaves and chunks of 1 MiB.
		NotCanonicalCid,
		/// This content was accepted before, in some Datanet.
		ContentAlreadyAccepted,
		/// The account would contribute more bytes today than it may.
		DailyBytesExceeded,
		/// The account would contribute more files today than it may.
		DailyFilesExceeded,
		/// The account would contribute more bytes to this Datanet today than it may.
		DatanetDailyBytesExceeded,
		/// There is no item with this id.
		ItemNotFound,
		/// The item is decided or withdrawn.
		ItemNotInReview,
		/// Only the contributor may do this.
		NotContributor,
		/// An earlier claim on the same content is not decided.
		EarlierClaimOpen,
		/// The account has nothing on hold.
		HoldNotFound,
		/// The account contributed too recently to have its hold back.
		HoldNotExpired,
		/// The Datanet has no such version.
		VersionNotFound,
		/// The Datanet has fewer exclusions than that.
		ExclusionsNotFound,
		/// More was taken down since: name the newest number of exclusions, the Datanet's `exclusions`.
		StaleExclusions,
		/// The item of this version is taken down already.
		AlreadyExcluded,
		/// The Datanet is not restricted: nobody needs access.
		NotRestricted,
		/// The account has asked already.
		AlreadyRequested,
		/// The account's grant has not expired.
		AlreadyGranted,
		/// A grant must last beyond the current block.
		GrantInPast,
		/// The account has neither a request nor a grant.
		AccessNotFound,
		/// The Datanet is restricted, and the account has no grant.
		AccessDenied,
		/// The Datanet is restricted, and the account's grant has expired.
		GrantExpired,
		/// The Datanet is not offered to this account.
		NotOffered,
		/// An item in a version is kept for good.
		ItemInVersion,
		/// The item's review is not over, or its votes are not settled.
		ItemHasCase,
		/// A limit, a deposit or the fee is zero.
		InvalidParams,
	}
}
