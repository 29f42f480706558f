//! Attention of one head, or of a group of heads that share their key, by our own products: keys and values are packed
//! once for all blocks of queries.

use super::{alibi, softmax_gradient, Given, Heads, HeadsMut, Sizes};
use crate::kernels::math::{scale, softmax};
use crate::kernels::small::{product, Panels, Part, Rows};
use crate::kernels::tile::Kernel;

/// Query rows handled at once: whole tiles, about 56 or two.
const fn block<K: Kernel>() -> usize {
	if K::ROWS > 28 {
		2 * K::ROWS
	} else {
		56 / K::ROWS * K::ROWS
	}
}

/// Keys are taken from a multiple of this on.
const ALIGN: usize = 32;

/// `[rows, dim]` of one head, one after the other.
fn gather(heads: Heads<'_>, row: usize, rows: usize, head: usize, to: &mut Vec<f32>) {
	to.clear();
	for i in 0..rows {
		to.extend_from_slice(&heads.head(row + i, head)[..heads.place.dim]);
	}
}

/// Room that a task uses again.
pub struct Scratch<K> {
	gathered: Vec<f32>,
	rows: Rows<K>,
	probabilities: Vec<f32>,
	d_scores: Vec<f32>,
	out: Vec<f32>,
}

impl<K> Default for Scratch<K> {
	fn default() -> Self {
		Self {
			gathered: Vec::new(),
			rows: Rows::default(),
			probabilities: Vec::new(),
			d_scores: Vec::new(),
			out: Vec::new(),
		}
	}
}

/// A block of queries and the keys it sees.
#[derive(Clone, Copy)]
struct Block {
	/// Place of the block's first query among all rows.
	row: usize,
	rows: usize,
	/// Position of its first query.
	position: usize,
	first: usize,
	keys: usize,
}

impl Block {
	fn new<K: Kernel>(sizes: &Sizes, b: usize, start: usize) -> Self {
		let rows = block::<K>().min(sizes.seq - start);
		let position = sizes.total - sizes.seq + start;
		let first = sizes.shape.first_key(position) / ALIGN * ALIGN;
		Self {
			row: b * sizes.seq + start,
			rows,
			position,
			first,
			keys: position + rows - first,
		}
	}

	/// The keys, where they are columns of the right operand.
	fn as_columns(&self) -> Part {
		Part {
			column: self.first,
			columns: self.keys,
			row: 0,
		}
	}

	/// The keys, where they are its rows.
	fn as_rows(&self, columns: usize) -> Part {
		Part {
			column: 0,
			columns,
			row: self.first,
		}
	}

	/// Probabilities of the block's rows, 0 for keys that a query does not see.
	fn probabilities<K: Kernel>(&self, sizes: &Sizes, q: Heads<'_>, keys: &Panels<K>, h: usize, s: &mut Scratch<K>) {
		gather(q, self.row, self.rows, h, &mut s.gathered);
		scale(&mut s.gathered, sizes.shape.scale);
		let dim = sizes.shape.head_dim;
		s.rows.pack(&s.gathered, dim, self.rows, dim);
		s.probabilities.resize(self.rows * self.keys, 0.0);
		product(&mut s.probabilities, false, &s.rows, keys, self.as_columns());
		let slope = sizes.shape.slope(h);
		for (i, row) in s.probabilities.chunks_exact_mut(self.keys).enumerate() {
			let position = self.position + i;
			let (row, later) = row.split_at_mut(position + 1 - self.first);
			let (earlier, seen) = row.split_at_mut(sizes.shape.first_key(position) - self.first);
			if slope != 0.0 {
				alibi(seen, slope);
			}
			softmax(seen);
			earlier.fill(0.0);
			later.fill(0.0);
		}
	}
}

/// The result's rows of batch row `b` and head `h`.
pub fn forward<K: Kernel>(
	out: &HeadsMut<'_>,
	[q, k, v]: [Heads<'_>; 3],
	(b, h): (usize, usize),
	sizes: Sizes,
	s: &mut Scratch<K>,
) {
	let (dim, wide, total) = (sizes.shape.head_dim, sizes.shape.value_dim, sizes.total);
	let g = h / sizes.group();
	gather(k, b * total, total, g, &mut s.gathered);
	let keys = Panels::<K>::new(&s.gathered, (dim, total), true);
	gather(v, b * total, total, g, &mut s.gathered);
	let values = Panels::new(&s.gathered, (total, wide), false);
	for start in (0..sizes.seq).step_by(block::<K>()) {
		let block = Block::new::<K>(&sizes, b, start);
		block.probabilities(&sizes, q, &keys, h, s);
		s.rows.pack(&s.probabilities, block.keys, block.rows, block.keys);
		s.out.resize(block.rows * wide, 0.0);
		product(&mut s.out, false, &s.rows, &values, block.as_rows(wide));
		out.write(&s.out, block.row, h);
	}
}

/// Gradients of the queries of key head `g`, of its keys and values.
pub fn backward<K: Kernel>(
	grads: &[HeadsMut<'_>; 3],
	given: Given<'_>,
	(b, g): (usize, usize),
	sizes: Sizes,
	s: &mut Scratch<K>,
) {
	let (dim, wide, total) = (sizes.shape.head_dim, sizes.shape.value_dim, sizes.total);
	gather(given.k, b * total, total, g, &mut s.gathered);
	let keys = Panels::<K>::new(&s.gathered, (dim, total), true);
	let keys_flat = Panels::new(&s.gathered, (total, dim), false);
	gather(given.v, b * total, total, g, &mut s.gathered);
	let values = Panels::new(&s.gathered, (wide, total), true);
	let (mut d_k, mut d_v) = (vec![0f32; total * dim], vec![0f32; total * wide]);
	for h in g * sizes.group()..(g + 1) * sizes.group() {
		for start in (0..sizes.seq).step_by(block::<K>()) {
			let block = Block::new::<K>(&sizes, b, start);
			let Block {
				row,
				rows,
				first,
				keys: seen,
				..
			} = block;
			block.probabilities(&sizes, given.q, &keys, h, s);
			// dV += Pᵀ dO
			gather(given.grad, row, rows, h, &mut s.gathered);
			let d_o = Panels::new(&s.gathered, (rows, wide), false);
			s.rows.pack_t(&s.probabilities, rows, seen);
			let whole = |columns| Part {
				column: 0,
				columns,
				row: 0,
			};
			product(
				&mut d_v[first * wide..][..seen * wide],
				true,
				&s.rows,
				&d_o,
				whole(wide),
			);
			// dS = P ∘ (dP − rowsum(P ∘ dP)) · scale, dP = dO Vᵀ
			s.rows.pack(&s.gathered, wide, rows, wide);
			s.d_scores.resize(rows * seen, 0.0);
			product(&mut s.d_scores, false, &s.rows, &values, block.as_columns());
			let both = s
				.d_scores
				.chunks_exact_mut(seen)
				.zip(s.probabilities.chunks_exact(seen));
			for (d_s, p) in both {
				softmax_gradient(d_s, p, sizes.shape.scale);
			}
			// dQ = dS K
			s.rows.pack(&s.d_scores, seen, rows, seen);
			s.out.resize(rows * dim, 0.0);
			product(&mut s.out, false, &s.rows, &keys_flat, block.as_rows(dim));
			grads[0].write(&s.out, row, h);
			// dK += dSᵀ Q
			gather(given.q, row, rows, h, &mut s.gathered);
			let queries = Panels::new(&s.gathered, (rows, dim), false);
			s.rows.pack_t(&s.d_scores, rows, seen);
			product(
				&mut d_k[first * dim..][..seen * dim],
				true,
				&s.rows,
				&queries,
				whole(dim),
			);
		}
	}
	grads[1].write(&d_k, b * total, g);
	grads[2].write(&d_v, b * total, g);
}
