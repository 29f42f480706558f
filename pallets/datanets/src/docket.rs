//! What final verdicts do, and what other pallets ask about versions.

use frame_support::ensure;
use openledger_primitives::{
	item::{next_root, Item, Outcome, VersionEntry},
	points::item_points,
	training::DatasetRef,
	traits::{AcceptedItem, DatanetOwners, Dataset, Datasets, Docket, Rewards, Submission, VersionPoints},
	vote::{Reason, Verdict, MAX_SCORE},
	ActiveBlock, DatanetId, ItemId,
};
use sp_runtime::{ArithmeticError, DispatchError, DispatchResult};

use crate::{
	Checkpoint, Checkpoints, Config, Contents, Datanets, Error, Event, Items, Neighbours, Pallet, Standings, Versions,
};

impl<T: Config> Docket for Pallet<T> {
	fn conclude(id: ItemId, verdict: Option<Verdict>, final_at: ActiveBlock) -> Result<Option<Verdict>, DispatchError> {
		let item = Self::in_review(id)?;
		let verdict = Self::resolve_duplicate(id, &item, verdict)?.map(|verdict| verdict.within(item.payload.size));
		let outcome = match verdict {
			Some(Verdict::Accept { score, units }) => Self::accept(id, &item, score.min(MAX_SCORE), units, final_at)?,
			Some(Verdict::Reject { reason }) => Self::reject(id, &item, reason)?,
			None => {
				Self::deposit_event(Event::ItemExpired { item: id });
				Outcome::Expired
			}
		};
		Self::end_review(id, item, outcome);
		Ok(verdict)
	}

	fn submission(id: ItemId) -> Option<Submission> {
		let item = Items::<T>::get(id).filter(|item| item.outcome == Outcome::InReview)?;
		Some(Submission {
			sha256: item.payload.sha256,
			submitted_at: item.submitted_at,
		})
	}

	fn conclude_planted(id: ItemId) -> DispatchResult {
		let item = Self::in_review(id)?;
		Self::end_review(id, item, Outcome::Planted);
		Self::deposit_event(Event::ItemPlanted { item: id });
		Ok(())
	}
}

impl<T: Config> DatanetOwners<T::AccountId> for Pallet<T> {
	fn owner(datanet: DatanetId) -> Option<T::AccountId> {
		Datanets::<T>::get(datanet).map(|datanet| datanet.owner)
	}
}

impl<T: Config> Pallet<T> {
	fn in_review(id: ItemId) -> Result<Item<T::AccountId>, Error<T>> {
		let item = Items::<T>::get(id).ok_or(Error::<T>::ItemNotFound)?;
		ensure!(item.outcome == Outcome::InReview, Error::<T>::ItemNotInReview);
		Ok(item)
	}

	/// An acceptance of content that another claim holds becomes a rejection, and must wait while an earlier one is open.
	fn resolve_duplicate(
		id: ItemId,
		item: &Item<T::AccountId>,
		verdict: Option<Verdict>,
	) -> Result<Option<Verdict>, Error<T>> {
		if !matches!(verdict, Some(Verdict::Accept { .. })) {
			return Ok(verdict);
		}
		if Neighbours::<T>::get(id).is_some_and(|neighbours| neighbours.previous.is_some()) {
			return Err(Error::<T>::EarlierClaimOpen);
		}
		if Contents::<T>::get(item.payload.sha256).accepted.is_some() {
			return Ok(Some(Verdict::Reject {
				reason: Reason::Duplicate,
			}));
		}
		Ok(verdict)
	}

	/// Makes a version of an item, and lets contributor and owner earn its points.
	fn accept(
		id: ItemId,
		item: &Item<T::AccountId>,
		score: u8,
		units: u32,
		final_at: ActiveBlock,
	) -> Result<Outcome, DispatchError> {
		let mut datanet = Datanets::<T>::get(item.datanet).ok_or(Error::<T>::DatanetNotFound)?;
		let version = datanet.version.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let points = item_points(score, units);
		datanet.version = version;
		datanet.root = next_root(datanet.root, item.datanet, version, &item.payload, &item.contributor);
		datanet.points = datanet.points.saturating_add(points.into());

		Versions::<T>::insert(
			item.datanet,
			version,
			VersionEntry {
				item: id,
				root: datanet.root,
				points: datanet.points,
			},
		);
		Contents::<T>::mutate(item.payload.sha256, |content| content.accepted = Some(id));
		Standings::<T>::mutate(item.datanet, &item.contributor, |standing| {
			Self::add_checkpoint(item.datanet, &item.contributor, standing.accepted, version, points);
			standing.accepted = standing.accepted.saturating_add(1);
			standing.score_sum = standing.score_sum.saturating_add(score.into());
		});
		let accepted = AcceptedItem {
			datanet: item.datanet,
			modality: datanet.modality,
			contributor: &item.contributor,
			owner: &datanet.owner,
		};
		let epoch = T::Rewards::award_item(accepted, points.into(), final_at);
		let root = datanet.root;
		Datanets::<T>::insert(item.datanet, datanet);
		Self::deposit_event(Event::ItemAccepted {
			item: id,
			datanet: item.datanet,
			version,
			root,
			points,
			epoch,
		});
		Ok(Outcome::Accepted { version, score, units })
	}

	fn reject(id: ItemId, item: &Item<T::AccountId>, reason: Reason) -> Result<Outcome, DispatchError> {
		Datanets::<T>::try_mutate(item.datanet, |datanet| {
			let datanet = datanet.as_mut().ok_or(Error::<T>::DatanetNotFound)?;
			datanet.rejected = datanet.rejected.saturating_add(1);
			Ok::<(), Error<T>>(())
		})?;
		Standings::<T>::mutate(item.datanet, &item.contributor, |standing| {
			standing.rejected = standing.rejected.saturating_add(1);
		});
		Self::deposit_event(Event::ItemRejected { item: id, reason });
		Ok(Outcome::Rejected { reason })
	}

	/// The contributor's checkpoint number `k`, of its acceptance number `k`, both from 0.
	fn add_checkpoint(datanet: DatanetId, who: &T::AccountId, k: u32, version: u32, points: u64) {
		let before = match k {
			0 => 0,
			_ => Checkpoints::<T>::get((datanet, who, k - 1)).map_or(0, |checkpoint| checkpoint.points),
		};
		let points = before.saturating_add(points.into());
		Checkpoints::<T>::insert((datanet, who, k), Checkpoint { version, points });
	}
}

impl<T: Config> Datasets<T::AccountId> for Pallet<T> {
	fn dataset(dataset: DatasetRef, who: &T::AccountId) -> Result<Dataset, DispatchError> {
		let id = dataset.datanet;
		let datanet = Datanets::<T>::get(id).ok_or(Error::<T>::DatanetNotFound)?;
		Self::ensure_access(id, &datanet, who)?;
		let entry = Versions::<T>::get(id, dataset.version).ok_or(Error::<T>::VersionNotFound)?;
		// Only the newest set: nothing is trained on that is taken down by now.
		ensure!(dataset.exclusions <= datanet.exclusions, Error::<T>::ExclusionsNotFound);
		ensure!(dataset.exclusions == datanet.exclusions, Error::<T>::StaleExclusions);
		Ok(Dataset {
			modality: datanet.modality,
			root: entry.root,
		})
	}

	fn newest(datanet: DatanetId) -> Option<DatasetRef> {
		Self::newest_dataset(datanet)
	}
}

impl<T: Config> VersionPoints<T::AccountId> for Pallet<T> {
	fn total(datanet: DatanetId, version: u32) -> u128 {
		Versions::<T>::get(datanet, version).map_or(0, |entry| entry.points)
	}

	fn of(datanet: DatanetId, version: u32, who: &T::AccountId) -> u128 {
		if !Versions::<T>::contains_key(datanet, version) {
			return 0;
		}
		// The number of checkpoints at or before the version lies in `low..=high`; `found` is the last of them seen.
		let (mut low, mut high) = (0, Standings::<T>::get(datanet, who).accepted);
		let mut found = 0;
		while low < high {
			let middle = low + (high - low) / 2;
			match Checkpoints::<T>::get((datanet, who, middle)) {
				Some(checkpoint) if checkpoint.version <= version => {
					found = checkpoint.points;
					low = middle + 1;
				}
				_ => high = middle,
			}
		}
		found
	}
}
