use crate::{mock::*, Error, Event, Owed, Pools, Sponsorship, Sponsorships};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{traits::Pool, OPEN};
use sp_runtime::{DispatchError, DispatchResult};

const OWN: Pool = Pool::Datanet(1);

fn sweep(epoch: u32, datanet: u32) -> DispatchResult {
	Rewards::sweep_datanet(RuntimeOrigin::signed(ALICE), epoch, datanet)
}

/// Epochs expire three after they closed; in epoch 1 Bob and Carol share ten OPEN as 1 to 3.
fn sponsored(test: impl FnOnce()) {
	let short = ExtBuilder::default().with_params(|params| params.expire_epochs = 3);
	short.execute(|| {
		assert_ok!(Rewards::sponsor(RuntimeOrigin::signed(PAYER), 1, 100 * OPEN));
		accept_item(1, BOB, ONE);
		accept_item(1, CAROL, 3 * ONE);
		test()
	});
}

#[test]
fn sweep_datanet_should_return_what_was_not_claimed_to_the_sponsorship() {
	sponsored(|| {
		(1..=5).for_each(begin_day);
		assert_ok!(Rewards::claim(RuntimeOrigin::signed(CAROL), 1, OWN));
		assert_ok!(Rewards::sweep(RuntimeOrigin::signed(ALICE), 1));
		let owed = Owed::<Test>::get();
		assert_ok!(sweep(1, 1));
		System::assert_last_event(
			Event::DatanetSwept {
				epoch: 1,
				datanet: 1,
				amount: 5 * OPEN / 2,
			}
			.into(),
		);
		let expected = Sponsorship {
			balance: 90 * OPEN + 5 * OPEN / 2,
			touched: 6,
		};
		assert_eq!(Sponsorships::<Test>::get(1), Some(expected));
		assert_eq!(Owed::<Test>::get(), owed);
		assert!(!Pools::<Test>::contains_key(1, OWN));
	});
}

#[test]
fn sweep_datanet_should_not_wait_for_the_sweep_of_the_epoch_and_end_its_claims() {
	sponsored(|| {
		(1..=5).for_each(begin_day);
		assert_ok!(sweep(1, 1));
		assert_noop!(
			Rewards::claim(RuntimeOrigin::signed(BOB), 1, OWN),
			Error::<Test>::NothingToClaim
		);
		assert_ok!(Rewards::claim(RuntimeOrigin::signed(BOB), 1, TEXT));
		assert_noop!(sweep(1, 1), Error::<Test>::PoolNotFound);
	});
}

#[test]
fn sweep_datanet_should_keep_no_sponsorship_when_all_was_claimed() {
	sponsored(|| {
		Sponsorships::<Test>::mutate(1, |sponsorship| sponsorship.as_mut().unwrap().balance = 10 * OPEN);
		Owed::<Test>::mutate(|owed| *owed -= 80 * OPEN);
		begin_day(1);
		accept_item(1, BOB, ONE);
		(2..=6).for_each(begin_day);
		assert_ok!(Rewards::claim(RuntimeOrigin::signed(BOB), 2, OWN));
		assert_ok!(sweep(2, 1));
		assert_eq!(Sponsorships::<Test>::get(1), None);
	});
}

#[test]
fn sweep_datanet_should_fail_when_there_is_still_time_to_claim() {
	sponsored(|| {
		assert_noop!(sweep(1, 1), Error::<Test>::EpochNotExpired);
		(1..=4).for_each(begin_day);
		assert_noop!(sweep(1, 1), Error::<Test>::EpochNotExpired);
		begin_day(5);
		assert_ok!(sweep(1, 1));
	});
}

#[test]
fn sweep_datanet_should_fail_when_there_is_no_such_pool() {
	sponsored(|| {
		assert_noop!(sweep(1, 0), Error::<Test>::PoolNotFound);
		assert_noop!(sweep(0, 1), Error::<Test>::PoolNotFound);
		assert_noop!(sweep(9, 1), Error::<Test>::EpochNotClosed);
		assert_noop!(
			Rewards::sweep_datanet(RuntimeOrigin::none(), 1, 1),
			DispatchError::BadOrigin
		);
	});
}
