//! Loss and gradients through candle's graph: for the families whose blocks are not written out in [`super::step`], and
//! for all on other devices than the CPU.

use super::cache::Text;
use super::step::{Activations, Gradients, StepInput};
use super::Decoder;
use crate::error::{ModelError, Result};
use crate::linear::{Around, DropoutRng};
use crate::lora;
use crate::ops::{self, RotaryAngles};
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use std::ops::Range;
use std::sync::Arc;

/// A batch on its way through a decoder.
struct Pass<'a> {
	decoder: &'a Decoder,
	/// `[rows, seq]`.
	ids: &'a Tensor,
	/// Of the texts that the one row is; empty where each row is a text.
	lengths: &'a [usize],
	positions: Vec<Range<usize>>,
	angles: Option<RotaryAngles>,
}

impl<'a> Pass<'a> {
	fn new(decoder: &'a Decoder, ids: &'a Tensor, lengths: &'a [usize]) -> Result<Self> {
		let positions = match lengths {
			[] => std::iter::once(0..ids.dim(1)?).collect(),
			lengths => lengths.iter().map(|len| 0..*len).collect::<Vec<_>>(),
		};
		Ok(Self {
			angles: decoder.angles(&positions),
			decoder,
			ids,
			lengths,
			positions,
		})
	}

	fn embed(&self) -> Result<Tensor> {
		self.decoder.embed(self.ids, &self.positions)
	}

	fn block(&self, index: usize, x: &Tensor, dropout: &mut DropoutRng) -> Result<Tensor> {
		let text = |len: &usize| Text { len: *len, cache: None };
		let mut texts: Vec<Text<'_>> = self.lengths.iter().map(text).collect();
		let around = &mut Around::Own(dropout.as_mut());
		self.decoder
			.through_block(index, x, self.angles.as_ref(), &mut texts, around)
	}

	/// Sum of the losses of what the last block gave.
	fn loss(&self, x: &Tensor, targets: Arc<Vec<u32>>) -> Result<Tensor> {
		let hidden = self.decoder.final_norm.forward(x)?;
		let hidden = hidden.reshape((targets.len(), self.decoder.config.hidden_size))?;
		Ok(ops::cross_entropy_sum(&hidden, &self.decoder.head, targets)?)
	}
}

impl Decoder {
	/// Sum of the cross-entropies of `targets`, one per position of `ids` and row after row, [`ops::IGNORE`] for none.
	/// With `texts` the one row is that many texts of these lengths, none of which sees another.
	pub fn loss_sum(
		&self,
		ids: &Tensor,
		texts: &[usize],
		targets: Arc<Vec<u32>>,
		dropout: &mut DropoutRng,
	) -> Result<Tensor> {
		let pass = Pass::new(self, ids, texts)?;
		let mut x = pass.embed()?;
		for index in 0..self.blocks.len() {
			x = pass.block(index, &x, dropout)?;
		}
		pass.loss(&x, targets)
	}

	/// The same as a number, without dropout: the graph, which adapters in training would make, is of one block at a time.
	pub fn loss_value(&self, ids: &Tensor, texts: &[usize], targets: Arc<Vec<u32>>) -> Result<f64> {
		let pass = Pass::new(self, ids, texts)?;
		let mut x = pass.embed()?.detach();
		for index in 0..self.blocks.len() {
			x = pass.block(index, &x, &mut None)?.detach();
		}
		value(&pass.loss(&x, targets)?)
	}

	/// See [`Decoder::loss_and_gradients`]. Recomputing, the graph is of one block at a time: between the passes nothing is
	/// kept but the blocks' inputs.
	pub(super) fn graph_gradients(&self, input: &StepInput<'_>, dropout: &mut DropoutRng) -> Result<(f64, Gradients)> {
		let shape = (input.ids.len() / input.seq.max(1), input.seq);
		let ids = Tensor::from_slice(input.ids, shape, &self.device)?;
		let targets = Arc::new(input.targets.to_vec());
		let variables = self.variables();
		let mut gradients = Gradients::default();
		let factor = f64::from(input.factor);
		if input.activations == Activations::Keep {
			let loss = self.loss_sum(&ids, input.texts, targets, dropout)?;
			gradients.take_from(&mut (&loss * factor)?.backward()?, &variables)?;
			return Ok((value(&loss)?, gradients));
		}

		let pass = Pass::new(self, &ids, input.texts)?;
		let (embedding_trains, lowest) = self.lowest_trained();
		let embedded = pass.embed()?;
		let mut x = embedded.detach();
		let mut saved = Vec::new();
		for index in 0..self.blocks.len() {
			let before = (index, x.clone(), dropout.clone());
			x = pass.block(index, &x, dropout)?.detach();
			if lowest.is_some_and(|lowest| index >= lowest) {
				saved.push(before);
			}
		}
		let last = Var::from_tensor(&x)?;
		drop(x);
		let loss = pass.loss(&last, targets)?;
		let mut store = (&loss * factor)?.backward()?;
		gradients.take_from(&mut store, &variables)?;
		let mut grad = of(&mut store, &last)?;
		let sum = value(&loss)?;
		drop((loss, last, store));
		while let Some((index, x, mut dropout)) = saved.pop() {
			let x = Var::from_tensor(&x)?;
			let y = pass.block(index, &x, &mut dropout)?;
			let mut store = (y * grad)?.sum_all()?.backward()?;
			gradients.take_from(&mut store, &variables)?;
			grad = of(&mut store, &x)?;
		}
		if embedding_trains {
			let mut store = (embedded * grad)?.sum_all()?.backward()?;
			gradients.take_from(&mut store, &variables)?;
		}
		Ok((sum, gradients))
	}

	/// All that is trained.
	fn variables(&self) -> Vec<Tensor> {
		let base = self.parameters.iter().map(|(_, tensor)| tensor.clone());
		let adapters = lora::tensors(self).into_iter().map(|(_, tensor)| tensor);
		base.chain(adapters).filter(Tensor::is_variable).collect()
	}
}

impl Gradients {
	/// Adds those of a graph's variables.
	fn take_from(&mut self, store: &mut GradStore, variables: &[Tensor]) -> Result<()> {
		for variable in variables {
			if let Some(grad) = store.remove(variable) {
				self.add(variable, grad.flatten_all()?.to_vec1()?);
			}
		}
		Ok(())
	}
}

fn of(store: &mut GradStore, variable: &Tensor) -> Result<Tensor> {
	let gone = || ModelError::Input("the graph gave its input no gradient".into());
	store.remove(variable).ok_or_else(gone)
}

fn value(loss: &Tensor) -> Result<f64> {
	Ok(f64::from(loss.detach().to_scalar::<f32>()?))
}
