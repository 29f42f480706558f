//! What DoRA adds to a linear layer of a step: `y = factor ∘ (x Wᵀ + scale · x Aᵀ Bᵀ) + b`, the factor a magnitude over a norm.

use crate::error::Result;
use crate::kernels::math;
use crate::linear::Adapter;
use crate::ops::Weight;

/// Of a layer's outputs.
pub(super) struct Rescale {
	factor: Vec<f32>,
	norms: Vec<f32>,
}

impl Rescale {
	/// None without DoRA. It is computed in the backward pass again: that costs the products of a few rows.
	pub fn of(adapter: &Adapter, weight: &Weight) -> Result<Option<Self>> {
		let Some(dora) = &adapter.dora else { return Ok(None) };
		let norms = adapter.norms(dora, weight)?;
		let factor = (&dora.magnitude.detach() / &norms)?;
		Ok(Some(Self {
			factor: factor.to_vec1()?,
			norms: norms.to_vec1()?,
		}))
	}

	/// `factor ∘ x`, row by row.
	pub fn times(&self, x: &[f32]) -> Vec<f32> {
		let mut x = x.to_vec();
		for row in x.chunks_exact_mut(self.factor.len()) {
			row.iter_mut().zip(&self.factor).for_each(|(x, factor)| *x *= factor);
		}
		x
	}

	/// `y += factor ∘ sum + bias`, row by row.
	pub fn add(&self, y: &mut [f32], sum: &[f32], bias: Option<&[f32]>) {
		let width = self.factor.len();
		for (y, sum) in y.chunks_exact_mut(width).zip(sum.chunks_exact(width)) {
			let terms = sum.iter().zip(&self.factor);
			y.iter_mut()
				.zip(terms)
				.for_each(|(y, (sum, factor))| *y += sum * factor);
			if let Some(bias) = bias {
				math::add(y, bias);
			}
		}
	}

	/// The gradient of the magnitudes: `Σ grad ∘ sum / norms` over the rows.
	pub fn gradient(&self, grad: &[f32], sum: &[f32]) -> Vec<f32> {
		let width = self.norms.len();
		let mut total = vec![0f32; width];
		for (grad, sum) in grad.chunks_exact(width).zip(sum.chunks_exact(width)) {
			let terms = grad.iter().zip(sum);
			total
				.iter_mut()
				.zip(terms)
				.for_each(|(total, (grad, sum))| *total += grad * sum);
		}
		total
			.iter_mut()
			.zip(&self.norms)
			.for_each(|(total, norm)| *total /= norm);
		total
	}
}
