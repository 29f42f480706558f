//! A linear layer, with or without a low-rank adapter around it.

use crate::error::Result;
use crate::ops::{linear, lora_linear, Weight, WeightLayout};
use candle_core::Tensor;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::sync::Arc;

/// Generator of dropout masks; none outside training.
pub type DropoutRng = Option<ChaCha8Rng>;

/// What is put around linear layers in a pass.
pub enum Around<'a> {
	/// Each layer's own adapter; in training, with dropout.
	Own(Option<&'a mut ChaCha8Rng>),
	/// The adapter of each text of the pass.
	OfTexts(&'a [TextAdapter<'a>]),
}

impl Default for Around<'_> {
	fn default() -> Self {
		Self::Own(None)
	}
}

/// How many rows of a pass are a text's, and what it is read with.
pub type TextAdapter<'a> = (usize, Option<&'a AdapterSet>);

/// An adapter that is not attached to a decoder: any number of them can share one base.
pub struct AdapterSet {
	/// By the path of the layer.
	pub(crate) layers: HashMap<String, Adapter>,
}

impl AdapterSet {
	/// Bytes of its tensors.
	pub fn bytes(&self) -> usize {
		let of = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
		self.layers
			.values()
			.map(|adapter| of(&adapter.a) + of(&adapter.b))
			.sum()
	}
}

/// A linear layer.
#[derive(Clone, Debug)]
pub struct Linear {
	/// Its module path in transformers' causal model, as PEFT names it.
	pub path: String,
	/// The base weight.
	pub weight: Weight,
	/// The adapter around it.
	pub adapter: Option<Adapter>,
}

/// `scale · B A`, added to a frozen weight.
#[derive(Clone, Debug)]
pub struct Adapter {
	/// `[rank, in]`.
	pub a: Tensor,
	/// `[out, rank]`.
	pub b: Tensor,
	/// `alpha / rank`, or `alpha / sqrt(rank)`.
	pub scale: f32,
	/// Probability that an element of the adapter's input is dropped in training.
	pub dropout: f32,
}

impl Linear {
	/// Last part of the path: what adapters' targets name.
	pub fn short_name(&self) -> &str {
		self.path.rsplit('.').next().unwrap_or(&self.path)
	}

	/// `x [.., in]` to `[.., out]`.
	pub fn forward(&self, x: &Tensor, around: &mut Around<'_>) -> Result<Tensor> {
		let dropout = match around {
			Around::Own(dropout) => dropout,
			Around::OfTexts(texts) => return self.forward_texts(x, texts),
		};
		let Some(adapter) = &self.adapter else {
			return Ok(linear(x, &self.weight)?);
		};
		let mask = match dropout {
			Some(rng) if adapter.dropout > 0.0 => Some(Arc::new(mask(rng, x.elem_count(), adapter.dropout))),
			_ => None,
		};
		Ok(lora_linear(
			x,
			&self.weight,
			&adapter.a,
			&adapter.b,
			adapter.scale,
			mask,
		)?)
	}

	/// `x [1, rows, in]`, the rows of many texts, to `[1, rows, out]`: the base's product over all of them at once, those of
	/// adapters over neighbours that share one.
	fn forward_texts(&self, x: &Tensor, texts: &[TextAdapter<'_>]) -> Result<Tensor> {
		let y = linear(x, &self.weight)?;
		if texts.iter().all(|text| self.adapter_of(text).is_none()) {
			return Ok(y);
		}
		let (mut parts, mut start) = (Vec::new(), 0);
		let same =
			|a: &TextAdapter<'_>, b: &TextAdapter<'_>| a.1.map(std::ptr::from_ref) == b.1.map(std::ptr::from_ref);
		for group in texts.chunk_by(same) {
			let len = group.iter().map(|text| text.0).sum();
			let part = y.narrow(1, start, len)?;
			parts.push(match self.adapter_of(&group[0]) {
				Some(adapter) => (part + adapter.delta(&x.narrow(1, start, len)?)?)?,
				None => part,
			});
			start += len;
		}
		Ok(Tensor::cat(&parts, 1)?)
	}

	fn adapter_of<'a>(&self, text: &TextAdapter<'a>) -> Option<&'a Adapter> {
		text.1?.layers.get(&self.path)
	}
}

impl Adapter {
	/// `scale · x Aᵀ Bᵀ`.
	fn delta(&self, x: &Tensor) -> Result<Tensor> {
		let plain = |tensor: &Tensor| Weight {
			matrix: tensor.clone().into(),
			layout: WeightLayout::OutIn,
			bias: None,
		};
		let low = linear(&x.contiguous()?, &plain(&self.a))?;
		Ok((linear(&low, &plain(&self.b))? * f64::from(self.scale))?)
	}
}

/// 0 with probability `p`, else `1 / (1 - p)`.
pub(crate) fn mask(rng: &mut ChaCha8Rng, len: usize, p: f32) -> Vec<f32> {
	let kept = 1.0 / (1.0 - p);
	(0..len)
		.map(|_| if rng.random::<f32>() < p { 0.0 } else { kept })
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use rand::SeedableRng;

	#[test]
	fn mask_should_keep_the_mean_and_repeat_with_its_seed() {
		let make = || mask(&mut ChaCha8Rng::seed_from_u64(3), 100_000, 0.3);
		let mean = make().iter().sum::<f32>() / 1e5;
		assert!((mean - 1.0).abs() < 0.02, "{mean}");
		assert_eq!(make(), make());
	}
}
