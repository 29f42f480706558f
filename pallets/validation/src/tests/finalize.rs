use crate::{mock::*, Error, Event, RecentOutcomes};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	item::Phase,
	points::{vote_points, AcceptShare},
	vote::{Reason, Verdict},
};
use sp_runtime::DispatchError;

#[test]
fn finalize_should_tell_the_docket_as_of_the_deadline() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		let Phase::Provisional { until, .. } = case(1).phase else {
			panic!("no verdict")
		};
		run_to(until + 9);
		assert_ok!(Validation::finalize(signed(STRANGER), 1));
		System::assert_last_event(
			Event::CaseConcluded {
				item: 1,
				outcome: Some(ACCEPT),
			}
			.into(),
		);
		assert_eq!(Concluded::get(), [(1, Some(ACCEPT), until)]);
		let recent = AcceptShare::default();
		assert_eq!(
			case(1).phase,
			Phase::Final {
				outcome: Some(ACCEPT),
				recent,
				at: until
			}
		);
		assert_eq!(RecentOutcomes::<Test>::get(DATANET), recent.after(true));
	});
}

#[test]
fn finalize_should_settle_by_the_panels_verdict_when_the_docket_overrules_it() {
	let duplicate = Verdict::Reject {
		reason: Reason::Duplicate,
	};
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		Overruled::set(Some(duplicate));
		finalize(1);
		System::assert_last_event(
			Event::CaseConcluded {
				item: 1,
				outcome: Some(duplicate),
			}
			.into(),
		);
		assert!(matches!(case(1).phase, Phase::Final { outcome, .. } if outcome == Some(ACCEPT)));
		assert_eq!(RecentOutcomes::<Test>::get(DATANET), AcceptShare::default().after(true));
		assert_ok!(Validation::settle(signed(STRANGER), 1, 0, 1));
		let points = vote_points(&ACCEPT, &ACCEPT, 1, AcceptShare::default());
		assert!(points > 0);
		assert!(matches!(Awards::get()[..], [(1, given, _)] if given == points as u128));
	});
}

#[test]
fn finalize_should_fail_when_an_earlier_claim_is_open() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		run_to(100);
		EarlierClaim::set(true);
		assert_noop!(
			Validation::finalize(signed(1), 1),
			DispatchError::Other("EarlierClaimOpen")
		);
	});
}

#[test]
fn finalize_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::finalize(signed(1), 1), Error::<Test>::CaseNotFound);
	});
}

#[test]
fn finalize_should_fail_when_there_is_no_verdict() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(100);
		assert_noop!(Validation::finalize(signed(1), 1), Error::<Test>::NotProvisional);
	});
}

#[test]
fn finalize_should_fail_when_it_can_be_challenged() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		let Phase::Provisional { until, .. } = case(1).phase else {
			panic!("no verdict")
		};
		run_to(until);
		assert_noop!(Validation::finalize(signed(1), 1), Error::<Test>::StillProvisional);
	});
}
