//! A linear layer, with or without a low-rank adapter around it.

use crate::dora::Dora;
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
		let dora = |adapter: &Adapter| adapter.dora.iter().flat_map(Dora::tensors).map(of).sum::<usize>();
		self.layers
			.values()
			.map(|adapter| of(&adapter.a) + of(&adapter.b) + dora(adapter))
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

/// `scale · B A`, added to a frozen weight; with DoRA the rows of the sum are rescaled.
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
	/// Magnitudes of the rows; none of a plain LoRA.
	pub dora: Option<Dora>,
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
		adapter.forward(x, &self.weight, mask)
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
				Some(adapter) => {
					let sum = (part + adapter.delta(&x.narrow(1, start, len)?)?)?;
					adapter.rescale(sum, &self.weight)?
				}
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
	/// `x [.., in]` to `[.., out]` through the weight and this around it; `mask` as [`lora_linear`] has it.
	pub(crate) fn forward(&self, x: &Tensor, weight: &Weight, mask: Option<Arc<Vec<f32>>>) -> Result<Tensor> {
		let adapted = |x: &Tensor, weight, mask| lora_linear(x, weight, &self.a, &self.b, self.scale, mask);
		let Some(factor) = self.factor(weight)? else {
			return Ok(adapted(x, weight, mask)?);
		};
		// PEFT drops parts of the input of W too where it rescales: `x Wᵀ + (factor - 1) ∘ x' Wᵀ + factor ∘ scale · x' Aᵀ Bᵀ`.
		let bare = weight.without_bias();
		let Some(mask) = mask else {
			let y = adapted(x, &bare, None)?.broadcast_mul(&factor)?;
			return Ok(match &weight.bias {
				Some(bias) => y.broadcast_add(bias)?,
				None => y,
			});
		};
		let kept = (x * Tensor::from_slice(&mask, x.shape(), x.device())?)?;
		let y = adapted(&kept, &bare, None)?.broadcast_mul(&factor)?;
		Ok((y + linear(&(x - kept)?, weight)?)?)
	}

	/// With DoRA, the sum of `x Wᵀ + b` and [`Self::delta`] rescaled.
	fn rescale(&self, sum: Tensor, weight: &Weight) -> Result<Tensor> {
		Ok(match (self.factor(weight)?, &weight.bias) {
			(None, _) => sum,
			(Some(factor), None) => sum.broadcast_mul(&factor)?,
			(Some(factor), Some(bias)) => {
				let product = sum.broadcast_sub(bias)?.broadcast_mul(&factor)?;
				product.broadcast_add(bias)?
			}
		})
	}

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
