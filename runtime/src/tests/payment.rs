//! What an extrinsic costs, and where it goes.

use super::*;
use frame_support::traits::{TypedGet, UnfilteredDispatchable};

#[test]
fn signed_transfer_should_pay_its_fee_without_moving_the_issuance() {
	in_first_block(presets::DEV, || {
		let (alice, bob) = (account("Alice"), account("Bob"));
		let (alice_before, bob_before) = (Balances::balance(&alice), Balances::balance(&bob));
		let pot_before = Balances::balance(&PotAccount::get());
		assert_ok!(send("Alice", transfer("Bob", 5 * OPEN)));
		Executive::finalize_block();

		let fee = alice_before - 5 * OPEN - Balances::balance(&alice);
		assert!(fee > 0 && fee < OPEN, "a transfer costs {fee} plancks");
		assert_eq!(Balances::balance(&bob), bob_before + 5 * OPEN);
		assert_eq!(Balances::balance(&PotAccount::get()), pot_before + fee);
	});
}

#[test]
fn replayed_extrinsic_should_be_invalid() {
	in_first_block(presets::DEV, || {
		let extrinsic = signed(transfer("Bob", OPEN), &key("Alice"), 0);
		assert_ok!(Executive::apply_extrinsic(extrinsic.clone()).expect("the extrinsic is valid"));
		assert!(
			Executive::apply_extrinsic(extrinsic).is_err(),
			"its nonce has been used"
		);
	});
}

#[test]
fn dust_should_go_to_the_treasury() {
	in_first_block(presets::DEV, || {
		let alice = account("Alice");
		let stranger = AccountId::from([7; 32]);
		let before = Balances::balance(&TreasuryAccount::get());
		let pay = |to: AccountId, value| BalancesCall::<Runtime>::transfer_allow_death { dest: to.into(), value };
		assert_ok!(
			pay(stranger.clone(), EXISTENTIAL_DEPOSIT + 5).dispatch_bypass_filter(RuntimeOrigin::signed(alice.clone()))
		);
		assert_ok!(pay(alice, 10).dispatch_bypass_filter(RuntimeOrigin::signed(stranger.clone())));
		assert_eq!(
			Balances::total_balance(&stranger),
			0,
			"below the existential deposit nothing is left"
		);
		assert_eq!(
			Balances::balance(&TreasuryAccount::get()),
			before + EXISTENTIAL_DEPOSIT - 5
		);
	});
}
