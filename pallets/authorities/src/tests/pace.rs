use super::*;
use crate::{
	ActiveBlockCount, MinimumPeriod, SessionBlocks, SlotDuration, DEFAULT_SESSION_BLOCKS, DEFAULT_SLOT_MILLIS,
};
use frame_support::traits::{Get, Hooks};
use openledger_primitives::traits::ActiveBlocks;

#[test]
fn active_blocks_should_stand_still_when_paused() {
	with_authorities(&[1], || {
		Authorities::on_initialize(1);
		Authorities::on_initialize(2);
		assert_eq!(Authorities::now(), 2);
		IsPaused::set(true);
		Authorities::on_initialize(3);
		assert_eq!(Authorities::now(), 2);
		IsPaused::set(false);
		Authorities::on_initialize(4);
		assert_eq!(ActiveBlockCount::<Test>::get(), 3);
	});
}

#[test]
fn durations_should_come_from_genesis() {
	with_authorities(&[1], || {
		assert_eq!(SlotDuration::<Test>::get(), 1_000);
		assert_eq!(MinimumPeriod::<Test>::get(), 500);
		assert_eq!(SessionBlocks::<Test>::get(), 20);
		assert_eq!(crate::session_length::<Test>(), 20);
	});
}

#[test]
fn durations_should_fall_back_when_no_state_is_reachable() {
	assert_eq!(SlotDuration::<Test>::get(), DEFAULT_SLOT_MILLIS);
	assert_eq!(SessionBlocks::<Test>::get(), DEFAULT_SESSION_BLOCKS);
}
