//! How many bytes of keys and values stay in the state for what people do.

use crate::mock::*;
use frame_support::{assert_ok, traits::StorageInfoTrait};
use openledger_primitives::{
	format::Modality,
	quota::DAY_MILLIS,
	vote::{Reason, Verdict},
};
use std::collections::BTreeMap;

/// Accounts of a real chain have 32 bytes, those of these tests 8.
const LONGER_ACCOUNT: usize = 32 - 8;
/// How often an entry of a map that grows with acceptances names an account.
const ACCOUNTS: [(&str, usize); 8] = [
	("Items", 1),
	("Versions", 0),
	("Contents", 0),
	("Checkpoints", 1),
	("Standings", 1),
	("DayUses", 1),
	("DatanetDayUses", 1),
	("Holds", 1),
];

/// Entries and bytes of each map of the pallet, with accounts of 32 bytes.
fn maps() -> BTreeMap<String, (usize, usize)> {
	let mut maps = BTreeMap::new();
	for info in Net::storage_info() {
		let name = String::from_utf8(info.storage_name).unwrap();
		let longer = ACCOUNTS
			.iter()
			.find(|(map, _)| *map == name)
			.map_or(0, |(_, n)| n * LONGER_ACCOUNT);
		let (mut entries, mut bytes) = (0, 0);
		let mut key = info.prefix.clone();
		while let Some(next) = sp_io::storage::next_key(&key).filter(|next| next.starts_with(&info.prefix)) {
			let value = sp_io::storage::get(&next).expect("the key is there");
			entries += 1;
			bytes += next.len() + value.len() + longer;
			key = next;
		}
		maps.insert(name, (entries, bytes));
	}
	maps
}

/// Bytes that `test` added, by map.
fn added(test: impl FnOnce()) -> BTreeMap<String, usize> {
	let before = maps();
	test();
	let grown = |(name, (entries, bytes)): (String, (usize, usize))| {
		let (entries_before, bytes_before) = before[&name];
		assert!(entries >= entries_before);
		(name, bytes - bytes_before)
	};
	maps().into_iter().map(grown).filter(|(_, bytes)| *bytes > 0).collect()
}

/// The state of a chain as `DESIGN` has it: ten accepted items a contributor.
#[test]
fn an_accepted_item_should_add_at_most_550_bytes() {
	const CONTRIBUTORS: u64 = 8;
	const ITEMS_EACH: u64 = 10;
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		for who in 0..CONTRIBUTORS {
			assert_ok!(Balances::transfer_keep_alive(
				RuntimeOrigin::signed(ALICE),
				1_000 + who,
				ENDOWMENT / 100
			));
		}
		let maps = added(|| {
			for item in 0..CONTRIBUTORS * ITEMS_EACH {
				assert_ok!(submit(1_000 + item % CONTRIBUTORS, 0, item as u8, 1));
				conclude(item, Some(Verdict::Accept { score: 90, units: 5 }));
			}
		});
		let names: Vec<_> = maps.keys().map(String::as_str).collect();
		let mut expected = ACCOUNTS.map(|(name, _)| name).to_vec();
		expected.sort_unstable();
		assert_eq!(names, expected, "every map that grows is known here");
		let items = (CONTRIBUTORS * ITEMS_EACH) as usize;
		let by_map: Vec<_> = maps.iter().map(|(name, bytes)| (name, bytes / items)).collect();
		let bytes = maps.values().sum::<usize>().div_ceil(items);
		assert!(bytes <= 550, "{bytes} bytes an accepted item: {by_map:?}");
	});
}

#[test]
fn a_pruned_item_should_leave_only_its_attempt() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		let reject = Some(Verdict::Reject {
			reason: Reason::LowQuality,
		});
		assert_ok!(submit(BOB, 0, 1, 1));
		conclude(0, reject);
		let maps = added(|| {
			assert_ok!(submit(BOB, 0, 2, 1));
			conclude(1, reject);
			assert_ok!(Net::prune(RuntimeOrigin::signed(BOB), 1));
		});
		// Prefix, hash and key; no item accepted, no open claim, attempts.
		assert_eq!(maps, BTreeMap::from([("Contents".into(), 32 + 16 + 32 + 1 + 1 + 2)]));
	});
}

#[test]
fn a_withdrawn_and_pruned_item_should_leave_nothing() {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		assert_ok!(submit(BOB, 0, 1, 1));
		let maps = added(|| {
			for item in 1..10 {
				assert_ok!(submit(BOB, 0, 1 + item as u8, 1));
				assert_ok!(Net::withdraw(RuntimeOrigin::signed(BOB), item));
				assert_ok!(Net::prune(RuntimeOrigin::signed(BOB), item));
				advance_millis(DAY_MILLIS);
			}
		});
		assert_eq!(maps, BTreeMap::new());
	});
}
