//! Attention of few queries, as when a text is written token by token: packing the keys would cost more than it gains.

use super::{alibi, Heads, HeadsMut, Sizes};
use crate::kernels::math::{softmax, sum_of, vectorised};
use crate::ops::ELEMENTS_PER_TASK;
use rayon::prelude::*;

vectorised! {
	/// `out[j] = scale · q · k[j]`, rows of `k` being `stride` apart.
	fn scores(out: &mut [f32], q: &[f32], k: &[f32], stride: usize, scale: f32) {
		for (j, out) in out.iter_mut().enumerate() {
			let k = &k[j * stride..][..q.len()];
			*out = scale * sum_of([q, k], |[q, k]| q * k);
		}
	}

	/// `out = Σ p[j] · v[j]`, rows of `v` being `stride` apart.
	fn mix(out: &mut [f32], p: &[f32], v: &[f32], stride: usize) {
		out.fill(0.0);
		for (j, p) in p.iter().enumerate() {
			let v = &v[j * stride..][..out.len()];
			out.iter_mut().zip(v).for_each(|(out, v)| *out += p * v);
		}
	}
}

/// See [`super::attention`].
pub fn forward(out: &HeadsMut<'_>, [q, k, v]: [Heads<'_>; 3], sizes: Sizes) {
	let Sizes { seq, total, shape, .. } = sizes;
	let (rows, per_row) = (sizes.batch * seq, total * (shape.head_dim + shape.value_dim));
	(0..rows * shape.heads)
		.into_par_iter()
		.with_min_len((ELEMENTS_PER_TASK / per_row).max(1))
		.for_each_init(
			|| (Vec::new(), vec![0f32; shape.value_dim]),
			|(p, own), task| {
				let (row, h) = (task / shape.heads, task % shape.heads);
				let (b, position) = (row / seq, total - seq + row % seq);
				let (first, g) = (shape.first_key(position), h / sizes.group());
				p.resize(position + 1 - first, 0.0);
				let q = &q.head(row, h)[..shape.head_dim];
				scores(p, q, k.head(b * total + first, g), k.place.stride, shape.scale);
				if shape.slope(h) != 0.0 {
					alibi(p, shape.slope(h));
				}
				softmax(p);
				mix(own, p, v.head(b * total + first, g), v.place.stride);
				out.write(own, row, h);
			},
		);
}
