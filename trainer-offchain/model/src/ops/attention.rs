//! Causal attention that never holds a `seq × seq` matrix: blocks of query rows, recomputed in the backward pass.

use super::{elements, flat, make, output, reference};
use crate::kernels::math::{dot, softmax, vectorised};
use crate::mat::{product, Mat, MatMut, Threads};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Query rows handled at once.
const BLOCK: usize = 64;

/// Sizes of one attention call.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
	/// Query heads.
	pub heads: usize,
	/// Key and value heads; divides `heads`.
	pub kv_heads: usize,
	/// Width of a head.
	pub head_dim: usize,
	/// Factor on the scores, usually `1 / sqrt(head_dim)`.
	pub scale: f32,
}

/// Grouped causal attention. `q [batch, seq, heads, head_dim]`, `k, v [batch, past + seq, kv_heads, head_dim]`, result as
/// `q`: query row `i` sees keys `0..=past + i`.
///
/// Rows padded on the right need no mask: no row before them sees them.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, shape: AttentionShape) -> Result<Tensor> {
	let (_, seq, heads, head_dim) = q.dims4()?;
	let (_, total, kv_heads, _) = k.dims4()?;
	if heads != shape.heads || kv_heads != shape.kv_heads || head_dim != shape.head_dim || total < seq {
		candle_core::bail!("attention: q {:?}, k {:?} for {shape:?}", q.dims(), k.dims());
	}
	if !q.device().is_cpu() {
		return reference::attention(q, k, v, shape);
	}
	q.contiguous()?
		.apply_op3(&k.contiguous()?, &v.contiguous()?, Attention { shape })
}

vectorised! {
	/// `d = p · (d - sum) · scale`.
	pub fn softmax_gradient(d: &mut [f32], p: &[f32], sum: f32, scale: f32) {
		d.iter_mut().zip(p).for_each(|(d, p)| *d = p * (*d - sum) * scale);
	}
}

struct Attention {
	shape: AttentionShape,
}

/// One head's rows in a `[batch, rows, heads, head_dim]` buffer.
fn head(data: &[f32], rows: usize, heads: usize, dim: usize, batch: usize, head: usize) -> (&[f32], usize) {
	let from = (batch * rows * heads + head) * dim;
	let to = from + ((rows - 1) * heads + 1) * dim;
	(&data[from..to], heads * dim)
}

/// Copies `[rows, dim]` of one head into its place, adding.
fn scatter(out: &mut [f32], part: &[f32], rows: usize, heads: usize, dim: usize, batch: usize, head: usize) {
	for row in 0..rows {
		let at = ((batch * rows + row) * heads + head) * dim;
		out[at..at + dim].copy_from_slice(&part[row * dim..(row + 1) * dim]);
	}
}

/// Probabilities of query rows `start..end` over keys `0..past + end`, row after row.
struct Block {
	start: usize,
	rows: usize,
	keys: usize,
	probabilities: Vec<f32>,
}

impl Attention {
	/// Blocks of query rows of one head, in order.
	fn block(&self, q: (&[f32], usize), k: (&[f32], usize), start: usize, seq: usize, past: usize) -> Block {
		let dim = self.shape.head_dim;
		let rows = BLOCK.min(seq - start);
		let keys = past + start + rows;
		let mut scores = vec![0f32; rows * keys];
		let q = Mat::strided(&q.0[start * q.1..], rows, dim, q.1);
		let k = Mat::strided(k.0, keys, dim, k.1);
		product(
			MatMut::new(&mut scores, rows, keys),
			false,
			q,
			k.t(),
			self.shape.scale,
			Threads::One,
		);
		for (i, row) in scores.chunks_mut(keys).enumerate() {
			let (seen, hidden) = row.split_at_mut(past + start + i + 1);
			softmax(seen);
			hidden.fill(0.0);
		}
		Block {
			start,
			rows,
			keys,
			probabilities: scores,
		}
	}
}

impl CustomOp3 for Attention {
	fn name(&self) -> &'static str {
		"causal-attention"
	}

	fn cpu_fwd(
		&self,
		s1: &CpuStorage,
		l1: &Layout,
		s2: &CpuStorage,
		l2: &Layout,
		s3: &CpuStorage,
		l3: &Layout,
	) -> Result<(CpuStorage, Shape)> {
		let (q, k, v) = (elements(s1, l1)?, elements(s2, l2)?, elements(s3, l3)?);
		let (batch, seq, heads, dim) = l1.shape().dims4()?;
		let (_, total, kv_heads, _) = l2.shape().dims4()?;
		let (past, group) = (total - seq, heads / kv_heads);
		let parts: Vec<Vec<f32>> = (0..batch * heads)
			.into_par_iter()
			.map(|task| {
				let (b, h) = (task / heads, task % heads);
				let q = head(q, seq, heads, dim, b, h);
				let k = head(k, total, kv_heads, dim, b, h / group);
				let v = head(v, total, kv_heads, dim, b, h / group);
				let mut out = vec![0f32; seq * dim];
				for start in (0..seq).step_by(BLOCK) {
					let p = self.block(q, k, start, seq, past);
					let into = MatMut::new(&mut out[start * dim..(start + p.rows) * dim], p.rows, dim);
					let v = Mat::strided(v.0, p.keys, dim, v.1);
					product(
						into,
						false,
						Mat::new(&p.probabilities, p.rows, p.keys),
						v,
						1.0,
						Threads::One,
					);
				}
				out
			})
			.collect();
		let mut out = vec![0f32; q.len()];
		for (task, part) in parts.iter().enumerate() {
			scatter(&mut out, part, seq, heads, dim, task / heads, task % heads);
		}
		Ok(output(out, l1.shape().clone()))
	}

	fn bwd(
		&self,
		q: &Tensor,
		k: &Tensor,
		v: &Tensor,
		out: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
		let (batch, seq, heads, dim) = q.dims4()?;
		let (_, total, kv_heads, _) = k.dims4()?;
		let (past, group) = (total - seq, heads / kv_heads);
		let (q_shape, k_shape) = (q.shape().clone(), k.shape().clone());
		flat!(q = q);
		flat!(k = k);
		flat!(v = v);
		flat!(out = out);
		flat!(grad = grad);
		// A task is a key head with its queries: nobody else adds to its gradients, and the order of sums is fixed.
		let parts: Vec<(Vec<f32>, Vec<f32>, Vec<f32>)> = (0..batch * kv_heads)
			.into_par_iter()
			.map(|task| {
				let (b, g) = (task / kv_heads, task % kv_heads);
				let k = head(k, total, kv_heads, dim, b, g);
				let v = head(v, total, kv_heads, dim, b, g);
				let mut d_q = vec![0f32; group * seq * dim];
				let (mut d_k, mut d_v) = (vec![0f32; total * dim], vec![0f32; total * dim]);
				for h in g * group..(g + 1) * group {
					let q = head(q, seq, heads, dim, b, h);
					let out = head(out, seq, heads, dim, b, h);
					let d_out = head(grad, seq, heads, dim, b, h);
					let d_q = &mut d_q[(h - g * group) * seq * dim..][..seq * dim];
					for start in (0..seq).step_by(BLOCK) {
						let p = self.block(q, k, start, seq, past);
						let d_s = self.score_gradient(&p, out, d_out, v);
						let d_o = Mat::strided(&d_out.0[start * d_out.1..], p.rows, dim, d_out.1);
						let d_s = Mat::new(&d_s, p.rows, p.keys);
						let probabilities = Mat::new(&p.probabilities, p.rows, p.keys);
						let q_rows = Mat::strided(&q.0[start * q.1..], p.rows, dim, q.1);
						let keys = Mat::strided(k.0, p.keys, dim, k.1);
						let into = &mut d_q[start * dim..(start + p.rows) * dim];
						product(MatMut::new(into, p.rows, dim), false, d_s, keys, 1.0, Threads::One);
						let into = MatMut::new(&mut d_k[..p.keys * dim], p.keys, dim);
						product(into, true, d_s.t(), q_rows, 1.0, Threads::One);
						let into = MatMut::new(&mut d_v[..p.keys * dim], p.keys, dim);
						product(into, true, probabilities.t(), d_o, 1.0, Threads::One);
					}
				}
				(d_q, d_k, d_v)
			})
			.collect();
		let (mut d_q, mut d_k, mut d_v) = (vec![0f32; q.len()], vec![0f32; k.len()], vec![0f32; k.len()]);
		for (task, part) in parts.iter().enumerate() {
			let (b, g) = (task / kv_heads, task % kv_heads);
			for (i, part) in part.0.chunks(seq * dim).enumerate() {
				scatter(&mut d_q, part, seq, heads, dim, b, g * group + i);
			}
			scatter(&mut d_k, &part.1, total, kv_heads, dim, b, g);
			scatter(&mut d_v, &part.2, total, kv_heads, dim, b, g);
		}
		Ok((
			Some(make(d_q, &q_shape)?),
			Some(make(d_k, &k_shape)?),
			Some(make(d_v, &k_shape)?),
		))
	}
}

impl Attention {
	/// Gradient of the unscaled scores, times the scale: `P ∘ (dO Vᵀ − rowsum(dO ∘ O)) · scale`.
	fn score_gradient(&self, p: &Block, out: (&[f32], usize), d_out: (&[f32], usize), v: (&[f32], usize)) -> Vec<f32> {
		let dim = self.shape.head_dim;
		let d_o = Mat::strided(&d_out.0[p.start * d_out.1..], p.rows, dim, d_out.1);
		let mut d_s = vec![0f32; p.rows * p.keys];
		let v = Mat::strided(v.0, p.keys, dim, v.1);
		product(
			MatMut::new(&mut d_s, p.rows, p.keys),
			false,
			d_o,
			v.t(),
			1.0,
			Threads::One,
		);
		for (i, (d_s, p_row)) in d_s.chunks_mut(p.keys).zip(p.probabilities.chunks(p.keys)).enumerate() {
			let row = p.start + i;
			let (o, d) = (&out.0[row * out.1..][..dim], &d_out.0[row * d_out.1..][..dim]);
			softmax_gradient(d_s, p_row, dot(o, d), self.shape.scale);
		}
		d_s
	}
}
