//! Genesis presets: `dev`, a chain of one authority whose windows are minutes instead of days, and `local`, four authorities
//! at the pace of a real one. [`network`] makes the genesis of a network of one's own, without known keys and without sudo. All
//! issue exactly [`TOTAL_ISSUANCE`].

use crate::{
	configs::{CourtPalletId, PotAccount, TreasuryAccount, BABE_GENESIS_EPOCH_CONFIG, EXISTENTIAL_DEPOSIT},
	*,
};
use alloc::{vec, vec::Vec};
use frame_support::{build_struct_json_patch, traits::TypedGet};
use openledger_primitives::format::{Modality, ModalitySet};
use pallet_models::ModelParams;
use pallet_rewards::RewardParams;
use pallet_validation::CourtParams;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::traits::AccountIdConversion;

#[cfg(feature = "std")]
pub mod network;

/// Preset of a chain for development: one authority, slots of one second.
pub const DEV: &str = "dev";
/// Preset of a local test network: four authorities, slots of six seconds.
pub const LOCAL: &str = "local";

/// What each development account starts with.
pub const DEV_ENDOWMENT: Balance = 1_000_000 * OPEN;
/// What each validator of the presets stakes, of its endowment: the five together carry every challenge of the largest file.
pub const VALIDATOR_STAKE: Balance = 50_000 * OPEN;
/// What the treasury starts with; the pot of the rewards has the rest.
pub const TREASURY_ENDOWMENT: Balance = 50_000_000 * OPEN;

/// Development accounts beside the well-known six: the derivation under the development phrase, and its public key (sr25519).
/// The runtime cannot derive keys in Wasm, so they stand here, and a test derives them.
pub const DEV_ACCOUNTS: [(&str, [u8; 32]); 12] = [
	(
		"//Owner",
		hex("967565a72ebaf286e32c4fa2bff58394bb727afb3c2b10f0a628d4f56d890075"),
	),
	(
		"//Contributor1",
		hex("a0d63362cd6b81b038993bb1f3d92b8ad4604625b2d8a4054083d41d7b904320"),
	),
	(
		"//Contributor2",
		hex("1698adaf26092f6b449d9a83447ae31512bdc3f852ec111fd1323002bc2b1970"),
	),
	(
		"//Contributor3",
		hex("08be9afa0eaa8df97dc668a276cdf75b7eea6dfd4cbd402e92d59978dc199e3b"),
	),
	(
		"//Contributor4",
		hex("ea5865305c71cf1fd31c5b46fd8f6c0fed8974c0e8d77856adb83bbad3eadb70"),
	),
	(
		"//Validator1",
		hex("f452cc9c48012cdde4ccdf3b5c2f5a26816292f85572554f9ee7ac14c1fcab46"),
	),
	(
		"//Validator2",
		hex("b2a618444ec2fe714b3d811358154ee326822c8f4c9dfa11ddddce86232df05e"),
	),
	(
		"//Validator3",
		hex("40746dd99b0cd9b8003137482d5e5a5db27018b5fcf3dfc2804ba79dd18fa064"),
	),
	(
		"//Validator4",
		hex("0084df35e1a4365297c88c8c1d23771f33629a985595801eac6a8d63ad37cf7c"),
	),
	(
		"//Validator5",
		hex("de829258a4d8f3b7aba1fcafac2a3f90934fe06e29fb5e892676efd55aa5ab7a"),
	),
	(
		"//Requester",
		hex("00416297a3ecfa7a9f7d6a7d191b5ddc339c3833047691078ac5f1632b761b4f"),
	),
	(
		"//Worker",
		hex("305d4991b3168833823c353af3b1e3b3ccec02f840fba82247816541361aba73"),
	),
];

/// Reads 64 hexadecimal digits; anything else does not compile.
const fn hex(digits: &str) -> [u8; 32] {
	const fn nibble(digit: u8) -> u8 {
		match digit {
			b'0'..=b'9' => digit - b'0',
			b'a'..=b'f' => digit - b'a' + 10,
			_ => panic!("not a lower-case hexadecimal digit"),
		}
	}
	let digits = digits.as_bytes();
	assert!(digits.len() == 64, "a public key has 64 digits");
	let mut key = [0u8; 32];
	let mut at = 0;
	while at < 32 {
		key[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
		at += 1;
	}
	key
}

/// The six accounts that every Substrate tool knows.
const WELL_KNOWN: [Sr25519Keyring; 6] = [
	Sr25519Keyring::Alice,
	Sr25519Keyring::Bob,
	Sr25519Keyring::Charlie,
	Sr25519Keyring::Dave,
	Sr25519Keyring::Eve,
	Sr25519Keyring::Ferdie,
];

/// Keys of the first authorities, in the order of the well-known accounts.
const AUTHORITY_KEYS: [(Sr25519Keyring, Ed25519Keyring); 4] = [
	(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
	(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
	(Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
	(Sr25519Keyring::Dave, Ed25519Keyring::Dave),
];

/// How fast a chain is.
struct Pace {
	authorities: usize,
	slot_millis: u64,
	session_blocks: u64,
	upgrade_delay: u32,
	court: CourtParams,
	rewards: RewardParams,
	models: ModelParams,
}

/// An item is final within a minute, and an epoch takes half of one.
fn dev_pace() -> Pace {
	Pace {
		authorities: 1,
		slot_millis: 1_000,
		session_blocks: 20,
		upgrade_delay: 20,
		court: CourtParams {
			seed_delay: 2,
			// Seed and commits within a session, as stakes are remembered no longer than the next.
			commit_blocks: 14,
			reveal_blocks: 10,
			provisional_blocks: 8,
			unbonding_sessions: 6,
			// Plants from the next epoch on, for a day.
			plant_delay: 30,
			plant_blocks: 86_400,
			..Default::default()
		},
		// A day of epochs to claim in.
		rewards: RewardParams {
			epoch_millis: 30_000,
			expire_epochs: 2_880,
			..Default::default()
		},
		models: ModelParams {
			bid_blocks: 3,
			open_blocks: 600,
			heartbeat_blocks: 60,
			max_train_blocks: 600,
			max_pause_blocks: 600,
			accept_blocks: 120,
			evaluate_blocks: 60,
			judge_commit_blocks: 120,
			judge_reveal_blocks: 30,
			correct_blocks: 120,
			..Default::default()
		},
	}
}

/// As on a real chain.
fn local_pace() -> Pace {
	Pace {
		authorities: 4,
		slot_millis: pallet_authorities::DEFAULT_SLOT_MILLIS,
		session_blocks: pallet_authorities::DEFAULT_SESSION_BLOCKS,
		upgrade_delay: pallet_authorities::DEFAULT_UPGRADE_DELAY,
		court: CourtParams::default(),
		rewards: RewardParams::default(),
		models: ModelParams::default(),
	}
}

/// The accounts `//Validator1` to `//Validator5` with their stakes; they judge everything.
fn validators() -> Vec<(AccountId, Balance, ModalitySet)> {
	DEV_ACCOUNTS
		.iter()
		.filter(|(derivation, _)| derivation.starts_with("//Validator"))
		.map(|(_, key)| (AccountId::from(*key), VALIDATOR_STAKE, ModalitySet::of(&Modality::ALL)))
		.collect()
}

/// Alice, Bob and Charlie: two of them act as administrator.
fn council() -> Vec<AccountId> {
	WELL_KNOWN[..3].iter().map(|key| key.to_account_id()).collect()
}

/// Balances at genesis: what the accounts have, the treasury its share, the pot the rest. `None` where there is no rest.
fn share_out(mut accounts: Vec<(AccountId, Balance)>, treasury: Balance) -> Option<Vec<(AccountId, Balance)>> {
	accounts.push((TreasuryAccount::get(), treasury));
	// Review fees pass through this account, which must not die when it is empty.
	accounts.push((CourtPalletId::get().into_account_truncating(), EXISTENTIAL_DEPOSIT));
	let endowed = accounts
		.iter()
		.try_fold(0 as Balance, |sum, (_, balance)| sum.checked_add(*balance))?;
	let rest = TOTAL_ISSUANCE.checked_sub(endowed)?;
	accounts.push((PotAccount::get(), rest));
	(rest >= EXISTENTIAL_DEPOSIT).then_some(accounts)
}

/// Every development account has the same.
fn balances() -> Vec<(AccountId, Balance)> {
	let accounts = WELL_KNOWN
		.iter()
		.map(|key| key.to_account_id())
		.chain(DEV_ACCOUNTS.iter().map(|(_, key)| AccountId::from(*key)))
		.map(|account| (account, DEV_ENDOWMENT))
		.collect();
	share_out(accounts, TREASURY_ENDOWMENT).expect("the presets endow with less than there is; qed")
}

fn preset(pace: Pace) -> serde_json::Value {
	let keys = &AUTHORITY_KEYS[..pace.authorities];
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances: balances() },
		authorities: AuthoritiesConfig {
			authorities: keys
				.iter()
				.map(|(account, _)| account.to_account_id())
				.collect::<Vec<_>>(),
			slot_millis: pace.slot_millis,
			session_blocks: pace.session_blocks,
			upgrade_delay: pace.upgrade_delay,
		},
		council: CouncilConfig { members: council() },
		babe: BabeConfig {
			epoch_config: BABE_GENESIS_EPOCH_CONFIG
		},
		session: SessionConfig {
			keys: keys
				.iter()
				.map(|(babe, grandpa)| {
					let account = babe.to_account_id();
					let keys = SessionKeys {
						babe: babe.public().into(),
						grandpa: grandpa.public().into(),
					};
					(account.clone(), account, keys)
				})
				.collect::<Vec<_>>(),
		},
		validation: ValidationConfig {
			params: pace.court,
			validators: validators()
		},
		rewards: RewardsConfig { params: pace.rewards },
		models: ModelsConfig { params: pace.models },
		sudo: SudoConfig {
			key: Some(Sr25519Keyring::Alice.to_account_id())
		},
	})
}

/// A preset as a JSON patch over the default genesis.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		DEV => preset(dev_pace()),
		LOCAL => preset(local_pace()),
		_ => return None,
	};
	Some(
		serde_json::to_string(&patch)
			.expect("a JSON value serializes; qed")
			.into_bytes(),
	)
}

/// Names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV), PresetId::from(LOCAL)]
}
