//! RMS and layer normalisation over the last dimension, trainable or frozen.

use super::{elements, flat, make, output, reference, rows_and_width, rows_per_task};
use crate::kernels::math::{add, sum_of, vectorised};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `x / sqrt(mean(x²) + eps) * weight`; `weight [width]`.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
	if !reference::is_fused(x.device()) {
		return reference::rms_norm(x, weight, eps);
	}
	x.contiguous()?.apply_op2(weight, RmsNorm { eps })
}

/// `(x - mean) / sqrt(var + eps) * weight + bias`; `weight, bias [width]`.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
	if !reference::is_fused(x.device()) {
		return reference::layer_norm(x, weight, bias, eps);
	}
	x.contiguous()?.apply_op3(weight, bias, LayerNorm { eps })
}

/// Mean (0 for RMS) and inverse deviation of a row.
#[inline(always)]
fn moments(row: &[f32], eps: f32, centred: bool) -> (f32, f32) {
	let n = row.len() as f32;
	let mean = if centred { sum_of([row], |[x]| x) / n } else { 0.0 };
	let var = sum_of([row], |[x]| (x - mean) * (x - mean)) / n;
	(mean, 1.0 / (var + eps).sqrt())
}

vectorised! {
	/// Rows of `x`, normalised, into `out`.
	pub fn forward_rows(out: &mut [f32], x: &[f32], weight: &[f32], bias: Option<&[f32]>, eps: f32) {
		let width = weight.len();
		for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
			let (mean, inverse) = moments(x, eps, bias.is_some());
			match bias {
				Some(bias) => for i in 0..width {
					out[i] = (x[i] - mean) * inverse * weight[i] + bias[i];
				},
				None => for i in 0..width {
					out[i] = x[i] * inverse * weight[i];
				},
			}
		}
	}

	/// Adds the gradients of rows of `x` to `d_x`.
	pub fn backward_rows(d_x: &mut [f32], x: &[f32], weight: &[f32], grad: &[f32], eps: f32, centred: bool) {
		let width = weight.len();
		for ((d_x, x), grad) in d_x.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(grad.chunks_exact(width)) {
			let (mean, inverse) = moments(x, eps, centred);
			let n = width as f32;
			let sum = if centred { sum_of([grad, weight], |[d, w]| d * w) / n } else { 0.0 };
			let dot = sum_of([grad, weight, x], |[d, w, x]| d * w * ((x - mean) * inverse)) / n;
			for i in 0..width {
				let hat = (x[i] - mean) * inverse;
				d_x[i] += inverse * (grad[i] * weight[i] - sum - hat * dot);
			}
		}
	}

	/// Adds the gradients of weight and bias from rows of `x`.
	pub fn parameter_rows(d_weight: &mut [f32], d_bias: &mut [f32], x: &[f32], grad: &[f32], eps: f32, centred: bool) {
		let width = d_weight.len();
		for (x, grad) in x.chunks_exact(width).zip(grad.chunks_exact(width)) {
			let (mean, inverse) = moments(x, eps, centred);
			for i in 0..width {
				d_weight[i] += grad[i] * ((x[i] - mean) * inverse);
				d_bias[i] += grad[i];
			}
		}
	}
}

/// `x [rows, width]`, normalised, into `out`; a bias makes it a layer norm.
pub(crate) fn forward(out: &mut [f32], x: &[f32], weight: &[f32], bias: Option<&[f32]>, eps: f32) {
	let task = rows_per_task(weight.len()) * weight.len();
	out.par_chunks_mut(task)
		.zip(x.par_chunks(task))
		.for_each(|(out, x)| forward_rows(out, x, weight, bias, eps));
}

/// Adds the gradient of `x` to `d_x`.
pub(crate) fn backward(d_x: &mut [f32], x: &[f32], weight: &[f32], grad: &[f32], eps: f32, centred: bool) {
	let task = rows_per_task(weight.len()) * weight.len();
	d_x.par_chunks_mut(task)
		.zip(x.par_chunks(task))
		.zip(grad.par_chunks(task))
		.for_each(|((d_x, x), grad)| backward_rows(d_x, x, weight, grad, eps, centred));
}

/// Gradients of weight and bias, `[width]` each.
pub(crate) fn parameter_gradients(
	x: &[f32],
	width: usize,
	grad: &[f32],
	eps: f32,
	centred: bool,
) -> (Vec<f32>, Vec<f32>) {
	let task = rows_per_task(width) * width;
	let parts: Vec<(Vec<f32>, Vec<f32>)> = x
		.par_chunks(task)
		.zip(grad.par_chunks(task))
		.map(|(x, grad)| {
			let (mut d_weight, mut d_bias) = (vec![0f32; width], vec![0f32; width]);
			parameter_rows(&mut d_weight, &mut d_bias, x, grad, eps, centred);
			(d_weight, d_bias)
		})
		.collect();
	let (mut d_weight, mut d_bias) = (vec![0f32; width], vec![0f32; width]);
	for (w, b) in &parts {
		add(&mut d_weight, w);
		add(&mut d_bias, b);
	}
	(d_weight, d_bias)
}

struct RmsNorm {
	eps: f32,
}

impl CustomOp2 for RmsNorm {
	fn name(&self) -> &'static str {
		"rms-norm"
	}

	fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
		let x = elements(s1, l1)?;
		let mut out = vec![0f32; x.len()];
		forward(&mut out, x, elements(s2, l2)?, None, self.eps);
		Ok(output(out, l1.shape().clone()))
	}

	fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
		let (x_shape, w_shape, w_tracked) = (x.shape().clone(), weight.shape().clone(), weight.track_op());
		flat!(x = x);
		flat!(weight = weight);
		flat!(grad = grad);
		let mut d_x = vec![0f32; x.len()];
		backward(&mut d_x, x, weight, grad, self.eps, false);
		let d_weight = match w_tracked {
			true => Some(make(
				parameter_gradients(x, weight.len(), grad, self.eps, false).0,
				&w_shape,
			)?),
			false => None,
		};
		Ok((Some(make(d_x, &x_shape)?), d_weight))
	}
}

struct LayerNorm {
	eps: f32,
}

impl CustomOp3 for LayerNorm {
	fn name(&self) -> &'static str {
		"layer-norm"
	}

	fn cpu_fwd(
		&self,
		s1: &CpuStorage,
		l1: &Layout,
		s2: &CpuStorage,
		l2: &Layout,
		s3: &CpuStorage,
		l3: &Layout,
	) -> Result<(CpuStorage, Shape)> {
		let (_, width) = rows_and_width(l1.shape());
		let weight = elements(s2, l2)?;
		if weight.len() != width {
			candle_core::bail!("layer-norm: weight of {} for rows of {width}", weight.len());
		}
		let x = elements(s1, l1)?;
		let mut out = vec![0f32; x.len()];
		forward(&mut out, x, weight, Some(elements(s3, l3)?), self.eps);
		Ok(output(out, l1.shape().clone()))
	}

	fn bwd(
		&self,
		x: &Tensor,
		weight: &Tensor,
		bias: &Tensor,
		_: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
		let (x_shape, w_shape) = (x.shape().clone(), weight.shape().clone());
		let (w_tracked, b_tracked) = (weight.track_op(), bias.track_op());
		flat!(x = x);
		flat!(weight = weight);
		flat!(grad = grad);
		let mut d_x = vec![0f32; x.len()];
		backward(&mut d_x, x, weight, grad, self.eps, true);
		let (mut d_weight, mut d_bias) = (None, None);
		if w_tracked || b_tracked {
			let (w, b) = parameter_gradients(x, weight.len(), grad, self.eps, true);
			d_weight = w_tracked.then(|| make(w, &w_shape)).transpose()?;
			d_bias = b_tracked.then(|| make(b, &w_shape)).transpose()?;
		}
		Ok((Some(make(d_x, &x_shape)?), d_weight, d_bias))
	}
}
