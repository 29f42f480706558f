//! Activations of the feed-forward part.

use super::{elements, flat, make, output, reference, ELEMENTS_PER_TASK};
use crate::kernels::math::{sigmoid, vectorised};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `2 · sqrt(2 / π)`: the tanh approximation is `x · sigmoid(TWICE_SQRT · (x + CUBIC · x³))`.
const TWICE_SQRT: f32 = 1.595_769;
const CUBIC: f32 = 0.044_715;

/// `silu(gate) * up`, elementwise.
pub fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
	if !reference::is_fused(gate.device()) {
		return reference::swiglu(gate, up);
	}
	gate.contiguous()?.apply_op2(&up.contiguous()?, SwiGlu)
}

/// The tanh approximation of GELU (`gelu_new`, `gelu_pytorch_tanh`).
pub fn gelu_tanh(x: &Tensor) -> Result<Tensor> {
	if !reference::is_fused(x.device()) {
		return x.gelu();
	}
	x.contiguous()?.apply_op1(GeluTanh)
}

vectorised! {
	/// `out = silu(gate) · up`.
	pub fn swiglu_part(out: &mut [f32], gate: &[f32], up: &[f32]) {
		for ((out, &g), &u) in out.iter_mut().zip(gate).zip(up) {
			*out = g * sigmoid(g) * u;
		}
	}

	/// `gate` and `up` become their gradients; `grad` is that of their product.
	pub fn swiglu_gradient_part(gate: &mut [f32], up: &mut [f32], grad: &[f32]) {
		for ((g, u), &d) in gate.iter_mut().zip(up.iter_mut()).zip(grad) {
			let s = sigmoid(*g);
			let silu = *g * s;
			let d_gate = d * *u * (s + silu * (1.0 - s));
			*u = d * silu;
			*g = d_gate;
		}
	}

	/// `out = gelu(x)`.
	pub fn gelu_part(out: &mut [f32], x: &[f32]) {
		for (out, &x) in out.iter_mut().zip(x) {
			*out = x * sigmoid(TWICE_SQRT * (x + CUBIC * x * x * x));
		}
	}

	/// `x` becomes its gradient; `grad` is that of `gelu(x)`.
	pub fn gelu_gradient_part(x: &mut [f32], grad: &[f32]) {
		for (x, &d) in x.iter_mut().zip(grad) {
			let s = sigmoid(TWICE_SQRT * (*x + CUBIC * *x * *x * *x));
			let inner = TWICE_SQRT * (1.0 + 3.0 * CUBIC * *x * *x);
			*x = d * (s + *x * s * (1.0 - s) * inner);
		}
	}
}

/// `silu(gate) · up` into `out`.
pub(crate) fn swiglu_forward(out: &mut [f32], gate: &[f32], up: &[f32]) {
	out.par_chunks_mut(ELEMENTS_PER_TASK)
		.zip(gate.par_chunks(ELEMENTS_PER_TASK))
		.zip(up.par_chunks(ELEMENTS_PER_TASK))
		.for_each(|((out, gate), up)| swiglu_part(out, gate, up));
}

/// Puts the gradients of `gate` and `up` in their place.
pub(crate) fn swiglu_backward(gate: &mut [f32], up: &mut [f32], grad: &[f32]) {
	gate.par_chunks_mut(ELEMENTS_PER_TASK)
		.zip(up.par_chunks_mut(ELEMENTS_PER_TASK))
		.zip(grad.par_chunks(ELEMENTS_PER_TASK))
		.for_each(|((gate, up), grad)| swiglu_gradient_part(gate, up, grad));
}

/// `silu(gate) · up` of rows that hold gate, then up, `width` elements together.
pub(crate) fn swiglu_rows_forward(out: &mut [f32], both: &[f32], width: usize) {
	out.par_chunks_mut(width / 2)
		.with_min_len(super::rows_per_task(width))
		.zip(both.par_chunks(width))
		.for_each(|(out, row)| swiglu_part(out, &row[..width / 2], &row[width / 2..]));
}

/// Puts the gradients of such rows in their place.
pub(crate) fn swiglu_rows_backward(both: &mut [f32], grad: &[f32], width: usize) {
	both.par_chunks_mut(width)
		.with_min_len(super::rows_per_task(width))
		.zip(grad.par_chunks(width / 2))
		.for_each(|(row, grad)| {
			let (gate, up) = row.split_at_mut(width / 2);
			swiglu_gradient_part(gate, up, grad);
		});
}

/// `gelu(x)` into `out`.
pub(crate) fn gelu_forward(out: &mut [f32], x: &[f32]) {
	out.par_chunks_mut(ELEMENTS_PER_TASK)
		.zip(x.par_chunks(ELEMENTS_PER_TASK))
		.for_each(|(out, x)| gelu_part(out, x));
}

/// Puts the gradient of `x` in its place.
pub(crate) fn gelu_backward(x: &mut [f32], grad: &[f32]) {
	x.par_chunks_mut(ELEMENTS_PER_TASK)
		.zip(grad.par_chunks(ELEMENTS_PER_TASK))
		.for_each(|(x, grad)| gelu_gradient_part(x, grad));
}

struct SwiGlu;

impl CustomOp2 for SwiGlu {
	fn name(&self) -> &'static str {
		"swiglu"
	}

	fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
		let (gate, up) = (elements(s1, l1)?, elements(s2, l2)?);
		let mut out = vec![0f32; gate.len()];
		swiglu_forward(&mut out, gate, up);
		Ok(output(out, l1.shape().clone()))
	}

	fn bwd(&self, gate: &Tensor, up: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
		let shape = gate.shape().clone();
		flat!(gate = gate);
		flat!(up = up);
		flat!(grad = grad);
		let (mut gate, mut up) = (gate.to_vec(), up.to_vec());
		swiglu_backward(&mut gate, &mut up, grad);
		Ok((Some(make(gate, &shape)?), Some(make(up, &shape)?)))
	}
}

struct GeluTanh;

impl CustomOp1 for GeluTanh {
	fn name(&self) -> &'static str {
		"gelu-tanh"
	}

	fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
		let x = elements(storage, layout)?;
		let mut out = vec![0f32; x.len()];
		gelu_forward(&mut out, x);
		Ok(output(out, layout.shape().clone()))
	}

	fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
		let shape = x.shape().clone();
		flat!(x = x);
		flat!(grad = grad);
		let mut x = x.to_vec();
		gelu_backward(&mut x, grad);
		Ok(Some(make(x, &shape)?))
	}
}
