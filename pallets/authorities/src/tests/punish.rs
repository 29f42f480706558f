use super::*;
use crate::{Authorities as List, Offender, Offenders};

#[test]
fn punish_should_move_the_fraction_to_the_treasury_and_clear_the_list() {
	with_authorities(&[1, 2, 3], || {
		Authorities::punish(&2, Perbill::from_percent(40));
		let amount = MIN_BOND * 4 / 10;
		System::assert_has_event(Event::Slashed { who: 2, amount }.into());
		System::assert_last_event(Event::AuthorityRemoved { who: 2 }.into());
		assert_eq!(held(2), MIN_BOND - amount);
		assert_eq!(Balances::free_balance(TREASURY), ENDOWMENT + amount);
		assert_eq!(List::<Test>::get().into_inner(), vec![1, 3]);
	});
}

#[test]
fn punish_should_take_the_least_slash_when_the_fraction_is_smaller() {
	with_authorities(&[1, 2], || {
		Authorities::punish(&2, Perbill::from_parts(1));
		assert_eq!(held(2), MIN_BOND * 9 / 10);
	});
}

#[test]
fn punish_should_keep_the_last_authority() {
	with_authorities(&[1], || {
		Authorities::punish(&1, Perbill::one());
		assert_eq!(held(1), 0);
		assert_eq!(List::<Test>::get().into_inner(), vec![1]);
		assert!(Offenders::<Test>::get().is_empty(), "somebody has to make blocks");
	});
}

#[test]
fn punish_should_reach_who_has_left() {
	with_authorities(&[1, 2], || {
		assert_ok!(Authorities::leave(RuntimeOrigin::signed(2)));
		CurrentSession::set(1);
		Authorities::punish(&2, Perbill::one());
		assert_eq!(held(2), 0);
		let offenders = Offenders::<Test>::get().into_inner();
		assert_eq!(
			offenders,
			vec![Offender {
				who: 2,
				severity: Perbill::one(),
				until: 1
			}],
			"it has a place until the end of session 1"
		);
		// Later there is only the bond left to lose.
		assert_ok!(Authorities::bond(RuntimeOrigin::signed(2), MIN_BOND));
		CurrentSession::set(2);
		assert!(Authorities::offenders_in(2).is_empty());
		Authorities::punish(&2, Perbill::one());
		assert_eq!(held(2), 0);
		assert!(Offenders::<Test>::get().is_empty());
	});
}

#[test]
fn punish_should_remember_offenders_until_they_have_no_place() {
	with_authorities(&[1, 2], || {
		CurrentSession::set(3);
		Authorities::punish(&2, Perbill::from_percent(50));
		let offender = Offender {
			who: 2,
			severity: Perbill::from_percent(50),
			until: 4,
		};
		assert_eq!(Authorities::offenders_in(4), vec![offender]);
		CurrentSession::set(5);
		assert!(Authorities::offenders_in(5).is_empty());
		assert!(Offenders::<Test>::get().is_empty());
	});
}

#[test]
fn punish_should_leave_accounts_without_a_bond_alone() {
	with_authorities(&[1], || {
		Authorities::punish(&5, Perbill::one());
		assert!(System::events().is_empty());
	});
}
