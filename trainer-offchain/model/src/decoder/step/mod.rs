//! Loss and gradients of a batch on the CPU, forward and backward written out: without candle's graph, which fills and
//! adds a buffer for every gradient, on one thread, and keeps every intermediate.
//!
//! What is kept per block is its input, query, key and value, the residual stream after attention, the feed-forward part's
//! products and, where the layer after it trains, attention's result; norms and activations are computed again. Where
//! memory asks for it, only the input is kept and the block runs forward again: the same bits.

mod attention;
mod dora;
mod feed_forward;
mod linear;

use super::build::Norm;
use super::feed_forward::Mlp;
use super::{Block, Decoder};
use crate::config::Positions;
use crate::error::{ModelError, Result};
use crate::kernels::product::Elements;
use crate::kernels::{math, Path, Rhs};
use crate::linear::{DropoutRng, Linear};
use crate::ops::reference::is_fused;
use crate::ops::{loss, norm, Held, RotaryAngles};
use candle_core::{Device, Tensor, TensorId};
use std::collections::HashMap;
use std::ops::Range;

/// Whether a block's intermediates are kept for the backward pass or computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
	/// Faster.
	Keep,
	/// Smaller.
	Recompute,
}

impl Activations {
	/// Kept where they take at most half of the memory that is free, if that is known.
	pub fn fitting(needed: u64, available: Option<u64>) -> Self {
		match available {
			Some(available) if needed > available / 2 => Self::Recompute,
			_ => Self::Keep,
		}
	}
}

/// A batch with what is wanted of it.
pub struct StepInput<'a> {
	/// Rows of ids, one after the other.
	pub ids: &'a [u32],
	/// Ids of a row.
	pub seq: usize,
	/// Lengths of the texts that the one row is, none of which sees another; none where each row is a text.
	pub texts: &'a [usize],
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
	pub(super) fn add(&mut self, tensor: &Tensor, grad: Vec<f32>) {
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

/// What the backward pass needs of a block beside its input.
struct Inner {
	attention: attention::Saved,
	/// The residual stream between the two parts.
	middle: Vec<f32>,
	feed_forward: feed_forward::Saved,
}

struct Saved {
	x: Vec<f32>,
	inner: Option<Inner>,
	/// The generator as the block found it.
	dropout: DropoutRng,
}

/// One batch's way through a decoder.
struct Pass<'a> {
	decoder: &'a Decoder,
	path: Path,
	rows: usize,
	/// Of the rows, again and again.
	positions: Vec<Range<usize>>,
	/// Whether products are in pairs of bf16.
	pairs: bool,
	angles: Option<RotaryAngles>,
}

impl Decoder {
	/// Whether the step written out here knows all that this decoder does: where a family adds something to the blocks
	/// that is not, this must say no, and training goes through candle's graph.
	pub fn has_step(&self) -> bool {
		let plain = |block: &Block| {
			let direct = block.attention.direct().filter(|direct| direct.norms.is_none());
			direct.is_some() && block.feed_forward.dense().is_some()
		};
		is_fused(&self.device) && self.blocks.iter().all(plain)
	}

	/// What becomes of the intermediates of so many positions, of the CPU's memory being so much free. The graph keeps them
	/// on the CPU; how much of a card is free candle does not say, and there they are computed again.
	pub fn activations(&self, positions: usize, available: Option<u64>) -> Result<Activations> {
		Ok(match (self.has_step(), is_fused(&self.device)) {
			(true, _) => Activations::fitting(self.activation_bytes(positions)?, available),
			(false, true) => Activations::Keep,
			(false, false) => Activations::Recompute,
		})
	}

	/// Bytes that [`Activations::Keep`] keeps for so many positions: per block the stream before each part, the
	/// results of the layers before the last of each part and, where an adapter needs it, the attention's result.
	pub fn activation_bytes(&self, positions: usize) -> Result<u64> {
		let mut elements = 0;
		for block in &self.blocks {
			let out = &block.attention.out;
			if out.wants_input() {
				elements += out.weight.out_in()?.1;
			}
			for linear in [block.attention.linears(), block.feed_forward.linears()]
				.into_iter()
				.flatten()
			{
				// The last layers' results are as wide as the stream.
				elements += linear.weight.out_in()?.0;
			}
		}
		Ok((elements * positions * size_of::<f32>()) as u64)
	}

	/// Sum of the losses of a batch, and the gradients of everything that is a variable.
	pub fn loss_and_gradients(&self, input: &StepInput<'_>, dropout: &mut DropoutRng) -> Result<(f64, Gradients)> {
		match self.has_step() {
			true => self.step_gradients(input, dropout),
			false => self.graph_gradients(input, dropout),
		}
	}

	/// Whether embeddings are trained, and the lowest block whose input's gradient, or own, is wanted.
	pub(super) fn lowest_trained(&self) -> (bool, Option<usize>) {
		let embedding_trains = [Some(&self.embedding), self.positions.as_ref()]
			.into_iter()
			.flatten()
			.any(Tensor::is_variable)
			|| self.embedding_norm.as_ref().is_some_and(Norm::trains);
		let lowest = match embedding_trains {
			true => Some(0),
			false => self.blocks.iter().position(Block::trains),
		};
		(embedding_trains, lowest)
	}

	fn step_gradients(&self, input: &StepInput<'_>, dropout: &mut DropoutRng) -> Result<(f64, Gradients)> {
		let pass = Pass::new(self, input)?;
		let (embedding_trains, lowest) = self.lowest_trained();
		let mut gradients = Gradients::default();
		let mut saved = Vec::new();
		let mut x = pass.embed(input.ids)?;
		if let Some(norm) = &self.embedding_norm {
			x = norm.run(&x)?;
		}
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
		for (index, block) in self.blocks.iter().enumerate().rev() {
			let Some(mut saved) = saved.pop() else { break };
			let inner = match saved.inner.take() {
				Some(inner) => inner,
				None => pass.block(block, &saved.x, &mut saved.dropout)?.1,
			};
			let onward = Some(index) != lowest || embedding_trains;
			pass.block_backward(block, &saved.x, inner, &mut grad, onward, &mut gradients)?;
		}
		if embedding_trains {
			pass.embed_backward(input.ids, grad, &mut gradients)?;
		}
		Ok((sum, gradients))
	}
}

fn unknown() -> ModelError {
	ModelError::Input("this family trains through the graph only".into())
}

fn dense(block: &Block) -> Result<&Mlp> {
	block.feed_forward.dense().ok_or_else(unknown)
}

impl Block {
	fn trains(&self) -> bool {
		let linears = [self.attention.linears(), self.feed_forward.linears()];
		[&self.attention_norm, &self.mlp_norm].into_iter().any(Norm::trains)
			|| linears.into_iter().flatten().any(Linear::trains)
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

impl<'a> Pass<'a> {
	fn new(decoder: &'a Decoder, input: &StepInput<'_>) -> Result<Self> {
		let path = Path::detected();
		let head = Held::new(&decoder.head)?;
		let positions: Vec<Range<usize>> = match input.texts {
			[] => std::iter::once(0..input.seq).collect(),
			lengths => lengths.iter().map(|len| 0..*len).collect(),
		};
		Ok(Self {
			decoder,
			path,
			rows: input.ids.len(),
			pairs: path.has_pairs() && matches!(head.elements()?, Elements::Bf16(_)) && decoder.quantised.is_empty(),
			angles: match &decoder.config.positions {
				Positions::Rotary(table) => Some(table.angles(&positions)),
				Positions::Learned | Positions::Alibi => None,
			},
			positions,
		})
	}

	/// The position of each row.
	fn places(&self) -> impl Iterator<Item = usize> + use<'_> {
		self.positions.iter().cloned().flatten().cycle()
	}

	/// Embeddings and learned positions of the ids.
	fn embed(&self, ids: &[u32]) -> Result<Vec<f32>> {
		let width = self.decoder.config.hidden_size;
		let mut x = vec![0f32; ids.len() * width];
		let table = Held::new(&self.decoder.embedding)?;
		let positions = self.decoder.positions.as_ref().map(Held::new).transpose()?;
		let positions = positions.as_ref().map(Held::elements).transpose()?;
		for ((x, id), at) in x.chunks_exact_mut(width).zip(ids).zip(self.places()) {
			table.elements()?.add_row(x, *id as usize);
			if let Some(positions) = positions {
				positions.add_row(x, at);
			}
		}
		Ok(x)
	}

	fn embed_backward(&self, ids: &[u32], mut grad: Vec<f32>, gradients: &mut Gradients) -> Result<()> {
		let width = self.decoder.config.hidden_size;
		if let Some(norm) = &self.decoder.embedding_norm {
			let mut through = vec![0f32; grad.len()];
			norm.backward(Some(&mut through), &self.embed(ids)?, &grad, gradients)?;
			grad = through;
		}
		let mut table = vec![0f32; self.decoder.embedding.elem_count()];
		for (grad, id) in grad.chunks_exact(width).zip(ids) {
			math::add(&mut table[*id as usize * width..][..width], grad);
		}
		gradients.add(&self.decoder.embedding, table);
		if let Some(positions) = &self.decoder.positions {
			let mut table = vec![0f32; positions.elem_count()];
			for (grad, at) in grad.chunks_exact(width).zip(self.places()) {
				math::add(&mut table[at * width..][..width], grad);
			}
			gradients.add(positions, table);
		}
		Ok(())
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
		let head = Held::new(&decoder.head)?;
		let (vocab, width) = (decoder.config.vocab_size, decoder.config.hidden_size);
		let rhs = Rhs::new(head.elements()?, vocab, width).t();
		let trains = decoder.head.is_variable();
		let asked = loss::Wanted {
			factor: (wanted || trains || decoder.final_norm.trains()).then_some(input.factor),
			head: trains,
		};
		let outcome = loss::forward(input.targets, &hidden, rhs, asked, self.path);
		if asked.factor.is_none() {
			return Ok((outcome.sum, Vec::new()));
		}
		if trains {
			gradients.add(&decoder.head, outcome.head);
		}
		let mut grad = vec![0f32; x.len()];
		decoder
			.final_norm
			.backward(Some(&mut grad), x, &outcome.hidden, gradients)?;
		Ok((outcome.sum, grad))
	}

	fn block(&self, block: &Block, x: &[f32], dropout: &mut DropoutRng) -> Result<(Vec<f32>, Inner)> {
		let normed = block.attention_norm.run(x)?;
		let (middle, attention) = self.attention(&block.attention, &normed, x, dropout)?;
		let normed = block.mlp_norm.run(&middle)?;
		let (y, feed_forward) = self.feed_forward(dense(block)?, &normed, &middle, dropout)?;
		let inner = Inner {
			attention,
			middle,
			feed_forward,
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
		let normed = || block.mlp_norm.run(&inner.middle);
		let d_normed = self.feed_forward_backward(dense(block)?, normed, inner.feed_forward, grad, gradients)?;
		let d_middle = Some(&mut *grad);
		block.mlp_norm.backward(d_middle, &inner.middle, &d_normed, gradients)?;
		drop(d_normed);

		let onward = onward || block.attention_norm.trains();
		let normed = || block.attention_norm.run(x);
		let d_normed = self.attention_backward(&block.attention, normed, inner.attention, grad, onward, gradients)?;
		if onward {
			block.attention_norm.backward(Some(grad), x, &d_normed, gradients)?;
		}
		Ok(())
	}
}
