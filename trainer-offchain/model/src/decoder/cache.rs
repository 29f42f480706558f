//! Keys and values of what was read.

use crate::error::Result;
use candle_core::Tensor;

/// A text's part of a pass: how many of the rows are its own, after what its cache holds.
pub(super) struct Text<'a> {
	pub len: usize,
	/// None: what was read of it is not kept.
	pub cache: Option<&'a mut KvCache>,
}

/// Keys and values of the positions read so far, per block.
#[derive(Default)]
pub struct KvCache {
	blocks: Vec<Option<(Tensor, Tensor)>>,
	/// Positions held.
	pub(super) len: usize,
}

impl KvCache {
	/// An empty cache.
	pub fn new() -> Self {
		Self::default()
	}

	/// Positions held.
	pub fn len(&self) -> usize {
		self.len
	}

	/// Whether nothing was read yet.
	pub fn is_empty(&self) -> bool {
		self.len == 0
	}

	/// Appends keys and values of new positions and returns all of them. What is kept is detached: a cache that held
	/// the graph would keep every step's activations.
	pub(super) fn extend(&mut self, block: usize, k: Tensor, v: Tensor) -> Result<(Tensor, Tensor)> {
		if self.blocks.len() <= block {
			self.blocks.resize(block + 1, None);
		}
		let (k, v) = match &self.blocks[block] {
			None => (k.detach(), v.detach()),
			Some((old_k, old_v)) => (
				Tensor::cat(&[old_k, &k.detach()], 1)?,
				Tensor::cat(&[old_v, &v.detach()], 1)?,
			),
		};
		self.blocks[block] = Some((k.clone(), v.clone()));
		Ok((k, v))
	}
}
