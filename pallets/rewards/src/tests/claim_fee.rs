use crate::{mock::*, Error, Event, Fee, Fees, Owed};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{traits::Rewards as _, OPEN};
use sp_runtime::{DispatchError, DispatchResult};

fn claim(fee: u64, who: AccountId) -> DispatchResult {
	Rewards::claim_fee(RuntimeOrigin::signed(ALICE), fee, who)
}

#[test]
fn collect_should_owe_the_fee_to_the_versions_contributors() {
	ExtBuilder::default().execute(|| {
		contribute(0, 3, &[(BOB, 1), (CAROL, 3)]);
		assert_eq!(collect(0, 3, 8 * OPEN), Some(0));
		assert_eq!(collect(0, 3, 2 * OPEN), Some(1));
		assert_eq!(Owed::<Test>::get(), 10 * OPEN);
		let expected = Fee {
			datanet: 0,
			version: 3,
			amount: 2 * OPEN,
			epoch: 1,
			points: 4,
			claimed_points: 0,
			claimed: 0,
		};
		assert_eq!(Fees::<Test>::get(1), Some(expected));
		System::assert_last_event(
			Event::FeeCollected {
				fee: 1,
				datanet: 0,
				version: 3,
				amount: 2 * OPEN,
			}
			.into(),
		);
	});
}

#[test]
fn collect_should_leave_it_to_the_pot_when_there_are_no_points() {
	ExtBuilder::default().execute(|| {
		assert_eq!(collect(0, 3, 8 * OPEN), None);
		contribute(0, 3, &[(BOB, 1)]);
		assert_eq!(collect(0, 3, 0), None);
		assert_eq!(Owed::<Test>::get(), 0);
		assert_eq!(Balances::free_balance(Rewards::pot()), POT_BALANCE + 8 * OPEN);
	});
}

#[test]
fn claim_fee_should_pay_by_the_points_at_that_version() {
	ExtBuilder::default().execute(|| {
		contribute(0, 3, &[(BOB, 1), (CAROL, 3)]);
		contribute(0, 4, &[(BOB, 1), (CAROL, 3), (PAYER, 1_000)]);
		let fee = collect(0, 3, 8 * OPEN).unwrap();
		assert_eq!(Rewards::claimable_fee(fee, CAROL), 6 * OPEN);
		assert_ok!(claim(fee, BOB));
		System::assert_last_event(
			Event::FeeClaimed {
				fee,
				who: BOB,
				amount: 2 * OPEN,
			}
			.into(),
		);
		assert_ok!(claim(fee, CAROL));
		assert_eq!((gained(BOB), gained(CAROL)), (2 * OPEN, 6 * OPEN));
		assert_noop!(claim(fee, PAYER), Error::<Test>::NothingToClaim);
		assert_eq!(Owed::<Test>::get(), 0);
	});
}

#[test]
fn claim_fee_should_give_the_pot_what_rounding_leaves_when_the_last_has_claimed() {
	ExtBuilder::default().execute(|| {
		contribute(0, 1, &[(ALICE, 1), (BOB, 1), (CAROL, 1)]);
		let fee = collect(0, 1, 100).unwrap();
		for (who, owed) in [(ALICE, 67), (BOB, 34), (CAROL, 0)] {
			assert_ok!(claim(fee, who));
			assert_eq!(Owed::<Test>::get(), owed);
			assert_eq!(gained(who), 33);
		}
		assert_eq!(Balances::free_balance(Rewards::pot()), POT_BALANCE + 1);
	});
}

#[test]
fn claim_fee_should_count_a_share_that_rounds_to_nothing() {
	ExtBuilder::default().execute(|| {
		contribute(0, 1, &[(BOB, 1), (CAROL, 999)]);
		let fee = collect(0, 1, 100).unwrap();
		assert_ok!(claim(fee, CAROL));
		assert_eq!((gained(CAROL), Owed::<Test>::get()), (99, 1));
		assert_ok!(claim(fee, BOB));
		assert_eq!((gained(BOB), Owed::<Test>::get()), (0, 0));
		assert_noop!(claim(fee, BOB), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn claim_fee_should_fail_the_second_time() {
	ExtBuilder::default().execute(|| {
		contribute(0, 1, &[(BOB, 1), (CAROL, 1)]);
		let fee = collect(0, 1, OPEN).unwrap();
		assert_ok!(claim(fee, BOB));
		assert_noop!(claim(fee, BOB), Error::<Test>::NothingToClaim);
		assert_eq!(Rewards::claimable_fee(fee, BOB), 0);
	});
}

#[test]
fn claim_fee_should_fail_when_there_is_no_such_fee() {
	ExtBuilder::default().execute(|| {
		assert_noop!(claim(0, BOB), Error::<Test>::FeeNotFound);
		assert_noop!(
			Rewards::claim_fee(RuntimeOrigin::none(), 0, BOB),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn claim_fee_should_fail_when_the_account_would_not_exist() {
	ExtBuilder::default().execute(|| {
		contribute(0, 1, &[(GHOST, 1), (BOB, 1)]);
		let fee = collect(0, 1, EXISTENTIAL_DEPOSIT).unwrap();
		assert_noop!(claim(fee, GHOST), Error::<Test>::BelowExistentialDeposit);
		let fee = collect(0, 1, 2 * EXISTENTIAL_DEPOSIT).unwrap();
		assert_ok!(claim(fee, GHOST));
		// Now it exists.
		assert_ok!(claim(0, GHOST));
	});
}
