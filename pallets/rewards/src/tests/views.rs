use crate::{mock::*, EpochState, PoolBook, SponsorshipStatus};
use frame_support::assert_ok;
use openledger_primitives::{traits::Pool, OPEN};

#[test]
fn epoch_status_should_tell_start_end_budget_and_books() {
	ExtBuilder::default().execute(|| {
		award(TEXT, BOB, ONE);
		let status = Rewards::current_epoch().unwrap();
		assert_eq!((status.epoch, status.state), (1, EpochState::Open));
		assert_eq!((status.start_millis, status.end_millis), (MIDNIGHT, MIDNIGHT + DAY));
		assert_eq!((status.budget, status.expires_in), (BUDGET, 93));
		let book = PoolBook {
			points: ONE,
			..Default::default()
		};
		assert_eq!(status.pools[0], (TEXT, book));
		assert_eq!(status.pools[4], (Pool::Owners, PoolBook::default()));
		// A day without a block belongs to the epoch before it.
		begin_day(3);
		let status = Rewards::epoch_status(1).unwrap();
		assert_eq!(
			(status.end_millis, status.state),
			(MIDNIGHT + 3 * DAY, EpochState::Open)
		);
		assert_eq!(Rewards::epoch_status(3), None);
	});
}

#[test]
fn claimable_list_should_have_every_pool_that_pays_the_account() {
	ExtBuilder::default().execute(|| {
		assert_ok!(Rewards::sponsor(RuntimeOrigin::signed(PAYER), 1, 300 * OPEN));
		accept_item(1, BOB, ONE);
		begin_day(1);
		award(Pool::Validators, BOB, ONE);
		award(Pool::Owners, CAROL, ONE);
		begin_day(2);
		award(Pool::Validators, BOB, ONE);
		begin_day(3);
		let mut list = Rewards::claimable_list(BOB, 0, u32::MAX);
		list.sort();
		let budget = crate::Epochs::<Test>::get(2).unwrap().budget;
		let expected = [
			(1, TEXT, BUDGET * 7 / 30),
			(1, Pool::Datanet(1), 10 * OPEN),
			(2, Pool::Validators, budget / 5),
		];
		assert_eq!(list, expected);
		assert_eq!(Rewards::claimable_list(BOB, 2, 1), expected[2..]);
		assert!(Rewards::claimable_list(BOB, 1, 0).is_empty());
		assert!(Rewards::claimable_list(BOB, u32::MAX, u32::MAX).is_empty());
	});
}

#[test]
fn sponsorship_should_tell_what_the_next_epoch_pays() {
	ExtBuilder::default().execute(|| {
		assert_eq!(Rewards::sponsorship(1), None);
		assert_ok!(Rewards::sponsor(RuntimeOrigin::signed(PAYER), 1, 600 * OPEN));
		let expected = SponsorshipStatus {
			balance: 600 * OPEN,
			next_payout: 20 * OPEN,
			expires_in: 93,
		};
		assert_eq!(Rewards::sponsorship(1), Some(expected));
		assert_eq!(Rewards::pot_status(), (600 * OPEN, ENDOWMENT));
	});
}
