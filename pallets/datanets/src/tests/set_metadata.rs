use crate::{mock::*, Datanets, Error, Event};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::format::Modality;
use sp_runtime::DispatchResult;

fn set(who: AccountId, datanet: u32, name: &[u8], description: &[u8]) -> DispatchResult {
	Net::set_metadata(
		RuntimeOrigin::signed(who),
		datanet,
		name.to_vec().try_into().unwrap(),
		description.to_vec().try_into().unwrap(),
	)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

#[test]
fn set_metadata_should_change_name_and_description_alone() {
	text_net().execute(|| {
		accepted(5);
		let mut expected = Datanets::<Test>::get(0).unwrap();
		assert_ok!(set(ALICE, 0, b"Birds", "Vögel".as_bytes()));
		(expected.name, expected.description) = (text("Birds"), text("Vögel"));
		assert_eq!(Datanets::<Test>::get(0), Some(expected));
		System::assert_last_event(Event::MetadataSet { datanet: 0 }.into());
	});
}

#[test]
fn set_metadata_should_fail_when_the_caller_is_not_the_owner() {
	text_net().execute(|| {
		assert_noop!(set(BOB, 0, b"Birds", b""), Error::<Test>::NotOwner);
		assert_noop!(set(ALICE, 1, b"Birds", b""), Error::<Test>::DatanetNotFound);
	});
}

#[test]
fn set_metadata_should_fail_when_a_text_is_empty_or_not_utf8() {
	text_net().execute(|| {
		assert_noop!(set(ALICE, 0, b"", b""), Error::<Test>::EmptyName);
		assert_noop!(set(ALICE, 0, b"\xff", b""), Error::<Test>::NotUtf8);
		assert_noop!(set(ALICE, 0, b"Birds", b"\xff"), Error::<Test>::NotUtf8);
	});
}
