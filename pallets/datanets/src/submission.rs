//! What a submission must pass, what it costs, and the line of claims it joins.

use frame_support::{
	ensure,
	traits::{fungible::MutateHold as _, UnixTime},
};
use openledger_primitives::{
	format::Modality,
	item::{Content, Neighbours as LineNeighbours},
	payload::Payload,
	quota::QuotaError,
	DatanetId, ItemId,
};
use sp_runtime::DispatchResult;

use crate::{
	Config, Contents, DatanetDayUses, DatanetParams, Datanets, DayUses, Error, Event, Hold, HoldReason, Holds,
	Neighbours, Pallet,
};

impl<T: Config> Pallet<T> {
	/// Unix time in milliseconds.
	pub(crate) fn now_millis() -> u64 {
		T::UnixTime::now().as_millis() as u64
	}

	/// Whether the Datanet takes such a payload; returns its modality.
	pub(crate) fn check_payload(
		datanet: DatanetId,
		payload: &Payload,
		params: &DatanetParams,
	) -> Result<Modality, Error<T>> {
		let datanet = Datanets::<T>::get(datanet).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(!datanet.closed, Error::<T>::DatanetClosed);
		ensure!(payload.size > 0, Error::<T>::EmptyFile);
		ensure!(
			payload.size <= datanet.max_file_bytes.min(params.limits.file_bytes),
			Error::<T>::FileTooLarge
		);
		ensure!(payload.format.modality() == datanet.modality, Error::<T>::WrongFormat);
		ensure!(payload.is_consistent(), Error::<T>::NotCanonicalCid);
		Ok(datanet.modality)
	}

	/// Charges one file of `bytes` to both of the day's quotas.
	pub(crate) fn charge_quotas(
		who: &T::AccountId,
		datanet: DatanetId,
		bytes: u32,
		day: u32,
		params: &DatanetParams,
	) -> Result<(), Error<T>> {
		let limits = &params.limits;
		let used = DayUses::<T>::get(who)
			.charge(day, bytes, limits.account_bytes, limits.account_files)
			.map_err(|error| match error {
				QuotaError::Bytes => Error::<T>::DailyBytesExceeded,
				QuotaError::Files => Error::<T>::DailyFilesExceeded,
			})?;
		// A Datanet bounds bytes only: the number of files is bounded over all of them.
		let datanet_used = DatanetDayUses::<T>::get(who, datanet)
			.charge(day, bytes, limits.datanet_bytes, u32::MAX)
			.map_err(|_| Error::<T>::DatanetDailyBytesExceeded)?;
		DayUses::<T>::insert(who, used);
		DatanetDayUses::<T>::insert(who, datanet, datanet_used);
		Ok(())
	}

	/// Takes the contributor's hold if there is none, and renews it if there is.
	pub(crate) fn take_hold(who: &T::AccountId, now_millis: u64, params: &DatanetParams) -> DispatchResult {
		let until_millis = params.hold_until(now_millis);
		let amount = match Holds::<T>::get(who) {
			Some(hold) => hold.amount,
			None => {
				let amount = params.contributor_hold;
				T::Currency::hold(&HoldReason::Contributor.into(), who, amount)?;
				Self::deposit_event(Event::HoldTaken {
					who: who.clone(),
					amount,
				});
				amount
			}
		};
		Holds::<T>::insert(who, Hold { amount, until_millis });
		Ok(())
	}

	/// Puts a claim at the end of the line of its content, whose record is `content`.
	pub(crate) fn join_line(item: ItemId, sha256: [u8; 32], content: Content) {
		if let Some(last) = content.last {
			Neighbours::<T>::mutate(last, |entry| entry.get_or_insert_default().next = Some(item));
		}
		Neighbours::<T>::insert(
			item,
			LineNeighbours {
				previous: content.last,
				next: None,
			},
		);
		let attempts = content.attempts.saturating_add(1);
		Contents::<T>::insert(
			sha256,
			Content {
				last: Some(item),
				attempts,
				..content
			},
		);
	}

	/// Takes a claim out of the line of its content.
	pub(crate) fn leave_line(item: ItemId, sha256: [u8; 32]) {
		let LineNeighbours { previous, next } = Neighbours::<T>::take(item).unwrap_or_default();
		if let Some(previous) = previous {
			Neighbours::<T>::mutate(previous, |entry| entry.get_or_insert_default().next = next);
		}
		match next {
			Some(next) => Neighbours::<T>::mutate(next, |entry| entry.get_or_insert_default().previous = previous),
			None => Contents::<T>::mutate(sha256, |content| content.last = previous),
		}
	}
}
