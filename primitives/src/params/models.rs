use crate::{bid::SEED_DELAY, ActiveBlock, Balance, OPEN};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Parameters of workers and jobs. A job keeps those that it was ordered under.
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
pub struct ModelParams {
	/// Least bond of a worker, plancks.
	pub min_bond: Balance,
	/// Bond that a worker needs for each job it holds at once, plancks; above zero.
	pub bond_per_job: Balance,
	/// Least price of a job, plancks.
	pub min_price: Balance,
	/// Active blocks in which workers bid on a job; zero gives it to the first.
	pub bid_blocks: ActiveBlock,
	/// Active blocks that a job waits for a worker; more than bidding and draw take.
	pub open_blocks: ActiveBlock,
	/// Most active blocks between two heartbeats; above zero.
	pub heartbeat_blocks: ActiveBlock,
	/// Most active blocks that a worker may hold a job without a result, heartbeats or not; above zero.
	pub max_train_blocks: ActiveBlock,
	/// Most active blocks that a requester may pause a job for, all pauses together.
	pub max_pause_blocks: ActiveBlock,
	/// Active blocks after which a result that the requester did not accept can be accepted by anybody.
	pub accept_blocks: ActiveBlock,
	/// Active blocks in which a worker reports its result's evaluation, from the seed on; above zero, less than seeds are kept, and
	/// over before anybody can accept, so that the evaluation can be disputed.
	pub evaluate_blocks: ActiveBlock,
	/// Workers that may lose a job before it fails; above zero.
	pub max_failures: u8,
	/// Taken of a bond for a missed heartbeat, plancks.
	pub missed_penalty: Balance,
	/// Held for a registered base model, plancks.
	pub base_model_deposit: Balance,
	/// Held of who disputes a result, plancks; above zero.
	pub dispute_bond: Balance,
	/// Active blocks in which judges run a segment and commit, from the seed on; above zero, less than seeds are kept.
	pub judge_commit_blocks: ActiveBlock,
	/// Active blocks in which judges reveal; above zero.
	pub judge_reveal_blocks: ActiveBlock,
	/// Taken of a judge's bond for a finding that it did not reveal, plancks.
	pub judge_penalty: Balance,
	/// Of the bond that a worker loses for a broken result, what the disputer gets, percent; the judges get the rest.
	pub disputer_percent: u8,
	/// Where judges come to no ruling, what the requester gets back of the price, percent; the worker gets the rest.
	pub refund_percent: u8,
	/// Active blocks in which AdminOrigin can rule where judges came to no ruling.
	pub correct_blocks: ActiveBlock,
	/// Held for an evaluation, plancks; above zero.
	pub evaluation_bond: Balance,
}

impl Default for ModelParams {
	/// For blocks of six seconds.
	fn default() -> Self {
		Self {
			min_bond: 100 * OPEN,
			bond_per_job: 100 * OPEN,
			min_price: OPEN,
			// Two minutes.
			bid_blocks: 20,
			// A day.
			open_blocks: 14_400,
			// Ten minutes: a worker may lose its connection or start again.
			heartbeat_blocks: 100,
			// A week.
			max_train_blocks: 100_800,
			// A day.
			max_pause_blocks: 14_400,
			// A day.
			accept_blocks: 14_400,
			// Four hours.
			evaluate_blocks: 2_400,
			max_failures: 3,
			missed_penalty: 10 * OPEN,
			base_model_deposit: 10 * OPEN,
			dispute_bond: 50 * OPEN,
			// Four hours: a segment is trained again.
			judge_commit_blocks: 2_400,
			// Half an hour.
			judge_reveal_blocks: 300,
			judge_penalty: 10 * OPEN,
			disputer_percent: 50,
			refund_percent: 50,
			// Two days.
			correct_blocks: 28_800,
			evaluation_bond: 5 * OPEN,
		}
	}
}

impl ModelParams {
	/// Whether jobs can be taken, judged and end under these where a seed is kept for so many blocks, and nothing that is stored is
	/// free.
	pub fn is_valid(&self, seeds_kept: ActiveBlock) -> bool {
		self.bond_per_job > 0
			&& self.min_price > 0
			&& self.open_blocks > self.bid_blocks.saturating_add(SEED_DELAY)
			&& self.heartbeat_blocks > 0
			&& self.max_train_blocks > 0
			&& (1..seeds_kept).contains(&self.evaluate_blocks)
			&& self.accept_blocks > self.evaluate_blocks.saturating_add(SEED_DELAY)
			&& self.max_failures > 0
			&& self.dispute_bond > 0
			&& (1..seeds_kept).contains(&self.judge_commit_blocks)
			&& self.judge_reveal_blocks > 0
			&& self.disputer_percent <= 100
			&& self.refund_percent <= 100
			&& self.evaluation_bond > 0
	}

	/// Jobs that a worker with this bond may hold at once; none below the least bond.
	pub fn capacity(&self, bond: Balance) -> u32 {
		if bond < self.min_bond {
			return 0;
		}
		bond.checked_div(self.bond_per_job)
			.unwrap_or(0)
			.try_into()
			.unwrap_or(u32::MAX)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn capacity_should_be_none_below_the_least_bond_and_one_more_for_every_job_s_bond() {
		let params = ModelParams {
			min_bond: 15,
			bond_per_job: 10,
			..Default::default()
		};
		assert_eq!(
			[0, 14, 15, 19, 20, 30].map(|bond| params.capacity(bond)),
			[0, 0, 1, 1, 2, 3]
		);
		assert_eq!(params.capacity(Balance::MAX), u32::MAX);
	}

	#[test]
	fn defaults_should_be_valid_and_each_number_that_stops_jobs_should_not() {
		const KEPT: ActiveBlock = 10_000;
		assert!(ModelParams::default().is_valid(KEPT));
		for change in [
			(|p| p.bond_per_job = 0) as fn(&mut ModelParams),
			|p| p.min_price = 0,
			|p| p.open_blocks = p.bid_blocks + SEED_DELAY,
			|p| p.heartbeat_blocks = 0,
			|p| p.max_train_blocks = 0,
			|p| p.evaluate_blocks = 0,
			|p| p.accept_blocks = p.evaluate_blocks + SEED_DELAY,
			|p| (p.evaluate_blocks, p.accept_blocks) = (KEPT, 2 * KEPT),
			|p| p.max_failures = 0,
			|p| p.dispute_bond = 0,
			|p| p.judge_commit_blocks = 0,
			|p| p.judge_commit_blocks = KEPT,
			|p| p.judge_reveal_blocks = 0,
			|p| p.disputer_percent = 101,
			|p| p.refund_percent = 101,
			|p| p.evaluation_bond = 0,
		] {
			let mut params = ModelParams::default();
			change(&mut params);
			assert!(!params.is_valid(KEPT));
		}
	}
}
