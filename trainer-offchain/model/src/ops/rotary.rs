//! Rotary position embedding: pairs of a head's elements are turned by angles that grow with the position.

use super::{elements, flat, make, output, reference};
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
	if !x.device().is_cpu() {
		return reference::rotary(x, angles);
	}
	x.contiguous()?.apply_op1(Rotary { angles: angles.clone() })
}

struct Rotary {
	angles: RotaryAngles,
}

impl Rotary {
	/// `direction` is 1 forward and -1 for the gradient: the transpose of a rotation turns the other way.
	fn turn(&self, x: &[f32], shape: &Shape, direction: f32) -> Result<Vec<f32>> {
		let (_, seq, heads, head_dim) = shape.dims4()?;
		let half = self.angles.half;
		// Where pair `i` lies: elements `i * step` and `i * step + apart`.
		let (step, apart) = match self.angles.pairs {
			Pairs::Halves => (1, half),
			Pairs::Neighbours => (2, 1),
		};
		let mut out = vec![0f32; x.len()];
		let width = heads * head_dim;
		out.par_chunks_mut(width)
			.zip(x.par_chunks(width))
			.enumerate()
			.for_each(|(row, (out, x))| {
				let at = row % seq * half;
				let (cos, sin) = (&self.angles.cos[at..at + half], &self.angles.sin[at..at + half]);
				for (out, x) in out.chunks_mut(head_dim).zip(x.chunks(head_dim)) {
					for i in 0..half {
						let (c, s) = (cos[i], sin[i] * direction);
						let (first, second) = (i * step, i * step + apart);
						out[first] = x[first] * c - x[second] * s;
						out[second] = x[second] * c + x[first] * s;
					}
					out[2 * half..].copy_from_slice(&x[2 * half..]);
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
