//! What a caller knows: which ids there are, what fields of a name usually hold, what was committed to. Without it nearly
//! every random call would fail at its first check; a call that is not named here is made of its types alone.

use codec::{Decode, Encode};
use openledger_primitives::{
	format::{Format, Modality},
	item::Text,
	model::{Artifact, ModelFile, MAX_MODEL_NAME},
	payload::{Cid, CidCodec, Payload},
	training::{DatasetRef, Hyperparameters},
	traits::Pool,
	vote::{Ballot, Reason, Verdict},
	DatanetId, EpochIndex, ItemId, RoundIndex, OPEN,
};
use openledger_runtime::{AccountId, System};
use rand::Rng;
use sp_io::hashing::{blake2_128, blake2_256, twox_128};

use crate::world::World;

/// Makes a value: a number, or what is encoded already.
pub type Make<V> = fn(&mut World) -> V;

/// How often calls are made, beside 1 for every call of a pallet from elsewhere and [`OWN`] for every other of our own.
pub const WEIGHTS: &[(&str, &str, u32)] = &[
	// Few Datanets, so that they get far, and few items, so that each gets its votes.
	("Datanets", "create_datanet", 1),
	("Datanets", "submit", 3),
	// Genesis's validators judge all modalities; the more leave, the fewer rounds decide.
	("Validation", "register", 1),
	("Validation", "set_modalities", 1),
	("Validation", "unbond", 1),
	("Validation", "commit", 40),
	("Validation", "reveal", 40),
	("Validation", "close_round", 16),
	("Validation", "finalize", 16),
	("Validation", "settle", 20),
	("Rewards", "claim", 6),
	("Rewards", "claim_for", 6),
	("Rewards", "claim_fee", 6),
	("Models", "request_job", 6),
	("Models", "bid", 8),
	("Models", "heartbeat", 8),
	("Models", "submit_result", 8),
	("Models", "report_evaluation", 8),
	("Models", "accept_result", 8),
];

/// The pallets of this project, and how often their calls are made.
pub const OWN_PALLETS: &[&str] = &["Authorities", "Datanets", "Validation", "Rewards", "Models"];
pub const OWN: u32 = 2;

/// Calls whose arguments depend on one another, or on earlier calls.
pub const CALLS: &[(&str, &str, Make<Vec<u8>>)] = &[
	("Validation", "commit", commit),
	("Validation", "reveal", reveal),
	("Validation", "settle", settle),
	("Rewards", "claim", claim),
	("Rewards", "claim_for", claim_for),
	("Rewards", "prune_share", prune_share),
];

/// Fields that name a record: pallet, the value that counts them, and the map that holds them.
const IDS: &[(&str, &str, &str, &str)] = &[
	("datanet", "Datanets", "NextDatanet", "Datanets"),
	("item", "Datanets", "NextItem", "Items"),
	("epoch", "Rewards", "CurrentEpoch", "Epochs"),
	("fee", "Rewards", "NextFee", "Fees"),
	("Base", "Models", "NextBaseModel", "BaseModels"),
	("base_model", "Models", "NextBaseModel", "BaseModels"),
	("model", "Models", "NextModel", "Models"),
	("job", "Models", "NextJob", "Jobs"),
];

/// What other numbers usually are, by the field's name.
const NUMBERS: &[(&str, Make<u128>)] = &[
	("amount", amount),
	("bond", amount),
	("more_bond", amount),
	("stake", amount),
	("price", amount),
	("value", amount),
	("round", |world| [0, 0, 0, 0, 1, 1, 2, 3][world.below(8)]),
	("version", |world| [1, 1, 1, 2, 3, 0][world.below(6)]),
	("exclusions", |world| world.below(10).saturating_sub(8) as u128),
	("max_file_bytes", |_| 10_000_000),
	("score", |world| world.below(101) as u128),
	("step", |world| world.below(50) as u128),
	("steps", |world| 50 + world.below(50) as u128),
];

/// What values of a type usually are, by the last part of its path.
const TYPES: &[(&str, Make<Vec<u8>>)] = &[
	("AccountId32", |world| world.account().encode()),
	("MultiAddress", |world| [vec![0], world.account().encode()].concat()),
	("Modality", |world| {
		[Modality::Text, Modality::Text, Modality::Image, Modality::Audio][world.below(4)].encode()
	}),
	("ModalitySet", |world| (1 + world.below(7) as u8).encode()),
	("Payload", |world| payload(world).encode()),
	("Artifact", |world| artifact(world).encode()),
	("Hyperparameters", |_| Hyperparameters::default().encode()),
];

/// What fields of a name usually hold, where their type does not say.
const FIELDS: &[(&str, Make<Vec<u8>>)] = &[("files", files), ("datasets", datasets)];

/// What a vote was committed to.
#[derive(Clone)]
pub struct Secret {
	pub item: ItemId,
	pub round: RoundIndex,
	pub voter: usize,
	pub verdict: Verdict,
	pub salt: [u8; 32],
}

impl World {
	/// What a value of this type or name usually is; sometimes nothing is usual.
	pub fn likely_value(&mut self, path: &str, name: &str) -> Option<Vec<u8>> {
		if self.below(24) == 0 {
			return None;
		}
		if path.ends_with("Params") {
			return self.params();
		}
		let by_type = TYPES.iter().find(|(ty, _)| *ty == path);
		let by_name = || FIELDS.iter().find(|(field, _)| *field == name);
		let (_, make) = by_type.or_else(by_name)?;
		Some(make(self))
	}

	/// What a number of this name usually is; sometimes nothing is usual.
	pub fn likely_number(&mut self, name: &str) -> Option<u128> {
		if self.below(24) == 0 {
			return None;
		}
		match NUMBERS.iter().find(|(field, _)| *field == name) {
			Some((_, make)) => Some(make(self)),
			None => self.id(name),
		}
	}

	/// A recent id of what the field names. Whom the record knows may sign.
	fn id(&mut self, name: &str) -> Option<u128> {
		let (_, pallet, counter, map) = IDS.iter().find(|(field, ..)| *field == name)?;
		let next = stored(pallet, counter, &[]).unwrap_or_default();
		let width = next.len();
		let mut number = [0; 16];
		number[..width].copy_from_slice(&next);
		let recent = [1, 4, 12, 12, 40, 40, 200][self.below(7)];
		let id = u128::from_le_bytes(number).saturating_sub(1 + self.below(recent) as u128);
		let record = stored(pallet, map, &id.to_le_bytes()[..width]).unwrap_or_default();
		for (index, signer) in self.signers.iter().enumerate() {
			let account: &[u8] = signer.account.as_ref();
			if record.windows(account.len()).any(|part| part == account) {
				self.known.push(index);
			}
		}
		Some(id)
	}

	/// The parameters that the pallet has, with a few bits changed.
	fn params(&mut self) -> Option<Vec<u8>> {
		let mut bytes = stored(&self.pallet, "Params", &[])?;
		let at = self.below(bytes.len());
		bytes[at] ^= 1 << self.below(8);
		Some(bytes)
	}

	/// Somebody, mostly known.
	fn account(&mut self) -> [u8; 32] {
		if self.below(16) == 0 {
			return self.rng.random();
		}
		let index = self.below(self.signers.len());
		self.signers[index].account.clone().into()
	}

	/// What most voters think of an item, and some do not.
	fn verdict(&mut self, item: ItemId) -> Verdict {
		let seen = if self.below(8) == 0 { self.rng.random() } else { item };
		match seen % 4 {
			0 => Verdict::Reject {
				reason: Reason::ALL[(seen / 4) as usize % Reason::COUNT],
			},
			_ => Verdict::Accept {
				score: 40 + (seen % 61) as u8,
				units: 1 + (seen % 100_000) as u32,
			},
		}
	}
}

/// What is stored under a value's name, or a map's with an encoded key.
fn stored(pallet: &str, name: &str, id: &[u8]) -> Option<Vec<u8>> {
	let mut key = [twox_128(pallet.as_bytes()), twox_128(name.as_bytes())].concat();
	if !id.is_empty() {
		key.extend(blake2_128(id));
		key.extend(id);
	}
	sp_io::storage::get(&key).map(|value| value.to_vec())
}

fn amount(world: &mut World) -> u128 {
	let size = [
		1,
		1_000,
		OPEN / 100,
		OPEN,
		10 * OPEN,
		100 * OPEN,
		1_000 * OPEN,
		20_000 * OPEN,
	][world.below(8)];
	size * (1 + world.below(20) as u128)
}

fn payload(world: &mut World) -> Payload {
	// Some contents come again.
	let content: u64 = if world.below(5) == 0 {
		world.below(20) as u64
	} else {
		world.rng.random()
	};
	let sha256 = blake2_256(&content.encode());
	let size = [1, 200, 4_000, 100_000, 1_000_000, 3_000_000, 20_000_000][world.below(7)] + world.below(100) as u32;
	let codec = CidCodec::of_size(size.into());
	let root = match codec {
		CidCodec::Raw => sha256,
		CidCodec::DagPb => blake2_256(&sha256),
	};
	let formats = [
		Format::PlainText,
		Format::PlainText,
		Format::Markdown,
		Format::Pdf,
		Format::Png,
		Format::Wav,
	];
	Payload {
		sha256,
		root,
		codec,
		size,
		format: formats[world.below(6)],
	}
}

fn artifact(world: &mut World) -> Artifact {
	let sha256: [u8; 32] = world.rng.random();
	let bytes = [1, 1_000, 50_000_000][world.below(3)];
	Artifact {
		cid: Cid::new(CidCodec::of_size(bytes), sha256),
		sha256,
		bytes,
	}
}

/// One dataset, as most orders have.
fn datasets(world: &mut World) -> Vec<u8> {
	let version = [1, 1, 2, 3][world.below(4)];
	vec![DatasetRef {
		datanet: world.id("datanet").unwrap_or_default() as DatanetId,
		version,
		exclusions: 0,
	}]
	.encode()
}

/// What a base model is made of.
fn files(world: &mut World) -> Vec<u8> {
	let names = ["config.json", "tokenizer.json", "model.safetensors"];
	let file = |name: &str| ModelFile {
		name: Text::<MAX_MODEL_NAME>::try_from(name.as_bytes().to_vec()).expect("the name is short"),
		artifact: artifact(world),
	};
	names.map(file).to_vec().encode()
}

fn commit(world: &mut World) -> Vec<u8> {
	let is_validator = |signer: &usize| {
		let account: &[u8] = world.signers[*signer].account.as_ref();
		stored("Validation", "Validators", account).is_some()
	};
	let validators: Vec<_> = (0..world.signers.len()).filter(is_validator).collect();
	let is_bound = core::mem::replace(&mut world.bound, true);
	if !is_bound && !validators.is_empty() {
		world.signer = validators[world.below(validators.len())];
	}
	let item = world.id("item").unwrap_or_default() as ItemId;
	let round = [0, 0, 0, 0, 0, 1, 1, 2][world.below(8)];
	let voter = world.signer;
	let verdict = world.verdict(item);
	let salt = world.rng.random();
	let ballot = Ballot {
		genesis: System::block_hash(0).into(),
		item,
		round,
		voter: &world.signers[voter].account,
	};
	let commitment = ballot.commitment(&verdict, &salt);
	world.committed.push(Secret {
		item,
		round,
		voter,
		verdict,
		salt,
	});
	(item, round, commitment).encode()
}

fn reveal(world: &mut World) -> Vec<u8> {
	let is_bound = core::mem::replace(&mut world.bound, true);
	let of_signer = |secret: &&Secret| !is_bound || secret.voter == world.signer;
	// Newest first: the reveal window comes soon after.
	let secrets: Vec<_> = world.secrets.iter().rev().filter(of_signer).take(60).cloned().collect();
	if secrets.is_empty() {
		let verdict = world.verdict(0);
		return (ItemId::default(), RoundIndex::default(), verdict, [0u8; 32]).encode();
	}
	let secret = &secrets[world.below(secrets.len())];
	world.signer = secret.voter;
	(secret.item, secret.round, secret.verdict, secret.salt).encode()
}

fn settle(world: &mut World) -> Vec<u8> {
	if world.secrets.is_empty() {
		return (ItemId::default(), RoundIndex::default(), world.account()).encode();
	}
	let chosen = world.below(world.secrets.len());
	let secret = &world.secrets[chosen];
	(secret.item, secret.round, &world.signers[secret.voter].account).encode()
}

/// Epoch, pool and account that somebody has points for: the keys of `Rewards.Shares`, each after its hash of 16 bytes.
fn share(world: &mut World) -> (EpochIndex, Pool, [u8; 32]) {
	let prefix = [twox_128(b"Rewards"), twox_128(b"Shares")].concat();
	// Keys are hashed: after any bytes comes any entry.
	let mut key = [&prefix[..], &[world.rng.random()]].concat();
	for _ in 0..1 + world.below(12) {
		match sp_io::storage::next_key(&key) {
			Some(next) if next.starts_with(&prefix) => key = next,
			_ => break,
		}
	}
	fn part<T: Decode>(key: &mut &[u8]) -> Option<T> {
		*key = key.get(16..)?;
		T::decode(key).ok()
	}
	let mut rest = &key[prefix.len()..];
	let mut parse = || Some((part(&mut rest)?, part(&mut rest)?, part(&mut rest)?));
	parse().unwrap_or((0, Pool::Validators, [0; 32]))
}

fn claim(world: &mut World) -> Vec<u8> {
	let (epoch, pool, who) = share(world);
	let earner = world
		.signers
		.iter()
		.position(|signer| signer.account == AccountId::from(who));
	world.known.extend(earner);
	(epoch, pool).encode()
}

fn claim_for(world: &mut World) -> Vec<u8> {
	let (epoch, pool, who) = share(world);
	(who, epoch, pool).encode()
}

fn prune_share(world: &mut World) -> Vec<u8> {
	share(world).encode()
}
