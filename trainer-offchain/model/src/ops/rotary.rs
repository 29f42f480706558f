//! Rotary position embedding, half-split (the first half of a head is paired with the second).

use super::{elements, flat, make, output, reference};
use crate::kernels::math::vectorised;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::Arc;

/// Cosines and sines for every position and frequency.
#[derive(Clone)]
pub struct RotaryTable {
	cos: Arc<Vec<f32>>,
	sin: Arc<Vec<f32>>,
	/// Frequencies: half of the head's width.
	half: usize,
	positions: usize,
}

impl RotaryTable {
	/// From the angle per position of each frequency, `[head_dim / 2]`, for positions `0..positions`.
	pub fn new(inverse_frequencies: &[f64], positions: usize) -> Self {
		// transformers forms the angle in f32; doing the same keeps long contexts equal.
		let angles = (0..positions)
			.flat_map(|position| inverse_frequencies.iter().map(move |f| position as f32 * *f as f32))
			.collect::<Vec<f32>>();
		Self {
			cos: Arc::new(angles.iter().map(|a| a.cos()).collect()),
			sin: Arc::new(angles.iter().map(|a| a.sin()).collect()),
			half: inverse_frequencies.len(),
			positions,
		}
	}

	/// Positions that the table covers.
	pub fn positions(&self) -> usize {
		self.positions
	}

	/// (cos, sin) of positions `start..start + len`, each `[len, half]`.
	pub fn tensors(&self, start: usize, len: usize, device: &Device) -> Result<(Tensor, Tensor)> {
		let range = start * self.half..(start + len) * self.half;
		let cos = Tensor::from_slice(&self.cos[range.clone()], (len, self.half), device)?;
		Ok((cos, Tensor::from_slice(&self.sin[range], (len, self.half), device)?))
	}
}

/// Rotates `x [batch, seq, heads, head_dim]`, whose first row stands at position `start`.
pub fn rotary(x: &Tensor, table: &RotaryTable, start: usize) -> Result<Tensor> {
	let (_, seq, _, head_dim) = x.dims4()?;
	if head_dim != table.half * 2 || start + seq > table.positions {
		candle_core::bail!(
			"rotary: head of {head_dim} and positions up to {} for a table of {} and {}",
			start + seq,
			table.half * 2,
			table.positions
		);
	}
	if !x.device().is_cpu() {
		let (cos, sin) = table.tensors(start, seq, x.device())?;
		return reference::rotary(x, &cos, &sin);
	}
	x.contiguous()?.apply_op1(Rotary {
		table: table.clone(),
		start,
	})
}

struct Rotary {
	table: RotaryTable,
	start: usize,
}

vectorised! {
	/// Turns the heads of one row by the angles of its position.
	pub fn turn_row(row: &mut [f32], cos: &[f32], sin: &[f32], direction: f32) {
		let half = cos.len();
		for head in row.chunks_exact_mut(2 * half) {
			let (first, second) = head.split_at_mut(half);
			for i in 0..half {
				let (c, s) = (cos[i], sin[i] * direction);
				let (a, b) = (first[i], second[i]);
				first[i] = a * c - b * s;
				second[i] = b * c + a * s;
			}
		}
	}
}

impl RotaryTable {
	/// Turns heads in their place: `width` elements from `offset` on of each row of `x [batch · seq, stride]`. `direction`
	/// is 1 forward and -1 for the gradient: the inverse of a rotation turns the other way.
	pub(crate) fn turn(&self, x: &mut [f32], place: (usize, usize, usize), seq: usize, start: usize, direction: f32) {
		let (stride, offset, width) = place;
		let task = super::rows_per_task(width);
		x.par_chunks_mut(stride * task).enumerate().for_each(|(i, rows)| {
			for (j, row) in rows.chunks_exact_mut(stride).enumerate() {
				let at = (start + (i * task + j) % seq) * self.half;
				let (cos, sin) = (&self.cos[at..at + self.half], &self.sin[at..at + self.half]);
				turn_row(&mut row[offset..offset + width], cos, sin, direction);
			}
		});
	}
}

impl Rotary {
	fn turn(&self, x: &[f32], shape: &Shape, direction: f32) -> Result<Vec<f32>> {
		let (_, seq, heads, head_dim) = shape.dims4()?;
		let mut out = x.to_vec();
		let width = heads * head_dim;
		self.table.turn(&mut out, (width, 0, width), seq, self.start, direction);
		Ok(out)
	}
}

impl CustomOp1 for Rotary {
	fn name(&self) -> &'static str {
		"rotary"
	}

	fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
		let out = self.turn(elements(storage, layout)?, layout.shape(), 1.0)?;
		Ok(output(out, layout.shape().clone()))
	}

	fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
		let shape = x.shape().clone();
		flat!(grad = grad);
		Ok(Some(make(self.turn(grad, &shape, -1.0)?, &shape)?))
	}
}
