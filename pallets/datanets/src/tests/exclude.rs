use crate::{mock::*, Datanets, Error, Event, ExclusionOf, Exclusions, Standings, Versions};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::{Exclusion, ExclusionReason},
	traits::VersionPoints,
};
use sp_runtime::DispatchResult;

const UNLAWFUL: ExclusionReason = ExclusionReason::Unlawful;

fn exclude(who: AccountId, version: u32) -> DispatchResult {
	Net::exclude(RuntimeOrigin::signed(who), 0, version, UNLAWFUL)
}

/// A Datanet of Alice's with three versions.
fn three_versions(test: impl FnOnce()) {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		(1..=3).for_each(|seed| {
			accepted(seed);
		});
		test();
	});
}

#[test]
fn exclude_should_number_what_is_taken_down() {
	three_versions(|| {
		assert_ok!(exclude(ALICE, 2));
		assert_ok!(Net::exclude(RuntimeOrigin::root(), 0, 1, ExclusionReason::Licence));
		assert_eq!(Datanets::<Test>::get(0).unwrap().exclusions, 2);
		let first = Exclusion {
			version: 2,
			item: 1,
			reason: UNLAWFUL,
		};
		assert_eq!(Exclusions::<Test>::get(0, 1), Some(first));
		assert_eq!(
			[1, 2, 3].map(|version| ExclusionOf::<Test>::get(0, version)),
			[Some(2), Some(1), None]
		);
		System::assert_last_event(
			Event::ItemExcluded {
				datanet: 0,
				number: 2,
				version: 1,
				item: 0,
				reason: ExclusionReason::Licence,
			}
			.into(),
		);
	});
}

#[test]
fn exclude_should_leave_versions_points_and_content_as_they_are() {
	three_versions(|| {
		let state = || {
			let versions: Vec<_> = (1..=3).map(|version| Versions::<Test>::get(0, version)).collect();
			(
				versions,
				Net::of(0, 3, &BOB),
				Standings::<Test>::get(0, BOB),
				Awards::get(),
			)
		};
		let before = state();
		assert_ok!(exclude(ALICE, 1));
		assert_eq!(state(), before);
		assert_noop!(submit(CAROL, 0, 1, 1), Error::<Test>::ContentAlreadyAccepted);
	});
}

#[test]
fn exclude_should_fail_when_the_caller_is_neither_owner_nor_admin() {
	three_versions(|| {
		assert_noop!(exclude(BOB, 1), Error::<Test>::NotOwner);
		assert_noop!(
			Net::exclude(RuntimeOrigin::none(), 0, 1, UNLAWFUL),
			sp_runtime::DispatchError::BadOrigin
		);
	});
}

#[test]
fn exclude_should_fail_when_there_is_no_such_version() {
	three_versions(|| {
		assert_noop!(exclude(ALICE, 0), Error::<Test>::VersionNotFound);
		assert_noop!(exclude(ALICE, 4), Error::<Test>::VersionNotFound);
		assert_noop!(
			Net::exclude(RuntimeOrigin::root(), 1, 1, UNLAWFUL),
			Error::<Test>::DatanetNotFound
		);
	});
}

#[test]
fn exclude_should_fail_when_the_item_is_taken_down_already() {
	three_versions(|| {
		assert_ok!(exclude(ALICE, 2));
		assert_noop!(exclude(ALICE, 2), Error::<Test>::AlreadyExcluded);
		assert_noop!(
			Net::exclude(RuntimeOrigin::root(), 0, 2, UNLAWFUL),
			Error::<Test>::AlreadyExcluded
		);
	});
}

#[test]
fn exclude_should_be_possible_when_the_datanet_is_closed() {
	three_versions(|| {
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_ok!(exclude(ALICE, 3));
	});
}
