//! Linear layers: frozen, trainable, and frozen with a low-rank adapter.
//!
//! candle's matrix product computes and keeps a gradient for a frozen weight; here the operation owns the frozen weight
//! and returns the gradient of its input only.

use super::{elements, flat, make, output, reference, rows_and_width, Held};
use crate::kernels::{self, matvec, Lhs, Path, Rhs, Start};
use crate::mat::{product, Mat, MatMut, Threads};
use crate::nf4::Nf4;
use crate::nf4_tensor::Nf4Tensor;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::Arc;

/// How a file stores a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightLayout {
	/// `[out, in]`, as `torch.nn.Linear`.
	OutIn,
	/// `[in, out]`, as transformers' `Conv1D`.
	InOut,
}

impl WeightLayout {
	/// Shape of a weight's tensor.
	pub fn shape(self, out: usize, inp: usize) -> [usize; 2] {
		match self {
			Self::OutIn => [out, inp],
			Self::InOut => [inp, out],
		}
	}
}

/// What a weight's elements are kept in.
#[derive(Clone, Debug)]
pub enum Matrix {
	/// f32 or, frozen, bf16.
	Plain(Tensor),
	/// Frozen, in four bits: widened piece by piece wherever it is multiplied.
	Nf4(Arc<Nf4>),
	/// The same on another device, widened for one product at a time.
	OnDevice(Arc<Nf4Tensor>),
}

impl Matrix {
	/// The tensor, unless the elements are in four bits.
	pub fn plain(&self) -> Option<&Tensor> {
		match self {
			Self::Plain(tensor) => Some(tensor),
			Self::Nf4(_) | Self::OnDevice(_) => None,
		}
	}

	/// As one tensor, in what products with it are in.
	pub(crate) fn dense(&self) -> Result<Tensor> {
		match self {
			Self::Plain(tensor) => Ok(tensor.clone()),
			Self::Nf4(packed) => Nf4Tensor::new(packed, &Device::Cpu, DType::F32)?.dense(),
			Self::OnDevice(packed) => packed.dense(),
		}
	}

	/// Whether it is the variable of a training.
	pub(crate) fn is_variable(&self) -> bool {
		self.plain().is_some_and(Tensor::is_variable)
	}
}

impl From<Tensor> for Matrix {
	fn from(tensor: Tensor) -> Self {
		Self::Plain(tensor)
	}
}

/// A weight with its layout and optional bias `[out]`.
#[derive(Clone, Debug)]
pub struct Weight {
	/// `[out, in]` or `[in, out]`.
	pub matrix: Matrix,
	/// Which of the two.
	pub layout: WeightLayout,
	/// `[out]`.
	pub bias: Option<Tensor>,
}

impl Weight {
	/// (out, in).
	pub fn out_in(&self) -> Result<(usize, usize)> {
		let (a, b) = match &self.matrix {
			Matrix::Plain(tensor) => tensor.dims2()?,
			Matrix::Nf4(packed) => packed.shape.into(),
			Matrix::OnDevice(packed) => packed.shape.into(),
		};
		Ok(match self.layout {
			WeightLayout::OutIn => (a, b),
			WeightLayout::InOut => (b, a),
		})
	}

	/// The product alone.
	pub(crate) fn without_bias(&self) -> Self {
		Self {
			bias: None,
			..self.clone()
		}
	}

	/// Whether it is being trained.
	pub(crate) fn trainable(&self) -> bool {
		self.matrix.plain().is_some_and(Tensor::track_op) || self.bias.as_ref().is_some_and(Tensor::track_op)
	}
}

/// The weight as `[out, in]`, whatever its layout.
fn as_out_in(data: &[f32], layout: WeightLayout, out: usize, inp: usize) -> Mat<'_> {
	match layout {
		WeightLayout::OutIn => Mat::new(data, out, inp),
		WeightLayout::InOut => Mat::new(data, inp, out).t(),
	}
}

/// `x Wᵀ + b`; `x [.., in]`, result `[.., out]`.
pub fn linear(x: &Tensor, weight: &Weight) -> Result<Tensor> {
	if !reference::is_fused(x.device()) {
		return reference::linear(x, weight);
	}
	let x = x.contiguous()?;
	let Some(tensor) = weight.matrix.plain().filter(|_| weight.trainable()) else {
		return x.apply_op1(Frozen { weight: weight.clone() });
	};
	let op = Trainable { layout: weight.layout };
	match &weight.bias {
		None => x.apply_op2(tensor, op),
		Some(bias) => x.apply_op3(tensor, bias, op),
	}
}

/// `x Wᵀ + b + scale · (mask ∘ x) Aᵀ Bᵀ`; `a [rank, in]`, `b [out, rank]`; the base weight is frozen.
///
/// `mask`, as long as `x`, holds 0 for a dropped element and `1 / (1 - p)` for a kept one.
pub fn lora_linear(
	x: &Tensor,
	weight: &Weight,
	a: &Tensor,
	b: &Tensor,
	scale: f32,
	mask: Option<Arc<Vec<f32>>>,
) -> Result<Tensor> {
	if !reference::is_fused(x.device()) {
		return reference::lora_linear(x, weight, a, b, scale, mask.as_deref().map(Vec::as_slice));
	}
	x.contiguous()?.apply_op3(
		a,
		b,
		Lora {
			weight: weight.clone(),
			scale,
			mask,
		},
	)
}

fn with_last(shape: &Shape, last: usize) -> Shape {
	let mut dims = shape.dims().to_vec();
	if let Some(d) = dims.last_mut() {
		*d = last;
	}
	Shape::from(dims)
}

fn add_bias(y: &mut [f32], bias: Option<&[f32]>) {
	let Some(bias) = bias else { return };
	y.par_chunks_mut(bias.len())
		.with_min_len(super::rows_per_task(bias.len()))
		.for_each(|row| row.iter_mut().zip(bias).for_each(|(y, b)| *y += b));
}

/// A weight as `out × in`.
pub(crate) fn weight_of<'x>(weight: &Weight, held: &'x Held<'_>) -> Result<Rhs<'x>> {
	let (out, inp) = weight.out_in()?;
	let elements = held.elements()?;
	Ok(match weight.layout {
		WeightLayout::OutIn => Rhs::new(elements, out, inp),
		WeightLayout::InOut => Rhs::new(elements, inp, out).t(),
	})
}

/// `x Wᵀ + b` with a frozen weight.
fn frozen_forward(x: &[f32], rows: usize, weight: &Weight) -> Result<(Vec<f32>, usize)> {
	let (out, inp) = weight.out_in()?;
	let held = Held::of(&weight.matrix)?;
	let w = weight_of(weight, &held)?.t();
	let bias = weight.bias.as_ref().map(Held::new).transpose()?;
	let bias = bias.as_ref().map(Held::f32).transpose()?;
	let path = Path::detected();
	if rows <= matvec::MOST_ROWS {
		let mut y = vec![0f32; rows * out];
		matvec::product(&mut y, x, &w, path);
		add_bias(&mut y, bias);
		return Ok((y, out));
	}
	let x = Lhs::new(x, rows, inp, path, w.pairs(path));
	let start = Start {
		bias,
		..Start::default()
	};
	Ok((kernels::product(start, &[(&x, w)]), out))
}

/// `dy W` with a frozen weight.
fn frozen_backward(grad: &[f32], rows: usize, weight: &Weight) -> Result<Vec<f32>> {
	let (out, _) = weight.out_in()?;
	let held = Held::of(&weight.matrix)?;
	let (w, path) = (weight_of(weight, &held)?, Path::detected());
	let grad = Lhs::new(grad, rows, out, path, w.pairs(path));
	Ok(kernels::product(Start::default(), &[(&grad, w)]))
}

struct Frozen {
	weight: Weight,
}

impl CustomOp1 for Frozen {
	fn name(&self) -> &'static str {
		"frozen-linear"
	}

	fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
		let (rows, _) = rows_and_width(layout.shape());
		let (y, out) = frozen_forward(elements(storage, layout)?, rows, &self.weight)?;
		Ok(output(y, with_last(layout.shape(), out)))
	}

	fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
		let (rows, _) = rows_and_width(x.shape());
		flat!(grad = grad);
		Ok(Some(make(frozen_backward(grad, rows, &self.weight)?, x.shape())?))
	}
}

struct Trainable {
	layout: WeightLayout,
}

impl Trainable {
	fn forward(&self, x: &[f32], x_shape: &Shape, w: &[f32], w_shape: &Shape) -> Result<(Vec<f32>, usize)> {
		let (rows, inp) = rows_and_width(x_shape);
		let out = w_shape.elem_count() / inp;
		let mut y = vec![0f32; rows * out];
		let w = as_out_in(w, self.layout, out, inp);
		product(
			MatMut::new(&mut y, rows, out),
			false,
			Mat::new(x, rows, inp),
			w.t(),
			1.0,
			Threads::All,
		);
		Ok((y, out))
	}

	fn backward(&self, x: &Tensor, w: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
		let (rows, inp) = rows_and_width(x.shape());
		let out = w.elem_count() / inp;
		flat!(xs = x);
		flat!(ws = w);
		flat!(grad = grad);
		let d_x = if x.track_op() {
			let mut d_x = vec![0f32; rows * inp];
			let w = as_out_in(ws, self.layout, out, inp);
			product(
				MatMut::new(&mut d_x, rows, inp),
				false,
				Mat::new(grad, rows, out),
				w,
				1.0,
				Threads::All,
			);
			Some(make(d_x, x.shape())?)
		} else {
			None
		};
		let d_w = if w.track_op() {
			let mut d_w = vec![0f32; out * inp];
			let (x, dy) = (Mat::new(xs, rows, inp), Mat::new(grad, rows, out));
			match self.layout {
				WeightLayout::OutIn => product(MatMut::new(&mut d_w, out, inp), false, dy.t(), x, 1.0, Threads::All),
				WeightLayout::InOut => product(MatMut::new(&mut d_w, inp, out), false, x.t(), dy, 1.0, Threads::All),
			}
			Some(make(d_w, w.shape())?)
		} else {
			None
		};
		Ok((d_x, d_w))
	}
}

impl CustomOp2 for Trainable {
	fn name(&self) -> &'static str {
		"linear"
	}

	fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
		let (y, out) = self.forward(elements(s1, l1)?, l1.shape(), elements(s2, l2)?, l2.shape())?;
		Ok(output(y, with_last(l1.shape(), out)))
	}

	fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
		self.backward(x, w, grad)
	}
}

impl CustomOp3 for Trainable {
	fn name(&self) -> &'static str {
		"linear-bias"
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
		let (mut y, out) = self.forward(elements(s1, l1)?, l1.shape(), elements(s2, l2)?, l2.shape())?;
		add_bias(&mut y, Some(elements(s3, l3)?));
		Ok(output(y, with_last(l1.shape(), out)))
	}

	fn bwd(
		&self,
		x: &Tensor,
		w: &Tensor,
		b: &Tensor,
		_: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
		let (d_x, d_w) = self.backward(x, w, grad)?;
		let d_b = if b.track_op() {
			let out = b.elem_count();
			flat!(grad = grad);
			let mut d_b = vec![0f32; out];
			for row in grad.chunks(out) {
				d_b.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
			}
			Some(make(d_b, b.shape())?)
		} else {
			None
		};
		Ok((d_x, d_w, d_b))
	}
}

struct Lora {
	weight: Weight,
	scale: f32,
	mask: Option<Arc<Vec<f32>>>,
}

impl Lora {
	/// The adapter's input: `x`, or `mask ∘ x`.
	fn dropped<'a>(&self, x: &'a [f32]) -> std::borrow::Cow<'a, [f32]> {
		match &self.mask {
			None => x.into(),
			Some(mask) => x.iter().zip(mask.iter()).map(|(x, m)| x * m).collect::<Vec<_>>().into(),
		}
	}
}

impl CustomOp3 for Lora {
	fn name(&self) -> &'static str {
		"lora-linear"
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
		let (x, a, b) = (elements(s1, l1)?, elements(s2, l2)?, elements(s3, l3)?);
		let (rows, inp) = rows_and_width(l1.shape());
		let rank = l2.shape().dims()[0];
		let (mut y, out) = frozen_forward(x, rows, &self.weight)?;
		let x = self.dropped(x);
		let mut h = vec![0f32; rows * rank];
		let a = Mat::new(a, rank, inp);
		product(
			MatMut::new(&mut h, rows, rank),
			false,
			Mat::new(&x, rows, inp),
			a.t(),
			1.0,
			Threads::All,
		);
		let (h, b) = (Mat::new(&h, rows, rank), Mat::new(b, out, rank));
		product(MatMut::new(&mut y, rows, out), true, h, b.t(), self.scale, Threads::All);
		Ok(output(y, with_last(l1.shape(), out)))
	}

	fn bwd(
		&self,
		x: &Tensor,
		a: &Tensor,
		b: &Tensor,
		_: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
		let (rows, inp) = rows_and_width(x.shape());
		let (out, rank) = b.dims2()?;
		let (x_shape, x_tracked) = (x.shape().clone(), x.track_op());
		let (a_shape, b_shape) = (a.shape().clone(), b.shape().clone());
		flat!(x = x);
		flat!(a = a);
		flat!(b = b);
		flat!(grad = grad);
		let dropped = self.dropped(x);
		let (xm, am) = (Mat::new(&dropped, rows, inp), Mat::new(a, rank, inp));
		let (bm, dy) = (Mat::new(b, out, rank), Mat::new(grad, rows, out));

		let mut h = vec![0f32; rows * rank];
		product(MatMut::new(&mut h, rows, rank), false, xm, am.t(), 1.0, Threads::All);
		let mut d_b = vec![0f32; out * rank];
		product(
			MatMut::new(&mut d_b, out, rank),
			false,
			dy.t(),
			Mat::new(&h, rows, rank),
			self.scale,
			Threads::All,
		);
		let mut d_h = h;
		product(
			MatMut::new(&mut d_h, rows, rank),
			false,
			dy,
			bm,
			self.scale,
			Threads::All,
		);
		let d_h = Mat::new(&d_h, rows, rank);
		let mut d_a = vec![0f32; rank * inp];
		product(MatMut::new(&mut d_a, rank, inp), false, d_h.t(), xm, 1.0, Threads::All);

		let d_x = if x_tracked {
			let mut d_x = frozen_backward(grad, rows, &self.weight)?;
			match &self.mask {
				None => product(MatMut::new(&mut d_x, rows, inp), true, d_h, am, 1.0, Threads::All),
				Some(mask) => {
					let mut through = vec![0f32; rows * inp];
					product(MatMut::new(&mut through, rows, inp), false, d_h, am, 1.0, Threads::All);
					d_x.iter_mut()
						.zip(&through)
						.zip(mask.iter())
						.for_each(|((d, t), m)| *d += t * m);
				}
			}
			Some(make(d_x, &x_shape)?)
		} else {
			None
		};
		Ok((d_x, Some(make(d_a, &a_shape)?), Some(make(d_b, &b_shape)?)))
	}
}
