//! What a result is evaluated on.
//!
//! A job trains on the first items of its Datanets. Of those that were accepted after them and before the result was
//! submitted, a seed that nobody knew then draws some: the result's hashes were fixed before anybody knew on what its loss
//! would count. Where too few came later, the loss is that on the *split*: items of the order which the job's id chooses,
//! and which every job holds out of its training, since nobody knows before whether they will be needed.
//!
//! Of either set those are passed over that were taken down when the result was submitted, and those of a format that
//! trainers read no text from. The loss is the mean over the tokens that have one before them among the first [`MAX_TOKENS`] of
//! their item, cut as the order's `cutoff_length` says, computed in 32 bits. A set without such a token gives no tokens and no
//! loss.

use alloc::{vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_128;
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{
	training::{DatasetRef, MAX_DATASETS},
	ActiveBlock, DatanetId, JobId,
};

const DRAW_DOMAIN: &[u8] = b"openledger/evaluation/1";
const SPLIT_DOMAIN: &[u8] = b"openledger/split/1";

/// Later items that are drawn at most: enough for a mean, few enough for a judge's evening.
pub const MAX_DRAWN: u64 = 32;
/// With fewer later items than these the split takes their place.
pub const MIN_LATER: u64 = 8;
/// One in so many items of an order is held out.
pub const SPLIT_SHARE: u32 = 10;
/// Of each item the first so many tokens count.
pub const MAX_TOKENS: u32 = 8_192;
/// How far a loss may be from the one that a judge computes, nats per token in units of 1e-6. Other devices add up in another
/// order, which moves a mean of this kind in the fourth decimal; nobody's rank hangs on the third.
pub const LOSS_TOLERANCE_MICRO: u64 = 5_000;

/// The datasets of an order, in its order.
pub type Datasets = BoundedVec<DatasetRef, ConstU32<MAX_DATASETS>>;

/// How far the evaluation of a submitted result is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ResultEvaluation {
	/// The worker has not reported it.
	Due {
		/// The order's datasets as they were when the result was submitted: the later items end there.
		until: Datasets,
		/// The block whose randomness draws. After it the worker reports.
		seed_at: ActiveBlock,
		/// The last block to report in.
		evaluate_by: ActiveBlock,
	},
	Reported(EvaluationOfResult),
}

impl ResultEvaluation {
	/// What was reported.
	pub fn reported(&self) -> Option<&EvaluationOfResult> {
		match self {
			Self::Reported(evaluation) => Some(evaluation),
			Self::Due { .. } => None,
		}
	}

	/// By when the worker has to report; `None` once it has.
	pub fn evaluate_by(&self) -> Option<ActiveBlock> {
		match self {
			Self::Reported(_) => None,
			Self::Due { evaluate_by, .. } => Some(*evaluate_by),
		}
	}
}

/// What a worker measured of its result. Anybody can compute it again.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct EvaluationOfResult {
	pub on: EvaluatedOn,
	/// Nats per token, in units of 1e-6.
	pub loss_micro: u64,
	/// How many tokens the loss is the mean of.
	pub tokens: u64,
}

impl EvaluationOfResult {
	/// Whether who computed it again found the same.
	pub fn agrees_with(&self, loss_micro: u64, tokens: u64) -> bool {
		self.tokens == tokens && self.loss_micro.abs_diff(loss_micro) <= LOSS_TOLERANCE_MICRO
	}
}

/// What a result was evaluated on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum EvaluatedOn {
	/// Items that were accepted after those of the order, as `seed` [`draw`]s them.
	Later {
		seed: [u8; 32],
		/// As in [`ResultEvaluation::Due`].
		until: Datasets,
	},
	/// The items of the order that were [`held_out`] of the training.
	Split,
}

/// The item that a version of a Datanet added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, TypeInfo)]
pub struct LaterItem {
	pub datanet: DatanetId,
	pub version: u32,
}

/// What a result is evaluated on, as far as that is known.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum EvaluationSet {
	/// The randomness of this block draws it.
	NotDrawn {
		seed_at: ActiveBlock,
	},
	/// In the order of the order.
	Later(Vec<LaterItem>),
	Split,
}

/// How many items came after those of an order: all datasets together. `until` is in the order of the order.
pub fn later(ordered: &[DatasetRef], until: &[DatasetRef]) -> u64 {
	gained(ordered, until).map(u64::from).sum()
}

/// The later items that `seed` draws for a job, each as likely as any other, in the order of the order; `None` where there are
/// fewer than [`MIN_LATER`].
pub fn draw(seed: &[u8; 32], job: JobId, ordered: &[DatasetRef], until: &[DatasetRef]) -> Option<Vec<LaterItem>> {
	let total = later(ordered, until);
	if total < MIN_LATER {
		return None;
	}
	// Numbers of later items, ascending.
	let mut drawn: Vec<u64> = Vec::new();
	for n in 0..total.min(MAX_DRAWN) {
		let random = u128::from_le_bytes(blake2_128(&(DRAW_DOMAIN, seed, job, n).encode()));
		// One of those that are left, counted among them; the remainder's bias is below 2^-80.
		let mut number = (random % u128::from(total - n)) as u64;
		let mut place = 0;
		while drawn.get(place).is_some_and(|before| *before <= number) {
			number += 1;
			place += 1;
		}
		drawn.insert(place, number);
	}
	let mut items = Vec::with_capacity(drawn.len());
	let mut first = 0;
	for (dataset, gained) in ordered.iter().zip(gained(ordered, until)) {
		let end = first + u64::from(gained);
		let here = drawn.iter().filter(|number| (first..end).contains(number));
		items.extend(here.map(|number| LaterItem {
			datanet: dataset.datanet,
			version: dataset.version + 1 + (number - first) as u32,
		}));
		first = end;
	}
	Some(items)
}

/// Which of the items that a job could train on it holds out, by their position in the order, datasets one after the other:
/// one in [`SPLIT_SHARE`], at least one of two or more, and none where there is only one.
pub fn held_out(job: JobId, items: u32) -> Vec<bool> {
	let count = match items {
		0 | 1 => 0,
		_ => (items / SPLIT_SHARE).max(1),
	};
	let key = |position: u32| blake2_128(&(SPLIT_DOMAIN, job, position).encode());
	let mut order: Vec<_> = (0..items).map(|position| (key(position), position)).collect();
	order.sort_unstable();
	let mut held = vec![false; items as usize];
	for (_, position) in order.into_iter().take(count as usize) {
		held[position as usize] = true;
	}
	held
}

fn gained<'a>(ordered: &'a [DatasetRef], until: &'a [DatasetRef]) -> impl Iterator<Item = u32> + 'a {
	let pairs = ordered.iter().zip(until);
	pairs.map(|(ordered, until)| until.version.saturating_sub(ordered.version))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn datasets(versions: &[u32]) -> Vec<DatasetRef> {
		let dataset = |(datanet, version): (u32, &u32)| DatasetRef {
			datanet,
			version: *version,
			exclusions: 0,
		};
		(1..).zip(versions).map(dataset).collect()
	}

	fn seed(n: u32) -> [u8; 32] {
		let mut seed = [0; 32];
		seed[..4].copy_from_slice(&n.to_le_bytes());
		seed
	}

	#[test]
	fn fewer_than_eight_later_items_are_not_drawn_from() {
		let (ordered, until) = (datasets(&[4, 9]), datasets(&[8, 12]));
		assert_eq!(later(&ordered, &until), 7);
		assert_eq!(draw(&seed(1), 0, &ordered, &until), None);
		let all = draw(&seed(1), 0, &ordered, &datasets(&[8, 13])).unwrap();
		let versions: Vec<_> = all.iter().map(|item| (item.datanet, item.version)).collect();
		let expected = [(1, 5), (1, 6), (1, 7), (1, 8), (2, 10), (2, 11), (2, 12), (2, 13)];
		assert_eq!(versions, expected);
		assert_eq!(later(&ordered, &datasets(&[3, 9])), 0, "a Datanet never loses versions");
	}

	#[test]
	fn every_later_item_is_drawn_as_often_as_any_other() {
		let (ordered, until) = (datasets(&[10, 5]), datasets(&[50, 65]));
		let mut times = [0u32; 100];
		for n in 0..2_000 {
			for item in draw(&seed(n), 7, &ordered, &until).unwrap() {
				let number = match item.datanet {
					1 => item.version - 11,
					_ => 40 + item.version - 6,
				};
				times[number as usize] += 1;
			}
		}
		// 640 on average; six standard deviations of a binomial.
		assert!(times.into_iter().all(|times| times.abs_diff(640) < 126), "{times:?}");
	}

	#[test]
	fn a_draw_does_not_move() {
		let drawn = draw(&[7; 32], 3, &datasets(&[1]), &datasets(&[1_000])).unwrap();
		let versions: Vec<_> = drawn.iter().map(|item| item.version).take(4).collect();
		assert_eq!(versions, [100, 103, 105, 108]);
		let held = held_out(3, 40);
		let positions: Vec<_> = (0..40).filter(|position| held[*position]).collect();
		assert_eq!(positions, [0, 19, 20, 22]);
	}

	#[test]
	fn every_position_is_held_out_by_as_many_jobs_as_any_other() {
		let mut times = [0u32; 30];
		for job in 0..3_000 {
			let held = held_out(job, 30);
			times
				.iter_mut()
				.zip(&held)
				.for_each(|(times, held)| *times += u32::from(*held));
		}
		// 300 on average; six standard deviations of a binomial.
		assert!(times.into_iter().all(|times| times.abs_diff(300) < 99), "{times:?}");
	}

	#[test]
	fn a_loss_is_confirmed_within_the_tolerance_on_the_same_tokens() {
		let reported = EvaluationOfResult {
			on: EvaluatedOn::Split,
			loss_micro: 1_000_000,
			tokens: 50,
		};
		for loss in [1_000_000 - LOSS_TOLERANCE_MICRO, 1_000_000 + LOSS_TOLERANCE_MICRO] {
			assert!(reported.agrees_with(loss, 50));
			assert!(!reported.agrees_with(loss, 51));
		}
		assert!(!reported.agrees_with(1_000_001 + LOSS_TOLERANCE_MICRO, 50));
		assert!(!reported.agrees_with(999_999 - LOSS_TOLERANCE_MICRO, 50));
	}

	#[test]
	fn stored_encodings_do_not_move() {
		let until: Datasets = datasets(&[5]).try_into().unwrap();
		let dataset = [1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0];
		let due = ResultEvaluation::Due {
			until: until.clone(),
			seed_at: 2,
			evaluate_by: 3,
		};
		let expected = [&[0, 4][..], &dataset, &[2, 0, 0, 0, 3, 0, 0, 0]].concat();
		assert_eq!(due.encode(), expected);
		let measured = [6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0];
		let reported = |on| {
			ResultEvaluation::Reported(EvaluationOfResult {
				on,
				loss_micro: 6,
				tokens: 7,
			})
		};
		let later = EvaluatedOn::Later { seed: [9; 32], until };
		let expected = [&[1, 0][..], &[9; 32], &[4], &dataset, &measured].concat();
		assert_eq!(reported(later).encode(), expected);
		assert_eq!(reported(EvaluatedOn::Split).encode(), [&[1, 1][..], &measured].concat());
	}

	proptest! {
		#[test]
		fn what_is_drawn_came_later_and_is_drawn_once(
			random: [u8; 32],
			job: u32,
			sizes in prop::collection::vec((0u32..1_000, 0u32..60), 1..8),
		) {
			let ordered = datasets(&sizes.iter().map(|(version, _)| *version).collect::<Vec<_>>());
			let until = datasets(&sizes.iter().map(|(version, more)| version + more).collect::<Vec<_>>());
			let total = later(&ordered, &until);
			let Some(drawn) = draw(&random, job, &ordered, &until) else {
				prop_assert!(total < MIN_LATER);
				return Ok(());
			};
			prop_assert_eq!(drawn.len() as u64, total.min(MAX_DRAWN));
			prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]), "in order, each once");
			for item in drawn {
				let at = item.datanet as usize - 1;
				prop_assert!(item.version > ordered[at].version && item.version <= until[at].version);
			}
		}

		#[test]
		fn a_split_is_a_tenth_and_never_everything(job: u32, items in 0u32..500) {
			let held = held_out(job, items).into_iter().filter(|held| *held).count() as u32;
			prop_assert_eq!(held, if items < 2 { 0 } else { (items / 10).max(1) });
			prop_assert!(items == 0 || held < items);
		}
	}
}
