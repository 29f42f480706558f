use crate::{fee::share, points::POINT, traits::Pool, Balance, OPEN};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A value for each kind of pool.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct PerKind<V> {
	pub contributors: V,
	pub validators: V,
	pub owners: V,
}

/// What an epoch pays. Amounts in plancks.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(default, deny_unknown_fields)]
pub struct RewardParams {
	/// Length of an epoch in milliseconds. Epochs begin at multiples of it since the Unix epoch.
	pub epoch_millis: u64,
	/// An epoch's budget in millionths of what the pot has and does not owe.
	pub budget_ppm: u32,
	/// Percent of the budget for each kind of pool; 100 together. The contributors' part is split evenly among the
	/// modalities.
	pub shares: PerKind<u32>,
	/// The most that a million points ([`POINT`], one whole point) earn, so that a quiet epoch does not empty the pot. Each
	/// kind has its own, because kinds count points by different measures.
	pub max_pay_per_point: PerKind<Balance>,
	/// Epochs after closing during which an epoch's pay can be claimed; after its own epoch, in which a fee of use can; after
	/// the last sponsorship or award, in which a Datanet's sponsorship waits for an item.
	pub expire_epochs: u32,
	/// A sponsored Datanet's pool gets this part of what its sponsors have left, in each epoch in which it earns points. The
	/// rate is nobody's to choose: who sponsors a little more makes every payout larger, and none slower or faster.
	pub sponsor_epochs: u32,
	/// The least sponsorship, and the least that a sponsored pool gets (or the rest): each such pool is an entry on chain.
	pub min_sponsorship: Balance,
}

impl Default for RewardParams {
	fn default() -> Self {
		Self {
			epoch_millis: 86_400_000,
			budget_ppm: 500,
			shares: PerKind {
				contributors: 70,
				validators: 20,
				owners: 10,
			},
			// A file of text that compresses to 10 kB earns at most 50 OPEN at full quality, its Datanet's owner a seventh
			// of it; a right vote of weight one at most about one OPEN.
			max_pay_per_point: PerKind {
				contributors: OPEN / 200,
				validators: 2 * OPEN,
				owners: OPEN / 1_400,
			},
			expire_epochs: 90,
			sponsor_epochs: 30,
			min_sponsorship: 10 * OPEN,
		}
	}
}

impl RewardParams {
	/// The part of an epoch's `budget` that `pool` may pay for `points`.
	pub fn payout(&self, pool: Pool, budget: Balance, points: u128) -> Balance {
		let (percent, parts, max_pay) = match pool {
			Pool::Contributors(_) => (self.shares.contributors, 3, self.max_pay_per_point.contributors),
			Pool::Validators => (self.shares.validators, 1, self.max_pay_per_point.validators),
			Pool::Owners => (self.shares.owners, 1, self.max_pay_per_point.owners),
			// Its sponsors pay it, not the budget.
			Pool::Datanet(_) => return 0,
		};
		let pool_budget = share(budget, percent.into(), 100) / parts;
		// Where the product would overflow, a 10^6th of the largest number still is more than any budget.
		let cap = points.saturating_mul(max_pay) / u128::from(POINT);
		pool_budget.min(cap)
	}

	/// What a Datanet's own pool gets of what its sponsors have left.
	pub fn sponsored(&self, balance: Balance) -> Balance {
		let part = balance / Balance::from(self.sponsor_epochs.max(1));
		part.max(self.min_sponsorship).min(balance)
	}

	/// Whether the numbers make sense together; what is wrong otherwise.
	pub fn check(&self) -> Result<(), &'static str> {
		let PerKind {
			contributors,
			validators,
			owners,
		} = self.shares;
		if self.epoch_millis == 0 {
			return Err("epoch_millis must be above zero");
		}
		if self.budget_ppm > 1_000_000 {
			return Err("budget_ppm must be at most 1,000,000");
		}
		if contributors.saturating_add(validators).saturating_add(owners) != 100 {
			return Err("shares must be 100 percent together");
		}
		if self.expire_epochs == 0 {
			return Err("expire_epochs must be above zero");
		}
		if self.sponsor_epochs == 0 {
			return Err("sponsor_epochs must be above zero");
		}
		if self.min_sponsorship == 0 {
			return Err("min_sponsorship must be above zero");
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::format::Modality;
	use proptest::prelude::*;

	const TEXT: Pool = Pool::Contributors(Modality::Text);

	#[test]
	fn payout_should_be_the_pools_part_when_there_are_points_enough() {
		let params = RewardParams::default();
		let points = u128::MAX;
		assert_eq!(params.payout(TEXT, 3_000, points), 700);
		assert_eq!(params.payout(Pool::Validators, 3_000, points), 600);
		assert_eq!(params.payout(Pool::Owners, 3_000, points), 300);
	}

	#[test]
	fn payout_should_be_capped_by_points_when_they_are_few() {
		let params = RewardParams::default();
		assert_eq!(params.payout(TEXT, u128::MAX, 3 * u128::from(POINT)), 3 * OPEN / 200);
		assert_eq!(params.payout(TEXT, u128::MAX, 0), 0);
	}

	#[test]
	fn payout_should_be_nothing_for_a_pool_that_sponsors_pay() {
		assert_eq!(
			RewardParams::default().payout(Pool::Datanet(0), u128::MAX, u128::MAX),
			0
		);
	}

	#[test]
	fn sponsored_should_be_a_part_then_the_least_then_the_rest() {
		let params = RewardParams::default();
		assert_eq!(params.sponsored(3_000 * OPEN), 100 * OPEN);
		assert_eq!(params.sponsored(299 * OPEN), 10 * OPEN);
		assert_eq!(params.sponsored(9 * OPEN), 9 * OPEN);
		assert_eq!(params.sponsored(0), 0);
	}

	#[test]
	fn check_should_name_what_is_wrong() {
		type Change = fn(&mut RewardParams);
		let wrong: [(&str, Change); 6] = [
			("epoch_millis", |params| params.epoch_millis = 0),
			("budget_ppm", |params| params.budget_ppm = 1_000_001),
			("shares", |params| params.shares.owners = 11),
			("expire_epochs", |params| params.expire_epochs = 0),
			("sponsor_epochs", |params| params.sponsor_epochs = 0),
			("min_sponsorship", |params| params.min_sponsorship = 0),
		];
		assert_eq!(RewardParams::default().check(), Ok(()));
		for (name, change) in wrong {
			let mut params = RewardParams::default();
			change(&mut params);
			assert!(params.check().unwrap_err().starts_with(name), "{name}");
		}
	}

	proptest! {
		#[test]
		fn payouts_should_never_exceed_the_budget(budget: u128, points: [u128; 5]) {
			let params = RewardParams::default();
			let budget = budget / 2;
			let paid: u128 = Pool::ALL.into_iter().zip(points).map(|(pool, points)| params.payout(pool, budget, points)).sum();
			prop_assert!(paid <= budget);
		}

		#[test]
		fn sponsored_pools_should_use_up_what_there_is(balance in 1u128..1_000_000 * OPEN) {
			let params = RewardParams::default();
			let (mut left, mut epochs) = (balance, 0);
			while left > 0 {
				let pays = params.sponsored(left);
				prop_assert!(pays > 0 && pays <= left);
				left -= pays;
				epochs += 1;
			}
			// By thirtieths a million OPEN falls below 300 within 240 epochs; ten a time are 30 more.
			prop_assert!(epochs <= 270, "{} epochs", epochs);
		}
	}
}
