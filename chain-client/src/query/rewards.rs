use codec::Decode;
use openledger_primitives::{
	epoch::{Epoch, EpochState, PoolBook, Sponsorship},
	fee::{share, Fee},
	params::RewardParams,
	traits::Pool,
	Balance, DatanetId, EpochIndex, FeeId,
};
use serde::Serialize;

use super::{decode, Query};
use crate::{keys, AccountId, Chain, ChainError, ChainExt, Result};

const PALLET: &str = "Rewards";

/// Points of one account in one pool of one epoch, not claimed yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Earning {
	pub epoch: EpochIndex,
	pub pool: Pool,
	pub points: u128,
	pub state: EpochState,
	/// What is paid for them, plancks; zero until the epoch closes, and after it was swept.
	pub amount: Balance,
}

/// One account's share of one fee of use, not claimed yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct FeeShare {
	pub fee: FeeId,
	pub datanet: DatanetId,
	pub version: u32,
	/// Plancks.
	pub amount: Balance,
}

/// The next part of a key without its prefix: each comes after its hash of 16 bytes.
fn next_part<T: Decode>(key: &mut &[u8]) -> Option<T> {
	*key = key.get(16..)?;
	T::decode(key).ok()
}

/// Epoch and pool from a key of `Pools` without its prefix.
fn pool_of_key(mut key: &[u8]) -> Option<(EpochIndex, Pool)> {
	Some((next_part(&mut key)?, next_part(&mut key)?))
}

/// Epoch, pool and account from a key of `Shares` without its prefix.
fn share_of_key(mut key: &[u8]) -> Option<(EpochIndex, Pool, AccountId)> {
	Some((next_part(&mut key)?, next_part(&mut key)?, next_part(&mut key)?))
}

/// Fee and account from a key of `FeeClaims` without its prefix.
fn claim_of_key(mut key: &[u8]) -> Option<(FeeId, AccountId)> {
	Some((next_part(&mut key)?, next_part(&mut key)?))
}

impl<C: Chain + ?Sized> Query<'_, C> {
	pub async fn reward_params(&self) -> Result<RewardParams> {
		self.value(keys::entry(PALLET, "Params"), "Rewards.Params")
			.await?
			.ok_or_else(|| ChainError::Missing("storage Rewards.Params".into()))
	}

	pub async fn current_epoch(&self) -> Result<EpochIndex> {
		Ok(self
			.value(keys::entry(PALLET, "CurrentEpoch"), "Rewards.CurrentEpoch")
			.await?
			.unwrap_or_default())
	}

	pub async fn epoch(&self, index: EpochIndex) -> Result<Option<Epoch>> {
		self.value(keys::map(PALLET, "Epochs", index), "Rewards.Epochs").await
	}

	pub async fn pool(&self, epoch: EpochIndex, pool: Pool) -> Result<PoolBook> {
		let key = keys::double_map(PALLET, "Pools", epoch, pool);
		Ok(self.value(key, "Rewards.Pools").await?.unwrap_or_default())
	}

	/// The pools in which somebody earned points and which were not swept, in the order of the epochs.
	pub async fn pools(&self) -> Result<Vec<((EpochIndex, Pool), PoolBook)>> {
		self.parsed_entries("Pools", pool_of_key).await
	}

	/// What sponsors of a Datanet have left.
	pub async fn sponsorship(&self, datanet: DatanetId) -> Result<Option<Sponsorship>> {
		self.value(keys::map(PALLET, "Sponsorships", datanet), "Rewards.Sponsorships")
			.await
	}

	/// What sponsors have left, by Datanet.
	pub async fn sponsorships(&self) -> Result<Vec<(DatanetId, Sponsorship)>> {
		self.entries(PALLET, "Sponsorships").await
	}

	/// Who had its share of which fee.
	pub async fn fee_claims(&self) -> Result<Vec<(FeeId, AccountId)>> {
		let claims: Vec<(_, ())> = self.parsed_entries("FeeClaims", claim_of_key).await?;
		Ok(claims.into_iter().map(|(claim, ())| claim).collect())
	}

	/// What the pot owes, plancks.
	pub async fn owed(&self) -> Result<Balance> {
		Ok(self
			.value(keys::entry(PALLET, "Owed"), "Rewards.Owed")
			.await?
			.unwrap_or_default())
	}

	pub async fn fees(&self) -> Result<Vec<(FeeId, Fee)>> {
		self.entries(PALLET, "Fees").await
	}

	/// Everybody's points that are not claimed, in the order of the epochs.
	pub async fn shares(&self) -> Result<Vec<((EpochIndex, Pool, AccountId), u128)>> {
		self.parsed_entries("Shares", share_of_key).await
	}

	/// All entries of a map whose keys `parse` reads, in the order of the keys.
	async fn parsed_entries<K: Ord, V: Decode>(
		&self,
		name: &'static str,
		parse: impl Fn(&[u8]) -> Option<K>,
	) -> Result<Vec<(K, V)>> {
		let prefix = keys::entry(PALLET, name);
		let mut all = Vec::new();
		for (key, value) in self.chain.entries(&prefix, self.at).await? {
			let key = parse(&key[prefix.len()..])
				.ok_or_else(|| ChainError::decode(format!("{PALLET}.{name}"), "its key has another shape"))?;
			all.push((key, decode(&value, &format!("{PALLET}.{name}"))?));
		}
		all.sort_by(|(a, _), (b, _)| a.cmp(b));
		Ok(all)
	}

	/// These epochs' records, in the order asked for.
	pub async fn epochs(&self, indices: &[EpochIndex]) -> Result<Vec<Option<Epoch>>> {
		let keys: Vec<_> = indices.iter().map(|index| keys::map(PALLET, "Epochs", index)).collect();
		self.values(&keys, "Rewards.Epochs").await
	}

	/// What `who` earned by points and has not claimed, in all pools that can still pay.
	pub async fn earnings(&self, who: &AccountId) -> Result<Vec<Earning>> {
		let pools = self.pools().await?;
		let places: Vec<_> = pools.iter().map(|(place, _)| *place).collect();
		let share_key = |(epoch, pool): &(EpochIndex, Pool)| {
			keys::with_blake2(keys::double_map(PALLET, "Shares", epoch, pool), who)
		};
		let shares: Vec<Option<u128>> = self
			.values(&places.iter().map(share_key).collect::<Vec<_>>(), "Rewards.Shares")
			.await?;
		let mut earnings = Vec::new();
		for (((epoch, pool), book), points) in pools.into_iter().zip(shares) {
			let Some(points) = points.filter(|points| *points > 0) else {
				continue;
			};
			let state = self.epoch(epoch).await?.map_or(EpochState::Open, |epoch| epoch.state);
			let amount = if state == EpochState::Closed {
				share(book.payout, points, book.points)
			} else {
				0
			};
			earnings.push(Earning {
				epoch,
				pool,
				points,
				state,
				amount,
			});
		}
		Ok(earnings)
	}

	/// What `who` can claim of fees of use.
	pub async fn fee_shares(&self, who: &AccountId) -> Result<Vec<FeeShare>> {
		let mut shares = Vec::new();
		for (fee, record) in self.fees().await? {
			let claimed = keys::double_map(PALLET, "FeeClaims", fee, who);
			if record.claimed_points >= record.points || self.value::<()>(claimed, "Rewards.FeeClaims").await?.is_some()
			{
				continue;
			}
			let points = self.points_at(record.datanet, record.version, who).await?;
			let amount = share(record.amount, points, record.points);
			if amount > 0 {
				shares.push(FeeShare {
					fee,
					datanet: record.datanet,
					version: record.version,
					amount,
				});
			}
		}
		Ok(shares)
	}

	/// Points of a contributor at a version of a Datanet.
	pub async fn points_at(&self, datanet: DatanetId, version: u32, who: &AccountId) -> Result<u128> {
		// One checkpoint for each acceptance.
		let count = self.standing(datanet, who).await?.accepted;
		let prefix = keys::with_blake2(keys::numbered("Datanets", "Checkpoints", datanet), who);
		// The last checkpoint at or before the version: the first one after it is in `low..=high`.
		let (mut low, mut high, mut points) = (0, count, 0);
		while low < high {
			let middle = low + (high - low) / 2;
			let key = keys::with_twox(prefix.clone(), middle);
			let (at, sum): (u32, u128) = self.value(key, "Datanets.Checkpoints").await?.unwrap_or((u32::MAX, 0));
			if at <= version {
				points = sum;
				low = middle + 1;
			} else {
				high = middle;
			}
		}
		Ok(points)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::Memory;
	use openledger_primitives::rank::Standing;

	#[tokio::test]
	async fn points_at_should_be_those_of_the_last_checkpoint_at_or_before_the_version() {
		let (chain, who) = (Memory::new(), AccountId::new([1; 32]));
		let standing = Standing {
			accepted: 3,
			..Default::default()
		};
		chain.set(
			keys::with_blake2(keys::numbered("Datanets", "Standings", 3u32), &who),
			standing,
		);
		for (n, checkpoint) in [(2u32, 10u128), (5, 25), (9, 30)].into_iter().enumerate() {
			let prefix = keys::with_blake2(keys::numbered("Datanets", "Checkpoints", 3u32), &who);
			chain.set(keys::with_twox(prefix, n as u32), checkpoint);
		}
		let query = Query::new(&chain);
		for (version, points) in [(1, 0), (2, 10), (4, 10), (5, 25), (8, 25), (9, 30), (100, 30)] {
			assert_eq!(
				query.points_at(3, version, &who).await.unwrap(),
				points,
				"version {version}"
			);
		}
	}

	#[tokio::test]
	async fn earnings_should_be_the_accounts_share_of_closed_pools() {
		let (chain, who) = (Memory::new(), AccountId::new([1; 32]));
		let params = RewardParams {
			expire_epochs: 2,
			..Default::default()
		};
		for (epoch, pool, state) in [
			(4u32, Pool::Validators, EpochState::Closed),
			(4, Pool::Datanet(3), EpochState::Closed),
			(5, Pool::Validators, EpochState::Open),
		] {
			let record = Epoch {
				start_millis: 0,
				start_block: 0,
				budget: 0,
				state,
				params,
			};
			chain.set(keys::map(PALLET, "Epochs", epoch), record);
			let book = PoolBook {
				points: 40,
				payout: 100,
				..Default::default()
			};
			chain.set(keys::double_map(PALLET, "Pools", epoch, pool), book);
			chain.set(
				keys::with_blake2(keys::double_map(PALLET, "Shares", epoch, pool), &who),
				10u128,
			);
		}
		// Somebody else's pool.
		chain.set(
			keys::double_map(PALLET, "Pools", 4u32, Pool::Owners),
			PoolBook::default(),
		);
		let earnings = Query::new(&chain).earnings(&who).await.unwrap();
		// Epoch 5 is not fixed yet.
		let amounts: Vec<_> = earnings.iter().map(|e| (e.epoch, e.pool, e.amount)).collect();
		let expected = [
			(4, Pool::Validators, 25),
			(4, Pool::Datanet(3), 25),
			(5, Pool::Validators, 0),
		];
		assert_eq!(amounts, expected);
		let shares = Query::new(&chain).shares().await.unwrap();
		let expected = expected.map(|(epoch, pool, _)| ((epoch, pool, who.clone()), 10));
		assert_eq!(shares, expected);
	}
}
