//! Keys and values of what was read.

use crate::error::Result;
use candle_core::Tensor;

/// A text's part of a pass: how many of the rows are its own, after what its cache holds.
pub(super) struct Text<'a> {
	pub len: usize,
	/// None: what was read of it is not kept.
	pub cache: Option<&'a mut KvCache>,
}

/// Positions by which the room of a cache grows: what is copied then is little beside what attention reads meanwhile.
const ROOM: usize = 128;

/// Keys and values of the positions read so far, per block.
#[derive(Default)]
pub struct KvCache {
	/// `[batch, room, kv_heads, head_dim]`, filled from the front.
	blocks: Vec<Option<[Tensor; 2]>>,
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
		let (k, v) = (k.detach(), v.detach());
		let end = self.len + k.dim(1)?;
		let held = match self.blocks[block].take() {
			Some([old_k, old_v]) => [
				self.with_room(&k, Some(old_k), end)?,
				self.with_room(&v, Some(old_v), end)?,
			],
			None => [self.with_room(&k, None, end)?, self.with_room(&v, None, end)?],
		};
		held[0].slice_set(&k.contiguous()?, 1, self.len)?;
		held[1].slice_set(&v.contiguous()?, 1, self.len)?;
		let all = (held[0].narrow(1, 0, end)?, held[1].narrow(1, 0, end)?);
		self.blocks[block] = Some(held);
		Ok(all)
	}

	/// What is held, with room for positions up to `end` that are like `new`.
	fn with_room(&self, new: &Tensor, held: Option<Tensor>, end: usize) -> Result<Tensor> {
		if let Some(held) = held.as_ref().filter(|held| held.dims()[1] >= end) {
			return Ok(held.clone());
		}
		let (batch, _, heads, dim) = new.dims4()?;
		let shape = (batch, end.next_multiple_of(ROOM), heads, dim);
		let larger = Tensor::zeros(shape, new.dtype(), new.device())?;
		if let Some(held) = held {
			larger.slice_set(&held.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
		}
		Ok(larger)
	}
}
