use crate::{mock::*, Error, Event, FeeClaims};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::OPEN;
use sp_runtime::{DispatchError, DispatchResult};

fn prune(fee: u64, who: AccountId) -> DispatchResult {
	Rewards::prune_fee_claim(RuntimeOrigin::signed(ALICE), fee, who)
}

/// Bob had his half of a fee that expires with day 5.
fn half_claimed(test: impl FnOnce(u64)) {
	let short = ExtBuilder::default().with_params(|params| params.expire_epochs = 3);
	short.execute(|| {
		contribute(0, 1, &[(BOB, 1), (CAROL, 1)]);
		let fee = collect(0, 1, OPEN).unwrap();
		assert_ok!(Rewards::claim_fee(RuntimeOrigin::signed(ALICE), fee, BOB));
		test(fee)
	});
}

#[test]
fn prune_fee_claim_should_forget_a_claim_on_a_swept_fee() {
	half_claimed(|fee| {
		(1..=5).for_each(begin_day);
		assert_ok!(Rewards::sweep_fee(RuntimeOrigin::signed(ALICE), fee));
		assert_ok!(prune(fee, BOB));
		System::assert_last_event(Event::FeeClaimPruned { fee, who: BOB }.into());
		assert_eq!(FeeClaims::<Test>::iter().count(), 0);
		// It does not make the fee claimable again.
		assert_noop!(
			Rewards::claim_fee(RuntimeOrigin::signed(ALICE), fee, BOB),
			Error::<Test>::FeeNotFound
		);
	});
}

#[test]
fn prune_fee_claim_should_fail_when_the_fee_is_there() {
	half_claimed(|fee| {
		assert_noop!(prune(fee, BOB), Error::<Test>::StillClaimable);
		(1..=5).for_each(begin_day);
		assert_noop!(prune(fee, BOB), Error::<Test>::StillClaimable);
	});
}

#[test]
fn prune_fee_claim_should_fail_when_nothing_was_claimed() {
	half_claimed(|fee| {
		assert_noop!(prune(fee, CAROL), Error::<Test>::NothingToPrune);
		assert_noop!(prune(fee + 1, BOB), Error::<Test>::NothingToPrune);
		assert_noop!(
			Rewards::prune_fee_claim(RuntimeOrigin::none(), fee, BOB),
			DispatchError::BadOrigin
		);
	});
}
