use crate::{
	challenge::{challenge_bond, CHALLENGE_WIDTH},
	schedule::CHANGE_DELAY,
	tally::{Width, WIDTHS},
	ActiveBlock, Balance, OPEN,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::ConstU32, BoundedVec};

/// Active blocks whose randomness is remembered: a day of 6 s blocks, far more than a round takes to use its seed.
pub const RING_BLOCKS: ActiveBlock = 14_400;
/// Most widths. Four are needed; a round's record is paid for by its votes.
pub const MAX_WIDTHS: u32 = 8;
/// Most challenges of one case: with each the panel doubles, and at four it is sixteen times the first.
pub const MAX_CHALLENGES: u8 = 4;
/// Largest panel that can be asked for; also after four challenges its weight is far from the end of 32 bits.
pub const MAX_PANEL: u32 = 100_000;

/// What rounds are opened under. A change applies to rounds that open later.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(default, deny_unknown_fields)]
pub struct CourtParams {
	/// Active blocks from a round's opening to the block whose randomness is its seed: one honest author among them
	/// blinds it.
	pub seed_delay: u32,
	/// Active blocks that take commitments.
	pub commit_blocks: u32,
	/// Active blocks that take reveals.
	pub reveal_blocks: u32,
	/// Active blocks during which a verdict is provisional.
	pub provisional_blocks: u32,
	/// Least stake of a validator, plancks.
	pub min_stake: Balance,
	/// What each unit of a vote's weight puts at risk, whatever is judged, plancks.
	pub risk_per_weight: Balance,
	/// What it puts at risk besides for each KiB of the file, which can earn the more the larger it is, plancks.
	pub risk_per_kib: Balance,
	/// Sessions from unbonding to withdrawal.
	pub unbonding_sessions: u32,
	/// The rounds of an item, in their order.
	pub widths: BoundedVec<Width, ConstU32<MAX_WIDTHS>>,
	/// The round that a first challenge or a plant calls; each earlier challenge doubles its panel.
	pub challenge_width: Width,
	/// The weight whose risk is held from who challenges a case for the first time; each further challenge of it doubles the
	/// bond.
	pub challenge_weight: u32,
	/// Challenges of one case, so that it ends.
	pub max_challenges: u8,
	/// What the challenger gets of each slash that its challenge brings, percent.
	pub challenger_percent: u8,
	/// Held from an owner for each known-answer item, plancks.
	pub plant_bond: Balance,
	/// Active blocks from a plants' root to the first submissions that can be opened against it.
	pub plant_delay: u32,
	/// Active blocks from a plants' root to the last one in which they can be opened.
	pub plant_blocks: u32,
}

impl Default for CourtParams {
	/// For blocks of 6 s and sessions of an hour: ten minutes each to commit and to reveal, an hour to challenge, a week
	/// to unbond, plants from the next day on for a month.
	fn default() -> Self {
		Self {
			seed_delay: 8,
			commit_blocks: 100,
			reveal_blocks: 100,
			provisional_blocks: 600,
			min_stake: 1_000 * OPEN,
			risk_per_weight: OPEN,
			risk_per_kib: OPEN / 25,
			unbonding_sessions: 168,
			widths: BoundedVec::truncate_from(WIDTHS.to_vec()),
			challenge_width: CHALLENGE_WIDTH,
			challenge_weight: 10,
			max_challenges: 2,
			challenger_percent: 50,
			plant_bond: 10 * OPEN,
			plant_delay: 14_400,
			plant_blocks: 30 * 14_400,
		}
	}
}

impl CourtParams {
	/// What each unit of weight puts at risk in a vote on a file of `bytes`, plancks.
	pub fn risk(&self, bytes: u32) -> Balance {
		let size = self.risk_per_kib.saturating_mul(bytes.div_ceil(1_024).into());
		self.risk_per_weight.saturating_add(size)
	}

	/// What a challenge of a verdict on a file of `bytes` costs after `earlier` ones, plancks.
	pub fn bond(&self, bytes: u32, earlier: u8) -> Balance {
		challenge_bond(self.risk(bytes).saturating_mul(self.challenge_weight.into()), earlier)
	}

	/// Whether rounds can run under these values: every window is open for a block, seeds are remembered until they are
	/// used, a panel is asked for and decided by no minority, votes, challenges and plants risk something, and nobody's
	/// record goes while its stake still counts.
	pub fn is_valid(&self) -> bool {
		let windows = [
			self.seed_delay,
			self.commit_blocks,
			self.reveal_blocks,
			self.provisional_blocks,
		];
		let width_is_valid =
			|width: &Width| (1..=MAX_PANEL).contains(&width.panel) && (50..=100).contains(&width.threshold);
		let bonds = [
			self.min_stake,
			self.risk_per_weight,
			self.challenge_weight.into(),
			self.plant_bond,
		];
		windows.iter().all(|blocks| (1..RING_BLOCKS / 2).contains(blocks))
			&& bonds.iter().all(|bond| *bond > 0)
			&& self.unbonding_sessions >= CHANGE_DELAY
			&& !self.widths.is_empty()
			&& self.widths.iter().all(width_is_valid)
			&& width_is_valid(&self.challenge_width)
			&& self.max_challenges <= MAX_CHALLENGES
			&& self.challenger_percent <= 100
			&& self.plant_delay > 0
			&& self.plant_blocks > self.plant_delay
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn defaults_should_be_valid_and_windows_of_nothing_should_not() {
		let params = CourtParams::default();
		assert!(params.is_valid());
		assert!(!CourtParams {
			commit_blocks: 0,
			..params.clone()
		}
		.is_valid());
		assert!(!CourtParams {
			commit_blocks: RING_BLOCKS,
			..params.clone()
		}
		.is_valid());
		assert!(!CourtParams {
			unbonding_sessions: 1,
			..params.clone()
		}
		.is_valid());
		assert!(!CourtParams {
			widths: BoundedVec::new(),
			..params
		}
		.is_valid());
	}

	#[test]
	fn panels_bonds_and_parts_out_of_range_should_not_be_valid() {
		let is_valid = |change: fn(&mut CourtParams)| {
			let mut params = CourtParams::default();
			change(&mut params);
			params.is_valid()
		};
		assert!(is_valid(|params| params.max_challenges = 0));
		assert!(is_valid(|params| params.challenger_percent = 0));
		assert!(!is_valid(|params| params.widths[0].panel = 0));
		assert!(!is_valid(|params| params.widths[3].threshold = 49));
		assert!(!is_valid(|params| params.widths[0].threshold = 101));
		assert!(!is_valid(|params| params.challenge_width.panel = MAX_PANEL + 1));
		assert!(!is_valid(|params| params.challenge_weight = 0));
		assert!(!is_valid(|params| params.plant_bond = 0));
		assert!(!is_valid(|params| params.max_challenges = MAX_CHALLENGES + 1));
		assert!(!is_valid(|params| params.challenger_percent = 101));
		assert!(!is_valid(|params| params.plant_delay = 0));
		assert!(!is_valid(|params| params.plant_blocks = params.plant_delay));
	}

	#[test]
	fn risk_and_bond_should_grow_with_the_file() {
		let params = CourtParams {
			risk_per_weight: 100,
			risk_per_kib: 3,
			challenge_weight: 10,
			..CourtParams::default()
		};
		assert_eq!(
			[0, 1, 1_024, 1_025].map(|bytes| params.risk(bytes)),
			[100, 103, 103, 106]
		);
		assert_eq!([0, 1].map(|earlier| params.bond(1_025, earlier)), [1_060, 2_120]);
		let dear = CourtParams {
			risk_per_kib: Balance::MAX,
			..params
		};
		assert_eq!(dear.bond(u32::MAX, 1), Balance::MAX);
	}
}
