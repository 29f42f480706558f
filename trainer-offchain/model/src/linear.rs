//! A linear layer, with or without a low-rank adapter around it.

use crate::error::Result;
use crate::ops::{linear, lora_linear, Weight};
use candle_core::Tensor;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Generator of dropout masks; none outside training.
pub type DropoutRng = Option<ChaCha8Rng>;

/// A linear layer.
#[derive(Clone, Debug)]
pub struct Linear {
	/// Its module path in transformers' causal model, as PEFT names it.
	pub path: String,
	/// The base weight.
	pub weight: Weight,
	/// The adapter around it.
	pub adapter: Option<Adapter>,
}

/// `scale · B A`, added to a frozen weight.
#[derive(Clone, Debug)]
pub struct Adapter {
	/// `[rank, in]`.
	pub a: Tensor,
	/// `[out, rank]`.
	pub b: Tensor,
	/// `alpha / rank`, or `alpha / sqrt(rank)`.
	pub scale: f32,
	/// Probability that an element of the adapter's input is dropped in training.
	pub dropout: f32,
}

impl Linear {
	/// Last part of the path: what adapters' targets name.
	pub fn short_name(&self) -> &str {
		self.path.rsplit('.').next().unwrap_or(&self.path)
	}

	/// `x [.., in]` to `[.., out]`.
	pub fn forward(&self, x: &Tensor, dropout: &mut DropoutRng) -> Result<Tensor> {
		let Some(adapter) = &self.adapter else {
			return Ok(linear(x, &self.weight)?);
		};
		let mask = match dropout {
			Some(rng) if adapter.dropout > 0.0 => Some(Arc::new(mask(rng, x.elem_count(), adapter.dropout))),
			_ => None,
		};
		Ok(lora_linear(
			x,
			&self.weight,
			&adapter.a,
			&adapter.b,
			adapter.scale,
			mask,
		)?)
	}
}

/// 0 with probability `p`, else `1 / (1 - p)`.
pub(crate) fn mask(rng: &mut ChaCha8Rng, len: usize, p: f32) -> Vec<f32> {
	let kept = 1.0 / (1.0 - p);
	(0..len)
		.map(|_| if rng.random::<f32>() < p { 0.0 } else { kept })
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use rand::SeedableRng;

	#[test]
	fn mask_should_keep_the_mean_and_repeat_with_its_seed() {
		let make = || mask(&mut ChaCha8Rng::seed_from_u64(3), 100_000, 0.3);
		let mean = make().iter().sum::<f32>() / 1e5;
		assert!((mean - 1.0).abs() < 0.02, "{mean}");
		assert_eq!(make(), make());
	}
}
