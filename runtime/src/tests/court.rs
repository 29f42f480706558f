//! Calls of contributors and validators, for tests that need an item on trial.

use super::*;
use openledger_primitives::{
	format::{Format, Modality},
	item::Policy,
	payload::{CidCodec, Payload, CHUNK_BYTES},
	vote::{Ballot, Verdict},
	ItemId,
};

/// What every vote here says, and the salt it is hidden by.
const VERDICT: Verdict = Verdict::Accept { score: 80, units: 3 };
const SALT: [u8; 32] = [9; 32];

pub fn create_datanet() -> RuntimeCall {
	pallet_datanets::Call::create_datanet {
		modality: Modality::Text,
		name: b"Notes".to_vec().try_into().expect("short"),
		description: Default::default(),
		policy: Policy::open(Modality::Text, 10_000_000),
	}
	.into()
}

/// A markdown file of `size` bytes whose content is known by `seed`, for Datanet 0.
pub fn submit(seed: u8, size: u32) -> RuntimeCall {
	let is_one_chunk = size <= CHUNK_BYTES;
	pallet_datanets::Call::submit {
		datanet: 0,
		payload: Payload {
			sha256: [seed; 32],
			root: if is_one_chunk { [seed; 32] } else { [!seed; 32] },
			codec: if is_one_chunk { CidCodec::Raw } else { CidCodec::DagPb },
			size,
			format: Format::Markdown,
		},
		possession: [0; 32],
	}
	.into()
}

/// `voter`'s commitment in the first round of an item.
pub fn commit(voter: &str, item: ItemId) -> RuntimeCall {
	let voter = account(voter);
	let ballot = Ballot {
		genesis: System::block_hash(0).0,
		item,
		round: 0,
		voter: &voter,
	};
	pallet_validation::Call::commit {
		item,
		round: 0,
		commitment: ballot.commitment(&VERDICT, &SALT),
	}
	.into()
}

pub fn reveal(item: ItemId) -> RuntimeCall {
	pallet_validation::Call::reveal {
		item,
		round: 0,
		verdict: VERDICT,
		salt: SALT,
	}
	.into()
}

/// Makes a Datanet and an item of it, and waits until votes can be cast.
pub fn open_case() -> ItemId {
	assert_ok!(send("Owner", create_datanet()));
	assert_ok!(send("Contributor1", submit(1, 1_000)));
	pass_blocks(pallet_validation::Params::<Runtime>::get().seed_delay + 1);
	0
}
