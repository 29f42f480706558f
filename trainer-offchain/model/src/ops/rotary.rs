//! Rotary position embedding: pairs of a head's elements are turned by angles that grow with the position.

use super::attention::Place;
use super::{elements, flat, make, output, reference};
use crate::kernels::math::vectorised;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Which elements of a head are turned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
	/// Element `i` with `i + width / 2`.
	Halves,
	/// Element `2 i` with `2 i + 1`.
	Neighbours,
}

/// How a model turns its heads. The first `2 · frequencies` elements are turned, those after them kept.
#[derive(Clone, Debug, PartialEq)]
pub struct RotaryTable {
	/// Angle per position of each pair.
	pub frequencies: Vec<f64>,
	/// Factor on what is turned, 1 but for YaRN.
	pub factor: f64,
	/// Which elements make a pair.
	pub pairs: Pairs,
}

impl RotaryTable {
	/// Elements of a head that are turned.
	pub fn width(&self) -> usize {
		2 * self.frequencies.len()
	}

	/// Cosines and sines of these positions, one range after the other.
	pub fn angles(&self, positions: &[Range<usize>]) -> RotaryAngles {
		// transformers forms the angle in f32; doing the same keeps long contexts equal.
		let angle = |position: usize| self.frequencies.iter().map(move |f| position as f32 * *f as f32);
		let of = |function: fn(f32) -> f32| -> Arc<Vec<f32>> {
			let all = positions.iter().cloned().flatten().flat_map(angle);
			Arc::new(all.map(|a| function(a) * self.factor as f32).collect())
		};
		RotaryAngles {
			cos: of(f32::cos),
			sin: of(f32::sin),
			half: self.frequencies.len(),
			len: positions.iter().map(Range::len).sum(),
			pairs: self.pairs,
		}
	}
}

/// Cosines and sines of positions, `[len, half]` each.
#[derive(Clone)]
pub struct RotaryAngles {
	cos: Arc<Vec<f32>>,
	sin: Arc<Vec<f32>>,
	half: usize,
	len: usize,
	pairs: Pairs,
}

impl RotaryAngles {
	/// Which elements make a pair.
	pub fn pairs(&self) -> Pairs {
		self.pairs
	}

	/// (cos, sin), each `[len, half]`.
	pub fn tensors(&self, device: &Device) -> Result<(Tensor, Tensor)> {
		let tensor = |data: &[f32]| Tensor::from_slice(data, (self.len, self.half), device);
		Ok((tensor(&self.cos)?, tensor(&self.sin)?))
	}
}

/// Turns `x [batch, seq, heads, head_dim]` by the angles of its `seq` positions.
pub fn rotary(x: &Tensor, angles: &RotaryAngles) -> Result<Tensor> {
	let (_, seq, _, head_dim) = x.dims4()?;
	if head_dim < angles.half * 2 || seq != angles.len {
		let (half, len) = (angles.half, angles.len);
		candle_core::bail!("rotary: head of {head_dim}, {seq} positions for {half} angles of {len} positions");
	}
	if !reference::is_fused(x.device()) {
		return reference::rotary(x, angles);
	}
	x.contiguous()?.apply_op1(Rotary { angles: angles.clone() })
}

struct Rotary {
	angles: RotaryAngles,
}

vectorised! {
	/// Turns a head by the angles of its position, halves paired.
	pub fn turn_halves(head: &mut [f32], cos: &[f32], sin: &[f32], direction: f32) {
		let (first, second) = head.split_at_mut(cos.len());
		for (((a, b), &c), &s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
			let s = s * direction;
			(*a, *b) = (*a * c - *b * s, *b * c + *a * s);
		}
	}

	/// The same, neighbours paired.
	pub fn turn_neighbours(head: &mut [f32], cos: &[f32], sin: &[f32], direction: f32) {
		for ((pair, &c), &s) in head.chunks_exact_mut(2).zip(cos).zip(sin) {
			let s = s * direction;
			(pair[0], pair[1]) = (pair[0] * c - pair[1] * s, pair[1] * c + pair[0] * s);
		}
	}
}

impl RotaryAngles {
	/// Turns `heads` heads of each row of `x` in their place. `direction` is 1 forward and -1 for the gradient: the
	/// transpose of a rotation turns the other way.
	pub(crate) fn turn(&self, x: &mut [f32], place: Place, heads: usize, direction: f32) {
		let task = super::rows_per_task(heads * place.dim);
		x.par_chunks_mut(place.stride * task).enumerate().for_each(|(i, rows)| {
			for (j, row) in rows.chunks_exact_mut(place.stride).enumerate() {
				let at = (i * task + j) % self.len * self.half;
				let (cos, sin) = (&self.cos[at..at + self.half], &self.sin[at..at + self.half]);
				for h in 0..heads {
					let head = &mut row[place.offset + h * place.pitch..][..2 * self.half];
					match self.pairs {
						Pairs::Halves => turn_halves(head, cos, sin, direction),
						Pairs::Neighbours => turn_neighbours(head, cos, sin, direction),
					}
				}
			}
		});
	}
}

impl Rotary {
	fn turn(&self, x: &[f32], shape: &Shape, direction: f32) -> Result<Vec<f32>> {
		let (_, _, heads, head_dim) = shape.dims4()?;
		let mut out = x.to_vec();
		self.angles
			.turn(&mut out, Place::alone(heads, head_dim), heads, direction);
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
