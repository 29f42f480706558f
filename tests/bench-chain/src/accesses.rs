//! How many keys a call reads and writes, as a whole signed extrinsic: nonce, fee and events included.

use anyhow::{ensure, Context, Result};
use frame_support::traits::Hooks;
use openledger_primitives::{
	format::Modality,
	sortition::Draw,
	traits::{ActiveBlocks, Pool},
	vote::Ballot,
	OPEN,
};
use openledger_runtime::{Authorities, Executive, Hash, Runtime, RuntimeCall, System, Validation};
use pallet_validation::RING_BLOCKS;
use sp_core::Blake2Hasher;
use sp_externalities::set_and_run_with_externalities;
use sp_state_machine::{BasicExternalities, Ext, InMemoryBackend, OverlayedChanges, TrieBackendBuilder};
use sp_storage::{StateVersion, Storage};
use sp_trie::recorder::Recorder;

use crate::{
	phases::{SALT, VERDICT},
	sender::Sender,
	state::{self, account, payload, Names, Size, DATANET, EPOCH, VALIDATORS},
};

/// Keys that one extrinsic touches.
pub struct Accesses {
	pub call: &'static str,
	/// What the keys belong to, one entry a key.
	pub reads: Vec<String>,
	pub writes: Vec<String>,
}

/// Any time will do.
const NOW: u64 = 1_800_000_000_000;
const SIZE: Size = Size {
	items: 20,
	contributors: 2,
};
/// Stands for the genesis block's.
const GENESIS: Hash = Hash::repeat_byte(3);

/// Sends each of the measured calls once.
pub fn count() -> Result<Vec<Accesses>> {
	let mut storage = state::build(SIZE, NOW)?;
	let mut sender = Sender::all("sender", 1).remove(0);
	inside(&mut storage, || {
		frame_system::BlockHash::<Runtime>::insert(0, GENESIS);
		System::initialize(&1, &GENESIS, &Default::default());
	});
	let mut counted = vec![];
	let to = account("sender", 1).into();
	let transfer = pallet_balances::Call::transfer_keep_alive { dest: to, value: OPEN };
	counted.push(send("transfer", &mut storage, &mut sender, transfer.into())?);
	let item = inside(&mut storage, pallet_datanets::NextItem::<Runtime>::get);
	let submit = pallet_datanets::Call::submit {
		datanet: DATANET,
		payload: payload("new", 0),
		possession: [1; 32],
	};
	counted.push(send("submit", &mut storage, &mut sender, submit.into())?);

	let seeded = |now, round: &openledger_primitives::item::Round| now > round.seed_at;
	let round = until(&mut storage, item, seeded)?;
	let seed = inside(&mut storage, || {
		pallet_validation::Ring::<Runtime>::get(round.seed_at % RING_BLOCKS)
	});
	let draw = Draw {
		genesis: GENESIS.0,
		item,
		round: 0,
		seed: seed.context("the seed is known")?,
		total_stake: round.total_stake,
		panel: round.width.panel,
	};
	let stake = round.total_stake / u128::from(VALIDATORS);
	let mut validators = Sender::all("validator", VALIDATORS).into_iter();
	let voter = validators.find(|validator| draw.weight(&validator.account(), stake) > 0);
	let mut voter = voter.context("somebody is drawn")?;
	let ballot = Ballot {
		genesis: GENESIS.0,
		item,
		round: 0,
		voter: &voter.account(),
	};
	let commitment = ballot.commitment(&VERDICT, &SALT);
	let commit = pallet_validation::Call::commit {
		item,
		round: 0,
		commitment,
	};
	counted.push(send("commit", &mut storage, &mut voter, commit.into())?);
	let claim = pallet_rewards::Call::claim {
		epoch: EPOCH,
		pool: Pool::Contributors(Modality::Text),
	};
	counted.push(send("claim", &mut storage, &mut sender, claim.into())?);
	until(&mut storage, item, |now, round| now > round.commit_until)?;
	let reveal = pallet_validation::Call::reveal {
		item,
		round: 0,
		verdict: VERDICT,
		salt: SALT,
	};
	counted.push(send("reveal", &mut storage, &mut voter, reveal.into())?);
	Ok(counted)
}

fn inside<R>(storage: &mut Storage, run: impl FnOnce() -> R) -> R {
	BasicExternalities::execute_with_storage(storage, run)
}

/// Lets active blocks pass until the item's first round is so far.
fn until(
	storage: &mut Storage,
	item: u64,
	far: impl Fn(u32, &openledger_primitives::item::Round) -> bool,
) -> Result<openledger_primitives::item::Round> {
	inside(storage, || {
		let round = pallet_validation::Rounds::<Runtime>::get((item, 0)).context("the item has a round")?;
		let mut number = 1;
		while !far(Authorities::now(), &round) {
			Validation::on_finalize(number);
			number += 1;
			Authorities::on_initialize(number);
		}
		Ok(round)
	})
}

/// Applies an extrinsic, counts the keys that it touched, and keeps what it changed.
fn send(call: &'static str, storage: &mut Storage, sender: &mut Sender, what: RuntimeCall) -> Result<Accesses> {
	let extrinsic = sender.sign(what, GENESIS);
	let backend = InMemoryBackend::<Blake2Hasher>::from((storage.clone(), StateVersion::V1));
	let recorder = Recorder::<Blake2Hasher>::default();
	let recording = TrieBackendBuilder::wrap(&backend)
		.with_recorder(recorder.clone())
		.build();
	let mut overlay = OverlayedChanges::<Blake2Hasher>::default();
	let mut externalities = Ext::new(&mut overlay, &recording, None);
	let applied = set_and_run_with_externalities(&mut externalities, || Executive::apply_extrinsic(extrinsic));
	let outcome = applied.map_err(|error| anyhow::anyhow!("{call}: {error:?}"))?;
	ensure!(outcome.is_ok(), "{call}: {outcome:?}");
	let names = Names::default();
	let recorded = recorder.recorded_keys();
	let keys = recorded.values().flat_map(|keys| keys.keys());
	let mut reads: Vec<String> = keys.map(|key| names.of(key).to_owned()).collect();
	reads.sort();
	let mut writes = vec![];
	for (key, value) in overlay.changes_mut() {
		writes.push(names.of(key).to_owned());
		match value.value() {
			Some(value) => storage.top.insert(key.clone(), value.to_vec()),
			None => storage.top.remove(key),
		};
	}
	Ok(Accesses { call, reads, writes })
}
