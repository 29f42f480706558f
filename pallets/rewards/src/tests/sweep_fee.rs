use crate::{mock::*, Error, Event, Fees, Owed};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::OPEN;
use sp_runtime::{DispatchError, DispatchResult};

fn sweep(fee: u64) -> DispatchResult {
	Rewards::sweep_fee(RuntimeOrigin::signed(ALICE), fee)
}

/// Fees expire five epochs after the one in which they came in; one of eight OPEN is Bob's and Carol's, as 1 to 3.
fn collected(test: impl FnOnce(u64)) {
	let short = ExtBuilder::default().with_params(|params| params.expire_epochs = 3);
	short.execute(|| {
		contribute(0, 3, &[(BOB, 1), (CAROL, 3)]);
		test(collect(0, 3, 8 * OPEN).unwrap())
	});
}

#[test]
fn sweep_fee_should_give_the_pot_what_was_not_claimed() {
	collected(|fee| {
		assert_ok!(Rewards::claim_fee(RuntimeOrigin::signed(ALICE), fee, BOB));
		begin_day(5);
		(6..=9).for_each(begin_day);
		assert_eq!(Owed::<Test>::get(), 6 * OPEN);
		assert_ok!(sweep(fee));
		System::assert_last_event(Event::FeeSwept { fee, amount: 6 * OPEN }.into());
		assert_eq!((Owed::<Test>::get(), Fees::<Test>::get(fee)), (0, None));
		for who in [BOB, CAROL] {
			assert_noop!(
				Rewards::claim_fee(RuntimeOrigin::signed(ALICE), fee, who),
				Error::<Test>::FeeNotFound
			);
		}
	});
}

#[test]
fn sweep_fee_should_only_remove_a_fee_that_was_claimed_to_the_end() {
	collected(|fee| {
		for who in [BOB, CAROL] {
			assert_ok!(Rewards::claim_fee(RuntimeOrigin::signed(ALICE), fee, who));
		}
		(1..=5).for_each(begin_day);
		assert_ok!(sweep(fee));
		System::assert_last_event(Event::FeeSwept { fee, amount: 0 }.into());
	});
}

#[test]
fn sweep_fee_should_fail_when_there_is_still_time_to_claim() {
	collected(|fee| {
		(1..=4).for_each(begin_day);
		assert_noop!(sweep(fee), Error::<Test>::FeeNotExpired);
		begin_day(5);
		assert_ok!(sweep(fee));
	});
}

#[test]
fn sweep_fee_should_fail_when_there_is_no_such_fee() {
	collected(|fee| {
		assert_noop!(sweep(fee + 1), Error::<Test>::FeeNotFound);
		assert_noop!(Rewards::sweep_fee(RuntimeOrigin::none(), fee), DispatchError::BadOrigin);
		(1..=5).for_each(begin_day);
		assert_ok!(sweep(fee));
		assert_noop!(sweep(fee), Error::<Test>::FeeNotFound);
	});
}
