use crate::{mock::*, Event, Pools, Shares};
use openledger_primitives::traits::{Pool, Rewards as _};

#[test]
fn award_should_add_to_the_pool_and_the_share() {
	ExtBuilder::default().execute(|| {
		assert_eq!(award(TEXT, BOB, 3), 1);
		assert_eq!(award(TEXT, BOB, 4), 1);
		assert_eq!(award(TEXT, CAROL, 5), 1);
		assert_eq!(award(Pool::Validators, BOB, 6), 1);
		assert_eq!(Pools::<Test>::get(1, TEXT).points, 12);
		assert_eq!(Shares::<Test>::get((1, TEXT, BOB)), 7);
		assert_eq!(Shares::<Test>::get((1, Pool::Validators, BOB)), 6);
		System::assert_last_event(
			Event::PointsAwarded {
				epoch: 1,
				pool: Pool::Validators,
				who: BOB,
				points: 6,
			}
			.into(),
		);
	});
}

#[test]
fn award_should_write_nothing_when_there_are_no_points() {
	ExtBuilder::default().execute(|| {
		assert_eq!(award(TEXT, BOB, 0), 1);
		assert!(!Pools::<Test>::contains_key(1, TEXT));
		assert!(!Shares::<Test>::contains_key((1, TEXT, BOB)));
	});
}

#[test]
fn award_should_go_to_the_epoch_of_the_block_when_it_was_final_not_of_now() {
	ExtBuilder::default().execute(|| {
		let final_at = System::block_number() as u32;
		begin_day(1);
		assert_eq!(Rewards::award(TEXT, &BOB, 1, final_at), 1);
		assert_eq!(Rewards::award(TEXT, &BOB, 1, final_at + 1), 2);
	});
}

#[test]
fn award_should_go_to_the_oldest_open_epoch_when_its_own_has_closed() {
	ExtBuilder::default().execute(|| {
		let final_at = System::block_number() as u32;
		begin_day(1);
		begin_day(2);
		assert_eq!(Rewards::award(TEXT, &BOB, 1, final_at), 2);
	});
}
