//! Linear layers of a step, with their adapters.

use super::dora::Rescale;
use super::{Gradients, Pass};
use crate::error::Result;
use crate::kernels::product::Elements;
use crate::kernels::{math, product, product_into, Lhs, Rhs, Start};
use crate::linear::{mask, DropoutRng, Linear};
use crate::mat::{self, Mat, MatMut, Threads};
use crate::ops::linear::weight_of;
use crate::ops::{Held, Weight, WeightLayout};
use candle_core::Tensor;
use half::bf16;

/// What a linear layer's adapter's input is multiplied by.
pub(super) type Mask = Option<Vec<f32>>;

/// Rows `[m, k]` that linear layers take.
pub(super) struct Input<'a> {
	x: &'a [f32],
	lhs: Lhs<'a>,
}

/// A linear layer with the gradient of its output, in the backward pass.
struct Branch<'a> {
	linear: &'a Linear,
	grad: &'a [f32],
	mask: &'a Mask,
	/// `factor ∘ grad`, with DoRA: the gradient of the product before it is rescaled.
	rescaled: Option<Vec<f32>>,
	/// `scale · grad · B` of that gradient, `[rows, rank]`.
	low: Option<Vec<f32>>,
}

impl Branch<'_> {
	/// The gradient of the product.
	fn product(&self) -> &[f32] {
		self.rescaled.as_deref().unwrap_or(self.grad)
	}
}

/// An adapter's factor as a term of a product, in the form that the product has.
enum Factor<'a> {
	Wide(&'a [f32]),
	Narrow(Vec<bf16>),
}

impl<'a> Factor<'a> {
	fn new(x: &'a [f32], pairs: bool) -> Self {
		if !pairs {
			return Self::Wide(x);
		}
		let mut narrow = vec![bf16::ZERO; x.len()];
		math::round(&mut narrow, x);
		Self::Narrow(narrow)
	}

	fn elements(&self) -> Elements<'_> {
		match self {
			Self::Wide(x) => Elements::F32(x),
			Self::Narrow(x) => Elements::Bf16(x),
		}
	}
}

/// `dst [m, n] = lhs · rhs · scale`, by the general product.
fn plain(m: usize, n: usize, lhs: Mat<'_>, rhs: Mat<'_>, scale: f32) -> Vec<f32> {
	let mut out = vec![0f32; m * n];
	mat::product(MatMut::new(&mut out, m, n), false, lhs, rhs, scale, Threads::All);
	out
}

impl Pass<'_> {
	pub fn input<'x>(&self, x: &'x [f32]) -> Input<'x> {
		Input {
			x,
			lhs: Lhs::new(x, self.rows, x.len() / self.rows, self.path, self.pairs),
		}
	}

	/// A linear layer's result, on top of `residual` where there is one.
	pub fn linear(
		&self,
		linear: &Linear,
		input: &Input<'_>,
		residual: Option<&[f32]>,
		dropout: &mut DropoutRng,
		masks: &mut Vec<Mask>,
	) -> Result<Vec<f32>> {
		let (out, inp) = linear.weight.out_in()?;
		let weight = Held::of(&linear.weight.matrix)?;
		let bias = linear.weight.bias.as_ref().map(Held::new).transpose()?;
		let start = Start {
			held: false,
			rows: residual,
			bias: bias.as_ref().map(Held::f32).transpose()?,
		};
		let base = weight_of(&linear.weight, &weight)?.t();
		let Some(adapter) = &linear.adapter else {
			masks.push(None);
			return Ok(product(start, &[(&input.lhs, base)]));
		};
		let mask: Mask = match dropout {
			Some(rng) if adapter.dropout > 0.0 => Some(mask(rng, input.x.len(), adapter.dropout)),
			_ => None,
		};
		let (a, b) = (Held::new(&adapter.a)?, Held::new(&adapter.b)?);
		let rank = adapter.a.dim(0)?;
		let dropped = dropped(input.x, &mask);
		let low = plain(
			self.rows,
			rank,
			Mat::new(&dropped, self.rows, inp),
			Mat::new(a.f32()?, rank, inp).t(),
			adapter.scale,
		);
		let b = Factor::new(b.f32()?, self.pairs);
		let low = Lhs::new(&low, self.rows, rank, self.path, self.pairs);
		let through = Rhs::new(b.elements(), out, rank).t();
		let y = match Rescale::of(adapter, &linear.weight)? {
			None => product(start, &[(&input.lhs, base), (&low, through)]),
			Some(rescale) if mask.is_none() => {
				let sum = product(Start::default(), &[(&input.lhs, base), (&low, through)]);
				let mut y = residual.map_or_else(|| vec![0f32; sum.len()], <[f32]>::to_vec);
				rescale.add(&mut y, &sum, start.bias);
				y
			}
			Some(rescale) => {
				// What dropout leaves out passes W as it is; see `Adapter::forward`.
				let kept = self.input(&dropped);
				let sum = product(Start::default(), &[(&kept.lhs, base), (&low, through)]);
				let rest: Vec<f32> = input.x.iter().zip(dropped.iter()).map(|(x, kept)| x - kept).collect();
				let mut y = product(start, &[(&self.input(&rest).lhs, base)]);
				rescale.add(&mut y, &sum, None);
				y
			}
		};
		masks.push(mask);
		Ok(y)
	}

	/// Gradients of linear layers that share their input, whose gradient is returned if it is wanted.
	pub fn linears_backward(
		&self,
		layers: &[(&Linear, &[f32], &Mask)],
		x: Option<&[f32]>,
		wanted: bool,
		gradients: &mut Gradients,
	) -> Result<Vec<f32>> {
		let mut branches = Vec::new();
		for (linear, grad, mask) in layers {
			let rescale = match &linear.adapter {
				Some(adapter) => Rescale::of(adapter, &linear.weight)?,
				None => None,
			};
			let mut branch = Branch {
				linear,
				grad,
				mask,
				rescaled: rescale.as_ref().map(|rescale| rescale.times(grad)),
				low: None,
			};
			if let Some(x) = x {
				self.parameters(&mut branch, x, rescale, gradients)?;
			}
			branches.push(branch);
		}
		match wanted {
			true => self.input_gradient(&branches),
			false => Ok(Vec::new()),
		}
	}

	/// Gradients of a linear layer's own parameters.
	fn parameters(
		&self,
		branch: &mut Branch<'_>,
		x: &[f32],
		rescale: Option<Rescale>,
		gradients: &mut Gradients,
	) -> Result<()> {
		let Weight { matrix, layout, bias } = &branch.linear.weight;
		let (out, inp) = branch.linear.weight.out_in()?;
		let grad = Mat::new(branch.product(), self.rows, out);
		if let Some(tensor) = matrix.plain().filter(|tensor| tensor.is_variable()) {
			let x = Mat::new(x, self.rows, inp);
			let d_weight = match layout {
				WeightLayout::OutIn => plain(out, inp, grad.t(), x, 1.0),
				WeightLayout::InOut => plain(inp, out, x.t(), grad, 1.0),
			};
			gradients.add(tensor, d_weight);
		}
		if let Some(bias) = bias.as_ref().filter(|b| b.is_variable()) {
			let mut sum = vec![0f32; out];
			branch.grad.chunks_exact(out).for_each(|row| math::add(&mut sum, row));
			gradients.add(bias, sum);
		}
		let Some(adapter) = &branch.linear.adapter else {
			return Ok(());
		};
		let (a, b) = (Held::new(&adapter.a)?, Held::new(&adapter.b)?);
		let rank = adapter.a.dim(0)?;
		let low = plain(self.rows, rank, grad, Mat::new(b.f32()?, out, rank), adapter.scale);
		let dropped = dropped(x, branch.mask);
		let x = Mat::new(&dropped, self.rows, inp);
		if adapter.b.is_variable() {
			let h = plain(self.rows, rank, x, Mat::new(a.f32()?, rank, inp).t(), adapter.scale);
			let d_b = plain(out, rank, grad.t(), Mat::new(&h, self.rows, rank), 1.0);
			gradients.add(&adapter.b, d_b);
			if let (Some(rescale), Some(dora)) = (&rescale, &adapter.dora) {
				let weight = Held::of(matrix)?;
				let b = Factor::new(b.f32()?, self.pairs);
				let low = Lhs::new(&h, self.rows, rank, self.path, self.pairs);
				let through = Rhs::new(b.elements(), out, rank).t();
				let base = weight_of(&branch.linear.weight, &weight)?.t();
				let terms = [(&self.input(&dropped).lhs, base), (&low, through)];
				let sum = product(Start::default(), &terms);
				gradients.add(&dora.magnitude, rescale.gradient(branch.grad, &sum));
			}
		}
		if adapter.a.is_variable() {
			let d_a = plain(rank, inp, Mat::new(&low, self.rows, rank).t(), x, 1.0);
			gradients.add(&adapter.a, d_a);
		}
		branch.low = Some(low);
		Ok(())
	}

	/// `Σ grad · W + low · A`, dropped parts of the adapters' left out; with DoRA and dropout what W got of the kept ones
	/// is rescaled. One branch after the other, so that one gradient at a time is packed.
	fn input_gradient(&self, branches: &[Branch<'_>]) -> Result<Vec<f32>> {
		let mut sum = Vec::new();
		for branch in branches {
			let (out, inp) = branch.linear.weight.out_in()?;
			let held = Held::of(&branch.linear.weight.matrix)?;
			let weight = weight_of(&branch.linear.weight, &held)?;
			let packed = |x| Lhs::new(x, self.rows, out, self.path, self.pairs);
			let adapter = branch.linear.adapter.as_ref().zip(branch.low.as_deref());
			let low = match adapter {
				Some((adapter, low)) => Some((low, Held::new(&adapter.a)?, adapter.a.dim(0)?)),
				None => None,
			};
			let mut add = |terms: &[(&Lhs<'_>, Rhs<'_>)]| match sum.is_empty() {
				true => sum = product(Start::default(), terms),
				false => product_into(&mut sum, Start::HELD, terms),
			};
			match (branch.mask, &low) {
				(None, Some((low, a, rank))) => {
					let factor = Factor::new(a.f32()?, self.pairs);
					let low = Lhs::new(low, self.rows, *rank, self.path, self.pairs);
					let through = Rhs::new(factor.elements(), *rank, inp);
					add(&[(&packed(branch.product()), weight), (&low, through)]);
				}
				(None, None) => add(&[(&packed(branch.product()), weight)]),
				(Some(_), _) => add(&[(&packed(branch.grad), weight)]),
			}
			let (Some(mask), Some((low, a, rank))) = (branch.mask, low) else {
				continue;
			};
			let (low, a) = (Mat::new(low, self.rows, rank), Mat::new(a.f32()?, rank, inp));
			let mut through = plain(self.rows, inp, low, a, 1.0);
			if let Some(rescaled) = &branch.rescaled {
				let more: Vec<f32> = rescaled.iter().zip(branch.grad).map(|(r, g)| r - g).collect();
				product_into(&mut through, Start::HELD, &[(&packed(&more), weight)]);
			}
			through.iter_mut().zip(mask).for_each(|(t, m)| *t *= m);
			math::add(&mut sum, &through);
		}
		Ok(sum)
	}
}

impl Linear {
	/// Whether anything of it is trained.
	pub(super) fn trains(&self) -> bool {
		let adapter = self
			.adapter
			.as_ref()
			.is_some_and(|a| a.a.is_variable() || a.b.is_variable());
		let bias = self.weight.bias.as_ref().is_some_and(Tensor::is_variable);
		adapter || bias || self.weight.matrix.is_variable()
	}

	/// Elements of a row of its result.
	pub(super) fn width(&self) -> usize {
		self.weight.out_in().map_or(0, |(out, _)| out)
	}

	/// Whether its parameters' gradients, or its adapter's, need its input.
	pub(super) fn wants_input(&self) -> bool {
		self.adapter.is_some()
			|| self.weight.matrix.is_variable()
			|| self.weight.bias.as_ref().is_some_and(Tensor::is_variable)
	}
}

fn dropped<'x>(x: &'x [f32], mask: &Mask) -> std::borrow::Cow<'x, [f32]> {
	match mask {
		None => x.into(),
		Some(mask) => x.iter().zip(mask).map(|(x, m)| x * m).collect::<Vec<_>>().into(),
	}
}
