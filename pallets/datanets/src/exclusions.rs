//! Accepted items that were taken down.

use alloc::vec::Vec;

use frame_support::ensure;
use openledger_primitives::{
	item::{Exclusion, ExclusionReason},
	training::DatasetRef,
	DatanetId,
};
use sp_runtime::{ArithmeticError, DispatchResult};

use crate::{Config, Datanets, Error, Event, ExclusionOf, Exclusions, Pallet, Versions};

impl<T: Config> Pallet<T> {
	/// Takes the item of a version down; `owner` must be the Datanet's, `None` is the admin.
	pub(crate) fn do_exclude(
		owner: Option<T::AccountId>,
		id: DatanetId,
		version: u32,
		reason: ExclusionReason,
	) -> DispatchResult {
		let mut datanet = Datanets::<T>::get(id).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(owner.is_none_or(|owner| owner == datanet.owner), Error::<T>::NotOwner);
		let item = Versions::<T>::get(id, version).ok_or(Error::<T>::VersionNotFound)?.item;
		ensure!(
			!ExclusionOf::<T>::contains_key(id, version),
			Error::<T>::AlreadyExcluded
		);

		let number = datanet.exclusions.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		datanet.exclusions = number;
		Datanets::<T>::insert(id, datanet);
		Exclusions::<T>::insert(id, number, Exclusion { version, item, reason });
		ExclusionOf::<T>::insert(id, version, number);
		Self::deposit_event(Event::ItemExcluded {
			datanet: id,
			number,
			version,
			item,
			reason,
		});
		Ok(())
	}

	pub(crate) fn newest_dataset(id: DatanetId) -> Option<DatasetRef> {
		let datanet = Datanets::<T>::get(id)?;
		Some(DatasetRef {
			datanet: id,
			version: datanet.version,
			exclusions: datanet.exclusions,
		})
	}

	pub(crate) fn list_exclusions(id: DatanetId, from: u32, limit: u32) -> Vec<Exclusion> {
		let first = from.max(1);
		(first..first.saturating_add(limit))
			.map_while(|number| Exclusions::<T>::get(id, number))
			.collect()
	}

	/// Whether an exclusion after the dataset's took down something of its version.
	pub(crate) fn has_later_exclusion(dataset: DatasetRef) -> bool {
		let newest = Datanets::<T>::get(dataset.datanet).map_or(0, |datanet| datanet.exclusions);
		(dataset.exclusions.saturating_add(1)..=newest)
			.filter_map(|number| Exclusions::<T>::get(dataset.datanet, number))
			.any(|exclusion| exclusion.version <= dataset.version)
	}
}
