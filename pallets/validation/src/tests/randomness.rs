use crate::{mock::*, Accumulator, Ring, RING_BLOCKS};
use frame_support::Hashable;

#[test]
fn the_ring_should_hold_the_accumulated_randomness_of_each_block() {
	ExtBuilder::default().build_and_execute(|| {
		let mut expected = [0; 32];
		for block in 1u32..10 {
			let vrf = (1u32, u64::from(block)).blake2_256();
			expected = (expected, vrf).blake2_256();
			assert_eq!(Validation::seed(block), None);
			next_block();
			assert_eq!(Validation::seed(block), Some(expected));
		}
		assert_eq!(Accumulator::<Test>::get(), (9, expected));
	});
}

#[test]
fn the_ring_should_forget_when_it_is_full() {
	ExtBuilder::default().build_and_execute(|| {
		run_to(RING_BLOCKS + 5);
		assert_eq!(Validation::seed(4), None);
		assert!(Validation::seed(5).is_some());
		assert!(Validation::seed(RING_BLOCKS + 4).is_some());
		assert_eq!(Ring::<Test>::iter().count() as u32, RING_BLOCKS);
	});
}

#[test]
fn a_known_seed_should_not_change_when_the_chain_is_paused() {
	ExtBuilder::default().build_and_execute(|| {
		run_to(5);
		IsPaused::set(true);
		next_block();
		let known = Validation::seed(5);
		assert!(known.is_some());
		(0..10).for_each(|_| next_block());
		assert_eq!((Validation::seed(5), Now::get()), (known, 5));
		IsPaused::set(false);
		run_to(7);
		assert!(Validation::seed(6).is_some());
	});
}

#[test]
fn windows_should_stand_still_when_the_chain_is_paused() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT)]);
		IsPaused::set(true);
		(0..50).for_each(|_| next_block());
		IsPaused::set(false);
		reveal_all(1, &[(1, ACCEPT)]);
	});
}

#[test]
fn seeds_should_differ_when_one_author_differs() {
	let seed_with = |secret| {
		ExtBuilder::default().build().execute_with(|| {
			run_to(8);
			VrfSecret::set(secret);
			next_block();
			VrfSecret::set(1);
			run_to(20);
			Validation::seed(16)
		})
	};
	assert_ne!(seed_with(1), seed_with(2));
}
