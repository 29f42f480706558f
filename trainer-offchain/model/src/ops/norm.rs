//! RMS and layer normalisation over the last dimension, trainable or frozen.

use super::{elements, flat, make, output, reference, rows_and_width, rows_per_task};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `x / sqrt(mean(x²) + eps) * weight`; `weight [width]`.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
	if !x.device().is_cpu() {
		return reference::rms_norm(x, weight, eps);
	}
	x.contiguous()?.apply_op2(weight, RmsNorm { eps })
}

/// `(x - mean) / sqrt(var + eps) * weight + bias`; `weight, bias [width]`.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
	if !x.device().is_cpu() {
		return reference::layer_norm(x, weight, bias, eps);
	}
	x.contiguous()?.apply_op3(weight, bias, LayerNorm { eps })
}

/// Mean (0 for RMS) and inverse deviation of a row.
fn moments(row: &[f32], eps: f32, centred: bool) -> (f32, f32) {
	let n = row.len() as f32;
	let mean = if centred { row.iter().sum::<f32>() / n } else { 0.0 };
	let var = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n;
	(mean, 1.0 / (var + eps).sqrt())
}

fn forward(x: &[f32], weight: &[f32], bias: Option<&[f32]>, eps: f32) -> Vec<f32> {
	let width = weight.len();
	let mut out = vec![0f32; x.len()];
	let task = rows_per_task(width) * width;
	out.par_chunks_mut(task).zip(x.par_chunks(task)).for_each(|(out, x)| {
		for (out, x) in out.chunks_mut(width).zip(x.chunks(width)) {
			let (mean, inverse) = moments(x, eps, bias.is_some());
			for i in 0..width {
				out[i] = (x[i] - mean) * inverse * weight[i] + bias.map_or(0.0, |b| b[i]);
			}
		}
	});
	out
}

/// Gradients of the input and, summed over rows, of weight and bias.
struct Gradients {
	x: Vec<f32>,
	weight: Vec<f32>,
	bias: Vec<f32>,
}

fn backward(x: &[f32], weight: &[f32], grad: &[f32], eps: f32, centred: bool) -> Gradients {
	let width = weight.len();
	let task = rows_per_task(width) * width;
	let mut d_x = vec![0f32; x.len()];
	let partial: Vec<(Vec<f32>, Vec<f32>)> = d_x
		.par_chunks_mut(task)
		.zip(x.par_chunks(task))
		.zip(grad.par_chunks(task))
		.map(|((d_x, x), grad)| {
			let (mut d_weight, mut d_bias) = (vec![0f32; width], vec![0f32; width]);
			for ((d_x, x), grad) in d_x.chunks_mut(width).zip(x.chunks(width)).zip(grad.chunks(width)) {
				let (mean, inverse) = moments(x, eps, centred);
				let (mut sum, mut dot) = (0f32, 0f32);
				for i in 0..width {
					let hat = (x[i] - mean) * inverse;
					let g = grad[i] * weight[i];
					sum += g;
					dot += g * hat;
					d_weight[i] += grad[i] * hat;
					d_bias[i] += grad[i];
				}
				let sum = if centred { sum / width as f32 } else { 0.0 };
				let dot = dot / width as f32;
				for i in 0..width {
					let hat = (x[i] - mean) * inverse;
					d_x[i] = inverse * (grad[i] * weight[i] - sum - hat * dot);
				}
			}
			(d_weight, d_bias)
		})
		.collect();
	let (mut d_weight, mut d_bias) = (vec![0f32; width], vec![0f32; width]);
	for (w, b) in &partial {
		d_weight.iter_mut().zip(w).for_each(|(sum, x)| *sum += x);
		d_bias.iter_mut().zip(b).for_each(|(sum, x)| *sum += x);
	}
	Gradients {
		x: d_x,
		weight: d_weight,
		bias: d_bias,
	}
}

struct RmsNorm {
	eps: f32,
}

impl CustomOp2 for RmsNorm {
	fn name(&self) -> &'static str {
		"rms-norm"
	}

	fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
		let out = forward(elements(s1, l1)?, elements(s2, l2)?, None, self.eps);
		Ok(output(out, l1.shape().clone()))
	}

	fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
		let (x_shape, w_shape, w_tracked) = (x.shape().clone(), weight.shape().clone(), weight.track_op());
		flat!(x = x);
		flat!(weight = weight);
		flat!(grad = grad);
		let gradients = backward(x, weight, grad, self.eps, false);
		let d_weight = if w_tracked {
			Some(make(gradients.weight, &w_shape)?)
		} else {
			None
		};
		Ok((Some(make(gradients.x, &x_shape)?), d_weight))
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
		let out = forward(elements(s1, l1)?, weight, Some(elements(s3, l3)?), self.eps);
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
		let gradients = backward(x, weight, grad, self.eps, true);
		let d_weight = if w_tracked {
			Some(make(gradients.weight, &w_shape)?)
		} else {
			None
		};
		let d_bias = if b_tracked {
			Some(make(gradients.bias, &w_shape)?)
		} else {
			None
		};
		Ok((Some(make(gradients.x, &x_shape)?), d_weight, d_bias))
	}
}
