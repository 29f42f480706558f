use crate::{mock::*, Datanets, Deposits, Error, Event, HoldReason, NextDatanet, Params};
use codec::Decode;
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	format::{Format, FormatSet, Modality},
	item::{Datanet, Policy, Text, MAX_DESCRIPTION, MAX_LICENCE, MAX_NAME},
	OPEN,
};
use sp_runtime::{ArithmeticError, DispatchResult, TokenError};

fn policy() -> Policy {
	Policy::open(Modality::Image, 1_000)
}

fn create_with(who: AccountId, name: &[u8], description: &[u8], policy: Policy) -> DispatchResult {
	Net::create_datanet(
		RuntimeOrigin::signed(who),
		Modality::Image,
		name.to_vec().try_into().unwrap(),
		description.to_vec().try_into().unwrap(),
		policy,
	)
}

fn create(who: AccountId, name: &[u8], description: &[u8]) -> DispatchResult {
	create_with(who, name, description, policy())
}

#[test]
fn create_datanet_should_store_it_and_hold_the_deposit() {
	ExtBuilder::default().execute(|| {
		let policy = Policy {
			max_file_bytes: 10_000_000,
			min_file_bytes: 100,
			formats: FormatSet::of(&[Format::Png]),
			licence: text("CC-BY-4.0"),
			restricted: true,
		};
		assert_ok!(create_with(BOB, b"Birds", b"# Photos of birds", policy.clone()));
		assert_ok!(create(BOB, b"Trees", b""));
		let expected = Datanet {
			owner: BOB,
			modality: Modality::Image,
			name: text("Birds"),
			description: text("# Photos of birds"),
			policy,
			closed: false,
			version: 0,
			root: [0; 32],
			points: 0,
			rejected: 0,
			in_review: 0,
			exclusions: 0,
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
		assert_noop!(create(BOB, b"", b""), Error::<Test>::EmptyName);
	});
}

#[test]
fn create_datanet_should_fail_when_a_text_is_not_utf8() {
	ExtBuilder::default().execute(|| {
		assert_noop!(create(BOB, b"\xff", b""), Error::<Test>::NotUtf8);
		assert_noop!(create(BOB, b"Birds", b"\xc3"), Error::<Test>::NotUtf8);
		let licence = vec![0xff].try_into().unwrap();
		assert_noop!(
			create_with(BOB, b"Birds", b"", Policy { licence, ..policy() }),
			Error::<Test>::NotUtf8
		);
	});
}

#[test]
fn create_datanet_should_fail_when_no_file_fits_or_more_than_the_chain_takes() {
	ExtBuilder::default().execute(|| {
		let cap = Params::<Test>::get().limits.file_bytes;
		let with = |min_file_bytes, max_file_bytes| {
			let policy = Policy {
				min_file_bytes,
				max_file_bytes,
				..policy()
			};
			create_with(BOB, b"Birds", b"", policy)
		};
		assert_noop!(with(1, 0), Error::<Test>::InvalidFileBytes);
		assert_noop!(with(0, 1), Error::<Test>::InvalidFileBytes);
		assert_noop!(with(3, 2), Error::<Test>::InvalidFileBytes);
		assert_noop!(with(1, cap + 1), Error::<Test>::InvalidFileBytes);
		assert_ok!(with(cap, cap));
	});
}

#[test]
fn create_datanet_should_fail_when_its_formats_are_none_or_of_another_modality() {
	ExtBuilder::default().execute(|| {
		let with = |formats| create_with(BOB, b"Birds", b"", Policy { formats, ..policy() });
		assert_noop!(with(FormatSet::default()), Error::<Test>::InvalidFormats);
		assert_noop!(
			with(FormatSet::of(&[Format::Png, Format::Pdf])),
			Error::<Test>::InvalidFormats
		);
		assert_noop!(with(FormatSet(1 << 12)), Error::<Test>::InvalidFormats);
		assert_ok!(with(FormatSet::of(&[Format::Bmp])));
	});
}

#[test]
fn texts_should_not_decode_when_they_are_too_long() {
	fn decodes<const N: u32>(length: u32) -> bool {
		let bytes = codec::Encode::encode(&vec![b'a'; length as usize]);
		Text::<N>::decode(&mut &bytes[..]).is_ok()
	}
	assert!(decodes::<MAX_NAME>(MAX_NAME) && !decodes::<MAX_NAME>(MAX_NAME + 1));
	assert!(decodes::<MAX_DESCRIPTION>(MAX_DESCRIPTION) && !decodes::<MAX_DESCRIPTION>(MAX_DESCRIPTION + 1));
	assert!(decodes::<MAX_LICENCE>(MAX_LICENCE) && !decodes::<MAX_LICENCE>(MAX_LICENCE + 1));
	// The same within the whole call.
	let call = |length: usize| {
		codec::Encode::encode(&(
			3u8,
			0u8,
			Modality::Image,
			vec![b'a'; length],
			Vec::<u8>::new(),
			policy(),
		))
	};
	assert!(RuntimeCall::decode(&mut &call(64)[..]).is_ok());
	assert!(RuntimeCall::decode(&mut &call(65)[..]).is_err());
}

#[test]
fn create_datanet_should_fail_when_the_deposit_is_too_much() {
	ExtBuilder::default().execute(|| {
		assert_noop!(create(POOR, b"Birds", b""), TokenError::FundsUnavailable);
	});
}

#[test]
fn create_datanet_should_fail_when_ids_are_used_up() {
	ExtBuilder::default().execute(|| {
		NextDatanet::<Test>::put(u32::MAX);
		assert_noop!(create(BOB, b"Birds", b""), ArithmeticError::Overflow);
	});
}
