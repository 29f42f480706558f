use crate::{mock::*, Error, Event, Owed, Pools, Shares};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	traits::{Pool, Rewards as _},
	OPEN,
};
use sp_runtime::{DispatchError, DispatchResult};

const VALIDATORS: Pool = Pool::Validators;

fn claim(who: AccountId, epoch: u32) -> DispatchResult {
	Rewards::claim(RuntimeOrigin::signed(who), epoch, VALIDATORS)
}

/// Twenty OPEN in epoch 1, shared by Bob and Carol as 1 to 3, closed.
fn one_to_three() {
	award(VALIDATORS, BOB, ONE);
	award(VALIDATORS, CAROL, 3 * ONE);
	begin_day(1);
	begin_day(2);
}

#[test]
fn claim_should_pay_the_share() {
	ExtBuilder::default().execute(|| {
		one_to_three();
		assert_eq!(Rewards::claimable(BOB, 1, VALIDATORS), 5 * OPEN);
		assert_ok!(claim(BOB, 1));
		System::assert_last_event(
			Event::RewardClaimed {
				who: BOB,
				epoch: 1,
				pool: VALIDATORS,
				amount: 5 * OPEN,
			}
			.into(),
		);
		assert_ok!(claim(CAROL, 1));
		assert_eq!((gained(BOB), gained(CAROL)), (5 * OPEN, 15 * OPEN));
		assert_eq!(Owed::<Test>::get(), 0);
		let book = Pools::<Test>::get(1, VALIDATORS);
		assert_eq!((book.claimed, book.claimed_points), (20 * OPEN, 4 * ONE));
		assert_eq!(Shares::<Test>::iter().count(), 0);
	});
}

#[test]
fn claim_should_round_down_and_leave_the_rest_owed() {
	ExtBuilder::default().execute(|| {
		for who in [ALICE, BOB, CAROL] {
			award(VALIDATORS, who, 1);
		}
		begin_day(1);
		begin_day(2);
		for who in [ALICE, BOB, CAROL] {
			assert_ok!(claim(who, 1));
			assert_eq!(gained(who), 20 * OPEN / 3);
		}
		assert_eq!(Owed::<Test>::get(), 2);
	});
}

#[test]
fn claim_should_fail_when_the_epoch_is_not_closed() {
	ExtBuilder::default().execute(|| {
		award(VALIDATORS, BOB, ONE);
		assert_noop!(claim(BOB, 1), Error::<Test>::EpochNotClosed);
		begin_day(1);
		assert_noop!(claim(BOB, 1), Error::<Test>::EpochNotClosed);
		assert_noop!(claim(BOB, 9), Error::<Test>::EpochNotClosed);
		assert_eq!(Rewards::claimable(BOB, 1, VALIDATORS), 0);
		begin_day(2);
		assert_ok!(claim(BOB, 1));
	});
}

#[test]
fn claim_should_fail_when_nothing_was_earned() {
	ExtBuilder::default().execute(|| {
		one_to_three();
		assert_noop!(claim(ALICE, 1), Error::<Test>::NothingToClaim);
		assert_noop!(
			Rewards::claim(RuntimeOrigin::signed(BOB), 1, TEXT),
			Error::<Test>::NothingToClaim
		);
	});
}

#[test]
fn claim_should_fail_the_second_time() {
	ExtBuilder::default().execute(|| {
		one_to_three();
		assert_ok!(claim(BOB, 1));
		assert_noop!(claim(BOB, 1), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn claim_should_fail_when_the_account_would_not_exist_and_wait_until_it_does() {
	ExtBuilder::default().execute(|| {
		award(VALIDATORS, GHOST, 1);
		award(VALIDATORS, BOB, 100_000);
		begin_day(1);
		begin_day(2);
		assert_noop!(claim(GHOST, 1), Error::<Test>::BelowExistentialDeposit);
		assert_ok!(Balances::transfer_keep_alive(
			RuntimeOrigin::signed(ALICE),
			GHOST,
			EXISTENTIAL_DEPOSIT
		));
		assert_ok!(claim(GHOST, 1));
		assert_eq!(Balances::free_balance(GHOST), EXISTENTIAL_DEPOSIT + 20 * OPEN / 100_001);
	});
}

#[test]
fn claim_should_bring_an_account_into_being_when_it_is_enough() {
	ExtBuilder::default().execute(|| {
		award(VALIDATORS, GHOST, 1);
		begin_day(1);
		begin_day(2);
		assert_ok!(Rewards::claim_for(RuntimeOrigin::signed(ALICE), GHOST, 1, VALIDATORS));
		assert_eq!(Balances::free_balance(GHOST), 20 * OPEN);
	});
}

#[test]
fn claim_for_should_pay_who_earned_it_and_not_the_caller() {
	ExtBuilder::default().execute(|| {
		one_to_three();
		assert_ok!(Rewards::claim_for(RuntimeOrigin::signed(ALICE), BOB, 1, VALIDATORS));
		assert_eq!((gained(ALICE), gained(BOB)), (0, 5 * OPEN));
		assert_noop!(
			Rewards::claim_for(RuntimeOrigin::signed(ALICE), BOB, 1, VALIDATORS),
			Error::<Test>::NothingToClaim
		);
		assert_noop!(
			Rewards::claim_for(RuntimeOrigin::none(), CAROL, 1, VALIDATORS),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn claim_should_pay_points_that_came_late_with_the_epoch_they_went_to() {
	ExtBuilder::default().execute(|| {
		let final_at = System::block_number() as u32;
		begin_day(1);
		Rewards::award(VALIDATORS, &BOB, ONE, final_at);
		begin_day(2);
		assert_ok!(claim(BOB, 1));
		assert_eq!(gained(BOB), 20 * OPEN);
	});
}
