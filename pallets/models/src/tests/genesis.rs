use crate::{mock::*, GenesisConfig, ModelParams, Params};
use sp_runtime::BuildStorage;

#[test]
fn genesis_should_store_its_parameters() {
	ExtBuilder::default().build_and_execute_with_sanity_tests(|| assert_eq!(Params::<Test>::get(), PARAMS));
}

#[test]
#[should_panic(expected = "no job could be taken or end")]
fn genesis_should_fail_when_no_bond_could_cover_a_job() {
	let params = ModelParams {
		bond_per_job: 0,
		..PARAMS
	};
	let _ = GenesisConfig::<Test> {
		params,
		..Default::default()
	}
	.build_storage();
}
