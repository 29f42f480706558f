//! What the pallet stores beside the types of [`openledger_primitives::item`].

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use openledger_primitives::{
	challenge::{challenge_bond, CHALLENGE_WIDTH},
	format::ModalitySet,
	item::{Phase, Round},
	plant::Opened,
	schedule::{Schedule, CHANGE_DELAY},
	tally::{Width, WIDTHS},
	ActiveBlock, Balance, DatanetId, RoundIndex, SessionIndex, OPEN,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::ConstU32, BoundedVec};

/// Active blocks whose randomness is remembered: a day of 6 s blocks, far more than a round takes to use its seed.
pub const RING_BLOCKS: ActiveBlock = 14_400;
/// Most widths. Four are needed; a round's record is paid for by its votes.
pub const MAX_WIDTHS: u32 = 8;
/// Most challenges of one case: with each the panel doubles, and at four it is sixteen times the first.
pub const MAX_CHALLENGES: u8 = 4;
/// Most rounds of one item: all widths, all challenges and a plant's trial.
pub const MAX_ROUNDS: u32 = MAX_WIDTHS + MAX_CHALLENGES as u32 + 1;
/// Largest panel that can be asked for; also after four challenges its weight is far from the end of 32 bits.
pub const MAX_PANEL: u32 = 100_000;
/// Withdrawals of one validator that wait at the same time: enough for one a day of a week.
pub const MAX_UNBONDING: u32 = 8;

/// What rounds are opened under. A change applies to rounds that open later.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
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

/// Stake that is on its way out. It is still held, and still slashable.
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
pub struct Unbonding {
	/// Plancks.
	pub amount: Balance,
	/// The first session in which it can be withdrawn.
	pub from_session: SessionIndex,
}

/// An account that votes on items.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Validator {
	/// Bonded and on hold, plancks. `at_risk` is a part of it, `unbonding` is not.
	pub stake: Balance,
	/// What it judges.
	pub modalities: ModalitySet,
	/// Stake and modalities by the session from which they count.
	pub schedule: Schedule<(Balance, ModalitySet)>,
	/// Reserves of its unsettled votes, plancks.
	pub at_risk: Balance,
	/// Stake on its way out, oldest first.
	pub unbonding: BoundedVec<Unbonding, ConstU32<MAX_UNBONDING>>,
	/// Points carried from one vote to the next: zero or a deficit.
	pub credit: i64,
	/// Everything that was ever slashed, plancks.
	pub slashed: Balance,
}

impl Validator {
	/// A record without stake.
	pub fn new() -> Self {
		Self {
			stake: 0,
			modalities: ModalitySet::default(),
			schedule: Schedule::constant((0, ModalitySet::default())),
			at_risk: 0,
			unbonding: BoundedVec::new(),
			credit: 0,
			slashed: 0,
		}
	}

	/// What can be unbonded, and put at risk by votes on challenges.
	pub fn free_stake(&self) -> Balance {
		self.stake.saturating_sub(self.at_risk)
	}

	/// What a new vote can put at risk. Half of the stake is kept for challenges: whoever bought a verdict could else keep all
	/// stake busy with large files until nobody is left to overturn it.
	pub fn free_for(&self, phase: &Phase) -> Balance {
		match phase {
			Phase::Challenged { .. } => self.free_stake(),
			_ => self.free_stake().saturating_sub(self.stake / 2),
		}
	}

	/// All that is on hold.
	pub fn held(&self) -> Balance {
		self.unbonding
			.iter()
			.fold(self.stake, |sum, chunk| sum.saturating_add(chunk.amount))
	}

	/// Whether nothing is left that the record is needed for: nothing on hold, nothing that counts in `session` or later,
	/// and no deficit, which would be shed by coming back.
	pub fn is_gone(&self, session: SessionIndex) -> bool {
		let counts = |session| self.schedule.at(session).is_some_and(|(stake, _)| stake > 0);
		self.held() == 0 && self.credit == 0 && !counts(session) && !counts(session.saturating_add(1))
	}

	/// Adds a chunk to what is on its way out, or to the chunk that can leave in the same session. `false` if there are
	/// as many chunks as can wait.
	pub fn push_unbonding(&mut self, amount: Balance, from_session: SessionIndex) -> bool {
		match self.unbonding.last_mut() {
			Some(last) if last.from_session == from_session => {
				last.amount = last.amount.saturating_add(amount);
				true
			}
			_ => self.unbonding.try_push(Unbonding { amount, from_session }).is_ok(),
		}
	}

	/// Removes the chunks that can leave in `session` and returns their sum.
	pub fn take_unbonded(&mut self, session: SessionIndex) -> Balance {
		let mut sum: Balance = 0;
		self.unbonding.retain(|chunk| {
			let leaves = chunk.from_session <= session;
			if leaves {
				sum = sum.saturating_add(chunk.amount);
			}
			!leaves
		});
		sum
	}

	/// Takes up to `amount`, from the stake first, then from what is on its way out, newest first. Returns what was taken.
	pub fn take(&mut self, amount: Balance) -> Balance {
		let mut missing = amount;
		let mut take_from = |sum: &mut Balance| {
			let part = missing.min(*sum);
			*sum -= part;
			missing -= part;
		};
		take_from(&mut self.stake);
		self.unbonding
			.iter_mut()
			.rev()
			.for_each(|chunk| take_from(&mut chunk.amount));
		self.unbonding.retain(|chunk| chunk.amount > 0);
		let taken = amount - missing;
		self.slashed = self.slashed.saturating_add(taken);
		taken
	}
}

impl Default for Validator {
	fn default() -> Self {
		Self::new()
	}
}

/// The bond behind the round that a challenge or a plant called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TrialBond<AccountId> {
	/// The challenger, or who planted the item. May not vote in that round.
	pub who: AccountId,
	/// Plancks.
	pub amount: Balance,
	/// What it gets of each slash that the round brings, percent.
	pub percent: u8,
}

/// A root of known-answer items of one Datanet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct PlantBatch<AccountId> {
	pub datanet: DatanetId,
	/// Who planted them, and whose the bonds are.
	pub owner: AccountId,
	/// See [`openledger_primitives::plant::root`].
	pub root: [u8; 32],
	/// How many there are.
	pub count: u16,
	/// Held for each that is not opened, plancks.
	pub bond: Balance,
	/// Items submitted after this block can be opened.
	pub from: ActiveBlock,
	/// The last block in which they can be opened.
	pub until: ActiveBlock,
	/// Which ones were.
	pub opened: Opened,
}

impl<AccountId> PlantBatch<AccountId> {
	/// Plants that were not opened.
	pub fn left(&self) -> u16 {
		self.count.saturating_sub(self.opened.count())
	}

	/// The bond of those, plancks.
	pub fn bond_left(&self) -> Balance {
		self.bond.saturating_mul(self.left().into())
	}

	/// Whether nothing of it can be opened in block `now` or later.
	pub fn is_over(&self, now: ActiveBlock) -> bool {
		now > self.until || self.left() == 0
	}
}

/// How far an item's case is, in one answer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CaseStatus<AccountId> {
	pub phase: Phase,
	/// The round that is open or was the last.
	pub round: RoundIndex,
	/// Its record with its windows, while any of its votes is not settled.
	pub details: Option<Round>,
	/// Whether a seed is known, so that weights are.
	pub seeded: bool,
	/// Who called the open round, and what is at stake for it.
	pub bond: Option<TrialBond<AccountId>>,
	/// How often the case was challenged.
	pub challenges: u8,
	/// The block that deadlines are compared with.
	pub now: ActiveBlock,
	/// The last block of what can be done now: of withdrawing, committing, revealing, or challenging. `None` once that is
	/// over, and somebody has to close the round, to finalize or to settle.
	pub until: Option<ActiveBlock>,
}

/// What a validator has at stake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ValidatorSummary {
	/// Bonded, plancks.
	pub stake: Balance,
	/// What of it counts in the current session, plancks.
	pub counting: Balance,
	/// What of the stake unsettled votes reserve, plancks.
	pub at_risk: Balance,
	/// The rest of it, plancks: for new votes, or to unbond.
	pub free: Balance,
	/// On its way out, plancks.
	pub unbonding: Balance,
	/// What of that can be withdrawn now, plancks.
	pub withdrawable: Balance,
	/// Zero or a deficit of points.
	pub credit: i64,
	/// Everything that was ever slashed, plancks.
	pub slashed: Balance,
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn slashing_reaches_what_is_unbonding_after_the_stake() {
		let mut validator = Validator {
			stake: 10,
			..Validator::new()
		};
		assert!(validator.push_unbonding(5, 3) && validator.push_unbonding(4, 4));
		assert_eq!(validator.take(12), 12);
		assert_eq!((validator.stake, validator.held(), validator.slashed), (0, 7, 12));
		assert_eq!(
			validator.unbonding.last(),
			Some(&Unbonding {
				amount: 2,
				from_session: 4
			})
		);
		assert_eq!(validator.take(100), 7);
		assert!(validator.is_gone(0));
	}

	#[test]
	fn chunks_of_one_session_are_one() {
		let mut validator = Validator::new();
		assert!(validator.push_unbonding(5, 3) && validator.push_unbonding(6, 3));
		assert_eq!(validator.unbonding.len(), 1);
		assert_eq!(validator.take_unbonded(2), 0);
		assert_eq!(validator.take_unbonded(3), 11);
	}

	#[test]
	fn defaults_are_valid_and_windows_of_nothing_are_not() {
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
	fn panels_bonds_and_parts_out_of_range_are_not_valid() {
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
	fn risk_and_bond_grow_with_the_file() {
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

	#[test]
	fn a_record_with_a_deficit_is_kept() {
		let mut validator = Validator::new();
		assert!(validator.is_gone(0));
		validator.credit = -1;
		assert!(!validator.is_gone(0));
	}
}
