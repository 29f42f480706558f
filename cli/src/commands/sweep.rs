//! Rewards that nobody claimed in time: back to where they came from, and their records away.

use std::collections::BTreeSet;

use anyhow::Result;
use chain_client::{calls, AccountId, Call, Chain, ChainExt, Outcome, Query, Signer, Wait};
use openledger_primitives::{
	epoch::{Epoch, EpochState},
	traits::Pool,
	Balance, EpochIndex,
};
use serde::Serialize;

use crate::{amount::Amount, output};

/// Calls in one transaction.
const BATCH: usize = 50;

/// Something that can be swept or pruned, and what became of it.
#[derive(Serialize)]
pub struct Swept {
	#[serde(flatten)]
	pub what: What,
	pub block: u32,
	pub error: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
	/// What an epoch's pools did not pay.
	Epoch { epoch: EpochIndex },
	/// What a Datanet's own pool did not pay.
	DatanetPool { epoch: EpochIndex, datanet: u32 },
	/// What nobody claimed of a fee of use.
	Fee { fee: u64 },
	/// A sponsorship for which no item came.
	Sponsorship { datanet: u32 },
	/// Points that nothing pays any more.
	Points {
		epoch: EpochIndex,
		pool: Pool,
		#[serde(serialize_with = "output::account")]
		account: AccountId,
	},
	/// The record of a claim on a fee that is gone.
	FeeClaim {
		fee: u64,
		#[serde(serialize_with = "output::account")]
		account: AccountId,
	},
}

impl What {
	fn call(&self) -> Call {
		match self {
			Self::Epoch { epoch } => calls::sweep(*epoch),
			Self::DatanetPool { epoch, datanet } => calls::sweep_datanet(*epoch, *datanet),
			Self::Fee { fee } => calls::sweep_fee(*fee),
			Self::Sponsorship { datanet } => calls::release_sponsorship(*datanet),
			Self::Points { epoch, pool, account } => calls::prune_share(*epoch, *pool, account),
			Self::FeeClaim { fee, account } => calls::prune_fee_claim(*fee, account),
		}
	}
}

/// Sweeps and prunes everything that is due; what went back, and each call's fate.
pub async fn sweep<C: Chain + ?Sized>(chain: &C, signer: &Signer) -> Result<(Amount, Vec<Swept>)> {
	let (mut returned, mut swept) = (0, Vec::new());
	for batch in due(chain).await?.chunks(BATCH) {
		let calls = batch.iter().map(What::call).collect();
		let outcome = chain.submit(signer, calls::force_batch(calls), Wait::InBlock).await?;
		returned += returned_by(&outcome)?;
		let results = outcome.batch();
		for (index, what) in batch.iter().enumerate() {
			let error = results.get(index).and_then(|result| result.as_ref().err());
			swept.push(Swept {
				what: what.clone(),
				block: outcome.block,
				error: error.map(|error| error.name.clone()),
			});
		}
	}
	Ok((Amount(returned), swept))
}

/// Plancks that the outcome's events name.
fn returned_by(outcome: &Outcome) -> Result<Balance> {
	let mut sum = 0;
	for event in outcome.events.iter().filter(|event| event.pallet == "Rewards") {
		sum += match event.name.as_str() {
			"EpochSwept" => event.decode::<(EpochIndex, Balance)>()?.1,
			"DatanetSwept" => event.decode::<(EpochIndex, u32, Balance)>()?.2,
			"FeeSwept" => event.decode::<(u64, Balance)>()?.1,
			"SponsorshipReleased" => event.decode::<(u32, Balance)>()?.1,
			_ => 0,
		};
	}
	Ok(sum)
}

/// Everything whose time to claim is over, in an order in which each can be done.
async fn due<C: Chain + ?Sized>(chain: &C) -> Result<Vec<What>> {
	let query = Query::new(chain);
	let current = query.current_epoch().await?;
	let (pools, fees, sponsorships) = (query.pools().await?, query.fees().await?, query.sponsorships().await?);
	let mut indices: Vec<EpochIndex> = pools.iter().map(|((epoch, _), _)| *epoch).collect();
	indices.extend(fees.iter().map(|(_, fee)| fee.epoch));
	indices.extend(sponsorships.iter().map(|(_, sponsorship)| sponsorship.touched));
	let records = query.epochs(&indices).await?;
	let records: Vec<(EpochIndex, Epoch)> = indices
		.into_iter()
		.zip(records)
		.filter_map(|(index, epoch)| Some((index, epoch?)))
		.collect();
	let expired = |index: EpochIndex| {
		let record = records.iter().find(|(epoch, _)| *epoch == index);
		record.filter(|(_, epoch)| current >= epoch.expires_in(index))
	};

	let (mut due, mut kept, mut epochs) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
	for ((epoch, pool), _) in pools {
		match (expired(epoch), pool) {
			(Some(_), Pool::Datanet(datanet)) => due.push(What::DatanetPool { epoch, datanet }),
			(Some((_, record)), _) if record.state == EpochState::Closed => {
				if epochs.insert(epoch) {
					due.push(What::Epoch { epoch });
				}
			}
			_ => {
				kept.insert((epoch, pool));
			}
		}
	}
	let mut kept_fees = BTreeSet::new();
	for (fee, record) in fees {
		if expired(record.epoch).is_some() {
			due.push(What::Fee { fee });
		} else {
			kept_fees.insert(fee);
		}
	}
	let released = sponsorships
		.into_iter()
		.filter(|(_, sponsorship)| expired(sponsorship.touched).is_some());
	due.extend(released.map(|(datanet, _)| What::Sponsorship { datanet }));
	// What hung on something that is gone, or goes now.
	let shares = query.shares().await?.into_iter().map(|(place, _)| place);
	let shares = shares.filter(|(epoch, pool, _)| !kept.contains(&(*epoch, *pool)));
	due.extend(shares.map(|(epoch, pool, account)| What::Points { epoch, pool, account }));
	let claims = query.fee_claims().await?.into_iter();
	let claims = claims.filter(|(fee, _)| !kept_fees.contains(fee));
	due.extend(claims.map(|(fee, account)| What::FeeClaim { fee, account }));
	Ok(due)
}

#[cfg(test)]
mod tests {
	use super::*;
	use chain_client::{keys, Event, Memory};
	use codec::Encode;
	use openledger_primitives::{
		epoch::{PoolBook, Sponsorship},
		fee::Fee,
		format::Modality,
		params::RewardParams,
	};

	/// Epochs after closing in which these can be claimed.
	const EXPIRE: u32 = 3;

	fn epoch(state: EpochState) -> Epoch {
		Epoch {
			start_millis: 0,
			start_block: 0,
			budget: 0,
			state,
			params: RewardParams {
				expire_epochs: EXPIRE,
				..Default::default()
			},
		}
	}

	fn who() -> AccountId {
		AccountId::new([1; 32])
	}

	/// In epoch `current`, what came in epochs 4 (closed) and 6 (open).
	fn chain(current: EpochIndex) -> Memory {
		let chain = Memory::new();
		chain.set(keys::entry("Rewards", "CurrentEpoch"), current);
		for (index, state) in [(4u32, EpochState::Closed), (6, EpochState::Open)] {
			chain.set(keys::map("Rewards", "Epochs", index), epoch(state));
			for pool in [Pool::Validators, Pool::Owners, Pool::Datanet(3)] {
				chain.set(keys::double_map("Rewards", "Pools", index, pool), PoolBook::default());
			}
			let share = keys::double_map("Rewards", "Shares", index, Pool::Validators);
			chain.set(keys::with_blake2(share, who()), 10u128);
			let fee = Fee {
				datanet: 3,
				version: 1,
				amount: 9,
				epoch: index,
				points: 1,
				claimed_points: 0,
				claimed: 0,
			};
			chain.set(keys::map("Rewards", "Fees", u64::from(index)), fee);
			chain.set(keys::double_map("Rewards", "FeeClaims", u64::from(index), who()), ());
			let sponsorship = Sponsorship {
				balance: 5,
				touched: index,
			};
			chain.set(keys::map("Rewards", "Sponsorships", index), sponsorship);
		}
		chain
	}

	/// All that came in epoch 4.
	fn of_four() -> Vec<What> {
		let (epoch, fee, account) = (4, 4, who());
		vec![
			What::Epoch { epoch },
			What::DatanetPool { epoch, datanet: 3 },
			What::Fee { fee },
			What::Sponsorship { datanet: 4 },
			What::Points {
				epoch,
				pool: Pool::Validators,
				account: account.clone(),
			},
			What::FeeClaim { fee, account },
		]
	}

	#[tokio::test]
	async fn nothing_should_be_swept_before_its_time_is_over() {
		assert_eq!(due(&chain(4 + 2 + EXPIRE - 1)).await.unwrap(), []);
		assert_eq!(due(&chain(4 + 2 + EXPIRE)).await.unwrap(), of_four());
	}

	#[tokio::test]
	async fn what_hangs_on_nothing_should_be_pruned() {
		let chain = chain(7);
		for pool in [Pool::Validators, Pool::Owners] {
			chain.remove(&keys::double_map("Rewards", "Pools", 4u32, pool));
		}
		chain.remove(&keys::map("Rewards", "Fees", 4u64));
		assert_eq!(due(&chain).await.unwrap(), of_four()[4..]);
	}

	#[tokio::test]
	async fn contributors_pools_of_all_modalities_should_be_swept_once() {
		let chain = chain(4 + 2 + EXPIRE);
		for modality in Modality::ALL {
			let pool = Pool::Contributors(modality);
			chain.set(keys::double_map("Rewards", "Pools", 4u32, pool), PoolBook::default());
		}
		assert_eq!(due(&chain).await.unwrap(), of_four());
	}

	#[tokio::test]
	async fn what_went_back_should_be_added_up_and_what_failed_named() {
		let chain = chain(4 + 2 + EXPIRE);
		let event = |pallet: &str, name: &str, fields: Vec<u8>, error: Option<&str>| Event {
			pallet: pallet.into(),
			name: name.into(),
			fields,
			extrinsic: Some(1),
			error: error.map(|name| chain_client::DispatchError {
				pallet: "Rewards".into(),
				name: name.into(),
				docs: String::new(),
			}),
		};
		let done = || event("Utility", "ItemCompleted", vec![], None);
		chain.script(Ok(chain.outcome(vec![
			event("Rewards", "EpochSwept", (4u32, 5u128).encode(), None),
			done(),
			event("Rewards", "DatanetSwept", (4u32, 3u32, 7u128).encode(), None),
			done(),
			event("Utility", "ItemFailed", vec![], Some("FeeNotFound")),
			event("Rewards", "SponsorshipReleased", (4u32, 11u128).encode(), None),
			done(),
		])));
		let signer = Signer::from_suri("//Alice").unwrap();
		let (returned, swept) = sweep(&chain, &signer).await.unwrap();
		assert_eq!((returned, swept.len()), (Amount(23), 6));
		let errors: Vec<_> = swept.iter().filter_map(|swept| swept.error.as_deref()).collect();
		assert_eq!((errors, &swept[2].what), (vec!["FeeNotFound"], &What::Fee { fee: 4 }));
		let calls = of_four().iter().map(What::call).collect();
		assert_eq!(chain.submitted().pop().unwrap().call, calls::force_batch(calls));
	}
}
