//! Loss and gradients of a batch on the CPU, forward and backward written out: without candle's graph, which fills and
//! adds a buffer for every gradient, on one thread, and keeps every intermediate.
//!
//! What is kept per block is its input, query, key and value, the attention's result, the residual stream after it, and
//! the feed-forward part's products; norms and activations are computed again. Where memory asks for it, only the input
//! is kept and the block runs forward again: the same bits.

use super::{Block, Decoder, FeedForward, Norm};
use crate::error::Result;
use crate::kernels::product::Elements;
use crate::kernels::{math, product, Lhs, Path, Rhs, Start};
use crate::linear::{mask, DropoutRng, Linear};
use crate::mat::{self, Mat, MatMut, Threads};
use crate::ops::attention::{self, Given, Heads, HeadsMut, Sizes};
use crate::ops::{activation, loss, norm, Held, Weight};
use candle_core::{Device, Tensor, TensorId};
use half::bf16;
use std::collections::HashMap;

/// Whether a block's intermediates are kept for the backward pass or computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
	/// Faster.
	Keep,
	/// Smaller.
	Recompute,
}

/// A batch with what is wanted of it.
pub struct StepInput<'a> {
	/// Rows of ids, one after the other.
	pub ids: &'a [u32],
	/// Ids of a row.
	pub seq: usize,
	/// Each position's next id; [`crate::ops::IGNORE`] where there is none.
	pub targets: &'a [u32],
	/// Factor on the gradients of the losses' sum.
	pub factor: f32,
	/// What becomes of intermediates.
	pub activations: Activations,
}

/// Gradients by variable.
#[derive(Default)]
pub struct Gradients(HashMap<TensorId, Vec<f32>>);

impl Gradients {
	fn add(&mut self, tensor: &Tensor, grad: Vec<f32>) {
		match self.0.get_mut(&tensor.id()) {
			Some(sum) => math::add(sum, &grad),
			None => drop(self.0.insert(tensor.id(), grad)),
		}
	}

	/// That of a variable, if it had any.
	pub fn take(&mut self, variable: &Tensor) -> Result<Option<Tensor>> {
		let grad = self.0.remove(&variable.id());
		Ok(grad
			.map(|grad| Tensor::from_vec(grad, variable.shape(), &Device::Cpu))
			.transpose()?)
	}
}

/// A linear layer's adapter's input is multiplied by this.
type Mask = Option<Vec<f32>>;

/// What the backward pass needs of a block beside its input.
struct Inner {
	/// Query, key and value, turned: one matrix, or three.
	qkv: Vec<Vec<f32>>,
	attended: Vec<f32>,
	/// The residual stream between the two parts.
	middle: Vec<f32>,
	gate: Option<Vec<f32>>,
	up: Vec<f32>,
	/// Of each linear layer, in their order.
	masks: Vec<Mask>,
}

struct Saved {
	x: Vec<f32>,
	inner: Option<Inner>,
	/// The generator as the block found it.
	dropout: DropoutRng,
}

/// Rows `[m, k]` that linear layers take.
struct Input<'a> {
	x: &'a [f32],
	lhs: Lhs<'a>,
}

/// A linear layer with the gradient of its output, in the backward pass.
struct Branch<'a> {
	linear: &'a Linear,
	grad: &'a [f32],
	mask: &'a Mask,
	/// `scale · grad · B`, `[rows, rank]`.
	low: Option<Vec<f32>>,
}

impl Decoder {
	/// Whether [`Self::loss_and_gradients`] knows all that this decoder does: where a family adds something to the
	/// blocks that is not written out below, this must say no, and training goes through candle's graph.
	pub fn has_step(&self) -> bool {
		self.device.is_cpu()
	}

	/// Sum of the losses of a batch, and the gradients of everything that is a variable. For the CPU.
	pub fn loss_and_gradients(&self, input: &StepInput<'_>, dropout: &mut DropoutRng) -> Result<(f64, Gradients)> {
		let pass = Pass::new(self, input)?;
		let lowest = self.blocks.iter().position(Block::trains);
		let embedding_trains = self.embedding.is_variable() || self.positions.as_ref().is_some_and(Tensor::is_variable);
		let lowest = if embedding_trains { Some(0) } else { lowest };
		let mut gradients = Gradients::default();
		let mut saved = Vec::new();
		let mut x = pass.embed(input.ids)?;
		for (index, block) in self.blocks.iter().enumerate() {
			let before = dropout.clone();
			let (y, inner) = pass.block(block, &x, dropout)?;
			if lowest.is_some_and(|lowest| index >= lowest) {
				let inner = (input.activations == Activations::Keep).then_some(inner);
				saved.push(Saved {
					x,
					inner,
					dropout: before,
				});
			}
			x = y;
		}
		let (sum, mut grad) = pass.loss(&x, input, lowest.is_some(), &mut gradients)?;
		drop(x);
		for (index, block) in self.blocks.iter().enumerate().skip(lowest.unwrap_or(usize::MAX)).rev() {
			let Some(mut saved) = saved.pop() else { break };
			let inner = match saved.inner.take() {
				Some(inner) => inner,
				None => pass.block(block, &saved.x, &mut saved.dropout)?.1,
			};
			let onward = Some(index) != lowest || embedding_trains;
			pass.block_backward(block, &saved.x, inner, &mut grad, onward, &mut gradients)?;
		}
		if embedding_trains {
			pass.embed_backward(input.ids, &grad, &mut gradients);
		}
		Ok((sum, gradients))
	}
}

impl Block {
	/// Linear layers, in a fixed order.
	fn linears(&self) -> impl Iterator<Item = &Linear> {
		self.qkv
			.iter()
			.chain([&self.attention_out, &self.up])
			.chain(&self.gate)
			.chain([&self.down])
	}

	fn trains(&self) -> bool {
		[&self.attention_norm, &self.mlp_norm].into_iter().any(Norm::trains)
			|| self.linears().any(|l| {
				let adapter = l
					.adapter
					.as_ref()
					.is_some_and(|a| a.a.is_variable() || a.b.is_variable());
				adapter || l.weight.tensor.is_variable() || l.weight.bias.as_ref().is_some_and(Tensor::is_variable)
			})
	}
}

impl Norm {
	fn trains(&self) -> bool {
		self.weight.is_variable() || self.bias.as_ref().is_some_and(Tensor::is_variable)
	}

	fn run(&self, x: &[f32]) -> Result<Vec<f32>> {
		let weight = Held::new(&self.weight)?;
		let bias = self.bias.as_ref().map(Held::new).transpose()?;
		let bias = bias.as_ref().map(Held::f32).transpose()?;
		let mut out = vec![0f32; x.len()];
		norm::forward(&mut out, x, weight.f32()?, bias, self.eps);
		Ok(out)
	}

	/// Adds the gradient of `x` to `d_x`, if there is one.
	fn backward(&self, d_x: Option<&mut [f32]>, x: &[f32], grad: &[f32], gradients: &mut Gradients) -> Result<()> {
		let weight = Held::new(&self.weight)?;
		let (weight, centred) = (weight.f32()?, self.bias.is_some());
		if let Some(d_x) = d_x {
			norm::backward(d_x, x, weight, grad, self.eps, centred);
		}
		if self.trains() {
			let (d_weight, d_bias) = norm::parameter_gradients(x, weight.len(), grad, self.eps, centred);
			gradients.add(&self.weight, d_weight);
			if let Some(bias) = &self.bias {
				gradients.add(bias, d_bias);
			}
		}
		Ok(())
	}
}

/// `dst [m, n] = lhs · rhs · scale`, by the general product.
fn plain(m: usize, n: usize, lhs: Mat<'_>, rhs: Mat<'_>, scale: f32) -> Vec<f32> {
	let mut out = vec![0f32; m * n];
	mat::product(MatMut::new(&mut out, m, n), false, lhs, rhs, scale, Threads::All);
	out
}

/// One batch's way through a decoder.
struct Pass<'a> {
	decoder: &'a Decoder,
	path: Path,
	rows: usize,
	seq: usize,
	/// Whether products are in pairs of bf16.
	pairs: bool,
}

/// An adapter's factor as a term of a product, in the form that the product has.
enum Factor<'a> {
	Wide(&'a [f32]),
	Narrow(Vec<bf16>),
}

impl<'a> Factor<'a> {
	fn new(x: &'a [f32], pairs: bool) -> Self {
		match pairs {
			true => Self::Narrow(x.iter().map(|x| bf16::from_f32(*x)).collect()),
			false => Self::Wide(x),
		}
	}

	fn elements(&self) -> Elements<'_> {
		match self {
			Self::Wide(x) => Elements::F32(x),
			Self::Narrow(x) => Elements::Bf16(x),
		}
	}
}

impl<'a> Pass<'a> {
	fn new(decoder: &'a Decoder, input: &StepInput<'_>) -> Result<Self> {
		let path = Path::detected();
		let held = Held::new(&decoder.head.tensor)?;
		Ok(Self {
			decoder,
			path,
			rows: input.ids.len(),
			seq: input.seq,
			pairs: path == Path::Avx512Bf16 && matches!(held.elements()?, Elements::Bf16(_)),
		})
	}

	fn input<'x>(&self, x: &'x [f32]) -> Input<'x> {
		Input {
			x,
			lhs: Lhs::new(x, self.rows, x.len() / self.rows, self.path, self.pairs),
		}
	}

	/// The residual stream before the first block.
	fn embed(&self, ids: &[u32]) -> Result<Vec<f32>> {
		let width = self.decoder.config.hidden_size;
		let mut x = vec![0f32; ids.len() * width];
		let table = Held::new(&self.decoder.embedding)?;
		let positions = self.decoder.positions.as_ref().map(Held::new).transpose()?;
		let positions = positions.as_ref().map(Held::elements).transpose()?;
		for (i, (x, id)) in x.chunks_exact_mut(width).zip(ids).enumerate() {
			table.elements()?.add_row(x, *id as usize);
			if let Some(positions) = positions {
				positions.add_row(x, i % self.seq);
			}
		}
		Ok(x)
	}

	fn embed_backward(&self, ids: &[u32], grad: &[f32], gradients: &mut Gradients) {
		let width = self.decoder.config.hidden_size;
		let mut table = vec![0f32; self.decoder.embedding.elem_count()];
		for (grad, id) in grad.chunks_exact(width).zip(ids) {
			math::add(&mut table[*id as usize * width..][..width], grad);
		}
		gradients.add(&self.decoder.embedding, table);
		if let Some(positions) = &self.decoder.positions {
			let mut table = vec![0f32; positions.elem_count()];
			for (i, grad) in grad.chunks_exact(width).enumerate() {
				math::add(&mut table[i % self.seq * width..][..width], grad);
			}
			gradients.add(positions, table);
		}
	}

	/// The summed loss and, where wanted, the gradient of the last block's result.
	fn loss(
		&self,
		x: &[f32],
		input: &StepInput<'_>,
		wanted: bool,
		gradients: &mut Gradients,
	) -> Result<(f64, Vec<f32>)> {
		let decoder = self.decoder;
		let hidden = decoder.final_norm.run(x)?;
		let head = Held::new(&decoder.head.tensor)?;
		let (vocab, width) = (decoder.config.vocab_size, decoder.config.hidden_size);
		let rhs = Rhs::new(head.elements()?, vocab, width).t();
		let trains = decoder.head.tensor.is_variable();
		let asked = loss::Wanted {
			factor: (wanted || trains || decoder.final_norm.trains()).then_some(input.factor),
			head: trains,
		};
		let outcome = loss::forward(input.targets, &hidden, rhs, asked, self.path);
		if asked.factor.is_none() {
			return Ok((outcome.sum, Vec::new()));
		}
		if trains {
			gradients.add(&decoder.head.tensor, outcome.head);
		}
		let mut grad = vec![0f32; x.len()];
		decoder
			.final_norm
			.backward(Some(&mut grad), x, &outcome.hidden, gradients)?;
		Ok((outcome.sum, grad))
	}

	fn block(&self, block: &Block, x: &[f32], dropout: &mut DropoutRng) -> Result<(Vec<f32>, Inner)> {
		let mut masks = Vec::new();
		let normed = block.attention_norm.run(x)?;
		let input = self.input(&normed);
		let mut qkv = block
			.qkv
			.iter()
			.map(|l| self.linear(l, &input, None, dropout, &mut masks))
			.collect::<Result<Vec<_>>>()?;
		self.turn(&mut qkv, 1.0);
		let c = &self.decoder.config;
		let mut attended = vec![0f32; self.rows * c.heads * c.head_dim];
		let [q, k, v] = self.heads(&qkv);
		let into = HeadsMut::new(&mut attended, c.heads * c.head_dim, 0);
		attention::forward(into, q, k, v, self.sizes());
		let middle = self.linear(
			&block.attention_out,
			&self.input(&attended),
			Some(x),
			dropout,
			&mut masks,
		)?;

		let normed = block.mlp_norm.run(&middle)?;
		let input = self.input(&normed);
		let up = self.linear(&block.up, &input, None, dropout, &mut masks)?;
		let gate = match &block.gate {
			Some(gate) => Some(self.linear(gate, &input, None, dropout, &mut masks)?),
			None => None,
		};
		let inner = self.activate(gate.as_deref(), &up);
		let y = self.linear(&block.down, &self.input(&inner), Some(&middle), dropout, &mut masks)?;
		let inner = Inner {
			qkv,
			attended,
			middle,
			gate,
			up,
			masks,
		};
		Ok((y, inner))
	}

	/// `grad`, that of the block's result, becomes that of `x`, unless nothing below wants it.
	fn block_backward(
		&self,
		block: &Block,
		x: &[f32],
		inner: Inner,
		grad: &mut [f32],
		onward: bool,
		gradients: &mut Gradients,
	) -> Result<()> {
		let Inner {
			qkv,
			attended,
			middle,
			mut gate,
			mut up,
			masks,
		} = inner;
		let c = &self.decoder.config;
		let (for_qkv, rest) = masks.split_at(block.qkv.len());
		let (for_out, for_mlp) = (&rest[0], &rest[1..]);
		let (for_inputs, for_down) = for_mlp.split_at(for_mlp.len() - 1);

		let inner = block.down.wants_input().then(|| self.activate(gate.as_deref(), &up));
		let d_inner = self.backward(&[(&block.down, grad, &for_down[0])], inner.as_deref(), true, gradients)?;
		drop(inner);
		match &mut gate {
			Some(gate) => activation::swiglu_backward(gate, &mut up, &d_inner),
			None => activation::gelu_backward(&mut up, &d_inner),
		}
		drop(d_inner);
		let mut branches = vec![(&block.up, up.as_slice(), &for_inputs[0])];
		if let (Some(linear), Some(gate)) = (&block.gate, &gate) {
			branches.push((linear, gate, &for_inputs[1]));
		}
		let normed = match branches.iter().any(|b| b.0.wants_input()) {
			true => Some(block.mlp_norm.run(&middle)?),
			false => None,
		};
		let d_normed = self.backward(&branches, normed.as_deref(), true, gradients)?;
		block
			.mlp_norm
			.backward(Some(&mut *grad), &middle, &d_normed, gradients)?;
		drop((d_normed, normed, middle, gate, up));

		let d_attended = self.backward(
			&[(&block.attention_out, grad, for_out)],
			Some(&attended),
			true,
			gradients,
		)?;
		let mut d_qkv: Vec<Vec<f32>> = qkv.iter().map(|part| vec![0f32; part.len()]).collect();
		{
			let width = c.heads * c.head_dim;
			let whole = |data| Heads {
				data,
				stride: width,
				offset: 0,
			};
			let [q, k, v] = self.heads(&qkv);
			let given = Given {
				q,
				k,
				v,
				out: whole(&attended),
				grad: whole(&d_attended),
			};
			attention::backward(self.heads_mut(&mut d_qkv), given, self.sizes());
		}
		self.turn(&mut d_qkv, -1.0);
		drop((d_attended, attended, qkv));
		let branches: Vec<_> = block
			.qkv
			.iter()
			.zip(&d_qkv)
			.zip(for_qkv)
			.map(|((linear, grad), mask)| (linear, grad.as_slice(), mask))
			.collect();
		let normed = match branches.iter().any(|b| b.0.wants_input()) {
			true => Some(block.attention_norm.run(x)?),
			false => None,
		};
		let onward = onward || block.attention_norm.trains();
		let d_normed = self.backward(&branches, normed.as_deref(), onward, gradients)?;
		if onward {
			block.attention_norm.backward(Some(grad), x, &d_normed, gradients)?;
		}
		Ok(())
	}

	fn activate(&self, gate: Option<&[f32]>, up: &[f32]) -> Vec<f32> {
		let mut out = vec![0f32; up.len()];
		match (self.decoder.config.feed_forward, gate) {
			(FeedForward::SwiGlu, Some(gate)) => activation::swiglu_forward(&mut out, gate, up),
			_ => activation::gelu_forward(&mut out, up),
		}
		out
	}

	fn sizes(&self) -> Sizes {
		Sizes {
			batch: self.rows / self.seq,
			seq: self.seq,
			total: self.seq,
			shape: self.decoder.attention_shape(),
		}
	}

	/// (row length, offset, width) of query, key and value in one matrix, or in three.
	fn places(&self, matrices: usize) -> [(usize, usize, usize); 3] {
		let c = &self.decoder.config;
		let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
		let total = q + 2 * kv;
		match matrices {
			1 => [(total, 0, q), (total, q, kv), (total, q + kv, kv)],
			_ => [(q, 0, q), (kv, 0, kv), (kv, 0, kv)],
		}
	}

	fn heads<'x>(&self, qkv: &'x [Vec<f32>]) -> [Heads<'x>; 3] {
		let places = self.places(qkv.len());
		std::array::from_fn(|i| Heads {
			data: &qkv[i.min(qkv.len() - 1)],
			stride: places[i].0,
			offset: places[i].1,
		})
	}

	fn heads_mut<'x>(&self, qkv: &'x mut [Vec<f32>]) -> [HeadsMut<'x>; 3] {
		let places = self.places(qkv.len());
		match qkv {
			[q, k, v] => [
				HeadsMut::new(q, places[0].0, 0),
				HeadsMut::new(k, places[1].0, 0),
				HeadsMut::new(v, places[2].0, 0),
			],
			all => HeadsMut::three(&mut all[0], places[0].0, places.map(|p| p.1)),
		}
	}

	/// Turns query and key by their positions, or back.
	fn turn(&self, qkv: &mut [Vec<f32>], direction: f32) {
		let Some(table) = &self.decoder.rotary else { return };
		let places = self.places(qkv.len());
		for (i, place) in places.into_iter().enumerate().take(2) {
			let at = i.min(qkv.len() - 1);
			table.turn(&mut qkv[at], place, self.seq, 0, direction);
		}
	}

	/// A linear layer's result, on top of `residual` where there is one.
	fn linear(
		&self,
		linear: &Linear,
		input: &Input<'_>,
		residual: Option<&[f32]>,
		dropout: &mut DropoutRng,
		masks: &mut Vec<Mask>,
	) -> Result<Vec<f32>> {
		let (out, inp) = linear.weight.out_in()?;
		let weight = Held::new(&linear.weight.tensor)?;
		let bias = linear.weight.bias.as_ref().map(Held::new).transpose()?;
		let mut y = match residual {
			Some(x) => x.to_vec(),
			None => vec![0f32; self.rows * out],
		};
		let start = Start {
			held: residual.is_some(),
			bias: bias.as_ref().map(Held::f32).transpose()?,
		};
		let base = weight_of(&linear.weight, &weight)?.t();
		let Some(adapter) = &linear.adapter else {
			masks.push(None);
			product(&mut y, start, &[(&input.lhs, base)]);
			return Ok(y);
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
		product(&mut y, start, &[(&input.lhs, base), (&low, through)]);
		masks.push(mask);
		Ok(y)
	}

	/// Gradients of linear layers that share their input, whose gradient is returned if it is wanted.
	fn backward(
		&self,
		layers: &[(&Linear, &[f32], &Mask)],
		x: Option<&[f32]>,
		wanted: bool,
		gradients: &mut Gradients,
	) -> Result<Vec<f32>> {
		let mut branches = Vec::new();
		for (linear, grad, mask) in layers {
			let mut branch = Branch {
				linear,
				grad,
				mask,
				low: None,
			};
			if let Some(x) = x {
				self.parameters(&mut branch, x, gradients)?;
			}
			branches.push(branch);
		}
		match wanted {
			true => self.input_gradient(&branches),
			false => Ok(Vec::new()),
		}
	}

	/// Gradients of a linear layer's own parameters.
	fn parameters(&self, branch: &mut Branch<'_>, x: &[f32], gradients: &mut Gradients) -> Result<()> {
		let Weight { tensor, layout, bias } = &branch.linear.weight;
		let (out, inp) = branch.linear.weight.out_in()?;
		let grad = Mat::new(branch.grad, self.rows, out);
		if tensor.is_variable() {
			let x = Mat::new(x, self.rows, inp);
			let d_weight = match layout {
				crate::ops::WeightLayout::OutIn => plain(out, inp, grad.t(), x, 1.0),
				crate::ops::WeightLayout::InOut => plain(inp, out, x.t(), grad, 1.0),
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
		}
		if adapter.a.is_variable() {
			let d_a = plain(rank, inp, Mat::new(&low, self.rows, rank).t(), x, 1.0);
			gradients.add(&adapter.a, d_a);
		}
		branch.low = Some(low);
		Ok(())
	}

	/// `Σ grad · W + low · A`, dropped parts of the adapters' left out.
	fn input_gradient(&self, branches: &[Branch<'_>]) -> Result<Vec<f32>> {
		let (_, inp) = branches[0].linear.weight.out_in()?;
		let mut d_x = vec![0f32; self.rows * inp];
		let (mut lefts, mut held, mut factors) = (Vec::new(), Vec::new(), Vec::new());
		for branch in branches {
			let (out, _) = branch.linear.weight.out_in()?;
			lefts.push(Lhs::new(branch.grad, self.rows, out, self.path, self.pairs));
			held.push(Held::new(&branch.linear.weight.tensor)?);
		}
		let mut low_lefts = Vec::new();
		for branch in branches {
			let (Some(adapter), Some(low)) = (&branch.linear.adapter, &branch.low) else {
				continue;
			};
			let a = Held::new(&adapter.a)?;
			let rank = adapter.a.dim(0)?;
			if let Some(mask) = branch.mask {
				let mut through = plain(
					self.rows,
					inp,
					Mat::new(low, self.rows, rank),
					Mat::new(a.f32()?, rank, inp),
					1.0,
				);
				through.iter_mut().zip(mask).for_each(|(t, m)| *t *= m);
				math::add(&mut d_x, &through);
				continue;
			}
			low_lefts.push((rank, Lhs::new(low, self.rows, rank, self.path, self.pairs)));
			factors.push(a);
		}
		let factors = factors
			.iter()
			.map(|a| Ok(Factor::new(a.f32()?, self.pairs)))
			.collect::<Result<Vec<_>>>()?;
		let mut terms = Vec::new();
		for ((branch, left), held) in branches.iter().zip(&lefts).zip(&held) {
			terms.push((left, weight_of(&branch.linear.weight, held)?));
		}
		for ((rank, left), factor) in low_lefts.iter().zip(&factors) {
			terms.push((left, Rhs::new(factor.elements(), *rank, inp)));
		}
		let start = Start {
			held: branches.iter().any(|b| b.mask.is_some()),
			bias: None,
		};
		product(&mut d_x, start, &terms);
		Ok(d_x)
	}
}

impl Linear {
	/// Whether its parameters' gradients, or its adapter's, need its input.
	fn wants_input(&self) -> bool {
		self.adapter.is_some()
			|| self.weight.tensor.is_variable()
			|| self.weight.bias.as_ref().is_some_and(Tensor::is_variable)
	}
}

/// A weight as `out × in`.
fn weight_of<'x>(weight: &Weight, held: &'x Held<'_>) -> Result<Rhs<'x>> {
	let (out, inp) = weight.out_in()?;
	let elements = held.elements()?;
	Ok(match weight.layout {
		crate::ops::WeightLayout::OutIn => Rhs::new(elements, out, inp),
		crate::ops::WeightLayout::InOut => Rhs::new(elements, inp, out).t(),
	})
}

fn dropped<'x>(x: &'x [f32], mask: &Mask) -> std::borrow::Cow<'x, [f32]> {
	match mask {
		None => x.into(),
		Some(mask) => x.iter().zip(mask).map(|(x, m)| x * m).collect::<Vec<_>>().into(),
	}
}
