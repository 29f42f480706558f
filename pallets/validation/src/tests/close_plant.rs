use crate::{mock::*, Error, Event, HoldReason, PlantBatches};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};

const PLANTS: [(u64, bool); 2] = [(1, true), (2, false)];

fn on_hold() -> u128 {
	Balances::balance_on_hold(&HoldReason::Plant.into(), &OWNER)
}

fn close_plant(batch: u32) -> frame_support::pallet_prelude::DispatchResult {
	Validation::close_plant(signed(STRANGER), batch)
}

#[test]
fn close_plant_should_return_what_was_not_opened_when_the_batch_expired() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = plant(&PLANTS);
		let until = PlantBatches::<Test>::get(batch).expect("just planted").until;
		run_to(until);
		assert_noop!(close_plant(batch), Error::<Test>::PlantsNotExpired);
		run_to(until + 1);
		assert_ok!(close_plant(batch));
		System::assert_last_event(
			Event::PlantsClosed {
				batch,
				returned: 2 * PLANT_BOND,
			}
			.into(),
		);
		assert_eq!((on_hold(), Balances::free_balance(OWNER)), (0, RICH));
		assert_noop!(close_plant(batch), Error::<Test>::BatchNotFound);
	});
}

#[test]
fn close_plant_should_leave_the_bonds_of_open_trials() {
	ExtBuilder::default().build_and_execute(|| {
		let batch = plant(&PLANTS);
		run_to(PlantBatches::<Test>::get(batch).expect("just planted").from + 1);
		for (item, index) in [(1, 0), (2, 1)] {
			open(item);
			vote(item, &all(7, ACCEPT));
			assert_ok!(open_plant(batch, &PLANTS, index));
		}
		// Nothing is left to open: that is over before it expires.
		assert_ok!(close_plant(batch));
		System::assert_last_event(Event::PlantsClosed { batch, returned: 0 }.into());
		assert_eq!(on_hold(), 2 * PLANT_BOND);
		vote(2, &all(7, REJECT));
		close(1);
		assert_eq!((on_hold(), Balances::free_balance(OWNER)), (0, RICH - PLANT_BOND));
	});
}
