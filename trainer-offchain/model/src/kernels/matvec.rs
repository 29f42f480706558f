//! Products of a few rows with a weight, as when a text is written token by token: the time goes into reading the weight,
//! which is read once, in the order in which it lies in memory, by all threads.

use super::math::{vectorised, LANES};
use super::product::{Elements, Rhs};
use crate::nf4::Nf4;
use half::bf16;
use rayon::prelude::*;

/// Most rows for which this is faster than packing.
pub const MOST_ROWS: usize = 4;
/// Rows of a stored weight that are taken together: independent sums hide each other's latency.
const TOGETHER: usize = 4;
/// Columns that a task sums up, of a weight whose rows are inputs.
const STRIP: usize = 128;
/// Elements of a weight that a task reads: enough to be worth handing over.
const TASK: usize = 1 << 16;

/// `c [m, n] = x [m, k] · rhs`.
pub fn product(c: &mut [f32], x: &[f32], rhs: &Rhs<'_>) {
	let (k, n) = rhs.dims();
	let m = c.len() / n;
	assert!(c.len() == m * n && x.len() == m * k, "shapes of a product do not fit");
	if rhs.deep_rows {
		// By column: the sums of one stored row with all rows of `x`.
		let rows = (TASK / k).max(1).next_multiple_of(TOGETHER);
		let mut by_column = vec![0f32; n * m];
		by_column.par_chunks_mut(rows * m).enumerate().for_each(|(task, out)| {
			for (i, out) in out.chunks_mut(TOGETHER * m).enumerate() {
				let from = task * rows + i * TOGETHER;
				let stored = from * k..(from + out.len() / m) * k;
				let wide = match rhs.elements {
					Elements::Nf4(w) => widened(w, stored.start, stored.len()),
					_ => Vec::new(),
				};
				for (j, x) in x.chunks_exact(k).enumerate() {
					match rhs.elements {
						Elements::F32(w) => dots_f32(&mut out[j..], m, x, &w[stored.clone()]),
						Elements::Bf16(w) => dots_bf16(&mut out[j..], m, x, &w[stored.clone()]),
						Elements::Nf4(_) => dots_f32(&mut out[j..], m, x, &wide),
					}
				}
			}
		});
		for (column, sums) in by_column.chunks_exact(m).enumerate() {
			sums.iter()
				.enumerate()
				.for_each(|(row, sum)| c[row * n + column] = *sum);
		}
		return;
	}
	// By strip of columns: stored rows, each times its element of `x`.
	let strips: Vec<Vec<f32>> = (0..n.div_ceil(STRIP))
		.into_par_iter()
		.map(|strip| {
			let from = strip * STRIP;
			let width = STRIP.min(n - from);
			let mut sums = vec![0f32; m * width];
			for (sums, x) in sums.chunks_exact_mut(width).zip(x.chunks_exact(k)) {
				match rhs.elements {
					Elements::F32(w) => strip_f32(sums, x, w, n, from),
					Elements::Bf16(w) => strip_bf16(sums, x, w, n, from),
					Elements::Nf4(w) => {
						for (row, x) in x.iter().enumerate() {
							strip_f32(
								sums,
								std::slice::from_ref(x),
								&widened(w, row * n + from, width),
								width,
								0,
							);
						}
					}
				}
			}
			sums
		})
		.collect();
	for (strip, sums) in strips.iter().enumerate() {
		for (row, sums) in sums.chunks_exact(sums.len() / m).enumerate() {
			c[row * n + strip * STRIP..][..sums.len()].copy_from_slice(sums);
		}
	}
}

/// Some elements of a weight in four bits.
fn widened(w: &Nf4, start: usize, len: usize) -> Vec<f32> {
	let mut wide = vec![0f32; len];
	w.dequantise(start, &mut wide);
	wide
}

#[inline(always)]
fn dots<T: Copy>(out: &mut [f32], step: usize, x: &[f32], w: &[T], wide: impl Fn(T) -> f32) {
	let k = x.len();
	let mut lanes = [[0f32; LANES]; TOGETHER];
	let whole = k / LANES * LANES;
	if w.len() == TOGETHER * k {
		let (w0, rest) = w.split_at(k);
		let (w1, rest) = rest.split_at(k);
		let (w2, w3) = rest.split_at(k);
		for i in (0..whole).step_by(LANES) {
			for l in 0..LANES {
				let x = x[i + l];
				lanes[0][l] += x * wide(w0[i + l]);
				lanes[1][l] += x * wide(w1[i + l]);
				lanes[2][l] += x * wide(w2[i + l]);
				lanes[3][l] += x * wide(w3[i + l]);
			}
		}
	} else {
		for (lanes, w) in lanes.iter_mut().zip(w.chunks_exact(k)) {
			for i in (0..whole).step_by(LANES) {
				for l in 0..LANES {
					lanes[l] += x[i + l] * wide(w[i + l]);
				}
			}
		}
	}
	for (j, (w, lanes)) in w.chunks_exact(k).zip(lanes).enumerate() {
		let tail: f32 = (whole..k).map(|i| x[i] * wide(w[i])).sum();
		out[j * step] = lanes.iter().sum::<f32>() + tail;
	}
}

#[inline(always)]
fn strip<T: Copy>(sums: &mut [f32], x: &[f32], w: &[T], (n, from): (usize, usize), wide: impl Fn(T) -> f32) {
	let width = sums.len();
	let row = |l: usize| &w[l * n + from..][..width];
	let whole = x.len() / TOGETHER * TOGETHER;
	for l in (0..whole).step_by(TOGETHER) {
		let (x, rows) = (&x[l..l + TOGETHER], [row(l), row(l + 1), row(l + 2), row(l + 3)]);
		for (j, sum) in sums.iter_mut().enumerate() {
			let pair = x[0] * wide(rows[0][j]) + x[1] * wide(rows[1][j]);
			*sum += pair + (x[2] * wide(rows[2][j]) + x[3] * wide(rows[3][j]));
		}
	}
	for (l, x) in x.iter().enumerate().skip(whole) {
		sums.iter_mut().zip(row(l)).for_each(|(sum, w)| *sum += x * wide(*w));
	}
}

vectorised! {
	/// `out[j · step] = x · w[j]` for the rows of `w`, at most [`TOGETHER`].
	pub fn dots_f32(out: &mut [f32], step: usize, x: &[f32], w: &[f32]) {
		dots(out, step, x, w, |w| w);
	}

	/// The same for bf16.
	pub fn dots_bf16(out: &mut [f32], step: usize, x: &[f32], w: &[bf16]) {
		dots(out, step, x, w, |w| f32::from_bits(u32::from(w.to_bits()) << 16));
	}

	/// `sums = x · w` for the columns from `from` on of `w [k, n]`.
	pub fn strip_f32(sums: &mut [f32], x: &[f32], w: &[f32], n: usize, from: usize) {
		strip(sums, x, w, (n, from), |w| w);
	}

	/// The same for bf16.
	pub fn strip_bf16(sums: &mut [f32], x: &[f32], w: &[bf16], n: usize, from: usize) {
		strip(sums, x, w, (n, from), |w| f32::from_bits(u32::from(w.to_bits()) << 16));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn product_should_equal_sums_in_f64_in_every_form() {
		for (m, k, n) in [(1, 5, 3), (2, 33, 70), (4, 130, 1025), (3, 9_000, 6)] {
			let number = |i: usize| (i * 7919 % 257) as f32 / 257.0 - 0.5;
			let x: Vec<f32> = (0..m * k).map(number).collect();
			let narrow: Vec<bf16> = (0..k * n).map(|i| bf16::from_f32(number(i + 13))).collect();
			let wide: Vec<f32> = narrow.iter().map(|w| w.to_f32()).collect();
			let four_bits = |shape| Nf4::quantise(&wide, shape);
			let (deep, flat) = (four_bits([n, k]), four_bits([k, n]));
			let mut rounded = vec![0f32; k * n];
			deep.dequantise(0, &mut rounded);
			for (elements, wide, deep_rows) in [
				(Elements::F32(&wide), &wide, true),
				(Elements::F32(&wide), &wide, false),
				(Elements::Bf16(&narrow), &wide, true),
				(Elements::Bf16(&narrow), &wide, false),
				(Elements::Nf4(&deep), &rounded, true),
				(Elements::Nf4(&flat), &rounded, false),
			] {
				let rhs = match deep_rows {
					true => Rhs::new(elements, n, k).t(),
					false => Rhs::new(elements, k, n),
				};
				let mut c = vec![f32::NAN; m * n];
				product(&mut c, &x, &rhs);
				for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
					let at = |l: usize| if deep_rows { j * k + l } else { l * n + j };
					let terms = (0..k).map(|l| f64::from(x[i * k + l]) * f64::from(wide[at(l)]));
					let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()));
					let error = (f64::from(c[i * n + j]) - sum).abs();
					assert!(error < 2e-6 * size, "{m}x{k}x{n} [{i}, {j}]: {error}");
				}
			}
		}
	}
}
