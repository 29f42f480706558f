use crate::{mock::*, CurrentEpoch, Epoch, EpochState, Epochs, Event, Owed, Params, Pools, Shares};
use openledger_primitives::{
	format::Modality,
	traits::{Pool, Rewards as _},
	OPEN,
};

#[test]
fn epoch_zero_should_last_until_the_clock_is_known() {
	ExtBuilder::default().build().execute_with(|| {
		next_block_at(0);
		assert_eq!(CurrentEpoch::<Test>::get(), 0);
		assert_eq!(Epochs::<Test>::get(0).map(|epoch| epoch.budget), Some(0));
		next_block_at(MIDNIGHT + DAY / 3);
		let expected = Epoch {
			start_millis: MIDNIGHT,
			start_block: 3,
			budget: BUDGET,
			state: EpochState::Open,
			params: Params::<Test>::get(),
		};
		assert_eq!(Epochs::<Test>::get(1), Some(expected));
		Rewards::check_state().unwrap();
	});
}

#[test]
fn next_epoch_should_begin_at_midnight_and_not_before() {
	ExtBuilder::default().execute(|| {
		next_block_at(MIDNIGHT + DAY - 1);
		assert_eq!(CurrentEpoch::<Test>::get(), 1);
		next_block_at(MIDNIGHT + DAY);
		assert_eq!(CurrentEpoch::<Test>::get(), 2);
		System::assert_last_event(
			Event::EpochStarted {
				epoch: 2,
				start_millis: MIDNIGHT + DAY,
				budget: BUDGET,
			}
			.into(),
		);
		next_block_at(MIDNIGHT + DAY);
		assert_eq!(CurrentEpoch::<Test>::get(), 2);
	});
}

#[test]
fn next_epoch_should_be_aligned_and_only_one_when_days_were_skipped() {
	ExtBuilder::default().execute(|| {
		award(TEXT, BOB, 1);
		next_block_at(MIDNIGHT + 10 * DAY + 5);
		assert_eq!(CurrentEpoch::<Test>::get(), 2);
		assert_eq!(Epochs::<Test>::get(2).unwrap().start_millis, MIDNIGHT + 10 * DAY);
		next_block_at(MIDNIGHT + 10 * DAY + 6);
		assert_eq!(CurrentEpoch::<Test>::get(), 2);
		begin_day(11);
		// Skipped days paid nothing: only epoch 1's budget is owed.
		assert_eq!(Owed::<Test>::get(), BUDGET * 7 / 30);
	});
}

#[test]
fn epoch_should_close_when_the_second_one_after_it_begins() {
	ExtBuilder::default().execute(|| {
		award(TEXT, BOB, ONE);
		begin_day(1);
		assert_eq!(Epochs::<Test>::get(1).unwrap().state, EpochState::Open);
		assert_eq!(Owed::<Test>::get(), 0);
		begin_day(2);
		assert_eq!(Epochs::<Test>::get(1).unwrap().state, EpochState::Closed);
		assert_eq!(Epochs::<Test>::get(2).unwrap().state, EpochState::Open);
		System::assert_has_event(
			Event::EpochClosed {
				epoch: 1,
				payout: BUDGET * 7 / 30,
			}
			.into(),
		);
	});
}

#[test]
fn pools_should_have_their_parts_of_the_budget_when_all_earned_points() {
	ExtBuilder::default().execute(|| {
		for pool in Pool::ALL {
			award(pool, BOB, ONE);
		}
		begin_day(1);
		begin_day(2);
		let payout = |pool| Pools::<Test>::get(1, pool).payout;
		for modality in Modality::ALL {
			assert_eq!(payout(Pool::Contributors(modality)), BUDGET * 70 / 100 / 3);
		}
		assert_eq!(payout(Pool::Validators), 20 * OPEN);
		assert_eq!(payout(Pool::Owners), 10 * OPEN);
		// 70 OPEN are not divisible by three: a planck stays.
		assert_eq!(Owed::<Test>::get(), BUDGET - 1);
	});
}

#[test]
fn pools_without_points_should_pay_nothing() {
	ExtBuilder::default().execute(|| {
		award(Pool::Owners, BOB, ONE);
		begin_day(1);
		begin_day(2);
		assert_eq!(Pools::<Test>::get(1, TEXT).payout, 0);
		assert_eq!(Owed::<Test>::get(), 10 * OPEN);
		// What is owed is not in the next budget.
		let free = ENDOWMENT - 10 * OPEN;
		assert_eq!(Epochs::<Test>::get(3).unwrap().budget, free / 10_000);
	});
}

#[test]
fn payout_should_be_capped_by_points_on_a_quiet_day() {
	let capped = ExtBuilder::default().with_params(|params| params.max_pay_per_point.validators = OPEN / 4);
	capped.execute(|| {
		award(Pool::Validators, BOB, 2 * ONE);
		begin_day(1);
		begin_day(2);
		assert_eq!(Owed::<Test>::get(), OPEN / 2);
	});
}

#[test]
fn payouts_should_never_exceed_the_pot_when_budgets_overlap() {
	// The whole pot every day: the second day's budget is gone when it closes.
	ExtBuilder::default()
		.with_params(|params| params.budget_ppm = 1_000_000)
		.execute(|| {
			award(Pool::Validators, BOB, ONE);
			for pool in Pool::ALL {
				Rewards::award(pool, &BOB, ONE, u32::MAX);
			}
			for day in 1..4 {
				begin_day(day);
				for pool in Pool::ALL {
					award(pool, BOB, ONE);
				}
			}
			assert!(Owed::<Test>::get() <= ENDOWMENT);
			assert_eq!(Pools::<Test>::get(2, Pool::Owners).payout, 0);
			assert_eq!(Shares::<Test>::get((2, Pool::Owners, BOB)), ONE);
		});
}

#[test]
#[should_panic(expected = "shares must be 100 percent together")]
fn genesis_should_refuse_parameters_that_make_no_sense() {
	ExtBuilder::default()
		.with_params(|params| params.shares.owners = 20)
		.build();
}
