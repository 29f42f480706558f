//! Rotary position embedding, half-split (the first half of a head is paired with the second).

use super::{elements, flat, make, output, reference};
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

impl Rotary {
	/// `direction` is 1 forward and -1 for the gradient: the inverse of a rotation turns the other way.
	fn turn(&self, x: &[f32], shape: &Shape, direction: f32) -> Result<Vec<f32>> {
		let (_, seq, heads, head_dim) = shape.dims4()?;
		let half = self.table.half;
		let mut out = vec![0f32; x.len()];
		let width = heads * head_dim;
		out.par_chunks_mut(width)
			.zip(x.par_chunks(width))
			.enumerate()
			.for_each(|(row, (out, x))| {
				let at = (self.start + row % seq) * half;
				let (cos, sin) = (&self.table.cos[at..at + half], &self.table.sin[at..at + half]);
				for (out, x) in out.chunks_mut(head_dim).zip(x.chunks(head_dim)) {
					for i in 0..half {
						let (c, s) = (cos[i], sin[i] * direction);
						out[i] = x[i] * c - x[i + half] * s;
						out[i + half] = x[i + half] * c + x[i] * s;
					}
				}
			});
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
