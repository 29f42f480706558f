use crate::{mock::*, Error, Event, HoldReason, NextBatch, PlantBatch, PlantBatches};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::plant::{Opened, MAX_PLANTS};

const ROOT: [u8; 32] = [5; 32];

#[test]
fn plant_should_store_the_root_and_take_a_bond_for_each() {
	ExtBuilder::default().build_and_execute(|| {
		run_to(10);
		assert_ok!(Validation::plant(signed(OWNER), DATANET, ROOT, 3));
		System::assert_last_event(
			Event::Planted {
				batch: 0,
				datanet: DATANET,
				root: ROOT,
				count: 3,
				bond: 3 * PLANT_BOND,
				from: 15,
				until: 210,
			}
			.into(),
		);
		let expected = PlantBatch {
			datanet: DATANET,
			owner: OWNER,
			root: ROOT,
			count: 3,
			bond: PLANT_BOND,
			from: 15,
			until: 210,
			opened: Opened::default(),
		};
		assert_eq!(PlantBatches::<Test>::get(0), Some(expected));
		assert_eq!(
			Balances::balance_on_hold(&HoldReason::Plant.into(), &OWNER),
			3 * PLANT_BOND
		);
	});
}

#[test]
fn plant_should_give_every_batch_its_own_id() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Validation::plant(signed(OWNER), DATANET, ROOT, 1));
		assert_ok!(Validation::plant(signed(OWNER), DATANET, ROOT, MAX_PLANTS));
		assert_eq!((PlantBatches::<Test>::iter().count(), NextBatch::<Test>::get()), (2, 2));
	});
}

#[test]
fn plant_should_fail_when_not_the_owner() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::plant(signed(STRANGER), DATANET, ROOT, 1),
			Error::<Test>::NotDatanetOwner
		);
	});
}

#[test]
fn plant_should_fail_when_there_is_no_datanet() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::plant(signed(OWNER), 99, ROOT, 1),
			Error::<Test>::DatanetNotFound
		);
	});
}

#[test]
fn plant_should_fail_when_there_are_none_or_too_many() {
	ExtBuilder::default().build_and_execute(|| {
		for count in [0, MAX_PLANTS + 1] {
			assert_noop!(
				Validation::plant(signed(OWNER), DATANET, ROOT, count),
				Error::<Test>::InvalidPlantCount
			);
		}
	});
}

#[test]
fn plant_should_fail_when_the_bond_is_not_there() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Balances::transfer_allow_death(
			signed(OWNER),
			STRANGER,
			RICH - 2 * PLANT_BOND
		));
		assert_noop!(
			Validation::plant(signed(OWNER), DATANET, ROOT, 2),
			Error::<Test>::InsufficientBalance
		);
	});
}

#[test]
fn plant_should_fail_when_ids_have_run_out() {
	ExtBuilder::default().build_and_execute(|| {
		NextBatch::<Test>::put(u32::MAX);
		assert_noop!(
			Validation::plant(signed(OWNER), DATANET, ROOT, 1),
			sp_runtime::ArithmeticError::Overflow
		);
	});
}
