//! What a step reads: ids with the target of each, cut to length and put together.

use crate::error::Result;
use openledger_model::ops::IGNORE;
use openledger_model::Decoder;
use std::collections::BTreeSet;

/// Ids, and what is to be predicted after each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
	/// What the model reads.
	pub ids: Vec<u32>,
	/// The id after each; [`IGNORE`] where it does not count.
	pub targets: Vec<u32>,
	/// Lengths of the texts that it is made of, in order: none sees another.
	pub texts: Vec<usize>,
}

impl Sequence {
	/// Of a text whose every id counts.
	pub fn of(ids: &[u32]) -> Self {
		Self::masked(ids, |_| true)
	}

	/// Of a text of which an id counts as a target where `counts` says so of its place.
	pub fn masked(ids: &[u32], counts: impl Fn(usize) -> bool) -> Self {
		let len = ids.len().saturating_sub(1);
		let target = |at: usize| if counts(at) { ids[at] } else { IGNORE };
		Self {
			ids: ids[..len].to_vec(),
			targets: (1..ids.len()).map(target).collect(),
			texts: vec![len],
		}
	}

	/// Refuses ids that the model does not have.
	pub fn check(&self, decoder: &Decoder) -> Result<()> {
		decoder.check_ids(&self.ids)?;
		let targets: Vec<u32> = self.targets.iter().copied().filter(|id| *id != IGNORE).collect();
		Ok(decoder.check_ids(&targets)?)
	}

	/// Ids that it reads.
	pub fn len(&self) -> usize {
		self.ids.len()
	}

	/// Whether it reads nothing.
	pub fn is_empty(&self) -> bool {
		self.ids.is_empty()
	}

	/// Targets that count.
	pub fn tokens(&self) -> usize {
		self.targets.iter().filter(|target| **target != IGNORE).count()
	}

	/// Keeps no more than the first `ids` of the text, targets among them.
	pub fn truncate(&mut self, ids: usize) {
		let len = ids.saturating_sub(1).min(self.len());
		self.ids.truncate(len);
		self.targets.truncate(len);
		self.texts = vec![len];
	}

	fn append(&mut self, other: &Self) {
		self.ids.extend(&other.ids);
		self.targets.extend(&other.targets);
		self.texts.extend(&other.texts);
	}
}

/// Texts cut into sequences of at most `cutoff` ids, the last target among them. Neighbours share one id, so that every
/// id but a text's first is a target exactly once; what has no target that counts is left out.
pub fn windows(texts: &[Sequence], cutoff: usize) -> Vec<Sequence> {
	let of = |text: &Sequence| {
		let parts = text.ids.chunks(cutoff - 1).zip(text.targets.chunks(cutoff - 1));
		let parts = parts.map(|(ids, targets)| Sequence {
			ids: ids.to_vec(),
			targets: targets.to_vec(),
			texts: vec![ids.len()],
		});
		parts.filter(|part| part.tokens() > 0).collect::<Vec<_>>()
	};
	texts.iter().flat_map(of).collect()
}

/// Puts windows into as few sequences of at most `cutoff` ids as the longest first, each where least room is left, give.
/// Each keeps to itself: the result trains as the windows alone would.
pub fn pack(windows: Vec<Sequence>, cutoff: usize) -> Vec<Sequence> {
	let mut order: Vec<&Sequence> = windows.iter().collect();
	order.sort_by_key(|window| std::cmp::Reverse(window.len()));
	let mut packed: Vec<Sequence> = Vec::new();
	let mut rooms = BTreeSet::new();
	for window in order {
		let fitting = rooms.range((window.len(), 0)..).next().copied();
		let (room, at) = match fitting {
			Some(found) => found,
			None => {
				packed.push(Sequence::default());
				(cutoff - 1, packed.len() - 1)
			}
		};
		rooms.remove(&(room, at));
		rooms.insert((room - window.len(), at));
		packed[at].append(window);
	}
	packed
}

/// All texts one after the other, cut into sequences of `cutoff` ids (the last may be shorter). A text sees the end of the
/// one before it, as in pretraining; its end token divides them.
pub fn join(texts: &[Vec<u32>], cutoff: usize) -> Vec<Sequence> {
	let all: Vec<u32> = texts.iter().flatten().copied().collect();
	windows(&[Sequence::of(&all)], cutoff)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn read(sequences: &[Sequence]) -> Vec<(Vec<u32>, Vec<u32>, Vec<usize>)> {
		let parts = |s: &Sequence| (s.ids.clone(), s.targets.clone(), s.texts.clone());
		sequences.iter().map(parts).collect()
	}

	#[test]
	fn windows_should_make_every_id_a_target_once() {
		let texts: Vec<Sequence> = [&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9][..], &[7], &[], &[8, 9]]
			.map(Sequence::of)
			.into();
		let expected = [
			(vec![0, 1, 2], vec![1, 2, 3], vec![3]),
			(vec![3, 4, 5], vec![4, 5, 6], vec![3]),
			(vec![6, 7, 8], vec![7, 8, 9], vec![3]),
			(vec![8], vec![9], vec![1]),
		];
		assert_eq!(read(&windows(&texts, 4)), expected);
	}

	#[test]
	fn window_should_be_left_out_when_nothing_in_it_counts() {
		let text = Sequence::masked(&[1, 2, 3, 4, 5, 6], |at| at == 4);
		assert_eq!((text.len(), text.tokens()), (5, 1));
		let expected = [(vec![3, 4], vec![IGNORE, 5], vec![2])];
		assert_eq!(read(&windows(&[text], 3)), expected);
	}

	#[test]
	fn truncation_should_keep_so_many_ids() {
		let mut text = Sequence::of(&[1, 2, 3, 4]);
		text.truncate(9);
		assert_eq!(text, Sequence::of(&[1, 2, 3, 4]));
		text.truncate(3);
		assert_eq!(text, Sequence::of(&[1, 2, 3]));
		text.truncate(0);
		assert!(text.is_empty());
	}

	#[test]
	fn pack_should_fill_the_smallest_room_and_keep_texts_apart() {
		let window = |len: u32, first: u32| Sequence::of(&(first..=first + len).collect::<Vec<_>>());
		let packed = pack(vec![window(2, 10), window(4, 20), window(3, 30), window(1, 40)], 6);
		let lengths: Vec<_> = packed.iter().map(|s| s.texts.clone()).collect();
		assert_eq!(lengths, [vec![4, 1], vec![3, 2]]);
		assert_eq!(packed[0].ids, [20, 21, 22, 23, 40]);
		assert_eq!(packed[0].targets, [21, 22, 23, 24, 41]);
	}

	#[test]
	fn join_should_put_texts_together_and_cut() {
		let sequences = join(&[vec![1, 2, 0], vec![3, 0], vec![4, 5, 0]], 5);
		let expected = [
			(vec![1, 2, 0, 3], vec![2, 0, 3, 0], vec![4]),
			(vec![0, 4, 5], vec![4, 5, 0], vec![3]),
		];
		assert_eq!(read(&sequences), expected);
	}
}
