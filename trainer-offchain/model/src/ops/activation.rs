//! Activations of the feed-forward part.

use super::{elements, flat, make, output, reference, ELEMENTS_PER_TASK};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

fn sigmoid(x: f32) -> f32 {
	1.0 / (1.0 + (-x).exp())
}

/// `silu(gate) * up`, elementwise.
pub fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
	if !gate.device().is_cpu() {
		return reference::swiglu(gate, up);
	}
	gate.contiguous()?.apply_op2(&up.contiguous()?, SwiGlu)
}

/// The tanh approximation of GELU (`gelu_new`, `gelu_pytorch_tanh`).
pub fn gelu_tanh(x: &Tensor) -> Result<Tensor> {
	if !x.device().is_cpu() {
		return x.gelu();
	}
	x.contiguous()?.apply_op1(GeluTanh)
}

struct SwiGlu;

impl CustomOp2 for SwiGlu {
	fn name(&self) -> &'static str {
		"swiglu"
	}

	fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
		let (gate, up) = (elements(s1, l1)?, elements(s2, l2)?);
		let mut out = vec![0f32; gate.len()];
		out.par_chunks_mut(ELEMENTS_PER_TASK)
			.zip(gate.par_chunks(ELEMENTS_PER_TASK))
			.zip(up.par_chunks(ELEMENTS_PER_TASK))
			.for_each(|((out, gate), up)| {
				for ((o, &g), &u) in out.iter_mut().zip(gate).zip(up) {
					*o = g * sigmoid(g) * u;
				}
			});
		Ok(output(out, l1.shape().clone()))
	}

	fn bwd(&self, gate: &Tensor, up: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
		let shape = gate.shape().clone();
		flat!(gate = gate);
		flat!(up = up);
		flat!(grad = grad);
		let mut d_gate = vec![0f32; gate.len()];
		let mut d_up = vec![0f32; gate.len()];
		d_gate
			.par_chunks_mut(ELEMENTS_PER_TASK)
			.zip(d_up.par_chunks_mut(ELEMENTS_PER_TASK))
			.enumerate()
			.for_each(|(task, (d_gate, d_up))| {
				let from = task * ELEMENTS_PER_TASK;
				for i in 0..d_gate.len() {
					let (g, u, d) = (gate[from + i], up[from + i], grad[from + i]);
					let s = sigmoid(g);
					d_up[i] = d * g * s;
					d_gate[i] = d * u * s * (1.0 + g * (1.0 - s));
				}
			});
		Ok((Some(make(d_gate, &shape)?), Some(make(d_up, &shape)?)))
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
		out.par_chunks_mut(ELEMENTS_PER_TASK)
			.zip(x.par_chunks(ELEMENTS_PER_TASK))
			.for_each(|(out, x)| {
				for (o, &x) in out.iter_mut().zip(x) {
					*o = 0.5 * x * (1.0 + (SQRT_2_OVER_PI * (x + CUBIC * x * x * x)).tanh());
				}
			});
		Ok(output(out, layout.shape().clone()))
	}

	fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
		let shape = x.shape().clone();
		flat!(x = x);
		flat!(grad = grad);
		let mut out = vec![0f32; x.len()];
		out.par_chunks_mut(ELEMENTS_PER_TASK)
			.enumerate()
			.for_each(|(task, out)| {
				let from = task * ELEMENTS_PER_TASK;
				for (i, o) in out.iter_mut().enumerate() {
					let x = x[from + i];
					let t = (SQRT_2_OVER_PI * (x + CUBIC * x * x * x)).tanh();
					let inner = SQRT_2_OVER_PI * (1.0 + 3.0 * CUBIC * x * x);
					*o = grad[from + i] * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner);
				}
			});
		Ok(Some(make(out, &shape)?))
	}
}
