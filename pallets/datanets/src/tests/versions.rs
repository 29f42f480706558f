use crate::{mock::*, Datanets, Error, Versions};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::Modality,
	points::{item_points, POINT},
	quota::DAY_MILLIS,
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
		assert_ok!(submit(who, 0, seed, 1));
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
			assert_ok!(submit(who, 0, n as u8, 1));
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

#[test]
fn dataset_should_name_modality_and_root() {
	text_net().execute(|| {
		three_versions();
		let root = Versions::<Test>::get(0, 2).unwrap().root;
		assert_eq!(
			Net::dataset(0, 2),
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
		assert_noop!(Net::dataset(0, 0), Error::<Test>::VersionNotFound);
		assert_noop!(Net::dataset(0, 4), Error::<Test>::VersionNotFound);
		assert_noop!(Net::dataset(1, 1), Error::<Test>::DatanetNotFound);
	});
}

#[test]
fn dataset_should_fail_when_the_datanet_is_closed() {
	text_net().execute(|| {
		three_versions();
		Datanets::<Test>::mutate(0, |datanet| datanet.as_mut().unwrap().closed = true);
		assert_noop!(Net::dataset(0, 1), Error::<Test>::DatanetClosed);
	});
}
