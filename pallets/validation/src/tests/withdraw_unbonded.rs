use crate::{mock::*, Error, Event, Validators};
use frame_support::{assert_noop, assert_ok, traits::fungible::hold::Inspect};

#[test]
fn withdraw_unbonded_should_free_what_is_due_and_nothing_else() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Validation::unbond(signed(1), 100));
		Session::set(1);
		assert_ok!(Validation::unbond(signed(1), 200));
		Session::set(4);
		assert_ok!(Validation::withdraw_unbonded(signed(1)));
		System::assert_last_event(Event::Withdrawn { who: 1, amount: 100 }.into());
		assert_eq!(Balances::total_balance_on_hold(&1), STAKE - 100);
		assert_eq!(Validators::<Test>::get(1).map(|v| v.unbonding.len()), Some(1));
	});
}

#[test]
fn withdraw_unbonded_should_end_the_record_when_nothing_is_left() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Validation::unbond(signed(1), STAKE));
		Session::set(4);
		assert_ok!(Validation::withdraw_unbonded(signed(1)));
		assert!(!Validators::<Test>::contains_key(1));
		assert_eq!(Balances::total_balance_on_hold(&1), 0);
		assert_ok!(Validation::register(signed(1), STAKE, text()));
	});
}

#[test]
fn withdraw_unbonded_should_keep_the_record_when_it_has_a_deficit() {
	ExtBuilder::default().build_and_execute(|| {
		let votes: Vec<_> = (1..=7)
			.map(|who| (who, if who == 7 { REJECT } else { ACCEPT }))
			.collect();
		open(1);
		vote(1, &votes);
		finalize(1);
		settle(1, 0, 7);
		assert_ok!(Validation::unbond(signed(7), STAKE));
		Session::set(4);
		assert_ok!(Validation::withdraw_unbonded(signed(7)));
		// All stake is free, and the deficit waits for whoever comes back.
		assert_eq!(Balances::total_balance_on_hold(&7), 0);
		assert_noop!(
			Validation::register(signed(7), STAKE, text()),
			Error::<Test>::AlreadyRegistered
		);
		assert_noop!(
			Validation::withdraw_unbonded(signed(7)),
			Error::<Test>::NothingToWithdraw
		);
		assert_ok!(Validation::bond_more(signed(7), STAKE));
		assert_eq!(
			Validators::<Test>::get(7).map(|v| (v.stake, v.credit)),
			Some((STAKE, -500_000))
		);
	});
}

#[test]
fn withdraw_unbonded_should_fail_when_nothing_is_due() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::withdraw_unbonded(signed(1)),
			Error::<Test>::NothingToWithdraw
		);
		assert_ok!(Validation::unbond(signed(1), 100));
		Session::set(3);
		assert_noop!(
			Validation::withdraw_unbonded(signed(1)),
			Error::<Test>::NothingToWithdraw
		);
	});
}

#[test]
fn withdraw_unbonded_should_fail_when_not_a_validator() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::withdraw_unbonded(signed(STRANGER)),
			Error::<Test>::NotValidator
		);
	});
}
