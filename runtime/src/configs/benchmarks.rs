//! The stage that benchmarks of our pallets play on. Records are written as the calls of other pallets would leave them, and
//! where it costs no more the calls themselves are used.

use crate::*;
use codec::Decode;
use frame_support::traits::fungible::Mutate;
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	format::{Format, Modality},
	item::{Policy, Text, VersionEntry},
	payload::{CidCodec, Payload},
	rank::Standing,
	training::DatasetRef,
	ActiveBlock, DatanetId, ItemId, SessionIndex,
};
use pallet_datanets::{Access, Checkpoint, Deposit};
use pallet_validation::RING_BLOCKS;
use sp_runtime::traits::TrailingZeroInput;

/// Sets the stage in the state of the other pallets.
pub struct Stage;

/// Enough for every bond and fee.
const FORTUNE: Balance = 1_000_000 * OPEN;

fn longest<const N: u32>() -> Text<N> {
	Text::truncate_from(alloc::vec![b'x'; N as usize])
}

fn create_datanet(owner: &AccountId, restricted: bool) -> DatanetId {
	Stage::endow(owner, FORTUNE);
	let id = pallet_datanets::NextDatanet::<Runtime>::get();
	let policy = Policy {
		licence: longest(),
		restricted,
		..Policy::open(Modality::Text, 10_000_000)
	};
	Datanets::create_datanet(
		RuntimeOrigin::signed(owner.clone()),
		Modality::Text,
		longest(),
		longest(),
		policy,
	)
	.expect("an endowed account creates a Datanet");
	add_version(id, 1);
	id
}

/// Version 1 of a Datanet, whoever has its points.
fn add_version(id: DatanetId, points: u128) {
	let entry = VersionEntry {
		item: 0,
		root: [1; 32],
		points,
	};
	pallet_datanets::Versions::<Runtime>::insert(id, 1, entry);
	pallet_datanets::Datanets::<Runtime>::mutate_extant(id, |datanet| {
		datanet.version = 1;
		datanet.points = points;
	});
}

fn submit(datanet: DatanetId, who: &AccountId, content: [u8; 32]) -> ItemId {
	Stage::endow(who, FORTUNE);
	let item = pallet_datanets::NextItem::<Runtime>::get();
	let payload = Payload {
		sha256: content,
		root: content,
		codec: CidCodec::DagPb,
		size: 2_000_000,
		format: Format::Markdown,
	};
	Datanets::submit(RuntimeOrigin::signed(who.clone()), datanet, payload, [0; 32])
		.expect("an endowed account submits a file");
	item
}

impl BenchmarkHelper<AccountId> for Stage {
	fn endow(who: &AccountId, amount: Balance) {
		Balances::mint_into(who, amount).expect("issuance is far from its end");
	}

	fn set_active_block(now: ActiveBlock) {
		pallet_authorities::ActiveBlockCount::<Runtime>::put(now);
	}

	fn set_time(millis: u64) {
		pallet_timestamp::Now::<Runtime>::put(millis);
	}

	fn set_session(session: SessionIndex) {
		pallet_session::CurrentIndex::<Runtime>::put(session);
	}

	fn set_seed(at: ActiveBlock) {
		pallet_validation::Accumulator::<Runtime>::mutate(|(last, _)| *last = at.max(*last));
		pallet_validation::Ring::<Runtime>::insert(at % RING_BLOCKS, [1; 32]);
	}

	fn register_keys(who: &AccountId) {
		let keys = SessionKeys::decode(&mut TrailingZeroInput::zeroes()).expect("zeros are keys");
		pallet_session::NextKeys::<Runtime>::insert(who, keys);
	}

	fn datanet(owner: &AccountId) -> DatanetId {
		let id = create_datanet(owner, false);
		Rewards::sponsor(RuntimeOrigin::signed(owner.clone()), id, FORTUNE / 2).expect("an endowed account sponsors");
		id
	}

	fn dataset(owner: &AccountId, trainer: &AccountId) -> DatasetRef {
		let datanet = create_datanet(owner, true);
		let deposit = Deposit {
			who: trainer.clone(),
			amount: 0,
		};
		let access = Access {
			until: Some(ActiveBlock::MAX),
			deposit,
		};
		pallet_datanets::Accesses::<Runtime>::insert(datanet, trainer, access);
		DatasetRef {
			datanet,
			version: 1,
			exclusions: 0,
		}
	}

	fn item(datanet: DatanetId, contributor: &AccountId, is_claimed: bool) -> ItemId {
		let other: AccountId = frame_benchmarking::account("claimant", 0, 0);
		let mut content = [0; 32];
		content[..8].copy_from_slice(&pallet_datanets::NextItem::<Runtime>::get().to_le_bytes());
		if is_claimed {
			submit(datanet, &other, content);
		}
		let item = submit(datanet, contributor, content);
		submit(datanet, &other, content);
		let standing = Standing {
			accepted: 1,
			rejected: 0,
			score_sum: 50,
		};
		pallet_datanets::Standings::<Runtime>::insert(datanet, contributor, standing);
		let checkpoint = Checkpoint { version: 1, points: 1 };
		pallet_datanets::Checkpoints::<Runtime>::insert((datanet, contributor, 0), checkpoint);
		item
	}

	fn bury_points(datanet: DatanetId, who: &AccountId) {
		add_version(datanet, 1);
		let standing = Standing {
			accepted: u32::MAX,
			..Default::default()
		};
		pallet_datanets::Standings::<Runtime>::insert(datanet, who, standing);
		// The search halves what is before it until the first checkpoint is left.
		let mut at = u32::MAX;
		while at > 0 {
			at /= 2;
			let checkpoint = Checkpoint {
				version: at.saturating_add(1),
				points: 1,
			};
			pallet_datanets::Checkpoints::<Runtime>::insert((datanet, who, at), checkpoint);
		}
	}
}
