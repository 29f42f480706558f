//! Who judges an item, and with what weight, without a stored panel.
//!
//! A validator's expected weight in a round is its share of the stake times the panel's size; the whole part is
//! given, the fraction is drawn by a hash that nobody could know when the item was submitted (cryptographic
//! sortition as in Algorand, Gilad et al. 2017, with deterministic whole parts). Splitting stake over accounts
//! changes nothing in expectation, and checking costs O(1) at the commit.

use codec::Encode;
use sp_core::U256;
use sp_crypto_hashing::blake2_256;

use crate::{Balance, ItemId, RoundIndex};

const DOMAIN: &[u8] = b"openledger/sortition/1";

/// What a round draws its panel by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Draw {
	/// The chain's genesis hash: a draw on one chain says nothing on another.
	pub genesis: [u8; 32],
	pub item: ItemId,
	pub round: RoundIndex,
	/// Randomness of a block after the round was opened.
	pub seed: [u8; 32],
	/// Sum of the stakes that may judge this modality, in plancks.
	pub total_stake: Balance,
	/// Expected weight of the whole panel.
	pub panel: u32,
}

impl Draw {
	/// The weight of `voter` with `stake`; zero if it is not on the panel.
	pub fn weight<AccountId: Encode>(&self, voter: &AccountId, stake: Balance) -> u32 {
		if self.total_stake == 0 || stake > self.total_stake {
			return 0;
		}
		// x = panel * stake / total; panel < 2^32 and stake < 2^90 plancks keep this inside 128 bits.
		let scaled = Balance::from(self.panel).saturating_mul(stake);
		let whole = (scaled / self.total_stake) as u32;
		let remainder = scaled % self.total_stake;
		// h < remainder / total * 2^128, without a division: h * total < remainder * 2^128.
		let drawn = U256::from(self.hash(voter)) * U256::from(self.total_stake) < U256::from(remainder) << 128;
		whole + u32::from(drawn)
	}

	fn hash<AccountId: Encode>(&self, voter: &AccountId) -> u128 {
		let hash = blake2_256(&(DOMAIN, self.genesis, self.item, self.round, self.seed, voter).encode());
		let mut high = [0; 16];
		high.copy_from_slice(&hash[..16]);
		u128::from_be_bytes(high)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn draw(item: ItemId, panel: u32, total_stake: Balance) -> Draw {
		Draw {
			genesis: [1; 32],
			item,
			round: 0,
			seed: [2; 32],
			total_stake,
			panel,
		}
	}

	#[test]
	fn whole_shares_need_no_luck() {
		let draw = draw(1, 7, 700);
		assert_eq!(draw.weight(&[0u8; 32], 100), 1);
		assert_eq!(draw.weight(&[0u8; 32], 700), 7);
		assert_eq!(draw.weight(&[0u8; 32], 0), 0);
		assert_eq!(draw.weight(&[0u8; 32], 701), 0);
	}

	#[test]
	fn mean_weight_is_the_share_of_stake_however_it_is_split() {
		// 3 % of the stake on a panel of 7 is 0.21 votes an item; over 20,000 items the mean's deviation is 0.003.
		let items = 20_000;
		let mean = |accounts: u8, stake: Balance| {
			let sum: u32 = (0..items)
				.map(|item| {
					(0..accounts)
						.map(|a| draw(item, 7, 1_000).weight(&[a; 32], stake))
						.sum::<u32>()
				})
				.sum();
			f64::from(sum) / items as f64
		};
		assert!((mean(1, 30) - 0.21).abs() < 0.012);
		assert!((mean(3, 10) - 0.21).abs() < 0.012);
	}

	proptest! {
		#[test]
		fn weight_is_the_expectation_rounded_up_or_down(stake in 1u128..1_000, rest in 0u128..1_000_000, item: u64, panel in 1u32..200) {
			let total = stake + rest;
			let weight = u128::from(draw(item, panel, total).weight(&[3u8; 32], stake));
			let floor = u128::from(panel) * stake / total;
			prop_assert!(weight == floor || weight == floor + 1);
		}
	}
}
