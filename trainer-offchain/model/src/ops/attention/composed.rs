//! The same out of candle's operations, for other devices than the CPU: blocks of query rows too, recomputed in the
//! backward pass.

use super::AttentionShape;
use crate::ops::backward::with_backward;
use candle_core::{Result, Tensor, D};

/// Scores that are held at once, as long as they are of so many query rows of all heads.
const SCORES: usize = 1 << 26;
const LEAST_ROWS: usize = 16;

/// See [`super::attention`].
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, shape: AttentionShape) -> Result<Tensor> {
	let (batch, _, heads, _) = q.dims4()?;
	let rows = (SCORES / (batch * heads * k.dim(1)?).max(1)).max(LEAST_ROWS);
	in_blocks(q, k, v, shape, rows)
}

/// The same by blocks of so many query rows.
pub(in crate::ops) fn in_blocks(
	q: &Tensor,
	k: &Tensor,
	v: &Tensor,
	shape: AttentionShape,
	rows: usize,
) -> Result<Tensor> {
	let call = Call::new(q, k, v, shape, rows)?;
	let outs = call
		.blocks()
		.map(|block| call.forward(block))
		.collect::<Result<Vec<_>>>()?;
	let out = call.join(&outs, shape.value_dim)?;
	with_backward(&[q, k, v], &out, move |grad| call.backward(grad))
}

/// What one call is of. Query heads that share a key head are rows of one matrix.
struct Call {
	/// `[batch, kv_heads, group, seq, head_dim]`.
	q: Tensor,
	/// `[batch · kv_heads, total, head_dim]`.
	k: Tensor,
	/// `[batch · kv_heads, total, value_dim]`.
	v: Tensor,
	shape: AttentionShape,
	/// Of a block.
	rows: usize,
}

/// Query rows and the keys that any of them sees.
#[derive(Clone, Copy)]
struct Block {
	row: usize,
	rows: usize,
	key: usize,
	keys: usize,
}

impl Call {
	fn new(q: &Tensor, k: &Tensor, v: &Tensor, shape: AttentionShape, rows: usize) -> Result<Self> {
		let keys = |x: &Tensor| x.detach().transpose(1, 2)?.contiguous()?.flatten(0, 1);
		Ok(Self {
			q: Self::grouped(&q.detach(), shape)?,
			k: keys(k)?,
			v: keys(v)?,
			shape,
			rows,
		})
	}

	/// `[batch, seq, heads, dim]` as `[batch, kv_heads, group, seq, dim]`.
	fn grouped(x: &Tensor, shape: AttentionShape) -> Result<Tensor> {
		let (batch, seq, heads, dim) = x.dims4()?;
		let group = heads / shape.kv_heads;
		let x = x.reshape((batch, seq, shape.kv_heads, group, dim))?;
		x.permute((0, 2, 3, 1, 4))?.contiguous()
	}

	fn seq(&self) -> usize {
		self.q.dims()[3]
	}

	fn total(&self) -> usize {
		self.k.dims()[1]
	}

	fn blocks(&self) -> impl Iterator<Item = Block> + use<'_> {
		let (seq, past) = (self.seq(), self.total() - self.seq());
		(0..seq).step_by(self.rows).map(move |row| {
			let rows = self.rows.min(seq - row);
			let key = self.shape.first_key(past + row);
			Block {
				row,
				rows,
				key,
				keys: past + row + rows - key,
			}
		})
	}

	/// Rows of a block of something `[batch, kv_heads, group, seq, dim]`, as `[batch · kv_heads, group · rows, dim]`.
	fn rows_of(&self, x: &Tensor, block: Block) -> Result<Tensor> {
		let (batch, kv_heads, group, _, dim) = x.dims5()?;
		let rows = x.narrow(3, block.row, block.rows)?.contiguous()?;
		rows.reshape((batch * kv_heads, group * block.rows, dim))
	}

	/// What blocks gave, `[batch · kv_heads, group · rows, dim]`, as `[batch, seq, heads, dim]`.
	fn join(&self, blocks: &[Tensor], dim: usize) -> Result<Tensor> {
		let (batch, kv_heads, group, seq, _) = self.q.dims5()?;
		let rows = |x: &Tensor| x.reshape((batch, kv_heads, group, (), dim));
		let blocks = blocks.iter().map(rows).collect::<Result<Vec<_>>>()?;
		let whole = Tensor::cat(&blocks, 3)?.permute((0, 3, 1, 2, 4))?;
		whole.contiguous()?.reshape((batch, seq, kv_heads * group, dim))
	}

	/// What is added to a block's scores, `[1 or kv_heads, 1 or group, rows, keys]`: -inf where a key may not be seen,
	/// elsewhere 0 or ALiBi's share.
	fn mask(&self, block: Block) -> Result<Tensor> {
		let device = self.q.device();
		let range = |from: usize, len: usize| Tensor::arange(from as f32, (from + len) as f32, device);
		let past = self.total() - self.seq();
		let positions = range(past + block.row, block.rows)?.reshape((block.rows, 1))?;
		let distance = positions.broadcast_sub(&range(block.key, block.keys)?.reshape((1, block.keys))?)?;
		let mut unseen = distance.lt(0f32)?;
		if let Some(window) = self.shape.window {
			unseen = (unseen + distance.ge(window as f32)?)?;
		}
		let never = Tensor::new(f32::NEG_INFINITY, device)?.broadcast_as(distance.shape())?;
		let (kv_heads, heads) = (self.shape.kv_heads, self.shape.heads);
		let mask = |seen: &Tensor| {
			unseen
				.broadcast_as(seen.shape())?
				.where_cond(&never.broadcast_as(seen.shape())?, seen)
		};
		if !self.shape.alibi {
			return mask(&distance.zeros_like()?.reshape((1, 1, block.rows, block.keys))?);
		}
		let slopes: Vec<f32> = (0..heads).map(|head| -self.shape.slope(head)).collect();
		let slopes = Tensor::from_vec(slopes, (kv_heads, heads / kv_heads, 1, 1), device)?;
		mask(&slopes.broadcast_mul(&distance)?)
	}

	/// `[batch · kv_heads, group · rows, keys]`.
	fn probabilities(&self, q: &Tensor, k: &Tensor, block: Block) -> Result<Tensor> {
		let (batch, kv_heads, group, _, _) = self.q.dims5()?;
		let scores = (q.matmul(&k.t()?)? * f64::from(self.shape.scale))?;
		let scores = scores.reshape((batch, kv_heads, group, block.rows, block.keys))?;
		let scores = scores.broadcast_add(&self.mask(block)?)?;
		let probabilities = candle_nn::ops::softmax_last_dim(&scores)?;
		probabilities.reshape((batch * kv_heads, group * block.rows, block.keys))
	}

	fn keys_of(&self, x: &Tensor, block: Block) -> Result<Tensor> {
		x.narrow(1, block.key, block.keys)?.contiguous()
	}

	/// `[batch · kv_heads, group · rows, value_dim]`.
	fn forward(&self, block: Block) -> Result<Tensor> {
		let (q, k) = (self.rows_of(&self.q, block)?, self.keys_of(&self.k, block)?);
		self.probabilities(&q, &k, block)?
			.matmul(&self.keys_of(&self.v, block)?)
	}

	/// Gradients of q, k and v. With the probabilities P and their gradient D, that of the scores is `P ∘ (D - Σ P ∘ D)`,
	/// summed over a row.
	fn backward(&self, grad: &Tensor) -> Result<Vec<Tensor>> {
		let (batch, kv_heads, _, _, head_dim) = self.q.dims5()?;
		let grad = Self::grouped(grad, self.shape)?;
		let (mut d_q, mut d_k, mut d_v) = (Vec::new(), self.k.zeros_like()?, self.v.zeros_like()?);
		let add = |sum: &Tensor, part: &Tensor, block: Block| {
			let after = self.total() - block.key - block.keys;
			sum + part.pad_with_zeros(1, block.key, after)?
		};
		for block in self.blocks() {
			let (q, k) = (self.rows_of(&self.q, block)?, self.keys_of(&self.k, block)?);
			let (v, grad) = (self.keys_of(&self.v, block)?, self.rows_of(&grad, block)?);
			let p = self.probabilities(&q, &k, block)?;
			d_v = add(&d_v, &p.t()?.matmul(&grad)?, block)?;
			let weighted = (grad.matmul(&v.t()?)? * &p)?;
			let sums = weighted.sum_keepdim(D::Minus1)?;
			let d_scores = ((weighted - p.broadcast_mul(&sums)?)? * f64::from(self.shape.scale))?;
			drop(p);
			d_k = add(&d_k, &d_scores.t()?.matmul(&q)?, block)?;
			d_q.push(d_scores.matmul(&k)?);
		}
		let keys = |x: Tensor| {
			let (_, total, dim) = x.dims3()?;
			x.reshape((batch, kv_heads, total, dim))?.transpose(1, 2)?.contiguous()
		};
		Ok(vec![self.join(&d_q, head_dim)?, keys(d_k)?, keys(d_v)?])
	}
}
