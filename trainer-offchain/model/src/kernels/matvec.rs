//! Products of a few rows with a weight, as when a text is written token by token: the time goes into reading the weight,
//! which is read once, in the order in which it lies in memory, by all threads.

use super::math::{vectorised, LANES};
use super::product::{Elements, Rhs};
use super::Path;
use crate::nf4;
use half::bf16;
use rayon::prelude::*;
use std::ops::Range;

/// Most rows for which this is faster than packing.
pub const MOST_ROWS: usize = 4;
/// Stored rows that are taken together: independent sums hide each other's latency.
const TOGETHER: usize = 4;
/// Elements of a weight that a task reads: enough to be worth handing over.
const TASK: usize = 1 << 16;

/// `c [m, n] = x [m, k] · rhs`.
pub fn product(c: &mut [f32], x: &[f32], rhs: &Rhs<'_>, path: Path) {
	let (k, n) = rhs.dims();
	let m = c.len() / n;
	assert!(c.len() == m * n && x.len() == m * k, "shapes of a product do not fit");
	assert!(path.runs(), "the processor lacks what {path:?} needs");
	let (rows, width) = if rhs.deep_rows { (n, k) } else { (k, n) };
	let stored = |rows: Range<usize>| rows.start * width..rows.end * width;
	let widened = |w: nf4::Slice<'_>, rows: Range<usize>| {
		let mut wide = vec![0f32; rows.len() * width];
		w.dequantise(rows.start * width, &mut wide);
		wide
	};
	if rhs.deep_rows {
		let inputs = || x.chunks_exact(k).enumerate();
		let with_f32 = |out: &mut [f32], w: &[f32]| inputs().for_each(|(j, x)| dots_f32(&mut out[j..], m, x, w, path));
		by_outputs(c, (k, n), |out, rows| match rhs.elements {
			Elements::F32(w) => with_f32(out, &w[stored(rows)]),
			Elements::Bf16(w) => {
				let w = &w[stored(rows)];
				inputs().for_each(|(j, x)| dots_bf16(&mut out[j..], m, x, w, path));
			}
			Elements::Nf4(w) => with_f32(out, &widened(w, rows)),
		});
	} else {
		by_inputs(c, (rows, n), |sums, rows| {
			let pairs = sums.chunks_exact_mut(n).zip(x.chunks_exact(k));
			let pairs = pairs.map(|(sums, x)| (sums, &x[rows.clone()]));
			match rhs.elements {
				Elements::F32(w) => pairs.for_each(|(sums, x)| rows_f32(sums, x, &w[stored(rows.clone())])),
				Elements::Bf16(w) => pairs.for_each(|(sums, x)| rows_bf16(sums, x, &w[stored(rows.clone())])),
				Elements::Nf4(w) => {
					let wide = widened(w, rows.clone());
					pairs.for_each(|(sums, x)| rows_f32(sums, x, &wide));
				}
			}
		});
	}
}

/// Stored rows are outputs: each is the sum of its products with a row of `x`. `dots(out, rows)` writes those of some stored
/// rows with all rows of `x`: stored row after stored row.
fn by_outputs(c: &mut [f32], (k, n): (usize, usize), dots: impl Fn(&mut [f32], Range<usize>) + Sync) {
	let m = c.len() / n;
	let rows = (TASK / k).max(1).next_multiple_of(TOGETHER);
	let task = |(task, out): (usize, &mut [f32])| {
		for (i, out) in out.chunks_mut(TOGETHER * m).enumerate() {
			let from = task * rows + i * TOGETHER;
			let count = out.len() / m;
			dots(out, from..from + count);
		}
	};
	if m == 1 {
		return c.par_chunks_mut(rows).enumerate().for_each(task);
	}
	let mut by_column = vec![0f32; n * m];
	by_column.par_chunks_mut(rows * m).enumerate().for_each(task);
	for (column, sums) in by_column.chunks_exact(m).enumerate() {
		sums.iter()
			.enumerate()
			.for_each(|(row, sum)| c[row * n + column] = *sum);
	}
}

/// Stored rows are inputs: each, times its element of `x`, is added to all outputs. A task takes some inputs; what tasks
/// found is added in their order.
fn by_inputs(c: &mut [f32], (k, n): (usize, usize), add_rows: impl Fn(&mut [f32], Range<usize>) + Sync) {
	let rows = (TASK / n).max(1).next_multiple_of(TOGETHER);
	let parts: Vec<Vec<f32>> = (0..k.div_ceil(rows))
		.into_par_iter()
		.map(|task| {
			let mut sums = vec![0f32; c.len()];
			add_rows(&mut sums, task * rows..k.min((task + 1) * rows));
			sums
		})
		.collect();
	c.fill(0.0);
	parts.iter().for_each(|part| super::math::add(c, part));
}

/// `out[j · step] = x · w[j]` for the rows of `w`, at most [`TOGETHER`].
fn dots_f32(out: &mut [f32], step: usize, x: &[f32], w: &[f32], path: Path) {
	#[cfg(target_arch = "x86_64")]
	if path == Path::Avx2 {
		// SAFETY: the path says so.
		return unsafe { avx2::dots_f32(out, step, x, w) };
	}
	any_dots_f32(out, step, x, w);
}

/// The same for bf16.
fn dots_bf16(out: &mut [f32], step: usize, x: &[f32], w: &[bf16], path: Path) {
	#[cfg(target_arch = "x86_64")]
	if path == Path::Avx2 {
		// SAFETY: the path says so.
		return unsafe { avx2::dots_bf16(out, step, x, w) };
	}
	any_dots_bf16(out, step, x, w);
}

#[inline(always)]
fn wide(x: bf16) -> f32 {
	f32::from_bits(u32::from(x.to_bits()) << 16)
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
fn rows<T: Copy>(sums: &mut [f32], x: &[f32], w: &[T], wide: impl Fn(T) -> f32) {
	let n = sums.len();
	let mut together = w.chunks_exact(TOGETHER * n);
	for (x, w) in x.chunks_exact(TOGETHER).zip(together.by_ref()) {
		let (w0, rest) = w.split_at(n);
		let (w1, rest) = rest.split_at(n);
		let (w2, w3) = rest.split_at(n);
		for (j, sum) in sums.iter_mut().enumerate() {
			let pair = x[0] * wide(w0[j]) + x[1] * wide(w1[j]);
			*sum += pair + (x[2] * wide(w2[j]) + x[3] * wide(w3[j]));
		}
	}
	let last = x.len() / TOGETHER * TOGETHER;
	for (x, w) in x[last..].iter().zip(together.remainder().chunks_exact(n)) {
		sums.iter_mut().zip(w).for_each(|(sum, w)| *sum += x * wide(*w));
	}
}

vectorised! {
	fn any_dots_f32(out: &mut [f32], step: usize, x: &[f32], w: &[f32]) {
		dots(out, step, x, w, |w| w);
	}

	fn any_dots_bf16(out: &mut [f32], step: usize, x: &[f32], w: &[bf16]) {
		dots(out, step, x, w, wide);
	}

	/// `sums += x · w` for rows of `w`, one for each element of `x`.
	fn rows_f32(sums: &mut [f32], x: &[f32], w: &[f32]) {
		rows(sums, x, w, |w| w);
	}

	/// The same for bf16.
	fn rows_bf16(sums: &mut [f32], x: &[f32], w: &[bf16]) {
		rows(sums, x, w, wide);
	}
}

/// The compiler keeps the sums of [`dots`] in memory; here they stay in registers.
#[cfg(target_arch = "x86_64")]
mod avx2 {
	use super::{wide, TOGETHER};
	use half::bf16;
	use std::arch::x86_64::*;

	macro_rules! dots {
		($name:ident, $type:ty, $load:expr, $wide:expr) => {
			/// # Safety
			/// AVX2 and FMA.
			#[target_feature(enable = "avx2,fma")]
			pub unsafe fn $name(out: &mut [f32], step: usize, x: &[f32], w: &[$type]) {
				let (k, rows) = (x.len(), w.len() / x.len());
				let load = $load;
				// Of rows that do not exist the first is read again.
				let mut row = [w.as_ptr(); TOGETHER];
				for (j, row) in row.iter_mut().enumerate().take(rows) {
					*row = row.add(j * k);
				}
				let mut sums = [[_mm256_setzero_ps(); 2]; TOGETHER];
				let whole = k / 16 * 16;
				for i in (0..whole).step_by(16) {
					let x0 = _mm256_loadu_ps(x.as_ptr().add(i));
					let x1 = _mm256_loadu_ps(x.as_ptr().add(i + 8));
					for j in 0..TOGETHER {
						sums[j][0] = _mm256_fmadd_ps(x0, load(row[j].add(i)), sums[j][0]);
						sums[j][1] = _mm256_fmadd_ps(x1, load(row[j].add(i + 8)), sums[j][1]);
					}
				}
				for j in 0..rows.min(TOGETHER) {
					let both = _mm256_add_ps(sums[j][0], sums[j][1]);
					let four = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps::<1>(both));
					let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
					let mut sum = _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
					for i in whole..k {
						sum += x[i] * $wide(w[j * k + i]);
					}
					out[j * step] = sum;
				}
			}
		};
	}

	dots!(dots_f32, f32, |w: *const f32| _mm256_loadu_ps(w), |w| w);
	dots!(
		dots_bf16,
		bf16,
		|w: *const bf16| {
			let narrow = _mm256_cvtepu16_epi32(_mm_loadu_si128(w.cast()));
			_mm256_castsi256_ps(_mm256_slli_epi32::<16>(narrow))
		},
		wide
	);
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
			let four_bits = |shape| nf4::Nf4::quantise(&wide, shape);
			let (deep, flat) = (four_bits([n, k]), four_bits([k, n]));
			let mut rounded = vec![0f32; k * n];
			deep.dequantise(0, &mut rounded);
			for (elements, wide, deep_rows) in [
				(Elements::F32(&wide), &wide, true),
				(Elements::F32(&wide), &wide, false),
				(Elements::Bf16(&narrow), &wide, true),
				(Elements::Bf16(&narrow), &wide, false),
				(Elements::Nf4(deep.all()), &rounded, true),
				(Elements::Nf4(flat.all()), &rounded, false),
			] {
				let rhs = match deep_rows {
					true => Rhs::new(elements, n, k).t(),
					false => Rhs::new(elements, k, n),
				};
				for path in Path::available() {
					let mut c = vec![f32::NAN; m * n];
					product(&mut c, &x, &rhs, path);
					for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
						let at = |l: usize| if deep_rows { j * k + l } else { l * n + j };
						let terms = (0..k).map(|l| f64::from(x[i * k + l]) * f64::from(wide[at(l)]));
						let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()));
						let error = (f64::from(c[i * n + j]) - sum).abs();
						assert!(error < 2e-6 * size, "{path:?} {m}x{k}x{n} [{i}, {j}]: {error}");
					}
				}
			}
		}
	}
}
