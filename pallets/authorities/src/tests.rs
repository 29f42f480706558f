//! One test a call and error, and the values handed to other pallets.

use crate::{
	mock::*, ActiveBlockCount, Authorities as List, Error, Event, MinimumPeriod, SessionBlocks, SlotDuration,
	DEFAULT_SESSION_BLOCKS, DEFAULT_SLOT_MILLIS,
};
use frame_support::{
	assert_noop, assert_ok,
	traits::{Get, Hooks},
};
use openledger_primitives::traits::ActiveBlocks;
use pallet_session::SessionManager;
use sp_runtime::DispatchError::BadOrigin;

#[test]
fn add_authority_should_extend_the_next_session() {
	with_authorities(&[1], || {
		assert_ok!(Authorities::add_authority(RuntimeOrigin::root(), 2));
		System::assert_last_event(Event::AuthorityAdded { who: 2 }.into());
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1, 2]));
	});
}

#[test]
fn add_authority_should_fail_when_origin_is_not_admin() {
	with_authorities(&[1], || {
		assert_noop!(Authorities::add_authority(RuntimeOrigin::signed(1), 2), BadOrigin);
	});
}

#[test]
fn add_authority_should_fail_when_already_listed() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), 1),
			Error::<Test>::AlreadyAuthority
		);
	});
}

#[test]
fn add_authority_should_fail_when_keys_are_missing() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), FIRST_WITHOUT_KEYS),
			Error::<Test>::SessionKeysNotFound
		);
	});
}

#[test]
fn add_authority_should_fail_when_list_is_full() {
	with_authorities(&[1, 2, 3, 4], || {
		assert_noop!(
			Authorities::add_authority(RuntimeOrigin::root(), 5),
			Error::<Test>::MaxAuthoritiesExceeded
		);
	});
}

#[test]
fn remove_authority_should_shorten_the_next_session() {
	with_authorities(&[1, 2, 3], || {
		assert_ok!(Authorities::remove_authority(RuntimeOrigin::root(), 2));
		System::assert_last_event(Event::AuthorityRemoved { who: 2 }.into());
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1, 3]));
	});
}

#[test]
fn remove_authority_should_fail_when_origin_is_not_admin() {
	with_authorities(&[1, 2], || {
		assert_noop!(Authorities::remove_authority(RuntimeOrigin::signed(1), 2), BadOrigin);
	});
}

#[test]
fn remove_authority_should_fail_when_not_listed() {
	with_authorities(&[1, 2], || {
		assert_noop!(
			Authorities::remove_authority(RuntimeOrigin::root(), 3),
			Error::<Test>::NotAuthority
		);
	});
}

#[test]
fn remove_authority_should_fail_when_it_is_the_last() {
	with_authorities(&[1], || {
		assert_noop!(
			Authorities::remove_authority(RuntimeOrigin::root(), 1),
			Error::<Test>::LastAuthority
		);
	});
}

#[test]
fn new_session_should_skip_authorities_without_keys() {
	with_authorities(&[1, FIRST_WITHOUT_KEYS], || {
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), Some(vec![1]));
	});
}

#[test]
fn new_session_should_keep_the_set_when_nobody_has_keys() {
	with_authorities(&[FIRST_WITHOUT_KEYS], || {
		assert_eq!(<Authorities as SessionManager<_>>::new_session(2), None);
	});
}

#[test]
fn historical_session_should_name_the_same_accounts() {
	with_authorities(&[1, 2], || {
		let historical = <Authorities as pallet_session::historical::SessionManager<AccountId, ()>>::new_session(2);
		assert_eq!(historical, Some(vec![(1, ()), (2, ())]));
	});
}

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

#[test]
#[should_panic(expected = "an authority is named twice")]
fn genesis_should_panic_when_an_authority_is_named_twice() {
	with_authorities(&[1, 1], || {});
}

#[test]
fn random_calls_should_keep_the_list_bounded_and_unique() {
	use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
	TestRunner::default()
		.run(&vec((any::<bool>(), 1u64..8), 0..40), |calls| {
			with_authorities(&[1], || {
				for (add, who) in calls {
					let origin = RuntimeOrigin::root();
					let _ = if add {
						Authorities::add_authority(origin, who)
					} else {
						Authorities::remove_authority(origin, who)
					};
					let len = List::<Test>::get().len();
					assert!((1..=4).contains(&len), "1 to 4 authorities, not {len}");
					Authorities::check_state().expect("the state holds after every call");
				}
			});
			Ok(())
		})
		.expect("the list stays bounded and unique");
}
