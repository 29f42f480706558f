//! Changing the code without root: announced, waited for, sent.

use super::*;
use sp_core::traits::{ReadRuntimeVersion, ReadRuntimeVersionExt};
use sp_runtime::traits::Hash as _;

/// Reads any code as a newer version of this runtime.
struct NextVersion;

impl ReadRuntimeVersion for NextVersion {
	fn read_runtime_version(&self, _: &[u8], _: &mut dyn sp_externalities::Externalities) -> Result<Vec<u8>, String> {
		Ok(RuntimeVersion {
			spec_version: VERSION.spec_version + 1,
			..VERSION
		}
		.encode())
	}
}

const CODE: [u8; 3] = [1, 2, 3];

fn code_hash() -> Hash {
	sp_runtime::traits::BlakeTwo256::hash(&CODE)
}

fn schedule() -> RuntimeCall {
	pallet_authorities::Call::schedule_upgrade { code_hash: code_hash() }.into()
}

/// And a block more: the delay of the preset ends with the first block of a session, which rotating fills.
fn wait_out_the_delay() {
	pass_blocks(pallet_authorities::UpgradeDelay::<Runtime>::get() + 1);
}

fn in_first_block_with_versions(test: impl FnOnce()) {
	let mut chain = chain(presets::DEV);
	chain.register_extension(ReadRuntimeVersionExt::new(NextVersion));
	chain.execute_with(|| {
		open_block(1);
		test();
		check_invariants();
	});
}

fn apply() -> RuntimeCall {
	frame_system::Call::apply_authorized_upgrade { code: CODE.to_vec() }.into()
}

#[test]
fn upgrade_should_be_applied_after_its_delay_by_anybody() {
	in_first_block_with_versions(|| {
		assert_ok!(as_council(2, 3, schedule()));
		let early: DispatchError = pallet_authorities::Error::<Runtime>::UpgradeNotDue.into();
		assert_eq!(send("Eve", pallet_authorities::Call::enact_upgrade {}), Err(early));
		assert_eq!(
			send("Eve", apply()),
			Err(frame_system::Error::<Runtime>::NothingAuthorized.into())
		);
		wait_out_the_delay();
		assert_ok!(send("Eve", pallet_authorities::Call::enact_upgrade {}));
		let other = frame_system::Call::apply_authorized_upgrade { code: vec![9] };
		assert_eq!(
			send("Eve", other),
			Err(frame_system::Error::<Runtime>::Unauthorized.into())
		);
		assert_ok!(send("Eve", apply()));
		assert_eq!(
			sp_io::storage::get(sp_storage::well_known_keys::CODE),
			Some(CODE.to_vec().into())
		);
	});
}

#[test]
fn upgrade_should_be_applied_in_safe_mode() {
	in_first_block_with_versions(|| {
		assert_ok!(as_council(2, 3, pallet_safe_mode::Call::force_enter {}));
		assert_ok!(as_council(2, 3, schedule()));
		wait_out_the_delay();
		assert_ok!(send("Eve", pallet_authorities::Call::enact_upgrade {}));
		assert_ok!(send("Eve", apply()));
	});
}

#[test]
fn upgrade_should_be_vetoed_by_more_than_a_third() {
	in_first_block(presets::DEV, || {
		assert_ok!(as_council(2, 3, schedule()));
		let veto = pallet_authorities::Call::veto_upgrade {};
		assert_eq!(as_council(1, 3, veto.clone()), Err(DispatchError::BadOrigin));
		assert_eq!(send("Alice", veto.clone()), Err(DispatchError::BadOrigin));
		assert_ok!(as_council(2, 5, veto));
		wait_out_the_delay();
		let gone: DispatchError = pallet_authorities::Error::<Runtime>::NoUpgrade.into();
		assert_eq!(send("Eve", pallet_authorities::Call::enact_upgrade {}), Err(gone));
	});
}

#[test]
fn code_should_not_be_set_without_waiting() {
	in_first_block(presets::DEV, || {
		for call in [
			frame_system::Call::authorize_upgrade { code_hash: code_hash() },
			frame_system::Call::authorize_upgrade_without_checks { code_hash: code_hash() },
			frame_system::Call::set_code { code: CODE.to_vec() },
			frame_system::Call::set_code_without_checks { code: CODE.to_vec() },
		] {
			assert_eq!(as_council(3, 3, call), Err(DispatchError::BadOrigin));
		}
	});
}
