//! The invariants of the crate's documentation, checked over the whole state.

use alloc::collections::{BTreeMap, BTreeSet};

use frame_support::{ensure, traits::fungible::InspectHold as _};
use openledger_primitives::{
	item::{next_root, Outcome},
	points::item_points,
	ItemId,
};

use crate::{
	Accesses, Checkpoints, Config, Contents, Datanets, DayUses, Deposits, ExclusionOf, Exclusions, HoldReason, Holds,
	Items, LimitsSince, Neighbours, NextDatanet, NextItem, Offers, Pallet, Params, Standings, Versions,
};

impl<T: Config> Pallet<T> {
	/// Checks what must hold after every block.
	pub fn check_state() -> Result<(), &'static str> {
		Self::check_holds()?;
		Self::check_quotas()?;
		Self::check_versions()?;
		Self::check_points()?;
		Self::check_standings()?;
		Self::check_lines()?;
		Self::check_exclusions()?;
		Self::check_reviews()
	}

	/// Invariant 1.
	fn check_holds() -> Result<(), &'static str> {
		for (who, hold) in Holds::<T>::iter() {
			let held = T::Currency::balance_on_hold(&HoldReason::Contributor.into(), &who);
			ensure!(held == hold.amount, "a contributor's hold differs from the ledger");
		}
		let mut deposits = BTreeMap::new();
		for (datanet, deposit) in Deposits::<T>::iter() {
			let record = Datanets::<T>::get(datanet).ok_or("a deposit without a Datanet")?;
			ensure!(record.owner == deposit.who, "a deposit is not the owner's");
			*deposits.entry(deposit.who).or_insert(0) += deposit.amount;
		}
		for (who, amount) in deposits {
			let held = T::Currency::balance_on_hold(&HoldReason::Datanet.into(), &who);
			ensure!(held == amount, "deposits differ from the ledger");
		}
		ensure!(
			Deposits::<T>::iter().count() == Datanets::<T>::iter().count(),
			"a Datanet without a deposit"
		);
		ensure!(
			Offers::<T>::iter_keys().all(Datanets::<T>::contains_key),
			"an offer of no Datanet"
		);
		let mut deposits = BTreeMap::new();
		for access in Accesses::<T>::iter_values() {
			*deposits.entry(access.deposit.who).or_insert(0) += access.deposit.amount;
		}
		for (who, amount) in deposits {
			let held = T::Currency::balance_on_hold(&HoldReason::Access.into(), &who);
			ensure!(held == amount, "deposits for access differ from the ledger");
		}
		Ok(())
	}

	/// Invariant 2, from the windows and again from the items themselves.
	fn check_quotas() -> Result<(), &'static str> {
		let (limits, since) = (Params::<T>::get().limits, LimitsSince::<T>::get());
		for used in DayUses::<T>::iter_values().filter(|used| used.day >= since) {
			ensure!(
				used.bytes <= limits.account_bytes && used.files <= limits.account_files,
				"an account is over quota"
			);
		}
		let mut days = BTreeMap::new();
		let mut datanet_days = BTreeMap::new();
		for item in Items::<T>::iter_values().filter(|item| item.day >= since) {
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
		let versions: usize = Datanets::<T>::iter_values()
			.map(|datanet| datanet.version as usize)
			.sum();
		ensure!(Versions::<T>::iter().count() == versions, "a version too many");
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
				datanet.root == root && datanet.points == points,
				"a Datanet is not at its newest version"
			);
		}
		Ok(())
	}

	/// Invariant 4.
	fn check_points() -> Result<(), &'static str> {
		let (mut sums, mut checkpoints) = (BTreeMap::new(), 0);
		for (id, who, standing) in Standings::<T>::iter() {
			let (mut version, mut points) = (0, 0);
			checkpoints += standing.accepted as usize;
			for k in 0..standing.accepted {
				let checkpoint = Checkpoints::<T>::get((id, who.clone(), k)).ok_or("a checkpoint is missing")?;
				ensure!(
					checkpoint.version > version && checkpoint.points >= points,
					"checkpoints are out of order"
				);
				(version, points) = (checkpoint.version, checkpoint.points);
			}
			*sums.entry(id).or_insert(0u128) += points;
		}
		ensure!(Checkpoints::<T>::iter().count() == checkpoints, "a checkpoint too many");
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

	/// Invariant 7.
	fn check_exclusions() -> Result<(), &'static str> {
		let mut exclusions = 0;
		for (id, datanet) in Datanets::<T>::iter() {
			exclusions += datanet.exclusions as usize;
			for number in 1..=datanet.exclusions {
				let exclusion = Exclusions::<T>::get(id, number).ok_or("an exclusion is missing")?;
				let version = Versions::<T>::get(id, exclusion.version).ok_or("an exclusion of no version")?;
				ensure!(version.item == exclusion.item, "an exclusion of another item");
				ensure!(
					ExclusionOf::<T>::get(id, exclusion.version) == Some(number),
					"an exclusion that its version does not know"
				);
			}
		}
		ensure!(
			Exclusions::<T>::iter().count() == exclusions && ExclusionOf::<T>::iter().count() == exclusions,
			"an exclusion too many"
		);
		Ok(())
	}

	/// Invariant 8.
	fn check_reviews() -> Result<(), &'static str> {
		let mut reviews = BTreeMap::new();
		for item in Items::<T>::iter_values() {
			let is_in_review = item.outcome == Outcome::InReview;
			ensure!(
				item.possession.is_some() == is_in_review,
				"a proof of possession too many or too few"
			);
			if is_in_review {
				*reviews.entry(item.datanet).or_insert(0) += 1;
			}
		}
		for (id, datanet) in Datanets::<T>::iter() {
			let in_review = reviews.remove(&id).unwrap_or(0);
			ensure!(in_review == datanet.in_review, "a Datanet miscounts its reviews");
		}
		ensure!(reviews.is_empty(), "an item in review of no Datanet");
		Ok(())
	}
}
