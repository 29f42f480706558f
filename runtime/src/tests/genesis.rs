//! Genesis of the presets.

use super::*;

#[test]
fn genesis_should_issue_the_same_in_every_preset() {
	for preset in presets::preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			assert_eq!(Balances::total_issuance(), TOTAL_ISSUANCE, "{preset:?}");
			let held: Balance = frame_system::Account::<Runtime>::iter_values()
				.map(|account| account.data.free + account.data.reserved)
				.sum();
			assert_eq!(held, TOTAL_ISSUANCE, "{preset:?}: accounts sum up to the issuance");
		});
	}
}

#[test]
fn genesis_should_name_dev_accounts_by_their_derivation() {
	for (derivation, key) in presets::DEV_ACCOUNTS {
		let pair = Pair::from_string(derivation, None).expect("the derivation is valid");
		assert_eq!(pair.public().0, key, "{derivation}");
	}
}

#[test]
fn genesis_should_set_the_pace() {
	chain(presets::DEV).execute_with(|| {
		assert_eq!(Babe::slot_duration(), 1_000);
		assert_eq!(<Runtime as pallet_babe::Config>::EpochDuration::get(), 20);
		assert_eq!(Babe::authorities().len(), 1);
		assert_eq!(Grandpa::grandpa_authorities().len(), 1);
	});
	chain(presets::LOCAL).execute_with(|| {
		assert_eq!(Babe::slot_duration(), 6_000);
		assert_eq!(Session::validators().len(), 4);
	});
}

#[test]
fn genesis_should_stake_the_validators() {
	for preset in presets::preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			assert_eq!(pallet_validation::Validators::<Runtime>::iter().count(), 5);
			for validator in pallet_validation::Validators::<Runtime>::iter_values() {
				assert_eq!(validator.stake, presets::VALIDATOR_STAKE);
			}
		});
	}
}

#[test]
fn genesis_should_let_seed_and_commits_fit_a_session() {
	for preset in presets::preset_names() {
		chain(preset.as_ref()).execute_with(|| {
			let params = pallet_validation::Params::<Runtime>::get();
			let session = <Runtime as pallet_babe::Config>::EpochDuration::get();
			let blocks = u64::from(params.seed_delay) + u64::from(params.commit_blocks);
			assert!(
				blocks <= session,
				"{preset:?}: {blocks} blocks in sessions of {session}"
			);
		});
	}
}

#[test]
fn genesis_should_bond_the_authorities_and_seat_the_council() {
	chain(presets::LOCAL).execute_with(|| {
		for name in ["Alice", "Bob", "Charlie", "Dave"] {
			let status = Authorities::authority(account(name));
			assert!(status.listed, "{name}");
			assert_eq!(
				status.bond,
				pallet_authorities::AuthorityParams::default().min_bond,
				"{name}"
			);
		}
		let mut council = vec![account("Alice"), account("Bob"), account("Charlie")];
		council.sort();
		assert_eq!(pallet_collective::Members::<Runtime>::get().to_vec(), council);
	});
}
