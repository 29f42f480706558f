use crate::{mock::*, Datanets, Deposits, Error, Event, HoldReason, NextDatanet, Params};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{format::Modality, item::Datanet, OPEN};
use sp_runtime::{ArithmeticError, DispatchResult, TokenError};

fn create(who: AccountId, name: &[u8], description: &[u8], max_file_bytes: u32) -> DispatchResult {
	Net::create_datanet(
		RuntimeOrigin::signed(who),
		Modality::Image,
		name.to_vec().try_into().unwrap(),
		description.to_vec().try_into().unwrap(),
		max_file_bytes,
	)
}

#[test]
fn create_datanet_should_store_it_and_hold_the_deposit() {
	ExtBuilder::default().execute(|| {
		assert_ok!(create(BOB, b"Birds", b"# Photos of birds", 1_000));
		assert_ok!(create(BOB, b"Trees", b"", 10_000_000));
		let expected = Datanet {
			owner: BOB,
			modality: Modality::Image,
			name: text("Birds"),
			description: text("# Photos of birds"),
			max_file_bytes: 1_000,
			closed: false,
			version: 0,
			root: [0; 32],
			points: 0,
			rejected: 0,
		};
		assert_eq!(Datanets::<Test>::get(0), Some(expected));
		assert_eq!(Deposits::<Test>::get(1).map(|deposit| deposit.amount), Some(100 * OPEN));
		assert_eq!(Balances::balance_on_hold(&HoldReason::Datanet.into(), &BOB), 200 * OPEN);
		System::assert_last_event(
			Event::DatanetCreated {
				datanet: 1,
				owner: BOB,
				modality: Modality::Image,
			}
			.into(),
		);
	});
}

#[test]
fn create_datanet_should_fail_when_its_name_is_empty() {
	ExtBuilder::default().execute(|| {
		assert_noop!(create(BOB, b"", b"", 1), Error::<Test>::EmptyName);
	});
}

#[test]
fn create_datanet_should_fail_when_a_text_is_not_utf8() {
	ExtBuilder::default().execute(|| {
		assert_noop!(create(BOB, b"\xff", b"", 1), Error::<Test>::NotUtf8);
		assert_noop!(create(BOB, b"Birds", b"\xc3", 1), Error::<Test>::NotUtf8);
	});
}

#[test]
fn create_datanet_should_fail_when_its_cap_is_zero_or_above_the_chains() {
	ExtBuilder::default().execute(|| {
		let cap = Params::<Test>::get().limits.file_bytes;
		assert_noop!(create(BOB, b"Birds", b"", 0), Error::<Test>::InvalidMaxFileBytes);
		assert_noop!(create(BOB, b"Birds", b"", cap + 1), Error::<Test>::InvalidMaxFileBytes);
		assert_ok!(create(BOB, b"Birds", b"", cap));
	});
}

#[test]
fn create_datanet_should_fail_when_the_deposit_is_too_much() {
	ExtBuilder::default().execute(|| {
		assert_noop!(create(POOR, b"Birds", b"", 1), TokenError::FundsUnavailable);
	});
}

#[test]
fn create_datanet_should_fail_when_ids_are_used_up() {
	ExtBuilder::default().execute(|| {
		NextDatanet::<Test>::put(u32::MAX);
		assert_noop!(create(BOB, b"Birds", b"", 1), ArithmeticError::Overflow);
	});
}
