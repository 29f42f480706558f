use crate::{mock::*, Accesses, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{format::Modality, OPEN};
use sp_runtime::DispatchResult;

fn revoke(caller: AccountId, who: AccountId) -> DispatchResult {
	Net::revoke(RuntimeOrigin::signed(caller), 0, who)
}

/// A restricted Datanet of Alice's with a request of Bob's and a grant to Carol until block 9.
fn with_accesses(test: impl FnOnce()) {
	ExtBuilder::default().with_datanet(Modality::Text).execute(|| {
		set_policy(0, |policy| policy.restricted = true);
		assert_ok!(Net::request_access(RuntimeOrigin::signed(BOB), 0));
		assert_ok!(Net::grant(RuntimeOrigin::signed(ALICE), 0, CAROL, 9));
		test();
	});
}

#[test]
fn revoke_should_give_the_deposit_back_to_whose_it_is() {
	with_accesses(|| {
		let before = free(ALICE);
		assert_ok!(revoke(ALICE, BOB));
		assert_eq!((free(ALICE), free(BOB)), (before, ENDOWMENT));
		System::assert_last_event(Event::AccessRevoked { datanet: 0, who: BOB }.into());
		assert_ok!(revoke(ALICE, CAROL));
		assert_eq!(free(ALICE), before + OPEN);
		assert_eq!(Accesses::<Test>::iter().count(), 0);
	});
}

#[test]
fn revoke_should_let_an_account_give_up_its_own() {
	with_accesses(|| {
		assert_ok!(revoke(BOB, BOB));
		assert_ok!(revoke(CAROL, CAROL));
		assert_eq!(Accesses::<Test>::iter().count(), 0);
	});
}

#[test]
fn revoke_should_be_open_to_anybody_when_the_grant_has_expired() {
	with_accesses(|| {
		Now::set(9);
		assert_noop!(revoke(POOR, CAROL), Error::<Test>::NotOwner);
		Now::set(10);
		assert_ok!(revoke(POOR, CAROL));
		assert_noop!(revoke(POOR, BOB), Error::<Test>::NotOwner);
	});
}

#[test]
fn revoke_should_be_open_to_anybody_when_the_datanet_is_gone() {
	with_accesses(|| {
		assert_ok!(Net::close(RuntimeOrigin::signed(ALICE), 0));
		assert_ok!(revoke(POOR, BOB));
		assert_eq!(free(BOB), ENDOWMENT);
	});
}

#[test]
fn revoke_should_give_the_deposit_back_to_who_granted_when_the_datanet_has_another_owner() {
	with_accesses(|| {
		assert_ok!(Net::transfer(RuntimeOrigin::signed(ALICE), 0, BOB));
		assert_ok!(Net::accept_transfer(RuntimeOrigin::signed(BOB), 0));
		assert_eq!(free(ALICE), ENDOWMENT - OPEN);
		assert_noop!(revoke(ALICE, CAROL), Error::<Test>::NotOwner);
		assert_ok!(revoke(BOB, CAROL));
		assert_eq!(free(ALICE), ENDOWMENT);
	});
}

#[test]
fn revoke_should_fail_when_there_is_nothing_to_end() {
	with_accesses(|| {
		assert_noop!(revoke(ALICE, ALICE), Error::<Test>::AccessNotFound);
		assert_ok!(revoke(ALICE, BOB));
		assert_noop!(revoke(ALICE, BOB), Error::<Test>::AccessNotFound);
	});
}
