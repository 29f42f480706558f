//! What a submission must pass, what it costs, the line of claims it joins, and how it ends when nobody accepts it.

use frame_support::{
	ensure,
	traits::{
		fungible::{Mutate as _, MutateHold as _},
		tokens::{Precision, Preservation},
		UnixTime,
	},
};
use openledger_primitives::{
	item::{Content, Datanet, Item, Misfit, Neighbours as LineNeighbours, Outcome},
	payload::Payload,
	quota::{day_of, QuotaError},
	traits::{ActiveBlocks, Court},
	DatanetId, ItemId,
};
use sp_runtime::{ArithmeticError, DispatchResult};

use crate::{
	Config, Contents, DatanetDayUses, DatanetParams, Datanets, DayUses, Error, Event, ExclusionOf, Hold, HoldReason,
	Holds, ItemView, Items, Neighbours, NextItem, Pallet, Params,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_submit(
		contributor: T::AccountId,
		id: DatanetId,
		payload: Payload,
		possession: [u8; 32],
	) -> DispatchResult {
		let params = Params::<T>::get();
		let mut datanet = Self::check_payload(id, &payload, &params)?;
		let content = Contents::<T>::get(payload.sha256);
		ensure!(content.accepted.is_none(), Error::<T>::ContentAlreadyAccepted);

		let now = Self::now_millis();
		Self::charge_quotas(&contributor, id, payload.size, day_of(now), &params)?;
		Self::take_hold(&contributor, now, &params)?;
		let fee = params.review_fee(payload.size, content.attempts);
		T::Currency::transfer(&contributor, &T::Court::fee_account(), fee, Preservation::Preserve)?;

		let item = NextItem::<T>::get();
		NextItem::<T>::put(item.checked_add(1).ok_or(ArithmeticError::Overflow)?);
		Self::join_line(item, payload.sha256, content);
		let modality = datanet.modality;
		datanet.in_review = datanet.in_review.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		Datanets::<T>::insert(id, datanet);
		let record = Item {
			datanet: id,
			contributor: contributor.clone(),
			payload,
			possession: Some(possession),
			submitted_at: T::ActiveBlocks::now(),
			day: day_of(now),
			outcome: Outcome::InReview,
		};
		Items::<T>::insert(item, record);
		T::Court::open(item, id, modality, &contributor, payload.size, fee)?;
		Self::deposit_event(Event::ItemSubmitted {
			item,
			datanet: id,
			contributor,
			sha256: payload.sha256,
			fee,
		});
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId, id: ItemId) -> DispatchResult {
		let item = Items::<T>::get(id).ok_or(Error::<T>::ItemNotFound)?;
		ensure!(item.contributor == who, Error::<T>::NotContributor);
		ensure!(item.outcome == Outcome::InReview, Error::<T>::ItemNotInReview);

		let refund = T::Court::withdraw(id)?;
		T::Currency::transfer(&T::Court::fee_account(), &who, refund, Preservation::Preserve)?;
		let sha256 = item.payload.sha256;
		Self::end_review(id, item, Outcome::Withdrawn);
		Self::change_content(sha256, |content| content.attempts = content.attempts.saturating_sub(1));
		Self::deposit_event(Event::ItemWithdrawn { item: id, refund });
		Ok(())
	}

	pub(crate) fn do_release_hold(who: T::AccountId) -> DispatchResult {
		let hold = Holds::<T>::get(&who).ok_or(Error::<T>::HoldNotFound)?;
		ensure!(Self::now_millis() >= hold.until_millis, Error::<T>::HoldNotExpired);
		T::Currency::release(&HoldReason::Contributor.into(), &who, hold.amount, Precision::Exact)?;
		Holds::<T>::remove(&who);
		Self::deposit_event(Event::HoldReleased {
			who,
			amount: hold.amount,
		});
		Ok(())
	}

	pub(crate) fn do_prune(id: ItemId) -> DispatchResult {
		let item = Items::<T>::get(id).ok_or(Error::<T>::ItemNotFound)?;
		let is_accepted = matches!(item.outcome, Outcome::Accepted { .. });
		ensure!(!is_accepted, Error::<T>::ItemInVersion);
		ensure!(Self::can_prune(id, &item), Error::<T>::ItemHasCase);
		Items::<T>::remove(id);
		Self::deposit_event(Event::ItemPruned { item: id });
		Ok(())
	}

	pub(crate) fn view_item(id: ItemId) -> Option<ItemView<T::AccountId>> {
		let item = Items::<T>::get(id)?;
		let exclusion = match item.outcome {
			Outcome::Accepted { version, .. } => ExclusionOf::<T>::get(item.datanet, version),
			_ => None,
		};
		Some(ItemView {
			exclusion,
			can_be_pruned: Self::can_prune(id, &item),
			item,
		})
	}

	fn can_prune(id: ItemId, item: &Item<T::AccountId>) -> bool {
		!matches!(item.outcome, Outcome::InReview | Outcome::Accepted { .. }) && !T::Court::has_case(id)
	}

	/// Unix time in milliseconds.
	pub(crate) fn now_millis() -> u64 {
		T::UnixTime::now().as_millis() as u64
	}

	/// Whether the Datanet takes such a payload; returns the Datanet.
	fn check_payload(
		datanet: DatanetId,
		payload: &Payload,
		params: &DatanetParams,
	) -> Result<Datanet<T::AccountId>, Error<T>> {
		let datanet = Datanets::<T>::get(datanet).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(!datanet.closed, Error::<T>::DatanetClosed);
		datanet
			.policy
			.check(datanet.modality, params.limits.file_bytes, payload.size, payload.format)
			.map_err(|misfit| match misfit {
				Misfit::Empty => Error::<T>::EmptyFile,
				Misfit::TooLarge => Error::<T>::FileTooLarge,
				Misfit::TooSmall => Error::<T>::FileTooSmall,
				Misfit::WrongFormat => Error::<T>::WrongFormat,
				Misfit::FormatNotTaken => Error::<T>::FormatNotTaken,
			})?;
		ensure!(payload.is_consistent(), Error::<T>::NotCanonicalCid);
		Ok(datanet)
	}

	/// Charges one file of `bytes` to both of the day's quotas.
	fn charge_quotas(
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
	fn take_hold(who: &T::AccountId, now_millis: u64, params: &DatanetParams) -> DispatchResult {
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
	fn join_line(item: ItemId, sha256: [u8; 32], content: Content) {
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

	/// Stores what became of an item: it is no claim on its content any more.
	pub(crate) fn end_review(id: ItemId, item: Item<T::AccountId>, outcome: Outcome) {
		Self::leave_line(id, item.payload.sha256);
		Datanets::<T>::mutate_extant(item.datanet, |datanet| {
			datanet.in_review = datanet.in_review.saturating_sub(1);
		});
		Items::<T>::insert(
			id,
			Item {
				possession: None,
				outcome,
				..item
			},
		);
	}

	/// Takes a claim out of the line of its content.
	fn leave_line(item: ItemId, sha256: [u8; 32]) {
		let LineNeighbours { previous, next } = Neighbours::<T>::take(item).unwrap_or_default();
		if let Some(previous) = previous {
			Neighbours::<T>::mutate(previous, |entry| entry.get_or_insert_default().next = next);
		}
		match next {
			Some(next) => Neighbours::<T>::mutate(next, |entry| entry.get_or_insert_default().previous = previous),
			None => Self::change_content(sha256, |content| content.last = previous),
		}
	}

	/// Changes the record of a content; one that says nothing is not stored.
	fn change_content(sha256: [u8; 32], change: impl FnOnce(&mut Content)) {
		Contents::<T>::mutate_exists(sha256, |entry| {
			let mut content = entry.unwrap_or_default();
			change(&mut content);
			*entry = (content != Content::default()).then_some(content);
		});
	}
}
