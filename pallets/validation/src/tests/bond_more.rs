use crate::{mock::*, Error, Event, TotalStake, Validators};
use frame_support::{assert_noop, assert_ok, traits::fungible::hold::Inspect};
use openledger_primitives::format::Modality;

#[test]
fn bond_more_should_count_two_sessions_later() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Validation::bond_more(signed(1), 500));
		System::assert_last_event(
			Event::Bonded {
				who: 1,
				amount: 500,
				stake: STAKE + 500,
			}
			.into(),
		);
		let at = |session| Validators::<Test>::get(1).and_then(|v| v.schedule.at(session));
		assert_eq!([at(1), at(2)], [Some((STAKE, text())), Some((STAKE + 500, text()))]);
		assert_eq!(TotalStake::<Test>::get(Modality::Text).at(2), Some(7 * STAKE + 500));
		assert_eq!(Balances::total_balance_on_hold(&1), STAKE + 500);
	});
}

#[test]
fn bond_more_should_fail_when_amount_is_zero() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::bond_more(signed(1), 0), Error::<Test>::ZeroAmount);
	});
}

#[test]
fn bond_more_should_fail_when_not_a_validator() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::bond_more(signed(STRANGER), 500),
			Error::<Test>::NotValidator
		);
	});
}

#[test]
fn bond_more_should_fail_when_balance_is_insufficient() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::bond_more(signed(1), RICH),
			Error::<Test>::InsufficientBalance
		);
	});
}

#[test]
fn bond_more_should_fail_when_stake_stays_below_the_least() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Validation::unbond(signed(1), STAKE));
		assert_noop!(Validation::bond_more(signed(1), 999), Error::<Test>::BelowMinStake);
		assert_ok!(Validation::bond_more(signed(1), 1_000));
	});
}
