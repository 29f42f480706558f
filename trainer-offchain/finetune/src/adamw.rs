//! AdamW as PyTorch's, and clipping as `torch.nn.utils.clip_grad_norm_`.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, Var};
use rayon::prelude::*;
use std::sync::Mutex;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPS: f64 = 1e-8;
/// Elements per parallel task.
const TASK: usize = 1 << 14;

/// The optimiser, over variables in a fixed order.
pub struct AdamW {
	weight_decay: f64,
	step: i32,
	slots: Vec<Slot>,
}

struct Slot {
	variable: Tensor,
	first: Vec<f32>,
	second: Vec<f32>,
}

impl AdamW {
	/// Starts with empty moments.
	pub fn new(variables: Vec<Tensor>, weight_decay: f64) -> Self {
		let slot = |variable: Tensor| {
			let len = variable.elem_count();
			Slot {
				variable,
				first: vec![0.0; len],
				second: vec![0.0; len],
			}
		};
		Self {
			weight_decay,
			step: 0,
			slots: variables.into_iter().map(slot).collect(),
		}
	}

	/// The moments of a variable, by its place in the order.
	pub fn moments(&self, index: usize) -> (&[f32], &[f32]) {
		let slot = &self.slots[index];
		(&slot.first, &slot.second)
	}

	/// Goes on after `step` updates, with the moments that there were.
	pub fn restore(&mut self, step: i32, moments: Vec<(Vec<f32>, Vec<f32>)>) {
		self.step = step;
		for (slot, (first, second)) in self.slots.iter_mut().zip(moments) {
			(slot.first, slot.second) = (first, second);
		}
	}

	/// One update; gradients, in the order of the variables, are taken times `grad_scale`. A variable without a
	/// gradient stays as it is.
	pub fn update(&mut self, grads: &[Option<Tensor>], grad_scale: f64, learning_rate: f64) -> Result<()> {
		self.step += 1;
		let factors = Factors {
			grad_scale: grad_scale as f32,
			keep: (1.0 - learning_rate * self.weight_decay) as f32,
			step_size: (learning_rate / (1.0 - BETA1.powi(self.step))) as f32,
			root_correction: (1.0 - BETA2.powi(self.step)).sqrt() as f32,
		};
		for (slot, grad) in self.slots.iter_mut().zip(grads) {
			let Some(grad) = grad else { continue };
			let grad = grad.flatten_all()?.to_vec1::<f32>()?;
			let moments = Mutex::new((&mut slot.first[..], &mut slot.second[..]));
			let op = Update {
				factors,
				grad: &grad,
				moments,
			};
			if slot.variable.device().is_cpu() {
				slot.variable.inplace_op1(&op)?;
			} else {
				let shape = slot.variable.shape().clone();
				let mut values = slot.variable.flatten_all()?.to_vec1::<f32>()?;
				op.apply(&mut values);
				let new = Tensor::from_vec(values, shape, slot.variable.device())?;
				Var::from_tensor(&slot.variable)?.set(&new)?;
			}
		}
		Ok(())
	}
}

/// Of one update.
#[derive(Clone, Copy)]
pub struct Factors {
	grad_scale: f32,
	/// `1 - lr * weight_decay`.
	keep: f32,
	/// `lr / (1 - beta1^t)`.
	step_size: f32,
	/// `sqrt(1 - beta2^t)`.
	root_correction: f32,
}

struct Update<'a> {
	factors: Factors,
	grad: &'a [f32],
	moments: Mutex<(&'a mut [f32], &'a mut [f32])>,
}

impl Update<'_> {
	fn apply(&self, values: &mut [f32]) {
		let mut moments = self.moments.lock().unwrap_or_else(|e| e.into_inner());
		let (first, second) = &mut *moments;
		values
			.par_chunks_mut(TASK)
			.zip(first.par_chunks_mut(TASK))
			.zip(second.par_chunks_mut(TASK))
			.zip(self.grad.par_chunks(TASK))
			.for_each(|(((values, first), second), grad)| update(values, first, second, grad, self.factors));
	}
}

openledger_model::vectorised! {
	/// Moves values by their gradients; slices of one length.
	pub fn update(values: &mut [f32], first: &mut [f32], second: &mut [f32], grad: &[f32], factors: Factors) {
		let (beta1, beta2, eps) = (BETA1 as f32, BETA2 as f32, EPS as f32);
		let (rest1, rest2) = ((1.0 - BETA1) as f32, (1.0 - BETA2) as f32);
		for (((value, first), second), &grad) in values.iter_mut().zip(first).zip(second).zip(grad) {
			let g = grad * factors.grad_scale;
			*first = *first * beta1 + g * rest1;
			*second = *second * beta2 + g * g * rest2;
			let denominator = second.sqrt() / factors.root_correction + eps;
			*value = *value * factors.keep - factors.step_size * *first / denominator;
		}
	}
}

impl InplaceOp1 for Update<'_> {
	fn name(&self) -> &'static str {
		"adamw"
	}

	fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
		let CpuStorage::F32(values) = storage else {
			candle_core::bail!("adamw: variables are f32")
		};
		match layout.contiguous_offsets() {
			Some((start, end)) => self.apply(&mut values[start..end]),
			None => candle_core::bail!("adamw: variables are contiguous"),
		}
		Ok(())
	}
}

/// Norm over all gradients.
pub fn global_norm(grads: &[Option<Tensor>]) -> Result<f64> {
	let mut sum = 0f64;
	for grad in grads.iter().flatten() {
		let values = grad.flatten_all()?.to_vec1::<f32>()?;
		sum += values.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
	}
	Ok(sum.sqrt())
}

/// Factor that brings gradients of `norm` to at most `max_norm`; 0 clips nothing.
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
	if max_norm <= 0.0 {
		return 1.0;
	}
	(max_norm / (norm + 1e-6)).min(1.0)
}

#[cfg(test)]
mod tests {
	use super::*;
	use candle_core::Device;

	fn tensor(values: &[f32]) -> Tensor {
		Tensor::new(values, &Device::Cpu).unwrap()
	}

	#[test]
	fn update_should_equal_hand_computed_values() {
		let variable = Var::from_tensor(&tensor(&[1.0, -2.0])).unwrap();
		let mut optimiser = AdamW::new(vec![variable.as_tensor().clone()], 0.1);
		optimiser.update(&[Some(tensor(&[0.5, -0.25]))], 1.0, 0.01).unwrap();
		// Step 1: m̂ = g and v̂ = g², so the move is lr in the gradient's direction, after decay by 1 - 0.001.
		let after: Vec<f32> = variable.to_vec1().unwrap();
		assert!(
			(after[0] - (0.999 - 0.01)).abs() < 1e-6 && (after[1] - (-1.998 + 0.01)).abs() < 1e-6,
			"{after:?}"
		);
		optimiser.update(&[Some(tensor(&[-1.0, 0.0]))], 0.5, 0.01).unwrap();
		// Step 2, first element, g = -0.5: m = 0.9·0.05 - 0.05 = -0.005, v = 0.999·2.5e-4 + 2.5e-4 = 4.9975e-4;
		// m̂ = -0.005/0.19 = -0.0263158, v̂ = 4.9975e-4/0.001999 = 0.25; move = 0.01·0.0526316.
		let again: Vec<f32> = variable.to_vec1().unwrap();
		assert!(
			(again[0] - (0.989 * 0.999 + 0.01 * 0.052_631_6)).abs() < 1e-6,
			"{again:?}"
		);
	}

	#[test]
	fn variable_should_stay_when_it_has_no_gradient() {
		let variable = Var::from_tensor(&tensor(&[1.0])).unwrap();
		let mut optimiser = AdamW::new(vec![variable.as_tensor().clone()], 0.1);
		optimiser.update(&[None], 1.0, 0.01).unwrap();
		assert_eq!(variable.to_vec1::<f32>().unwrap(), [1.0]);
	}

	#[test]
	fn clipping_should_scale_only_what_is_too_long() {
		let grads = [Some(tensor(&[3.0])), None, Some(tensor(&[0.0, 4.0]))];
		let norm = global_norm(&grads).unwrap();
		assert!((norm - 5.0).abs() < 1e-12);
		assert!((clip_factor(norm, 1.0) - 1.0 / 5.000_001).abs() < 1e-12);
		assert_eq!(clip_factor(norm, 6.0), 1.0);
		assert_eq!(clip_factor(norm, 0.0), 1.0);
	}
}
