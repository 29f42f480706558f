//! Cross-entropy over a large vocabulary, in chunks: all logits are never held.

use super::{elements, flat, make, output, reference, Held};
use crate::kernels::math::{exponentials, largest, scale};
use crate::kernels::product::Elements;
use crate::kernels::{product, product_into, room, Lhs, Path, Rhs, Start};
use crate::mat::{self, Mat, MatMut, Threads};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::{Arc, Mutex};

/// Target of a position that does not count.
pub const IGNORE: u32 = u32::MAX;

/// Logits that are held at once, as long as they are of so many rows: of fewer the head would be packed too often.
const LOGITS: usize = 9 << 20;
const LEAST_ROWS: usize = 64;
/// Columns of a piece of them: small enough for memory that a block's activations leave, no power of two, which would put
/// rows that are read together into the same lines of the cache.
const PIECE: usize = 8448;

/// Most rows whose logits are held at once.
pub fn loss_rows(vocab: usize) -> usize {
	(LOGITS / vocab.max(1)).max(LEAST_ROWS)
}

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
	if !reference::is_fused(hidden.device()) {
		return reference::cross_entropy_sum(hidden, head, &targets, loss_rows(vocab));
	}
	let hidden = hidden.contiguous()?;
	let op = Loss {
		targets,
		frozen_head: (!head.track_op()).then(|| head.clone()),
		wants_gradient: hidden.track_op() || head.track_op(),
		outcome: Mutex::new(None),
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
	/// Made in the forward pass, where the logits are at hand.
	outcome: Mutex<Option<Outcome>>,
}

/// A loss with its gradients.
#[derive(Default)]
pub(crate) struct Outcome {
	/// Sum over the counted rows.
	pub sum: f64,
	/// `[rows, width]`, times the factor; empty if not wanted.
	pub hidden: Vec<f32>,
	/// `[vocab, width]`, times the factor; empty if not wanted.
	pub head: Vec<f32>,
}

/// Which gradients a loss is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
	/// Factor on the gradients; none wants no gradient.
	pub factor: Option<f32>,
	/// The head's too.
	pub head: bool,
}

/// See [`cross_entropy_sum`]; `head` is `width × vocab`.
pub(crate) fn forward(targets: &[u32], hidden: &[f32], head: Rhs<'_>, wanted: Wanted, path: Path) -> Outcome {
	let (width, vocab) = head.dims();
	let counted: Vec<usize> = (0..targets.len()).filter(|i| targets[*i] != IGNORE).collect();
	let mut outcome = Outcome::default();
	if wanted.factor.is_some() {
		outcome.hidden = vec![0f32; hidden.len()];
		outcome.head = vec![0f32; if wanted.head { width * vocab } else { 0 }];
	}
	// Memory peaks here, or where the last block's gradients are packed.
	room::clear();
	let chunks = counted.len().div_ceil(loss_rows(vocab)).max(1);
	for chunk in counted.chunks(counted.len().div_ceil(chunks).max(1)) {
		let rows = chunk.len();
		let x: Vec<f32> = chunk
			.iter()
			.flat_map(|i| &hidden[i * width..(i + 1) * width])
			.copied()
			.collect();
		let lhs = Lhs::new(&x, rows, width, path, head.pairs(path));
		let columns = (0..vocab).step_by(PIECE).map(|from| from..vocab.min(from + PIECE));
		let mut pieces: Vec<_> = columns
			.clone()
			.map(|columns| product(Start::default(), &[(&lhs, head.t().rows(columns).t())]))
			.collect();
		drop(lhs);
		let mut logits: Vec<Vec<&mut [f32]>> = (0..rows).map(|_| Vec::new()).collect();
		for (piece, columns) in pieces.iter_mut().zip(columns.clone()) {
			for (row, part) in logits.iter_mut().zip(piece.chunks_mut(columns.len())) {
				row.push(part);
			}
		}
		let losses: Vec<f64> = logits
			.into_par_iter()
			.zip(chunk)
			.map(|(row, i)| softmax_minus_target(row, targets[*i] as usize, wanted.factor.unwrap_or(1.0)))
			.collect();
		outcome.sum += losses.iter().sum::<f64>();
		if wanted.factor.is_none() {
			continue;
		}
		let mut d_x = vec![0f32; rows * width];
		for (d_logits, columns) in pieces.iter().zip(columns) {
			let lhs = Lhs::new(d_logits, rows, columns.len(), path, head.pairs(path));
			product_into(&mut d_x, Start::HELD, &[(&lhs, head.t().rows(columns.clone()))]);
			if wanted.head {
				let len = columns.len();
				let d_head = &mut outcome.head[columns.start * width..columns.end * width];
				let (d_logits, x) = (Mat::new(d_logits, rows, len).t(), Mat::new(&x, rows, width));
				mat::product(MatMut::new(d_head, len, width), true, d_logits, x, 1.0, Threads::All);
			}
		}
		for (row, i) in d_x.chunks(width).zip(chunk) {
			outcome.hidden[i * width..(i + 1) * width].copy_from_slice(row);
		}
	}
	outcome
}

impl Loss {
	fn forward(&self, hidden: &[f32], width: usize, head: Elements<'_>) -> f32 {
		let head = Rhs::new(head, head.len() / width, width).t();
		let wanted = Wanted {
			factor: self.wants_gradient.then_some(1.0),
			head: self.frozen_head.is_none(),
		};
		let outcome = forward(&self.targets, hidden, head, wanted, Path::detected());
		let sum = outcome.sum as f32;
		*self.outcome.lock().unwrap_or_else(|e| e.into_inner()) = Some(outcome);
		sum
	}

	/// The stored gradients, times that of the sum.
	fn take(&self, grad: &Tensor) -> Result<(Vec<f32>, Vec<f32>)> {
		flat!(factor = grad);
		let factor = factor[0];
		let Some(mut outcome) = self.outcome.lock().unwrap_or_else(|e| e.into_inner()).take() else {
			candle_core::bail!("cross-entropy: backward ran twice");
		};
		scale(&mut outcome.hidden, factor);
		scale(&mut outcome.head, factor);
		Ok((outcome.hidden, outcome.head))
	}
}

/// Turns a row of logits, in pieces, into its gradient, times `factor`, and returns its loss.
fn softmax_minus_target(mut row: Vec<&mut [f32]>, target: usize, factor: f32) -> f64 {
	let at_target = row[target / PIECE][target % PIECE];
	let max = row.iter().map(|part| largest(part)).fold(f32::NEG_INFINITY, f32::max);
	let sum: f64 = row.iter_mut().map(|part| exponentials(part, max)).sum();
	for part in &mut row {
		scale(part, (f64::from(factor) / sum) as f32);
	}
	row[target / PIECE][target % PIECE] -= factor;
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
		let head = Held::new(&head)?;
		let sum = self.forward(elements(storage, layout)?, width, head.elements()?);
		Ok(output(vec![sum], ()))
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
			vec![self.forward(elements(s1, l1)?, width, Elements::F32(elements(s2, l2)?))],
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
