use crate::{mock::*, Error, Event, Owed, Sponsorships};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{traits::Rewards as _, OPEN};
use sp_runtime::{DispatchError, DispatchResult};

fn release(datanet: u32) -> DispatchResult {
	Rewards::release_sponsorship(RuntimeOrigin::signed(ALICE), datanet)
}

/// A sponsorship of Datanet 1 in epoch 1, which expires with day 5.
fn sponsored(test: impl FnOnce()) {
	let short = ExtBuilder::default().with_params(|params| params.expire_epochs = 3);
	short.execute(|| {
		assert_ok!(Rewards::sponsor(RuntimeOrigin::signed(PAYER), 1, 100 * OPEN));
		test()
	});
}

#[test]
fn release_sponsorship_should_give_the_pot_what_no_item_earned() {
	sponsored(|| {
		(1..=5).for_each(begin_day);
		assert_ok!(release(1));
		System::assert_last_event(
			Event::SponsorshipReleased {
				datanet: 1,
				amount: 100 * OPEN,
			}
			.into(),
		);
		assert_eq!((Sponsorships::<Test>::get(1), Owed::<Test>::get()), (None, 0));
		assert_eq!(Balances::free_balance(Rewards::pot()), POT_BALANCE + 100 * OPEN);
	});
}

#[test]
fn release_sponsorship_should_wait_after_the_last_sponsor_and_the_last_award() {
	sponsored(|| {
		(1..=4).for_each(begin_day);
		assert_noop!(release(1), Error::<Test>::SponsorshipNotExpired);
		accept_item(1, BOB, ONE);
		(5..=8).for_each(begin_day);
		assert_noop!(release(1), Error::<Test>::SponsorshipNotExpired);
		assert_ok!(Rewards::sponsor(RuntimeOrigin::signed(PAYER), 1, 10 * OPEN));
		(9..=12).for_each(begin_day);
		assert_noop!(release(1), Error::<Test>::SponsorshipNotExpired);
		begin_day(13);
		assert_ok!(release(1));
		// What was awarded is the contributor's.
		assert_eq!(
			Owed::<Test>::get(),
			Rewards::claimable(BOB, 5, TEXT)
				+ Rewards::claimable(ALICE, 5, openledger_primitives::traits::Pool::Owners)
				+ 10 * OPEN
		);
	});
}

#[test]
fn release_sponsorship_should_fail_when_there_is_none() {
	sponsored(|| {
		assert_noop!(release(0), Error::<Test>::SponsorshipNotFound);
		assert_noop!(
			Rewards::release_sponsorship(RuntimeOrigin::none(), 1),
			DispatchError::BadOrigin
		);
	});
}
