//! One step of many texts at once, each with a cache and an adapter of its own: what serving runs.

use super::{Block, Decoder, KvCache};
use crate::error::{ModelError, Result};
use crate::linear::{Adapter, Linear};
use crate::ops::{self, Weight, WeightLayout};
use candle_core::Tensor;
use std::collections::HashMap;

/// An adapter that is not attached to a decoder: any number of them can share one base.
pub struct AdapterSet {
	/// By the path of the layer.
	layers: HashMap<String, Adapter>,
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

/// The part of a step that belongs to one text.
pub struct Segment<'a> {
	/// What continues its cache; at least one id.
	pub ids: &'a [u32],
	/// What was read of it.
	pub cache: &'a mut KvCache,
	/// What it is read with.
	pub adapter: Option<&'a AdapterSet>,
}

impl Decoder {
	/// Takes the adapter off this decoder, to be used by [`Decoder::step`] of any other with the same base.
	pub fn detach_adapter(&mut self) -> AdapterSet {
		let taken = |linear: &mut Linear| Some((linear.path.clone(), linear.adapter.take()?));
		AdapterSet {
			layers: self.linears_mut().filter_map(taken).collect(),
		}
	}

	/// Logits `[segments, vocab]` of each segment's last id. The base's products are taken over the rows of all segments
	/// at once, those of adapters over neighbours that share one. Adapters attached to the decoder itself are not used.
	pub fn step(&self, segments: &mut [Segment<'_>]) -> Result<Tensor> {
		for segment in segments.iter() {
			let positions = segment.cache.len + segment.ids.len();
			if segment.ids.is_empty() || positions > self.config.max_positions {
				let most = self.config.max_positions;
				return Err(ModelError::Input(format!(
					"a text of {positions} tokens does not fit the model's {most} positions"
				)));
			}
		}
		let ids: Vec<u32> = segments.iter().flat_map(|segment| segment.ids).copied().collect();
		let mut x = self.embedding.index_select(&Tensor::new(ids, &self.device)?, 0)?;
		if let Some(table) = &self.positions {
			let rows: Vec<u32> = segments.iter().flat_map(Segment::positions).collect();
			x = (x + table.index_select(&Tensor::new(rows, &self.device)?, 0)?)?;
		}
		let mut x = x.unsqueeze(0)?;
		for (index, block) in self.blocks.iter().enumerate() {
			let normed = block.attention_norm.forward(&x)?;
			let attended = self.attend(index, block, &normed, segments)?;
			x = (x + self.rows(&block.attention_out, &attended, segments)?)?;
			let normed = block.mlp_norm.forward(&x)?;
			let up = self.rows(&block.up, &normed, segments)?;
			let gate = block.gate.as_ref().map(|gate| self.rows(gate, &normed, segments));
			let inner = self.activate(gate.transpose()?, &up)?;
			x = (x + self.rows(&block.down, &inner, segments)?)?;
		}
		let mut end = 0;
		let last: Vec<u32> = segments
			.iter_mut()
			.map(|segment| {
				segment.cache.len += segment.ids.len();
				end += segment.ids.len() as u32;
				end - 1
			})
			.collect();
		let x = x.squeeze(0)?.index_select(&Tensor::new(last, &self.device)?, 0)?;
		Ok(ops::linear(&self.final_norm.forward(&x)?, &self.head)?)
	}

	/// Attention of every segment to its own past.
	fn attend(&self, index: usize, block: &Block, x: &Tensor, segments: &mut [Segment<'_>]) -> Result<Tensor> {
		let parts = block
			.qkv
			.iter()
			.map(|linear| self.rows(linear, x, segments))
			.collect::<Result<Vec<_>>>()?;
		let (mut attended, mut start) = (Vec::new(), 0);
		for segment in segments.iter_mut() {
			let len = segment.ids.len();
			let own = parts
				.iter()
				.map(|part| part.narrow(1, start, len))
				.collect::<candle_core::Result<Vec<_>>>()?;
			let (q, k, v) = self.split_heads(own, segment.cache.len)?;
			let (k, v) = segment.cache.extend(index, k, v)?;
			let width = self.config.heads * self.config.head_dim;
			attended.push(ops::attention(&q, &k, &v, self.attention_shape())?.reshape((1, len, width))?);
			start += len;
		}
		Ok(Tensor::cat(&attended, 1)?)
	}

	/// A linear layer over the rows of all segments, each with its adapter.
	fn rows(&self, linear: &Linear, x: &Tensor, segments: &[Segment<'_>]) -> Result<Tensor> {
		let y = ops::linear(x, &linear.weight)?;
		if segments.iter().all(|segment| segment.around(linear).is_none()) {
			return Ok(y);
		}
		let (mut parts, mut start) = (Vec::new(), 0);
		let same =
			|a: &Segment<'_>, b: &Segment<'_>| a.adapter.map(std::ptr::from_ref) == b.adapter.map(std::ptr::from_ref);
		for group in segments.chunk_by(same) {
			let len = group.iter().map(|segment| segment.ids.len()).sum();
			let part = y.narrow(1, start, len)?;
			parts.push(match group[0].around(linear) {
				Some(adapter) => (part + adapter.delta(&x.narrow(1, start, len)?)?)?,
				None => part,
			});
			start += len;
		}
		Ok(Tensor::cat(&parts, 1)?)
	}
}

impl Segment<'_> {
	fn positions(&self) -> std::ops::Range<u32> {
		let start = self.cache.len as u32;
		start..start + self.ids.len() as u32
	}

	/// Its adapter around a layer.
	fn around(&self, linear: &Linear) -> Option<&Adapter> {
		self.adapter?.layers.get(&linear.path)
	}
}

impl Adapter {
	/// `scale · x Aᵀ Bᵀ`.
	fn delta(&self, x: &Tensor) -> Result<Tensor> {
		let plain = |tensor: &Tensor| Weight {
			tensor: tensor.clone(),
			layout: WeightLayout::OutIn,
			bias: None,
		};
		let low = ops::linear(&x.contiguous()?, &plain(&self.a))?;
		Ok((ops::linear(&low, &plain(&self.b))? * f64::from(self.scale))?)
	}
}
