//! Feed-forward part of a step.

use super::linear::Mask;
use super::{Gradients, Pass};
use crate::decoder::feed_forward::{Inner, Mlp};
use crate::error::Result;
use crate::linear::{DropoutRng, Linear};
use crate::ops::activation::{
	gelu_backward, gelu_forward, swiglu_backward, swiglu_forward, swiglu_rows_backward, swiglu_rows_forward,
};

/// What the backward pass needs.
pub(super) struct Saved {
	/// Results of the layers before the last: gate and up, both in one, or up.
	parts: Vec<Vec<f32>>,
	/// Of those layers, then of the last one.
	masks: Vec<Mask>,
}

impl Mlp {
	/// The layers before the last, as dropout's masks are drawn.
	fn inputs(&self) -> Vec<&Linear> {
		match &self.inner {
			Inner::Gated([gate, up]) => vec![up, gate],
			Inner::Joined(one) | Inner::Gelu(one) => vec![one],
		}
	}

	fn activate(&self, parts: &[Vec<f32>]) -> Vec<f32> {
		let len = match self.inner {
			Inner::Joined(_) => parts[0].len() / 2,
			_ => parts[0].len(),
		};
		let mut out = vec![0f32; len];
		match &self.inner {
			Inner::Gated(_) => swiglu_forward(&mut out, &parts[1], &parts[0]),
			Inner::Joined(both) => swiglu_rows_forward(&mut out, &parts[0], both.width()),
			Inner::Gelu(_) => gelu_forward(&mut out, &parts[0]),
		}
		out
	}

	/// The parts become their gradients.
	fn activate_backward(&self, parts: &mut [Vec<f32>], grad: &[f32]) {
		match (&self.inner, parts) {
			(Inner::Gated(_), [up, gate]) => swiglu_backward(gate, up, grad),
			(Inner::Joined(layer), [both]) => swiglu_rows_backward(both, grad, layer.width()),
			(_, parts) => gelu_backward(&mut parts[0], grad),
		}
	}
}

impl Pass<'_> {
	/// `residual` and what the feed-forward part makes of `x`.
	pub fn feed_forward(
		&self,
		mlp: &Mlp,
		x: &[f32],
		residual: &[f32],
		dropout: &mut DropoutRng,
	) -> Result<(Vec<f32>, Saved)> {
		let mut masks = Vec::new();
		let input = self.input(x);
		let layers = mlp.inputs().into_iter();
		let parts = layers
			.map(|l| self.linear(l, &input, None, dropout, &mut masks))
			.collect::<Result<Vec<_>>>()?;
		drop(input);
		let inner = mlp.activate(&parts);
		let y = self.linear(&mlp.down, &self.input(&inner), Some(residual), dropout, &mut masks)?;
		Ok((y, Saved { parts, masks }))
	}

	/// The gradient of `x`, made again by `input` where it is needed; `grad` is that of the result.
	pub fn feed_forward_backward(
		&self,
		mlp: &Mlp,
		input: impl FnOnce() -> Result<Vec<f32>>,
		saved: Saved,
		grad: &[f32],
		gradients: &mut Gradients,
	) -> Result<Vec<f32>> {
		let Saved { mut parts, masks } = saved;
		let (masks, for_down) = masks.split_at(parts.len());
		let inner = mlp.down.wants_input().then(|| mlp.activate(&parts));
		let down = (&mlp.down, grad, &for_down[0]);
		let d_inner = self.linears_backward(&[down], inner.as_deref(), true, gradients)?;
		drop(inner);
		mlp.activate_backward(&mut parts, &d_inner);
		drop(d_inner);
		let layers = mlp.inputs();
		let grads = layers.iter().zip(&parts).zip(masks);
		let branches: Vec<_> = grads.map(|((l, grad), mask)| (*l, grad.as_slice(), mask)).collect();
		let x = match layers.iter().any(|l| l.wants_input()) {
			true => Some(input()?),
			false => None,
		};
		self.linears_backward(&branches, x.as_deref(), true, gradients)
	}
}
