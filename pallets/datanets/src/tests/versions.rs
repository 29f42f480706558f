use crate::{mock::*, Error, Versions};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	item::ExclusionReason,
	points::{item_points, POINT},
	quota::DAY_MILLIS,
	training::DatasetRef,
	traits::{Dataset, Datasets, Docket, VersionPoints},
	vote::{Reason, Verdict},
};

/// Bob's item, Carol's, a rejected one of Bob's, then Bob's again.
fn three_versions() {
	for (seed, who, verdict) in [
		(0, BOB, Verdict::Accept { score: 100, units: 3 }),
		(1, CAROL, Verdict::Accept { score: 50, units: 4 }),
		(
			2,
			BOB,
			Verdict::Reject {
				reason: Reason::LowQuality,
			},
		),
		(3, BOB, Verdict::Accept { score: 100, units: 5 }),
	] {
		assert_ok!(submit(who, 0, seed, 100));
		assert_ok!(Net::conclude(seed.into(), Some(verdict), 3));
	}
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn points_should_be_those_at_the_version_asked_about() {
	text_net().execute(|| {
		three_versions();
		let points = |version, who| Net::of(0, version, &who) / u128::from(POINT);
		assert_eq!([0, 1, 2, 3, 4].map(|version| points(version, BOB)), [0, 3, 3, 8, 0]);
		assert_eq!([0, 1, 2, 3, 4].map(|version| points(version, CAROL)), [0, 0, 2, 2, 0]);
		assert_eq!(points(3, ALICE), 0);
		let totals = [0, 1, 2, 3, 4].map(|version| Net::total(0, version) / u128::from(POINT));
		assert_eq!(totals, [0, 3, 5, 10, 0]);
	});
}

#[test]
fn points_should_be_found_among_many_checkpoints() {
	text_net().execute(|| {
		let mut expected = vec![(0, 0)];
		for n in 0..150u32 {
			if n % 10 == 0 {
				advance_millis(DAY_MILLIS);
			}
			let who = if n % 3 == 0 { BOB } else { CAROL };
			assert_ok!(submit(who, 0, n as u8, 150));
			assert_ok!(Net::conclude(
				n.into(),
				Some(Verdict::Accept { score: 100, units: n }),
				3
			));
			let (mut bob, mut carol) = *expected.last().unwrap();
			*if who == BOB { &mut bob } else { &mut carol } += u128::from(item_points(100, n));
			expected.push((bob, carol));
		}
		for (version, (bob, carol)) in expected.into_iter().enumerate() {
			let version = version as u32;
			assert_eq!((Net::of(0, version, &BOB), Net::of(0, version, &CAROL)), (bob, carol));
			assert_eq!(Net::total(0, version), bob + carol);
		}
	});
}

fn dataset(datanet: u32, version: u32, exclusions: u32, who: AccountId) -> Result<Dataset, sp_runtime::DispatchError> {
	Net::dataset(
		DatasetRef {
			datanet,
			version,
			exclusions,
		},
		&who,
	)
}

#[test]
fn dataset_should_name_modality_and_root() {
	text_net().execute(|| {
		three_versions();
		let root = Versions::<Test>::get(0, 2).unwrap().root;
		assert_eq!(
			dataset(0, 2, 0, CAROL),
			Ok(Dataset {
				modality: Modality::Text,
				root
			})
		);
	});
}

#[test]
fn dataset_should_fail_when_there_is_no_such_version() {
	text_net().execute(|| {
		three_versions();
		assert_noop!(dataset(0, 0, 0, CAROL), Error::<Test>::VersionNotFound);
		assert_noop!(dataset(0, 4, 0, CAROL), Error::<Test>::VersionNotFound);
		assert_noop!(dataset(1, 1, 0, CAROL), Error::<Test>::DatanetNotFound);
	});
}

#[test]
fn dataset_should_fail_when_the_datanet_is_closed() {
	text_net().execute(|| {
		three_versions();
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_noop!(dataset(0, 1, 0, CAROL), Error::<Test>::DatanetClosed);
		assert_noop!(dataset(0, 1, 0, ALICE), Error::<Test>::DatanetClosed);
	});
}

#[test]
fn dataset_should_fail_when_the_exclusions_are_not_the_newest() {
	text_net().execute(|| {
		three_versions();
		let root = Versions::<Test>::get(0, 3).unwrap().root;
		for version in [2, 3] {
			let origin = RuntimeOrigin::signed(ALICE);
			assert_ok!(Net::exclude(origin, 0, version, ExclusionReason::Licence));
		}
		for stale in [0, 1] {
			assert_noop!(dataset(0, 3, stale, CAROL), Error::<Test>::StaleExclusions);
		}
		assert_noop!(dataset(0, 3, 3, CAROL), Error::<Test>::ExclusionsNotFound);
		assert_eq!(
			dataset(0, 3, 2, CAROL).map(|found| found.root),
			Ok(root),
			"roots are of all items"
		);
	});
}

#[test]
fn dataset_should_fail_when_the_datanet_is_restricted_and_no_grant_is_valid() {
	text_net().execute(|| {
		three_versions();
		set_policy(0, |policy| policy.restricted = true);
		assert_noop!(dataset(0, 1, 0, CAROL), Error::<Test>::AccessDenied);
		assert_ok!(dataset(0, 1, 0, ALICE));
		assert_ok!(Net::request_access(RuntimeOrigin::signed(CAROL), 0));
		assert_noop!(dataset(0, 1, 0, CAROL), Error::<Test>::AccessDenied);
		assert_ok!(Net::grant(RuntimeOrigin::signed(ALICE), 0, CAROL, 10));
		Now::set(10);
		assert_ok!(dataset(0, 1, 0, CAROL));
		assert_noop!(dataset(0, 1, 0, BOB), Error::<Test>::AccessDenied);
		Now::set(11);
		assert_noop!(dataset(0, 1, 0, CAROL), Error::<Test>::GrantExpired);
		assert_ok!(Net::grant(RuntimeOrigin::signed(ALICE), 0, CAROL, 12));
		assert_ok!(dataset(0, 1, 0, CAROL));
		assert_ok!(Net::revoke(RuntimeOrigin::signed(ALICE), 0, CAROL));
		assert_noop!(dataset(0, 1, 0, CAROL), Error::<Test>::AccessDenied);
		set_policy(0, |policy| policy.restricted = false);
		assert_ok!(dataset(0, 1, 0, CAROL));
	});
}
