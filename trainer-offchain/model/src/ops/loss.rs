//! Cross-entropy over a large vocabulary, in chunks: all logits are never held.

use super::{elements, flat, make, output, reference, tensor_elements};
use crate::kernels::math::{exponentials, scale};
use crate::mat::{product, Mat, MatMut, Threads};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::{Arc, Mutex};

/// Target of a position that does not count.
pub const IGNORE: u32 = u32::MAX;

/// Rows whose logits are held at once.
const CHUNK: usize = 256;

/// Sum over rows of `-log softmax(hidden Wᵀ)[target]`, a scalar; `hidden [rows, width]`, `head [vocab, width]`, targets one
/// per row, [`IGNORE`] for none.
pub fn cross_entropy_sum(hidden: &Tensor, head: &Tensor, targets: Arc<Vec<u32>>) -> Result<Tensor> {
	let (rows, _) = hidden.dims2()?;
	let vocab = head.dim(0)?;
	if rows != targets.len() {
		candle_core::bail!("cross-entropy: {rows} rows for {} targets", targets.len());
	}
	if let Some(t) = targets.iter().find(|t| **t != IGNORE && **t as usize >= vocab) {
		candle_core::bail!("cross-entropy: target {t} for a vocabulary of {vocab}");
	}
	if !hidden.device().is_cpu() {
		return reference::cross_entropy_sum(hidden, head, &targets);
	}
	let hidden = hidden.contiguous()?;
	let op = Loss {
		targets,
		frozen_head: (!head.track_op()).then(|| head.clone()),
		wants_gradient: hidden.track_op() || head.track_op(),
		gradients: Mutex::new(None),
	};
	if head.track_op() {
		hidden.apply_op2(head, op)
	} else {
		hidden.apply_op1(op)
	}
}

struct Loss {
	targets: Arc<Vec<u32>>,
	frozen_head: Option<Tensor>,
	wants_gradient: bool,
	/// Of hidden and, where it is trained, of the head; made in the forward pass, where the logits are at hand.
	gradients: Mutex<Option<(Vec<f32>, Vec<f32>)>>,
}

impl Loss {
	fn forward(&self, hidden: &[f32], width: usize, head: &[f32]) -> f32 {
		let vocab = head.len() / width;
		let counted: Vec<usize> = (0..self.targets.len()).filter(|i| self.targets[*i] != IGNORE).collect();
		let train_head = self.wants_gradient && self.frozen_head.is_none();
		let mut d_hidden = vec![0f32; if self.wants_gradient { hidden.len() } else { 0 }];
		let mut d_head = vec![0f32; if train_head { head.len() } else { 0 }];
		let head = Mat::new(head, vocab, width);
		let mut logits = vec![0f32; CHUNK.min(counted.len()) * vocab];
		let mut total = 0f64;
		for chunk in counted.chunks(CHUNK) {
			let rows = chunk.len();
			let gathered: Vec<f32> = chunk
				.iter()
				.flat_map(|i| &hidden[i * width..(i + 1) * width])
				.copied()
				.collect();
			let x = Mat::new(&gathered, rows, width);
			let logits = &mut logits[..rows * vocab];
			product(MatMut::new(logits, rows, vocab), false, x, head.t(), 1.0, Threads::All);
			let losses: Vec<f64> = logits
				.par_chunks_mut(vocab)
				.zip(chunk)
				.map(|(row, i)| softmax_minus_target(row, self.targets[*i] as usize))
				.collect();
			total += losses.iter().sum::<f64>();
			if !self.wants_gradient {
				continue;
			}
			let d_logits = Mat::new(logits, rows, vocab);
			let mut d_x = vec![0f32; rows * width];
			product(
				MatMut::new(&mut d_x, rows, width),
				false,
				d_logits,
				head,
				1.0,
				Threads::All,
			);
			for (row, i) in d_x.chunks(width).zip(chunk) {
				d_hidden[i * width..(i + 1) * width].copy_from_slice(row);
			}
			if train_head {
				product(
					MatMut::new(&mut d_head, vocab, width),
					true,
					d_logits.t(),
					x,
					1.0,
					Threads::All,
				);
			}
		}
		if self.wants_gradient {
			*self.gradients.lock().unwrap_or_else(|e| e.into_inner()) = Some((d_hidden, d_head));
		}
		total as f32
	}

	/// The stored gradients, times that of the sum.
	fn take(&self, grad: &Tensor) -> Result<(Vec<f32>, Vec<f32>)> {
		flat!(factor = grad);
		let factor = factor[0];
		let Some((mut hidden, mut head)) = self.gradients.lock().unwrap_or_else(|e| e.into_inner()).take() else {
			candle_core::bail!("cross-entropy: backward ran twice");
		};
		hidden
			.par_iter_mut()
			.with_min_len(super::ELEMENTS_PER_TASK)
			.for_each(|g| *g *= factor);
		head.par_iter_mut()
			.with_min_len(super::ELEMENTS_PER_TASK)
			.for_each(|g| *g *= factor);
		Ok((hidden, head))
	}
}

/// Turns a row of logits into its gradient and returns its loss.
fn softmax_minus_target(row: &mut [f32], target: usize) -> f64 {
	let at_target = row[target];
	let (max, sum) = exponentials(row);
	scale(row, (1.0 / sum) as f32);
	row[target] -= 1.0;
	sum.ln() - f64::from(at_target - max)
}

impl CustomOp1 for Loss {
	fn name(&self) -> &'static str {
		"cross-entropy"
	}

	fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
		let (_, width) = layout.shape().dims2()?;
		let Some(head) = &self.frozen_head else {
			candle_core::bail!("cross-entropy: no head")
		};
		let head = head.contiguous()?;
		let (head_storage, head_layout) = head.storage_and_layout();
		let head = tensor_elements(&head_storage, head_layout)?;
		Ok(output(vec![self.forward(elements(storage, layout)?, width, head)], ()))
	}

	fn bwd(&self, hidden: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
		Ok(Some(make(self.take(grad)?.0, hidden.shape())?))
	}
}

impl CustomOp2 for Loss {
	fn name(&self) -> &'static str {
		"cross-entropy-head"
	}

	fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
		let (_, width) = l1.shape().dims2()?;
		Ok(output(
			vec![self.forward(elements(s1, l1)?, width, elements(s2, l2)?)],
			(),
		))
	}

	fn bwd(
		&self,
		hidden: &Tensor,
		head: &Tensor,
		_: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>)> {
		let (d_hidden, d_head) = self.take(grad)?;
		Ok((Some(make(d_hidden, hidden.shape())?), Some(make(d_head, head.shape())?)))
	}
}
