use crate::{mock::*, BaseModelByDigest, BaseModels, Error, Event, HoldReason, NextBaseModel};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	model::ModelFile,
	payload::{Cid, CidCodec},
};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

fn register(files: Vec<ModelFile>) -> frame_support::dispatch::DispatchResult {
	Models::register_base_model(signed(OWNER), text("toy"), files.try_into().expect("few files"))
}

#[test]
fn register_base_model_should_store_sorted_files_and_hold_the_deposit() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_ok!(Models::register_base_model(signed(OWNER), text("toy"), files(1)));
		let model = BaseModels::<Test>::get(0).unwrap();
		assert_eq!((model.owner, model.name), (OWNER, text("toy")));
		let names: Vec<_> = model
			.files
			.iter()
			.map(|file| String::from_utf8(file.name.to_vec()).unwrap())
			.collect();
		assert_eq!(names, ["config.json", "model.safetensors", "tokenizer.json"]);
		assert_eq!(
			Balances::balance_on_hold(&HoldReason::BaseModelDeposit.into(), &OWNER),
			40
		);
		let digest = BaseModelByDigest::<Test>::iter_keys().next().unwrap();
		last_event(Event::BaseModelRegistered {
			base_model: 0,
			owner: OWNER,
			digest,
		});
	});
}

#[test]
fn register_base_model_should_fail_when_unsigned_or_without_funds() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(
			Models::register_base_model(RuntimeOrigin::root(), text("toy"), files(1)),
			BadOrigin
		);
		assert_noop!(
			Models::register_base_model(signed(77), text("toy"), files(1)),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn register_base_model_should_fail_when_the_same_files_are_registered() {
	ExtBuilder::default()
		.with_base_model()
		.build_and_execute_with_sanity_tests(|| {
			let mut reversed = files(1).into_inner();
			reversed.reverse();
			assert_noop!(
				Models::register_base_model(signed(STRANGER), text("mine"), reversed.try_into().unwrap()),
				Error::<Test>::BaseModelAlreadyRegistered
			);
			assert_ok!(Models::register_base_model(signed(STRANGER), text("toy"), files(2)));
		});
}

#[test]
fn register_base_model_should_fail_when_the_name_is_empty_or_not_utf8() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		assert_noop!(
			Models::register_base_model(signed(OWNER), text(""), files(1)),
			Error::<Test>::NameEmpty
		);
		let broken = vec![0xff].try_into().unwrap();
		assert_noop!(
			Models::register_base_model(signed(OWNER), broken, files(1)),
			Error::<Test>::InvalidUtf8
		);
	});
}

#[test]
fn register_base_model_should_fail_when_a_file_name_could_leave_its_folder() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		for name in [
			"",
			"..",
			"../config.json",
			"/etc/passwd",
			".hidden",
			"a\\b",
			"a b",
			"a\0b",
			"größe.json",
		] {
			let mut with = files(1).into_inner();
			with.push(file(name, 9));
			assert_noop!(register(with), Error::<Test>::InvalidFileName);
		}
	});
}

#[test]
fn register_base_model_should_fail_when_a_file_is_missing_or_named_twice() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		let without = |name: &str| {
			files(1)
				.into_inner()
				.into_iter()
				.filter(|file| *file.name != *name.as_bytes())
				.collect::<Vec<_>>()
		};
		assert_noop!(register(without("config.json")), Error::<Test>::ConfigMissing);
		assert_noop!(register(without("tokenizer.json")), Error::<Test>::TokenizerMissing);
		assert_noop!(register(without("model.safetensors")), Error::<Test>::WeightsMissing);
		let mut twice = files(1).into_inner();
		twice.push(file("config.json", 9));
		assert_noop!(register(twice), Error::<Test>::FileNameTwice);
	});
}

#[test]
fn register_base_model_should_fail_when_an_artifact_contradicts_itself() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		let with = |change: fn(&mut ModelFile)| {
			let mut files = files(1).into_inner();
			change(&mut files[1]);
			register(files)
		};
		assert_noop!(with(|file| file.artifact.bytes = 0), Error::<Test>::InvalidArtifact);
		assert_noop!(
			with(|file| file.artifact.sha256 = [0; 32]),
			Error::<Test>::InvalidArtifact
		);
		assert_noop!(
			with(|file| file.artifact.cid.codec = CidCodec::DagPb),
			Error::<Test>::InvalidArtifact
		);
		assert_noop!(
			with(|file| file.artifact.bytes = 1 << 30),
			Error::<Test>::InvalidArtifact
		);
		assert_ok!(with(|file| {
			file.artifact.bytes = 1 << 30;
			file.artifact.cid = Cid::new(CidCodec::DagPb, [5; 32]);
		}));
	});
}

#[test]
fn register_base_model_should_fail_when_ids_are_exhausted() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| {
		NextBaseModel::<Test>::put(u32::MAX);
		assert_noop!(
			Models::register_base_model(signed(OWNER), text("toy"), files(1)),
			Error::<Test>::IdsExhausted
		);
		NextBaseModel::<Test>::put(0);
	});
}
