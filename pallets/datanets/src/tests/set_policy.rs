use crate::{mock::*, Datanets, Error, Event, Params};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	format::{Format, FormatSet, Modality},
	item::Policy,
	vote::Verdict,
};
use sp_runtime::DispatchResult;

fn set(who: AccountId, datanet: u32, policy: Policy) -> DispatchResult {
	Net::set_policy(RuntimeOrigin::signed(who), datanet, policy)
}

fn text_net() -> ExtBuilder {
	ExtBuilder::default().with_datanet(Modality::Text)
}

fn policy() -> Policy {
	Policy::open(Modality::Text, 100)
}

#[test]
fn set_policy_should_count_for_what_is_submitted_later() {
	text_net().execute(|| {
		assert_ok!(submit(BOB, 0, 5, 200));
		assert_ok!(set(ALICE, 0, policy()));
		assert_eq!(Datanets::<Test>::get(0).unwrap().policy, policy());
		System::assert_last_event(Event::PolicySet { datanet: 0 }.into());
		assert_noop!(submit(BOB, 0, 6, 200), Error::<Test>::FileTooLarge);
		conclude(0, Some(Verdict::Accept { score: 1, units: 1 }));
		assert_eq!(Datanets::<Test>::get(0).unwrap().version, 1);
	});
}

#[test]
fn set_policy_should_fail_when_the_caller_is_not_the_owner() {
	text_net().execute(|| {
		assert_noop!(set(BOB, 0, policy()), Error::<Test>::NotOwner);
		assert_noop!(set(ALICE, 1, policy()), Error::<Test>::DatanetNotFound);
	});
}

#[test]
fn set_policy_should_fail_when_it_is_none_that_a_datanet_could_be_created_with() {
	text_net().execute(|| {
		let cap = Params::<Test>::get().limits.file_bytes;
		let above = Policy::open(Modality::Text, cap + 1);
		assert_noop!(set(ALICE, 0, above), Error::<Test>::InvalidFileBytes);
		let formats = FormatSet::of(&[Format::Wav]);
		assert_noop!(
			set(ALICE, 0, Policy { formats, ..policy() }),
			Error::<Test>::InvalidFormats
		);
		let licence = vec![0xc3].try_into().unwrap();
		assert_noop!(set(ALICE, 0, Policy { licence, ..policy() }), Error::<Test>::NotUtf8);
	});
}
