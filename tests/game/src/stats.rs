//! A ratio of two sums, and how sure it is.

/// Pay over honest pay, with its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
	pub value: f64,
	pub error: f64,
}

impl Ratio {
	/// Of sums over batches, `(numerator, denominator)` each; the error by leaving out one batch at a time (jackknife).
	pub fn of(batches: &[(f64, f64)]) -> Self {
		let sum = batches
			.iter()
			.fold((0., 0.), |sum, batch| (sum.0 + batch.0, sum.1 + batch.1));
		let value = sum.0 / sum.1;
		let count = batches.len() as f64;
		let without = batches.iter().map(|batch| (sum.0 - batch.0) / (sum.1 - batch.1));
		let squares: f64 = without.map(|left| (left - value).powi(2)).sum();
		Self {
			value,
			error: (squares * (count - 1.) / count).sqrt(),
		}
	}

	/// The value, less what chance may have added to it (three standard errors).
	pub fn at_least(&self) -> f64 {
		self.value - 3. * self.error
	}
}

/// The smallest rate that would show `hits` or more in `trials` with a chance of about one in a thousand: `hits` less three
/// standard deviations of a count.
pub fn rate_at_least(hits: u64, trials: u64) -> f64 {
	let hits = hits as f64;
	(hits - 3. * hits.sqrt()).max(0.) / trials as f64
}
