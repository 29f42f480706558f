use crate::{mock::*, Error, Event, Shares};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{traits::Pool, OPEN};
use sp_runtime::{DispatchError, DispatchResult};

const OWN: Pool = Pool::Datanet(1);

fn prune(epoch: u32, pool: Pool) -> DispatchResult {
	Rewards::prune_share(RuntimeOrigin::signed(ALICE), epoch, pool, BOB)
}

/// Bob earned points in epoch 1, in the pool of texts and in a sponsored one, and never claimed; the epoch expires with day 5.
fn unclaimed(test: impl FnOnce()) {
	let short = ExtBuilder::default().with_params(|params| params.expire_epochs = 3);
	short.execute(|| {
		assert_ok!(Rewards::sponsor(RuntimeOrigin::signed(PAYER), 1, 100 * OPEN));
		accept_item(1, BOB, ONE);
		test()
	});
}

#[test]
fn prune_share_should_remove_points_of_a_swept_pool() {
	unclaimed(|| {
		(1..=5).for_each(begin_day);
		assert_ok!(Rewards::sweep(RuntimeOrigin::signed(ALICE), 1));
		assert_ok!(Rewards::sweep_datanet(RuntimeOrigin::signed(ALICE), 1, 1));
		for pool in [TEXT, OWN] {
			assert_ok!(prune(1, pool));
			System::assert_last_event(
				Event::SharePruned {
					epoch: 1,
					pool,
					who: BOB,
				}
				.into(),
			);
			assert!(!Shares::<Test>::contains_key((1, pool, BOB)));
		}
	});
}

#[test]
fn prune_share_should_fail_when_the_pool_was_not_swept() {
	unclaimed(|| {
		for day in 1..=5 {
			assert_noop!(prune(1, TEXT), Error::<Test>::StillClaimable);
			begin_day(day);
		}
		assert_ok!(Rewards::sweep(RuntimeOrigin::signed(ALICE), 1));
		assert_ok!(prune(1, TEXT));
		// The sponsored pool is swept by itself.
		assert_noop!(prune(1, OWN), Error::<Test>::StillClaimable);
	});
}

#[test]
fn prune_share_should_fail_when_there_are_no_points() {
	unclaimed(|| {
		assert_noop!(prune(1, Pool::Validators), Error::<Test>::NothingToPrune);
		assert_noop!(
			Rewards::prune_share(RuntimeOrigin::none(), 1, TEXT, BOB),
			DispatchError::BadOrigin
		);
	});
}
