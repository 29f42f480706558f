//! Which sequences each step trains on.

use rand::seq::SliceRandom;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Micro-batches whose sequences are sorted together: enough to find like ones, few enough that an epoch stays mixed.
const SORTED: usize = 50;

/// Sizes of a run.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
	/// Sequences of a micro-batch.
	pub batch_size: usize,
	/// Micro-batches of a step.
	pub accumulation: usize,
	/// Steps, where given, the data repeating.
	pub max_steps: usize,
	/// Passes over the data otherwise.
	pub epochs: f64,
}

/// Gives every step its micro-batches of sequence numbers; the last step of an epoch may have fewer.
pub struct Plan {
	sequences: usize,
	sizes: Sizes,
	/// Seed of the orders; none for the order of the data.
	shuffle: Option<u64>,
	/// Of the sequences, where batches are to be of about one length.
	lengths: Option<Vec<usize>>,
	epoch: Option<(usize, Vec<usize>)>,
}

impl Plan {
	/// A plan over `sequences` sequences.
	pub fn new(sequences: usize, sizes: Sizes, shuffle: Option<u64>) -> Self {
		Self {
			sequences,
			sizes,
			shuffle,
			lengths: None,
			epoch: None,
		}
	}

	/// With batches of sequences of about the same length; `lengths` are the sequences'.
	pub fn grouped(mut self, lengths: Vec<usize>) -> Self {
		self.lengths = Some(lengths);
		self
	}

	/// Steps of one pass.
	pub fn steps_per_epoch(&self) -> usize {
		self.sequences
			.div_ceil(self.sizes.batch_size)
			.div_ceil(self.sizes.accumulation)
	}

	/// Steps of the run.
	pub fn total_steps(&self) -> usize {
		match self.sizes.max_steps {
			0 => (self.sizes.epochs * self.steps_per_epoch() as f64).ceil() as usize,
			steps => steps,
		}
	}

	/// Micro-batches of `step`, from 0.
	pub fn step(&mut self, step: usize) -> Vec<Vec<usize>> {
		let (epoch, within) = (step / self.steps_per_epoch(), step % self.steps_per_epoch());
		if self.epoch.as_ref().is_none_or(|(current, _)| *current != epoch) {
			self.epoch = Some((epoch, self.order(epoch)));
		}
		let order = self
			.epoch
			.as_ref()
			.map(|(_, order)| order.as_slice())
			.unwrap_or_default();
		let (batch, accumulation) = (self.sizes.batch_size, self.sizes.accumulation);
		let batches = order.chunks(batch).skip(within * accumulation).take(accumulation);
		batches.map(<[usize]>::to_vec).collect()
	}

	fn order(&self, epoch: usize) -> Vec<usize> {
		let mut order: Vec<usize> = (0..self.sequences).collect();
		let mut rng = self.shuffle.map(ChaCha8Rng::seed_from_u64);
		if let Some(rng) = &mut rng {
			rng.set_stream(epoch as u64);
			order.shuffle(rng);
		}
		let Some(lengths) = &self.lengths else {
			return order;
		};
		let batch = self.sizes.batch_size;
		for near in order.chunks_mut(batch.saturating_mul(SORTED)) {
			near.sort_by_key(|sequence| std::cmp::Reverse(lengths[*sequence]));
		}
		let (full, rest) = order.split_at(order.len() / batch * batch);
		let mut batches: Vec<&[usize]> = full.chunks(batch).collect();
		if let Some(rng) = &mut rng {
			batches.shuffle(rng);
		}
		[&batches.concat(), rest].concat()
	}
}

/// Numbers of the documents kept for validation: a seeded draw of `share`, at least one of each part where there are two
/// documents and a share.
pub fn validation(documents: usize, share: f64, seed: u64) -> Vec<bool> {
	let mut kept = vec![false; documents];
	if share <= 0.0 || documents < 2 {
		return kept;
	}
	let count = ((documents as f64 * share).round() as usize).clamp(1, documents - 1);
	let mut order: Vec<usize> = (0..documents).collect();
	let mut rng = ChaCha8Rng::seed_from_u64(seed);
	rng.set_stream(u64::MAX);
	order.shuffle(&mut rng);
	order[..count].iter().for_each(|i| kept[*i] = true);
	kept
}

#[cfg(test)]
mod tests {
	use super::*;

	fn sizes(max_steps: usize, epochs: f64) -> Sizes {
		Sizes {
			batch_size: 2,
			accumulation: 2,
			max_steps,
			epochs,
		}
	}

	#[test]
	fn plan_should_follow_the_data_when_not_shuffled() {
		let mut plan = Plan::new(7, sizes(0, 1.5), None);
		assert_eq!((plan.steps_per_epoch(), plan.total_steps()), (2, 3));
		assert_eq!(plan.step(0), [[0, 1], [2, 3]]);
		assert_eq!(plan.step(1), [vec![4, 5], vec![6]]);
		assert_eq!(plan.step(2), [[0, 1], [2, 3]]);
		assert_eq!(Plan::new(7, sizes(9, 1.5), None).total_steps(), 9);
	}

	#[test]
	fn plan_should_shuffle_every_epoch_anew_and_repeat_with_its_seed() {
		let epoch = |plan: &mut Plan, from: usize| {
			let mut all: Vec<usize> = (from..from + 10).flat_map(|s| plan.step(s)).flatten().collect();
			let order = all.clone();
			all.sort_unstable();
			assert_eq!(all, (0..40).collect::<Vec<_>>());
			order
		};
		let mut plan = Plan::new(40, sizes(0, 2.0), Some(7));
		let (first, second) = (epoch(&mut plan, 0), epoch(&mut plan, 10));
		assert_ne!(first, second);
		assert_eq!(epoch(&mut Plan::new(40, sizes(0, 2.0), Some(7)), 10), second);
		assert_ne!(epoch(&mut Plan::new(40, sizes(0, 2.0), Some(8)), 0), first);
	}

	#[test]
	fn grouped_plan_should_pad_little_and_stay_an_order_of_its_own() {
		let lengths: Vec<usize> = (0..401).map(|i| (i * 37) % 101 + 1).collect();
		let all = |plan: &mut Plan| -> Vec<Vec<usize>> { (0..101).flat_map(|step| plan.step(step)).collect() };
		let padded = |batches: &[Vec<usize>]| -> usize {
			let of = |batch: &Vec<usize>| {
				let longest = batch.iter().map(|i| lengths[*i]).max().unwrap_or(0);
				batch.iter().map(|i| longest - lengths[*i]).sum::<usize>()
			};
			batches.iter().map(of).sum()
		};
		let new = |seed| Plan::new(401, sizes(0, 1.0), Some(seed));
		let (plain, grouped) = (all(&mut new(1)), all(&mut new(1).grouped(lengths.clone())));
		assert!(padded(&grouped) * 10 < padded(&plain), "{}", padded(&grouped));
		let mut each: Vec<usize> = grouped.concat();
		each.sort_unstable();
		assert_eq!(each, (0..401).collect::<Vec<_>>());
		assert_eq!(grouped, all(&mut new(1).grouped(lengths.clone())));
		assert_ne!(grouped, all(&mut new(2).grouped(lengths.clone())));
		// Long and short batches are mixed.
		let first: Vec<usize> = grouped.iter().map(|batch| lengths[batch[0]]).collect();
		assert!(!first.is_sorted_by(|a, b| a >= b));
	}

	#[test]
	fn validation_should_take_its_share() {
		let count = |n, share| validation(n, share, 1).iter().filter(|k| **k).count();
		assert_eq!(
			(
				count(10, 0.0),
				count(10, 0.2),
				count(10, 0.999),
				count(10, 0.001),
				count(1, 0.5)
			),
			(0, 2, 9, 1, 0)
		);
		assert_eq!(validation(50, 0.3, 4), validation(50, 0.3, 4));
	}
}
