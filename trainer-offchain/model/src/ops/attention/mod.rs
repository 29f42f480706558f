//! Causal attention that never holds a `seq × seq` matrix: blocks of query rows, recomputed in the backward pass.

use super::{elements, flat, make, output, reference};
use crate::kernels::math::{softmax, sum_of, vectorised};
use crate::kernels::{with_kernel, Path};
use crate::mat::{product, Mat, MatMut, Threads};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::marker::PhantomData;

pub(super) mod composed;
mod few;
#[cfg(target_arch = "x86_64")]
mod tiles;

/// Below this many queries, packing the keys costs more than it gains.
const FEW: usize = 8;
/// Query rows handled at once.
const BLOCK: usize = 64;

/// Sizes of one attention call.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
	/// Query heads.
	pub heads: usize,
	/// Key and value heads; divides `heads`.
	pub kv_heads: usize,
	/// Width of a query and of a key head.
	pub head_dim: usize,
	/// Width of a value head.
	pub value_dim: usize,
	/// Factor on the scores, usually `1 / sqrt(head_dim)`.
	pub scale: f32,
	/// Keys that a query sees at most, its own counted; none for all.
	pub window: Option<usize>,
	/// Whether scores fall linearly with distance, by [`alibi_slope`].
	pub alibi: bool,
}

impl AttentionShape {
	/// The first key that the query at `position` sees.
	pub(super) fn first_key(&self, position: usize) -> usize {
		self.window.map_or(0, |window| (position + 1).saturating_sub(window))
	}

	/// What a step away from the query takes from the scores of `head`.
	pub(super) fn slope(&self, head: usize) -> f32 {
		if self.alibi {
			alibi_slope(head, self.heads)
		} else {
			0.0
		}
	}
}

/// ALiBi's slope of one head: powers of `2^(-8 / n)` for `n` heads where that is a power of two; of others, every second
/// one for twice as many fills up.
pub fn alibi_slope(head: usize, heads: usize) -> f32 {
	let whole = 1 << heads.ilog2();
	let (of, power) = if head < whole {
		(whole, head + 1)
	} else {
		(2 * whole, 2 * (head - whole) + 1)
	};
	(-8.0 * power as f64 / of as f64).exp2() as f32
}

/// Grouped causal attention. `q [batch, seq, heads, head_dim]`, `k [batch, past + seq, kv_heads, head_dim]`,
/// `v [batch, past + seq, kv_heads, value_dim]`, result `[batch, seq, heads, value_dim]`: query row `i` sees keys
/// `0..=past + i`, or the last `window` of them.
///
/// Rows padded on the right need no mask: no row before them sees them.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, shape: AttentionShape) -> Result<Tensor> {
	let (batch, seq, heads, head_dim) = q.dims4()?;
	let (_, total, kv_heads, _) = k.dims4()?;
	let fits = v.dims4()? == (batch, total, kv_heads, shape.value_dim) && total >= seq && shape.window != Some(0);
	if heads != shape.heads || kv_heads != shape.kv_heads || head_dim != shape.head_dim || !fits {
		let (q, k, v) = (q.dims(), k.dims(), v.dims());
		candle_core::bail!("attention: q {q:?}, k {k:?}, v {v:?} for {shape:?}");
	}
	if !reference::is_fused(q.device()) {
		return reference::attention(q, k, v, shape);
	}
	q.contiguous()?
		.apply_op3(&k.contiguous()?, &v.contiguous()?, Attention { shape })
}

vectorised! {
	/// Takes from scores what their distance from the last one costs.
	pub fn alibi(scores: &mut [f32], slope: f32) {
		let last = scores.len() as f32 - 1.0;
		for (i, s) in scores.iter_mut().enumerate() {
			*s -= slope * (last - i as f32);
		}
	}

	/// `d = p · (d - Σ p · d) · scale`.
	pub fn softmax_gradient(d: &mut [f32], p: &[f32], scale: f32) {
		let sum = sum_of([p, d], |[p, d]| p * d);
		d.iter_mut().zip(p).for_each(|(d, p)| *d = p * (*d - sum) * scale);
	}
}

/// Where heads lie inside a larger matrix: head `h` of row `r` starts at `r · stride + offset + h · pitch`.
#[derive(Clone, Copy)]
pub(crate) struct Place {
	pub stride: usize,
	pub offset: usize,
	pub pitch: usize,
	/// Width of a head.
	pub dim: usize,
}

impl Place {
	/// A matrix of nothing but `heads` heads.
	pub fn alone(heads: usize, dim: usize) -> Self {
		Self {
			stride: heads * dim,
			offset: 0,
			pitch: dim,
			dim,
		}
	}
}

/// Heads to read.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a> {
	pub data: &'a [f32],
	pub place: Place,
}

impl<'a> Heads<'a> {
	fn head(&self, row: usize, head: usize) -> &'a [f32] {
		&self.data[row * self.place.stride + self.place.offset + head * self.place.pitch..]
	}

	/// `rows × dim` of one head, from `row` on.
	fn mat(&self, row: usize, rows: usize, head: usize) -> Mat<'a> {
		Mat::strided(self.head(row, head), rows, self.place.dim, self.place.stride)
	}
}

/// Heads to write: tasks write heads that do not overlap.
pub(crate) struct HeadsMut<'a> {
	data: *mut f32,
	len: usize,
	place: Place,
	borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: `write` is the only use, and its callers write disjoint elements.
unsafe impl Sync for HeadsMut<'_> {}

impl<'a> HeadsMut<'a> {
	pub fn new(data: &'a mut [f32], place: Place) -> Self {
		Self {
			data: data.as_mut_ptr(),
			len: data.len(),
			place,
			borrow: PhantomData,
		}
	}

	/// Three views of one matrix; their places have no element in common.
	pub fn three(data: &'a mut [f32], places: [Place; 3]) -> [Self; 3] {
		let (data, len) = (data.as_mut_ptr(), data.len());
		places.map(|place| Self {
			data,
			len,
			place,
			borrow: PhantomData,
		})
	}

	/// Copies `[rows, dim]` of one head into its place, from `row` on.
	fn write(&self, part: &[f32], row: usize, head: usize) {
		let Place {
			stride,
			offset,
			pitch,
			dim,
		} = self.place;
		for (i, part) in part.chunks_exact(dim).enumerate() {
			let at = (row + i) * stride + offset + head * pitch;
			assert!(at + dim <= self.len);
			// SAFETY: inside the matrix; no other task writes this head's rows.
			unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), self.data.add(at), dim) };
		}
	}
}

/// How products are formed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
	pub path: Path,
	/// Operands are rounded to bf16 where the path multiplies bf16.
	pub bf16: bool,
}

impl Form {
	/// f32 by the best path.
	pub fn f32() -> Self {
		Self {
			path: Path::detected(),
			bf16: false,
		}
	}

	/// Whether our own products take pairs.
	fn pairs(self) -> bool {
		self.bf16 && self.path.has_pairs()
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

/// Probabilities of query rows `start..start + rows` over keys `first..first + keys`, row after row.
struct Block {
	start: usize,
	rows: usize,
	first: usize,
	keys: usize,
	probabilities: Vec<f32>,
}

impl Sizes {
	fn group(&self) -> usize {
		self.shape.heads / self.shape.kv_heads
	}

	/// Recomputes `block` for query rows from `start` on of batch row `b` and head `h`.
	fn probabilities(&self, block: &mut Block, q: Heads<'_>, k: Heads<'_>, (b, h): (usize, usize), start: usize) {
		let past = self.total - self.seq;
		block.start = start;
		block.rows = BLOCK.min(self.seq - start);
		block.first = self.shape.first_key(past + start);
		block.keys = past + start + block.rows - block.first;
		let (rows, first, keys) = (block.rows, block.first, block.keys);
		block.probabilities.resize(rows * keys, 0.0);
		let q = q.mat(b * self.seq + start, rows, h);
		let k = k.mat(b * self.total + first, keys, h / self.group());
		let into = MatMut::new(&mut block.probabilities, rows, keys);
		product(into, false, q, k.t(), self.shape.scale, Threads::One);
		let slope = self.shape.slope(h);
		for (i, row) in block.probabilities.chunks_mut(keys).enumerate() {
			let position = past + start + i;
			let (row, later) = row.split_at_mut(position + 1 - first);
			let (earlier, seen) = row.split_at_mut(self.shape.first_key(position) - first);
			if slope != 0.0 {
				alibi(seen, slope);
			}
			softmax(seen);
			earlier.fill(0.0);
			later.fill(0.0);
		}
	}
}

impl Block {
	fn empty() -> Self {
		Self {
			start: 0,
			rows: 0,
			first: 0,
			keys: 0,
			probabilities: Vec::new(),
		}
	}

	fn mat(&self) -> Mat<'_> {
		Mat::new(&self.probabilities, self.rows, self.keys)
	}
}

/// See [`attention`].
pub(crate) fn forward(out: HeadsMut<'_>, [q, k, v]: [Heads<'_>; 3], sizes: Sizes, form: Form) {
	if sizes.seq < FEW {
		return few::forward(&out, [q, k, v], sizes);
	}
	with_kernel!(form.path, form.pairs(), K => {
		let heads = sizes.shape.heads;
		let task = |s: &mut _, task| tiles::forward::<K>(&out, [q, k, v], (task / heads, task % heads), sizes, s);
		(0..sizes.batch * heads)
			.into_par_iter()
			.for_each_init(Default::default, task);
	}, portable_forward(out, [q, k, v], sizes));
}

fn portable_forward(out: HeadsMut<'_>, [q, k, v]: [Heads<'_>; 3], sizes: Sizes) {
	let (heads, wide) = (sizes.shape.heads, sizes.shape.value_dim);
	let blocks = sizes.seq.div_ceil(BLOCK);
	// The longest blocks first, so that threads end together.
	(0..sizes.batch * heads * blocks).into_par_iter().for_each_init(
		|| (Block::empty(), vec![0f32; BLOCK * wide]),
		|(p, own), task| {
			let start = (blocks - 1 - task / (sizes.batch * heads)) * BLOCK;
			let (b, h) = (task % (sizes.batch * heads) / heads, task % heads);
			sizes.probabilities(p, q, k, (b, h), start);
			let v = v.mat(b * sizes.total + p.first, p.keys, h / sizes.group());
			let own = &mut own[..p.rows * wide];
			product(MatMut::new(own, p.rows, wide), false, p.mat(), v, 1.0, Threads::One);
			out.write(own, b * sizes.seq + start, h);
		},
	);
}

/// What the backward pass reads: the arguments and the gradient of the result.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
	pub q: Heads<'a>,
	pub k: Heads<'a>,
	pub v: Heads<'a>,
	pub grad: Heads<'a>,
}

/// Writes the gradients of query, key and value.
pub(crate) fn backward(grads: [HeadsMut<'_>; 3], given: Given<'_>, sizes: Sizes, form: Form) {
	with_kernel!(form.path, form.pairs(), K => {
		let kv_heads = sizes.shape.kv_heads;
		let task = |s: &mut _, task| tiles::backward::<K>(&grads, given, (task / kv_heads, task % kv_heads), sizes, s);
		(0..sizes.batch * kv_heads)
			.into_par_iter()
			.for_each_init(Default::default, task);
	}, portable_backward(grads, given, sizes));
}

fn portable_backward(grads: [HeadsMut<'_>; 3], given: Given<'_>, sizes: Sizes) {
	let [d_q, d_k, d_v] = grads;
	let (dim, wide) = (sizes.shape.head_dim, sizes.shape.value_dim);
	let (group, kv_heads) = (sizes.group(), sizes.shape.kv_heads);
	// A task is a key head with its queries: nobody else adds to its gradients, and the order of sums is fixed.
	(0..sizes.batch * kv_heads).into_par_iter().for_each_init(
		|| (Block::empty(), Vec::new(), vec![0f32; BLOCK * dim]),
		|(p, d_s, own), task| {
			let (b, g) = (task / kv_heads, task % kv_heads);
			let (mut own_k, mut own_v) = (vec![0f32; sizes.total * dim], vec![0f32; sizes.total * wide]);
			for h in g * group..(g + 1) * group {
				for start in (0..sizes.seq).step_by(BLOCK) {
					sizes.probabilities(p, given.q, given.k, (b, h), start);
					let (row, rows, first, keys) = (b * sizes.seq + start, p.rows, p.first, p.keys);
					score_gradient(d_s, p, given, (b, h), sizes);
					let d_o = given.grad.mat(row, rows, h);
					let d_s = Mat::new(d_s, rows, keys);
					let k = given.k.mat(b * sizes.total + first, keys, g);
					let q = given.q.mat(row, rows, h);
					let own = &mut own[..rows * dim];
					product(MatMut::new(own, rows, dim), false, d_s, k, 1.0, Threads::One);
					d_q.write(own, row, h);
					let into = MatMut::new(&mut own_k[first * dim..][..keys * dim], keys, dim);
					product(into, true, d_s.t(), q, 1.0, Threads::One);
					let into = MatMut::new(&mut own_v[first * wide..][..keys * wide], keys, wide);
					product(into, true, p.mat().t(), d_o, 1.0, Threads::One);
				}
			}
			d_k.write(&own_k, b * sizes.total, g);
			d_v.write(&own_v, b * sizes.total, g);
		},
	);
}

/// Gradient of the unscaled scores, times the scale: `dS = P ∘ (dP − rowsum(P ∘ dP)) · scale` with `dP = dO Vᵀ`.
fn score_gradient(d_s: &mut Vec<f32>, p: &Block, given: Given<'_>, (b, h): (usize, usize), sizes: Sizes) {
	let row = b * sizes.seq + p.start;
	d_s.resize(p.rows * p.keys, 0.0);
	let d_o = given.grad.mat(row, p.rows, h);
	let v = given.v.mat(b * sizes.total + p.first, p.keys, h / sizes.group());
	let into = MatMut::new(d_s, p.rows, p.keys);
	product(into, false, d_o, v.t(), 1.0, Threads::One);
	for (d_s, p) in d_s.chunks_mut(p.keys).zip(p.probabilities.chunks(p.keys)) {
		softmax_gradient(d_s, p, sizes.shape.scale);
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

	/// Places of query, key, value and result.
	fn places(&self) -> [Place; 4] {
		let s = self.shape;
		[
			Place::alone(s.heads, s.head_dim),
			Place::alone(s.kv_heads, s.head_dim),
			Place::alone(s.kv_heads, s.value_dim),
			Place::alone(s.heads, s.value_dim),
		]
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
		let places = self.places();
		let mut out = vec![0f32; sizes.batch * sizes.seq * places[3].stride];
		let of = |data, place| Heads { data, place };
		let into = HeadsMut::new(&mut out, places[3]);
		let of_three = [of(q, places[0]), of(k, places[1]), of(v, places[2])];
		forward(into, of_three, sizes, Form::f32());
		let shape = (sizes.batch, sizes.seq, self.shape.heads, self.shape.value_dim);
		Ok(output(out, shape))
	}

	fn bwd(
		&self,
		q: &Tensor,
		k: &Tensor,
		v: &Tensor,
		_: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
		let sizes = self.sizes(q.shape(), k.shape())?;
		let (q_shape, k_shape, v_shape) = (q.shape().clone(), k.shape().clone(), v.shape().clone());
		flat!(q = q);
		flat!(k = k);
		flat!(v = v);
		flat!(grad = grad);
		let (mut d_q, mut d_k, mut d_v) = (vec![0f32; q.len()], vec![0f32; k.len()], vec![0f32; v.len()]);
		let places = self.places();
		let of = |data, place| Heads { data, place };
		let given = Given {
			q: of(q, places[0]),
			k: of(k, places[1]),
			v: of(v, places[2]),
			grad: of(grad, places[3]),
		};
		let gradients = [
			HeadsMut::new(&mut d_q, places[0]),
			HeadsMut::new(&mut d_k, places[1]),
			HeadsMut::new(&mut d_v, places[2]),
		];
		backward(gradients, given, sizes, Form::f32());
		Ok((
			Some(make(d_q, &q_shape)?),
			Some(make(d_k, &k_shape)?),
			Some(make(d_v, &v_shape)?),
		))
	}
}
