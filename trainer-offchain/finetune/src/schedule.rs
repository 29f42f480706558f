//! Learning rates, as transformers' `get_*_schedule_with_warmup` give them.

use crate::config::Scheduler;

/// Factor on the peak learning rate at `step` (from 0) of `total`.
pub fn factor(scheduler: Scheduler, step: usize, warmup: usize, total: usize) -> f64 {
	if step < warmup {
		return step as f64 / warmup as f64;
	}
	let rest = total.saturating_sub(warmup).max(1) as f64;
	match scheduler {
		Scheduler::Constant => 1.0,
		Scheduler::Linear => (total.saturating_sub(step) as f64 / rest).max(0.0),
		Scheduler::Cosine => cosine((step - warmup) as f64 / rest),
	}
}

/// Half a cosine from 1 at 0 to 0 at 1.
pub fn cosine(progress: f64) -> f64 {
	(0.5 * (1.0 + (std::f64::consts::PI * progress).cos())).max(0.0)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn factors_should_equal_those_of_transformers() {
		let all = |scheduler, warmup, total| {
			(0..total)
				.map(|s| factor(scheduler, s, warmup, total))
				.collect::<Vec<_>>()
		};
		assert_eq!(all(Scheduler::Constant, 2, 4), [0.0, 0.5, 1.0, 1.0]);
		assert_eq!(all(Scheduler::Linear, 2, 6), [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]);
		// get_cosine_schedule_with_warmup(optimizer, 2, 10) on a learning rate of 1
		let expected = [
			0.0,
			0.5,
			1.0,
			0.961_939_8,
			0.853_553_4,
			0.691_341_7,
			0.5,
			0.308_658_3,
			0.146_446_6,
			0.038_060_2,
		];
		for (found, expected) in all(Scheduler::Cosine, 2, 10).iter().zip(expected) {
			assert!((found - expected).abs() < 1e-6, "{found} {expected}");
		}
		assert_eq!(factor(Scheduler::Linear, 7, 0, 5), 0.0);
		assert_eq!(factor(Scheduler::Cosine, 0, 5, 3), 0.0);
	}
}
