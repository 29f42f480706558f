//! The invariants of the crate's documentation, checked over the whole state.

use alloc::collections::{BTreeMap, BTreeSet};

use frame_support::{ensure, traits::fungible::InspectHold as _};
use openledger_primitives::{
	item::{next_root, Outcome},
	points::item_points,
	ItemId,
};

use crate::{
	CheckpointCount, Checkpoints, Config, Contents, Datanets, DayUses, Deposits, HoldReason, Holds, Items, Neighbours,
	NextDatanet, NextItem, Pallet, Params, Standings, Versions,
};

impl<T: Config> Pallet<T> {
	/// Checks what must hold after every block.
	pub fn check_state() -> Result<(), &'static str> {
		Self::check_holds()?;
		Self::check_quotas()?;
		Self::check_versions()?;
		Self::check_points()?;
		Self::check_standings()?;
		Self::check_lines()
	}

	/// Invariant 1.
	fn check_holds() -> Result<(), &'static str> {
		for (who, hold) in Holds::<T>::iter() {
			let held = T::Currency::balance_on_hold(&HoldReason::Contributor.into(), &who);
			ensure!(held == hold.amount, "a contributor's hold differs from the ledger");
		}
		let mut deposits = BTreeMap::new();
		for (datanet, deposit) in Deposits::<T>::iter() {
			ensure!(Datanets::<T>::contains_key(datanet), "a deposit without a Datanet");
			*deposits.entry(deposit.who).or_insert(0) += deposit.amount;
		}
		for (who, amount) in deposits {
			let held = T::Currency::balance_on_hold(&HoldReason::Datanet.into(), &who);
			ensure!(held == amount, "deposits differ from the ledger");
		}
		Ok(())
	}

	/// Invariant 2, from the windows and again from the items themselves.
	fn check_quotas() -> Result<(), &'static str> {
		let limits = Params::<T>::get().limits;
		for (_, used) in DayUses::<T>::iter() {
			ensure!(
				used.bytes <= limits.account_bytes && used.files <= limits.account_files,
				"an account is over quota"
			);
		}
		let mut days = BTreeMap::new();
		let mut datanet_days = BTreeMap::new();
		for (_, item) in Items::<T>::iter() {
			let (bytes, files) = days.entry((item.contributor.clone(), item.day)).or_insert((0u64, 0u32));
			*bytes += u64::from(item.payload.size);
			*files += 1;
			ensure!(
				*bytes <= limits.account_bytes.into() && *files <= limits.account_files,
				"an account's items are over quota"
			);
			let bytes = datanet_days
				.entry((item.contributor, item.datanet, item.day))
				.or_insert(0u64);
			*bytes += u64::from(item.payload.size);
			ensure!(
				*bytes <= limits.datanet_bytes.into(),
				"an account's items in a Datanet are over quota"
			);
		}
		Ok(())
	}

	/// Invariant 3.
	fn check_versions() -> Result<(), &'static str> {
		ensure!(
			Datanets::<T>::iter_keys().all(|id| id < NextDatanet::<T>::get()),
			"a Datanet's id is not used up"
		);
		for (id, datanet) in Datanets::<T>::iter() {
			let (mut root, mut points) = ([0; 32], 0);
			for n in 1..=datanet.version {
				let entry = Versions::<T>::get(id, n).ok_or("a version is missing")?;
				let item = Items::<T>::get(entry.item).ok_or("a version's item is missing")?;
				let Outcome::Accepted { version, score, units } = item.outcome else {
					return Err("a version's item is not accepted");
				};
				root = next_root(root, id, n, &item.payload, &item.contributor);
				points += u128::from(item_points(score, units));
				ensure!(item.datanet == id && version == n, "a version's item belongs elsewhere");
				ensure!(
					entry.root == root && entry.points == points,
					"a version does not follow from its items"
				);
			}
			ensure!(
				!Versions::<T>::contains_key(id, datanet.version + 1),
				"a version beyond the newest"
			);
			ensure!(
				datanet.root == root && datanet.points == points,
				"a Datanet is not at its newest version"
			);
		}
		Ok(())
	}

	/// Invariant 4.
	fn check_points() -> Result<(), &'static str> {
		let mut sums = BTreeMap::new();
		for (id, who, count) in CheckpointCount::<T>::iter() {
			let (mut version, mut points) = (0, 0);
			for k in 0..count {
				let checkpoint = Checkpoints::<T>::get((id, who.clone(), k)).ok_or("a checkpoint is missing")?;
				ensure!(
					checkpoint.version > version && checkpoint.points >= points,
					"checkpoints are out of order"
				);
				(version, points) = (checkpoint.version, checkpoint.points);
			}
			*sums.entry(id).or_insert(0u128) += points;
		}
		for (id, datanet) in Datanets::<T>::iter() {
			ensure!(
				sums.get(&id).copied().unwrap_or(0) == datanet.points,
				"checkpoints do not add up"
			);
		}
		Ok(())
	}

	/// Invariant 5.
	fn check_standings() -> Result<(), &'static str> {
		let mut sums = BTreeMap::new();
		for (id, _, standing) in Standings::<T>::iter() {
			let (accepted, rejected) = sums.entry(id).or_insert((0u32, 0u32));
			*accepted += standing.accepted;
			*rejected += standing.rejected;
		}
		for (id, datanet) in Datanets::<T>::iter() {
			let sum = sums.get(&id).copied().unwrap_or((0, 0));
			ensure!(sum == (datanet.version, datanet.rejected), "standings do not add up");
		}
		Ok(())
	}

	/// Invariant 6.
	fn check_lines() -> Result<(), &'static str> {
		let mut open = BTreeSet::new();
		for (id, item) in Items::<T>::iter() {
			ensure!(id < NextItem::<T>::get(), "an item's id is not used up");
			if item.outcome == Outcome::InReview {
				open.insert(id);
			}
		}
		for (sha256, content) in Contents::<T>::iter() {
			if let Some(id) = content.accepted {
				let item = Items::<T>::get(id).ok_or("accepted content without its item")?;
				let is_accepted = matches!(item.outcome, Outcome::Accepted { .. });
				ensure!(
					is_accepted && item.payload.sha256 == sha256,
					"content is held by another item"
				);
			}
			let (mut at, mut next): (Option<ItemId>, Option<ItemId>) = (content.last, None);
			while let Some(id) = at {
				let entry = Neighbours::<T>::get(id).ok_or("a line leads nowhere")?;
				let item = Items::<T>::get(id).ok_or("a line leads to no item")?;
				ensure!(item.payload.sha256 == sha256 && entry.next == next, "a line is broken");
				ensure!(open.remove(&id), "a line holds a decided claim, or one twice");
				(at, next) = (entry.previous, Some(id));
			}
		}
		ensure!(open.is_empty(), "an open claim is in no line");
		let entries = Neighbours::<T>::iter_keys().count();
		let in_review = Items::<T>::iter_values()
			.filter(|item| item.outcome == Outcome::InReview)
			.count();
		ensure!(entries == in_review, "neighbours of a claim that is not open");
		Ok(())
	}
}
