//! One step of many texts at once, each with a cache and an adapter of its own: what serving runs.

use super::cache::Text;
use super::{Decoder, KvCache};
use crate::error::{ModelError, Result};
use crate::linear::{AdapterSet, Around, Linear, TextAdapter};
use candle_core::Tensor;
use std::ops::Range;

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

	/// Logits `[segments, vocab]` of each segment's last id. Adapters attached to the decoder itself are not used; those of
	/// segments are cheapest where neighbours share them.
	pub fn step(&self, segments: &mut [Segment<'_>]) -> Result<Tensor> {
		if segments.is_empty() || segments.iter().any(|segment| segment.ids.is_empty()) {
			return Err(ModelError::Input("a step needs an id of every text".into()));
		}
		let ids: Vec<u32> = segments.iter().flat_map(|segment| segment.ids).copied().collect();
		let ids = Tensor::new(ids, &self.device)?.unsqueeze(0)?;
		let adapters: Vec<TextAdapter<'_>> = segments.iter().map(|s| (s.ids.len(), s.adapter)).collect();
		let positions: Vec<Range<usize>> = segments
			.iter()
			.map(|segment| segment.cache.len..segment.cache.len + segment.ids.len())
			.collect();
		let mut end = 0;
		let mut last = Vec::with_capacity(segments.len());
		for segment in segments.iter() {
			end += segment.ids.len() as u32;
			last.push(end - 1);
		}
		let mut texts: Vec<Text<'_>> = segments
			.iter_mut()
			.map(|segment| Text {
				len: segment.ids.len(),
				cache: Some(segment.cache),
			})
			.collect();
		let hidden = self.pass(&ids, &positions, &mut texts, &mut Around::OfTexts(&adapters))?;
		let last = hidden.squeeze(0)?.index_select(&Tensor::new(last, &self.device)?, 0)?;
		self.through_head(&last)
	}
}
