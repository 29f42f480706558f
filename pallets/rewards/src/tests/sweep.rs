use crate::{mock::*, EpochState, Epochs, Error, Event, Owed, Params, Pools};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{traits::Pool, OPEN};
use sp_runtime::{DispatchError, DispatchResult};

const VALIDATORS: Pool = Pool::Validators;

fn sweep(epoch: u32) -> DispatchResult {
	Rewards::sweep(RuntimeOrigin::signed(ALICE), epoch)
}

/// Epochs expire three after they closed.
fn short() -> ExtBuilder {
	ExtBuilder::default().with_params(|params| params.expire_epochs = 3)
}

fn earn_in_epoch_one() {
	award(VALIDATORS, BOB, ONE);
	award(VALIDATORS, CAROL, 3 * ONE);
	award(Pool::Owners, CAROL, 3 * ONE);
}

#[test]
fn sweep_should_give_back_what_was_not_claimed() {
	short().execute(|| {
		earn_in_epoch_one();
		(1..=5).for_each(begin_day);
		assert_ok!(Rewards::claim(RuntimeOrigin::signed(BOB), 1, VALIDATORS));
		assert_eq!(Owed::<Test>::get(), 25 * OPEN);
		assert_ok!(sweep(1));
		assert_eq!(Owed::<Test>::get(), 0);
		assert_eq!(Epochs::<Test>::get(1).unwrap().state, EpochState::Swept);
		assert_eq!(Pools::<Test>::iter_prefix(1).count(), 0);
		System::assert_last_event(
			Event::EpochSwept {
				epoch: 1,
				amount: 25 * OPEN,
			}
			.into(),
		);
	});
}

#[test]
fn sweep_should_fail_when_there_is_still_time_to_claim() {
	short().execute(|| {
		earn_in_epoch_one();
		(1..=4).for_each(begin_day);
		assert_noop!(sweep(1), Error::<Test>::EpochNotExpired);
		begin_day(5);
		assert_ok!(sweep(1));
	});
}

#[test]
fn sweep_should_fail_when_the_epoch_is_not_closed() {
	short().execute(|| {
		assert_noop!(sweep(1), Error::<Test>::EpochNotClosed);
		assert_noop!(sweep(9), Error::<Test>::EpochNotClosed);
		assert_noop!(Rewards::sweep(RuntimeOrigin::none(), 1), DispatchError::BadOrigin);
	});
}

#[test]
fn sweep_should_fail_the_second_time_and_claims_with_it() {
	short().execute(|| {
		earn_in_epoch_one();
		(1..=5).for_each(begin_day);
		assert_ok!(sweep(1));
		assert_noop!(sweep(1), Error::<Test>::EpochSwept);
		assert_noop!(
			Rewards::claim(RuntimeOrigin::signed(BOB), 1, VALIDATORS),
			Error::<Test>::EpochSwept
		);
		assert_eq!(Rewards::claimable(BOB, 1, VALIDATORS), 0);
	});
}

#[test]
fn sweep_should_go_by_the_parameters_that_the_epoch_started_under() {
	short().execute(|| {
		earn_in_epoch_one();
		Params::<Test>::mutate(|params| params.expire_epochs = 30);
		(1..=5).for_each(begin_day);
		assert_ok!(sweep(1));
	});
}
