use crate::{mock::*, Error, Event, Owed, Pools, Shares, Sponsorship, Sponsorships};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	traits::{Pool, Rewards as _},
	OPEN,
};
use sp_runtime::{DispatchError, DispatchResult, TokenError};

const OWN: Pool = Pool::Datanet(1);

fn sponsor(datanet: u32, amount: u128) -> DispatchResult {
	Rewards::sponsor(RuntimeOrigin::signed(PAYER), datanet, amount)
}

#[test]
fn sponsor_should_move_the_gift_to_the_pot_and_owe_it() {
	ExtBuilder::default().execute(|| {
		assert_ok!(sponsor(1, 100 * OPEN));
		System::assert_last_event(
			Event::Sponsored {
				datanet: 1,
				who: PAYER,
				amount: 100 * OPEN,
			}
			.into(),
		);
		assert_ok!(sponsor(1, 50 * OPEN));
		assert_eq!(Balances::free_balance(PAYER), ENDOWMENT - 150 * OPEN);
		assert_eq!(Balances::free_balance(Rewards::pot()), POT_BALANCE + 150 * OPEN);
		assert_eq!(Owed::<Test>::get(), 150 * OPEN);
		let expected = Sponsorship {
			balance: 150 * OPEN,
			touched: 1,
		};
		assert_eq!(Sponsorships::<Test>::get(1), Some(expected));
		// What is owed is in no budget.
		begin_day(1);
		assert_eq!(crate::Epochs::<Test>::get(2).unwrap().budget, BUDGET);
	});
}

#[test]
fn sponsor_should_fail_when_there_is_no_such_datanet() {
	ExtBuilder::default().execute(|| {
		assert_noop!(sponsor(DATANETS, 100 * OPEN), Error::<Test>::DatanetNotFound);
		assert_noop!(
			Rewards::sponsor(RuntimeOrigin::none(), 0, 100 * OPEN),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn sponsor_should_fail_when_it_is_too_little_or_more_than_there_is() {
	ExtBuilder::default().execute(|| {
		assert_noop!(sponsor(1, 10 * OPEN - 1), Error::<Test>::SponsorshipTooSmall);
		// The sponsor's account stays alive.
		assert_noop!(sponsor(1, ENDOWMENT), TokenError::NotExpendable);
		assert_ok!(sponsor(1, 10 * OPEN));
	});
}

#[test]
fn the_first_item_of_an_epoch_should_fix_what_the_own_pool_pays() {
	ExtBuilder::default().execute(|| {
		assert_ok!(sponsor(1, 600 * OPEN));
		accept_item(1, BOB, ONE);
		System::assert_has_event(
			Event::DatanetFunded {
				epoch: 1,
				datanet: 1,
				amount: 20 * OPEN,
			}
			.into(),
		);
		assert_eq!(Sponsorships::<Test>::get(1).unwrap().balance, 580 * OPEN);
		// Later gifts are for later epochs.
		assert_ok!(sponsor(1, 600 * OPEN));
		accept_item(1, CAROL, 3 * ONE);
		assert_eq!(Pools::<Test>::get(1, OWN).payout, 20 * OPEN);
		assert_eq!(Pools::<Test>::get(1, OWN).points, 4 * ONE);
		// The pools of the budget have the points too.
		assert_eq!(Shares::<Test>::get((1, TEXT, BOB)), ONE);
		assert_eq!(Shares::<Test>::get((1, Pool::Owners, ALICE)), 4 * ONE);
		assert_eq!(Shares::<Test>::get((1, OWN, ALICE)), 0);
		begin_day(1);
		accept_item(1, BOB, ONE);
		assert_eq!(Pools::<Test>::get(2, OWN).payout, 1_180 * OPEN / 30);
		assert_eq!(Owed::<Test>::get(), 1_200 * OPEN);
	});
}

#[test]
fn own_pool_should_be_claimed_when_the_epoch_has_closed() {
	ExtBuilder::default().execute(|| {
		assert_ok!(sponsor(1, 600 * OPEN));
		accept_item(1, BOB, ONE);
		accept_item(1, CAROL, 3 * ONE);
		let claim = |who| Rewards::claim(RuntimeOrigin::signed(who), 1, OWN);
		begin_day(1);
		assert_noop!(claim(BOB), Error::<Test>::EpochNotClosed);
		begin_day(2);
		assert_ok!(claim(BOB));
		assert_ok!(claim(CAROL));
		assert_eq!((gained(BOB), gained(CAROL)), (5 * OPEN, 15 * OPEN));
		assert_noop!(claim(BOB), Error::<Test>::NothingToClaim);
		assert_noop!(claim(ALICE), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn items_should_have_no_own_pool_when_nobody_sponsors_or_nothing_was_earned() {
	ExtBuilder::default().execute(|| {
		accept_item(1, BOB, ONE);
		assert!(!Pools::<Test>::contains_key(1, OWN));
		assert_ok!(sponsor(1, 600 * OPEN));
		accept_item(0, BOB, ONE);
		accept_item(1, BOB, 0);
		assert!(!Pools::<Test>::contains_key(1, OWN));
		assert_eq!(Sponsorships::<Test>::get(1).unwrap().balance, 600 * OPEN);
	});
}

#[test]
fn sponsorship_should_end_when_its_last_part_was_awarded() {
	ExtBuilder::default().execute(|| {
		assert_ok!(sponsor(1, 15 * OPEN));
		accept_item(1, BOB, ONE);
		begin_day(1);
		accept_item(1, BOB, ONE);
		assert_eq!(Sponsorships::<Test>::get(1), None);
		let payout = |epoch| Pools::<Test>::get(epoch, OWN).payout;
		assert_eq!((payout(1), payout(2)), (10 * OPEN, 5 * OPEN));
		// Its pool goes on to the end of the epoch.
		accept_item(1, CAROL, ONE);
		assert_eq!(Shares::<Test>::get((2, OWN, CAROL)), ONE);
		begin_day(2);
		accept_item(1, CAROL, ONE);
		assert!(!Pools::<Test>::contains_key(3, OWN));
	});
}
