//! Causal attention that never holds a `seq × seq` matrix: blocks of query rows, recomputed in the backward pass.

use super::{elements, flat, make, output, reference};
use crate::kernels::math::{dot, softmax, vectorised};
use crate::mat::{product, Mat, MatMut, Threads};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::marker::PhantomData;

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

/// Rows of heads inside a larger matrix: of row `r`, head `h` is `data[r · stride + offset + h · dim..][..dim]`.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a> {
	pub data: &'a [f32],
	pub stride: usize,
	pub offset: usize,
}

impl<'a> Heads<'a> {
	fn head(&self, row: usize, head: usize, dim: usize) -> &'a [f32] {
		&self.data[row * self.stride + self.offset + head * dim..]
	}

	/// `rows × dim` of one head, from `row` on.
	fn mat(&self, row: usize, rows: usize, head: usize, dim: usize) -> Mat<'a> {
		Mat::strided(self.head(row, head, dim), rows, dim, self.stride)
	}
}

/// The same to write to: tasks write heads that do not overlap.
pub(crate) struct HeadsMut<'a> {
	data: *mut f32,
	len: usize,
	stride: usize,
	offset: usize,
	borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: `write` is the only use, and its callers write disjoint elements.
unsafe impl Sync for HeadsMut<'_> {}

impl<'a> HeadsMut<'a> {
	pub fn new(data: &'a mut [f32], stride: usize, offset: usize) -> Self {
		Self {
			data: data.as_mut_ptr(),
			len: data.len(),
			stride,
			offset,
			borrow: PhantomData,
		}
	}

	/// Three views of one matrix, at three offsets; no two may be given the same elements.
	pub fn three(data: &'a mut [f32], stride: usize, offsets: [usize; 3]) -> [Self; 3] {
		let (data, len) = (data.as_mut_ptr(), data.len());
		offsets.map(|offset| Self {
			data,
			len,
			stride,
			offset,
			borrow: PhantomData,
		})
	}

	/// Copies `[rows, dim]` of one head into its place, from `row` on.
	fn write(&self, part: &[f32], row: usize, head: usize, dim: usize) {
		for (i, part) in part.chunks_exact(dim).enumerate() {
			let at = (row + i) * self.stride + self.offset + head * dim;
			assert!(at + dim <= self.len);
			// SAFETY: inside the matrix; no other task writes this head's rows.
			unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), self.data.add(at), dim) };
		}
	}
}

/// Sizes of the arguments.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
	pub batch: usize,
	/// Query rows of a batch row.
	pub seq: usize,
	/// Keys of a batch row, `seq` or more.
	pub total: usize,
	pub shape: AttentionShape,
}

/// Probabilities of query rows `start..start + rows` over keys `0..keys`, row after row.
struct Block {
	start: usize,
	rows: usize,
	keys: usize,
	probabilities: Vec<f32>,
}

impl Sizes {
	fn group(&self) -> usize {
		self.shape.heads / self.shape.kv_heads
	}

	/// Recomputes `block` for query rows from `start` on of batch row `b` and head `h`.
	fn probabilities(&self, block: &mut Block, q: Heads<'_>, k: Heads<'_>, (b, h): (usize, usize), start: usize) {
		let (dim, past) = (self.shape.head_dim, self.total - self.seq);
		block.start = start;
		block.rows = BLOCK.min(self.seq - start);
		block.keys = past + start + block.rows;
		let (rows, keys) = (block.rows, block.keys);
		block.probabilities.resize(rows * keys, 0.0);
		let q = q.mat(b * self.seq + start, rows, h, dim);
		let k = k.mat(b * self.total, keys, h / self.group(), dim);
		let into = MatMut::new(&mut block.probabilities, rows, keys);
		product(into, false, q, k.t(), self.shape.scale, Threads::One);
		for (i, row) in block.probabilities.chunks_mut(keys).enumerate() {
			let (seen, hidden) = row.split_at_mut(past + start + i + 1);
			softmax(seen);
			hidden.fill(0.0);
		}
	}
}

impl Block {
	fn empty() -> Self {
		Self {
			start: 0,
			rows: 0,
			keys: 0,
			probabilities: Vec::new(),
		}
	}

	fn mat(&self) -> Mat<'_> {
		Mat::new(&self.probabilities, self.rows, self.keys)
	}
}

/// See [`attention`]; `out` has the query's heads.
pub(crate) fn forward(out: HeadsMut<'_>, q: Heads<'_>, k: Heads<'_>, v: Heads<'_>, sizes: Sizes) {
	let (heads, dim) = (sizes.shape.heads, sizes.shape.head_dim);
	let blocks = sizes.seq.div_ceil(BLOCK);
	// The longest blocks first, so that threads end together.
	(0..sizes.batch * heads * blocks).into_par_iter().for_each_init(
		|| (Block::empty(), vec![0f32; BLOCK * dim]),
		|(p, own), task| {
			let start = (blocks - 1 - task / (sizes.batch * heads)) * BLOCK;
			let (b, h) = (task % (sizes.batch * heads) / heads, task % heads);
			sizes.probabilities(p, q, k, (b, h), start);
			let v = v.mat(b * sizes.total, p.keys, h / sizes.group(), dim);
			let own = &mut own[..p.rows * dim];
			product(MatMut::new(own, p.rows, dim), false, p.mat(), v, 1.0, Threads::One);
			out.write(own, b * sizes.seq + start, h, dim);
		},
	);
}

/// What the backward pass reads: the arguments, the result and its gradient.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
	pub q: Heads<'a>,
	pub k: Heads<'a>,
	pub v: Heads<'a>,
	pub out: Heads<'a>,
	pub grad: Heads<'a>,
}

/// Writes the gradients of query, key and value.
pub(crate) fn backward([d_q, d_k, d_v]: [HeadsMut<'_>; 3], given: Given<'_>, sizes: Sizes) {
	let (dim, group, kv_heads) = (sizes.shape.head_dim, sizes.group(), sizes.shape.kv_heads);
	// A task is a key head with its queries: nobody else adds to its gradients, and the order of sums is fixed.
	(0..sizes.batch * kv_heads).into_par_iter().for_each_init(
		|| (Block::empty(), Vec::new(), vec![0f32; BLOCK * dim]),
		|(p, d_s, own), task| {
			let (b, g) = (task / kv_heads, task % kv_heads);
			let (mut own_k, mut own_v) = (vec![0f32; sizes.total * dim], vec![0f32; sizes.total * dim]);
			for h in g * group..(g + 1) * group {
				for start in (0..sizes.seq).step_by(BLOCK) {
					sizes.probabilities(p, given.q, given.k, (b, h), start);
					let (row, rows, keys) = (b * sizes.seq + start, p.rows, p.keys);
					score_gradient(d_s, p, given, (b, h), sizes);
					let d_o = given.grad.mat(row, rows, h, dim);
					let d_s = Mat::new(d_s, rows, keys);
					let k = given.k.mat(b * sizes.total, keys, g, dim);
					let q = given.q.mat(row, rows, h, dim);
					let own = &mut own[..rows * dim];
					product(MatMut::new(own, rows, dim), false, d_s, k, 1.0, Threads::One);
					d_q.write(own, row, h, dim);
					let into = MatMut::new(&mut own_k[..keys * dim], keys, dim);
					product(into, true, d_s.t(), q, 1.0, Threads::One);
					let into = MatMut::new(&mut own_v[..keys * dim], keys, dim);
					product(into, true, p.mat().t(), d_o, 1.0, Threads::One);
				}
			}
			d_k.write(&own_k, b * sizes.total, g, dim);
			d_v.write(&own_v, b * sizes.total, g, dim);
		},
	);
}

/// Gradient of the unscaled scores, times the scale: `P ∘ (dO Vᵀ − rowsum(dO ∘ O)) · scale`.
fn score_gradient(d_s: &mut Vec<f32>, p: &Block, given: Given<'_>, (b, h): (usize, usize), sizes: Sizes) {
	let (dim, row) = (sizes.shape.head_dim, b * sizes.seq + p.start);
	d_s.resize(p.rows * p.keys, 0.0);
	let d_o = given.grad.mat(row, p.rows, h, dim);
	let v = given.v.mat(b * sizes.total, p.keys, h / sizes.group(), dim);
	let into = MatMut::new(d_s, p.rows, p.keys);
	product(into, false, d_o, v.t(), 1.0, Threads::One);
	for (i, (d_s, p_row)) in d_s.chunks_mut(p.keys).zip(p.probabilities.chunks(p.keys)).enumerate() {
		let o = &given.out.head(row + i, h, dim)[..dim];
		let d_o = &given.grad.head(row + i, h, dim)[..dim];
		softmax_gradient(d_s, p_row, dot(o, d_o), sizes.shape.scale);
	}
}

struct Attention {
	shape: AttentionShape,
}

impl Attention {
	fn sizes(&self, q: &Shape, k: &Shape) -> Result<Sizes> {
		let (batch, seq, _, _) = q.dims4()?;
		Ok(Sizes {
			batch,
			seq,
			total: k.dims4()?.1,
			shape: self.shape,
		})
	}

	fn query<'a>(&self, data: &'a [f32]) -> Heads<'a> {
		let stride = self.shape.heads * self.shape.head_dim;
		Heads {
			data,
			stride,
			offset: 0,
		}
	}

	fn key<'a>(&self, data: &'a [f32]) -> Heads<'a> {
		let stride = self.shape.kv_heads * self.shape.head_dim;
		Heads {
			data,
			stride,
			offset: 0,
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
		let sizes = self.sizes(l1.shape(), l2.shape())?;
		let mut out = vec![0f32; q.len()];
		let into = HeadsMut::new(&mut out, self.query(q).stride, 0);
		forward(into, self.query(q), self.key(k), self.key(v), sizes);
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
		let sizes = self.sizes(q.shape(), k.shape())?;
		let (q_shape, k_shape) = (q.shape().clone(), k.shape().clone());
		flat!(q = q);
		flat!(k = k);
		flat!(v = v);
		flat!(out = out);
		flat!(grad = grad);
		let (mut d_q, mut d_k, mut d_v) = (vec![0f32; q.len()], vec![0f32; k.len()], vec![0f32; k.len()]);
		let given = Given {
			q: self.query(q),
			k: self.key(k),
			v: self.key(v),
			out: self.query(out),
			grad: self.query(grad),
		};
		let (wide, narrow) = (given.q.stride, given.k.stride);
		let gradients = [
			HeadsMut::new(&mut d_q, wide, 0),
			HeadsMut::new(&mut d_k, narrow, 0),
			HeadsMut::new(&mut d_v, narrow, 0),
		];
		backward(gradients, given, sizes);
		Ok((
			Some(make(d_q, &q_shape)?),
			Some(make(d_k, &k_shape)?),
			Some(make(d_v, &k_shape)?),
		))
	}
}
