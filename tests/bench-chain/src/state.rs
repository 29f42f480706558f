//! A chain's state with so many items in it, written by the pallets themselves.

use std::collections::BTreeMap;

use anyhow::{ensure, Context, Result};
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, tokens::Preservation, Hooks, StorageInfoTrait, TypedGet},
};
use openledger_primitives::{
	format::{Format, Modality, ModalitySet},
	item::Policy,
	payload::{CidCodec, Payload},
	quota::DAY_MILLIS,
	traits::{Court, Docket, Pool, Rewards as _},
	vote::Verdict,
	DatanetId, OPEN,
};
use openledger_runtime::{
	genesis, AccountId, AllPalletsWithSystem, Balances, Datanets, Rewards, Runtime, RuntimeGenesisConfig,
	RuntimeOrigin, Validation, TOTAL_ISSUANCE,
};
use pallet_validation::CourtParams;
use sp_core::{crypto::Pair as _, sr25519::Pair};
use sp_crypto_hashing::blake2_256;
use sp_runtime::BuildStorage;
use sp_state_machine::BasicExternalities;
use sp_storage::Storage;

/// Slots of a real chain.
pub const SLOT_MILLIS: u64 = 6_000;
/// Longer than a run.
const SESSION_BLOCKS: u64 = 600;
/// Who judges: enough that a panel is drawn from many.
pub const VALIDATORS: u32 = 1_000;
/// Who sends what is measured, beside validators.
pub const SENDERS: u32 = 12_000;
/// The Datanet that everything is in.
pub const DATANET: DatanetId = 0;
/// The epoch that senders can claim from.
pub const EPOCH: u32 = 1;
/// Bytes of a file; nothing of it is on the chain.
const FILE_BYTES: u32 = 20_000;

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
	pub items: u32,
	pub contributors: u32,
}

/// The key of one of a kind, made from its number.
pub fn pair(kind: &str, number: u32) -> Pair {
	Pair::from_seed(&blake2_256(format!("bench {kind} {number}").as_bytes()))
}

pub fn account(kind: &str, number: u32) -> AccountId {
	pair(kind, number).public().into()
}

/// A payload with content of its own.
pub fn payload(kind: &str, number: u32) -> Payload {
	let sha256 = blake2_256(format!("content {kind} {number}").as_bytes());
	Payload {
		sha256,
		root: sha256,
		codec: CidCodec::Raw,
		size: FILE_BYTES,
		format: Format::Markdown,
	}
}

/// The windows in which the measured votes have to fit: submissions, then commits, then reveals.
fn court() -> CourtParams {
	CourtParams {
		seed_delay: 2,
		commit_blocks: 14,
		reveal_blocks: 14,
		..CourtParams::default()
	}
}

/// Genesis of a chain of one authority at a real chain's pace, with the validators staked.
fn base() -> Result<Storage> {
	let patch = genesis::get_preset(&genesis::DEV.into()).context("the dev preset exists")?;
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default())?;
	merge(&mut config, serde_json::from_slice(&patch)?);
	let mut config: RuntimeGenesisConfig = serde_json::from_value(config)?;
	config.authorities.slot_millis = SLOT_MILLIS;
	config.authorities.session_blocks = SESSION_BLOCKS;
	config.validation.params = court();
	config.rewards.params.epoch_millis = DAY_MILLIS;
	let validators: Vec<AccountId> = (0..VALIDATORS).map(|number| account("validator", number)).collect();
	let stake = 10_000 * OPEN;
	config.validation.validators = validators
		.iter()
		.map(|who| (who.clone(), stake, ModalitySet::of(&Modality::ALL)))
		.collect();
	// What validators get comes from the pot.
	let pot = pallet_rewards::PotAccount::<Runtime>::get();
	let given = 2 * stake;
	for (who, balance) in &mut config.balances.balances {
		if *who == pot {
			*balance -= given * u128::from(VALIDATORS);
		}
	}
	config
		.balances
		.balances
		.extend(validators.into_iter().map(|who| (who, given)));
	let storage = config.build_storage();
	storage.map_err(anyhow::Error::msg)
}

/// Merges a patch into a JSON value as RFC 7386 has it, which is what a chain specification does with a preset.
fn merge(value: &mut serde_json::Value, patch: serde_json::Value) {
	match (value, patch) {
		(serde_json::Value::Object(value), serde_json::Value::Object(patch)) => {
			for (key, change) in patch {
				merge(value.entry(key).or_insert(serde_json::Value::Null), change);
			}
		}
		(value, patch) => *value = patch,
	}
}

/// A genesis state in which so many items were accepted three days ago, and their points can be claimed. `now` is Unix
/// time in milliseconds.
pub fn build(size: Size, now: u64) -> Result<Storage> {
	let mut storage = base()?;
	BasicExternalities::execute_with_storage(&mut storage, || -> Result<()> {
		let pot = pallet_rewards::PotAccount::<Runtime>::get();
		let fund = |who: &AccountId, amount| {
			assert_ok!(<Balances as Mutate<_>>::transfer(
				&pot,
				who,
				amount,
				Preservation::Preserve
			));
		};
		let owner = account("owner", 0);
		fund(&owner, 1_000 * OPEN);
		let contributors: Vec<AccountId> = (0..size.contributors)
			.map(|number| account("contributor", number))
			.collect();
		let senders: Vec<AccountId> = (0..SENDERS).map(|number| account("sender", number)).collect();
		contributors
			.iter()
			.chain(&senders)
			.for_each(|who| fund(who, 100 * OPEN));

		start_day(now - 3 * DAY_MILLIS);
		let name = |text: &str| text.as_bytes().to_vec().try_into().expect("a name is short; qed");
		assert_ok!(Datanets::create_datanet(
			RuntimeOrigin::signed(owner),
			Modality::Text,
			name("Load"),
			Default::default(),
			Policy::open(Modality::Text, 1_000_000)
		));
		for number in 0..size.items {
			let who = &contributors[(number % size.contributors) as usize];
			let item = pallet_datanets::NextItem::<Runtime>::get();
			let origin = RuntimeOrigin::signed(who.clone());
			assert_ok!(Datanets::submit(
				origin,
				DATANET,
				payload("item", number),
				blake2_256(&number.to_le_bytes())
			));
			// Its case is over, as it is after the last vote is settled.
			assert_ok!(<Validation as Court<AccountId>>::withdraw(item));
			assert_ok!(<Datanets as Docket>::conclude(
				item,
				Some(Verdict::Accept {
					score: 70,
					units: 8_000
				}),
				0
			));
		}
		for who in &senders {
			Rewards::award(Pool::Contributors(Modality::Text), who, 1_000_000_000, 0);
		}
		start_day(now - 2 * DAY_MILLIS);
		start_day(now - DAY_MILLIS);
		start_day(now);
		ensure!(Balances::total_issuance() == TOTAL_ISSUANCE, "issuance moved");
		Ok(())
	})?;
	Ok(storage)
}

/// Sets the clock, and lets the rewards see it.
fn start_day(now: u64) {
	pallet_timestamp::Now::<Runtime>::put(now);
	Rewards::on_initialize(2);
}

/// Bytes of keys and values by map.
pub fn bytes_by_map(storage: &Storage) -> BTreeMap<String, u64> {
	let names = Names::default();
	let mut bytes = BTreeMap::new();
	for (key, value) in &storage.top {
		*bytes.entry(names.of(key).to_owned()).or_default() += (key.len() + value.len()) as u64;
	}
	bytes
}

/// What storage keys belong to, by what storage information names.
pub struct Names(BTreeMap<Vec<u8>, String>);

impl Default for Names {
	fn default() -> Self {
		let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
		let info = AllPalletsWithSystem::storage_info().into_iter();
		Self(
			info.map(|info| {
				(
					info.prefix,
					format!("{}.{}", text(&info.pallet_name), text(&info.storage_name)),
				)
			})
			.collect(),
		)
	}
}

impl Names {
	/// `Pallet.Storage`, or what the key says itself.
	pub fn of<'a>(&'a self, key: &'a [u8]) -> &'a str {
		let name = key.get(..32).and_then(|prefix| self.0.get(prefix)).map(String::as_str);
		name.or(std::str::from_utf8(key).ok()).unwrap_or("other")
	}
}
