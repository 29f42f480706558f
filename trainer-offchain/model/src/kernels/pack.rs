//! Brings the operands of a product into the order in which the innermost loop reads them.
#![cfg(target_arch = "x86_64")]

use super::product::{Elements, Rhs};
use super::tile::{COLUMNS, ROWS};
use super::transpose::{transpose, SIDE};
use half::bf16;
use rayon::prelude::*;
use std::arch::x86_64::*;

/// Units (an f32, or two bf16) that hold `depth` elements.
pub fn units(depth: usize, pairs: bool) -> usize {
	if pairs {
		depth.div_ceil(2)
	} else {
		depth
	}
}

/// Room behind the last panel for what [`transpose`] writes too much.
const SPILL: usize = SIDE;

/// `x [rows, depth]` as panels of [`ROWS`] rows, each `[units, ROWS]`; rows that do not exist are 0. In pairs, elements
/// are rounded to bf16.
pub fn lhs(x: &[f32], rows: usize, depth: usize, pairs: bool) -> Vec<u32> {
	let panel = units(depth, pairs) * ROWS;
	let mut packed = vec![0u32; rows.div_ceil(ROWS) * panel];
	packed
		.par_chunks_mut(panel)
		.zip(x.par_chunks(ROWS * depth))
		.for_each(|(to, x)| lhs_panel(x, depth, depth, pairs, to));
	packed
}

/// One panel: the rows that `x` holds, `stride` apart, at most [`ROWS`].
pub fn lhs_panel(x: &[f32], stride: usize, depth: usize, pairs: bool, to: &mut [u32]) {
	let units = units(depth, pairs);
	let rows = ROWS.min((x.len() + stride - depth) / stride);
	// Made apart: what is written too much must not land in a neighbour.
	let mut own = vec![0u32; units * ROWS + SPILL];
	let mut rounded = vec![0u32; if pairs { units * ROWS } else { 0 }];
	let zeros = vec![0u32; units];
	let mut from = [zeros.as_ptr(); SIDE];
	for (i, from) in from.iter_mut().enumerate().take(rows) {
		let row = &x[i * stride..][..depth];
		if pairs {
			let to = &mut rounded[i * units..(i + 1) * units];
			// SAFETY: pairs are only made where the processor has bf16.
			unsafe { round_row(row, to) };
			*from = to.as_ptr();
		} else {
			*from = row.as_ptr().cast();
		}
	}
	for unit in (0..units).step_by(SIDE) {
		let width = SIDE.min(units - unit);
		let rows = from.map(|p| p.wrapping_add(unit));
		// SAFETY: only called with AVX-512; each row has `units` elements, `own` room for all columns and the spill.
		unsafe { transpose(&rows, width, own[unit * ROWS..].as_mut_ptr(), ROWS) };
	}
	to.copy_from_slice(&own[..units * ROWS]);
}

/// One panel of the transpose: columns `column..column + columns` (at most [`ROWS`]) of `x [depth, stride]` as rows.
///
/// # Safety
/// The processor has AVX-512, and bf16 for pairs.
pub unsafe fn lhs_panel_t(x: &[f32], stride: usize, depth: usize, part: (usize, usize), pairs: bool, to: &mut [u32]) {
	let row = |l: usize| &x[l * stride + part.0..][..part.1];
	for (unit, to) in to.chunks_exact_mut(ROWS).enumerate() {
		if pairs {
			let second = if 2 * unit + 1 < depth { row(2 * unit + 1) } else { &[] };
			pair_rows(row(2 * unit), second, to);
		} else {
			to[part.1..].fill(0);
			to.iter_mut().zip(row(unit)).for_each(|(to, x)| *to = x.to_bits());
		}
	}
}

/// `to[j] = (first[j], second[j])`, rounded to bf16; what is missing is 0.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn pair_rows(first: &[f32], second: &[f32], to: &mut [u32]) {
	let half = |row: &[f32]| {
		let wide = _mm512_maskz_loadu_ps(((1u32 << row.len()) - 1) as u16, row.as_ptr());
		let narrow = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(wide));
		_mm512_cvtepu16_epi32(narrow)
	};
	let both = _mm512_or_si512(half(first), _mm512_slli_epi32::<16>(half(second)));
	_mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), ((1u32 << to.len()) - 1) as u16, both);
}

/// Rounds to bf16, two to a unit, the last filled up with 0.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn round_row(row: &[f32], to: &mut [u32]) {
	let whole = row.len() / 32 * 32;
	for i in (0..whole).step_by(32) {
		let (low, high) = (
			_mm512_loadu_ps(row.as_ptr().add(i)),
			_mm512_loadu_ps(row.as_ptr().add(i + 16)),
		);
		let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
		_mm512_storeu_si512(to.as_mut_ptr().add(i / 2).cast(), both);
	}
	for (unit, pair) in to[whole / 2..].iter_mut().zip(row[whole..].chunks(2)) {
		*unit = pair_of(
			bf16::from_f32(pair[0]),
			pair.get(1).map_or(bf16::ZERO, |x| bf16::from_f32(*x)),
		);
	}
}

fn pair_of(first: bf16, second: bf16) -> u32 {
	u32::from(first.to_bits()) | u32::from(second.to_bits()) << 16
}

/// Columns `column..column + COLUMNS` of units `from..from + count` of `rhs`, as `[count, COLUMNS]`; columns that do not
/// exist are 0.
///
/// # Safety
/// The processor has AVX-512; `to` holds `count · COLUMNS` units.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn rhs(rhs: &Rhs<'_>, column: usize, from: usize, count: usize, to: &mut [u32]) {
	assert!(to.len() >= count * COLUMNS);
	let columns = COLUMNS.min(rhs.n - column);
	if columns < COLUMNS {
		to[..count * COLUMNS].fill(0);
	}
	match (rhs.elements, rhs.deep_rows) {
		(Elements::F32(w), true) => {
			let row = |j: usize| w[(column + j) * rhs.k + from..][..count].as_ptr().cast();
			transposed(row, columns, count, to);
		}
		(Elements::F32(w), false) => {
			for (i, to) in to[..count * COLUMNS].chunks_exact_mut(COLUMNS).enumerate() {
				let row = &w[(from + i) * rhs.n + column..][..columns];
				to.iter_mut().zip(row).for_each(|(to, x)| *to = x.to_bits());
			}
		}
		(Elements::Nf4(w), true) => {
			let mut wide = vec![0f32; columns * count];
			for (j, wide) in wide.chunks_exact_mut(count).enumerate() {
				w.dequantise((column + j) * rhs.k + from, wide);
			}
			transposed(|j| wide[j * count..].as_ptr().cast(), columns, count, to);
		}
		(Elements::Nf4(w), false) => {
			let mut wide = [0f32; COLUMNS];
			for (i, to) in to[..count * COLUMNS].chunks_exact_mut(COLUMNS).enumerate() {
				let wide = &mut wide[..columns];
				w.dequantise((from + i) * rhs.n + column, wide);
				to.iter_mut().zip(wide).for_each(|(to, x)| *to = x.to_bits());
			}
		}
		(Elements::Bf16(w), true) => {
			// A last, half unit is made by hand.
			let whole = count.min(rhs.k / 2 - from.min(rhs.k / 2));
			let row = |j: usize| w[(column + j) * rhs.k + 2 * from..][..2 * whole].as_ptr().cast();
			transposed(row, columns, whole, to);
			if whole < count {
				for j in 0..columns {
					to[whole * COLUMNS + j] = pair_of(w[(column + j) * rhs.k + rhs.k - 1], bf16::ZERO);
				}
			}
		}
		(Elements::Bf16(w), false) => {
			for (i, to) in to[..count * COLUMNS].chunks_exact_mut(COLUMNS).enumerate() {
				let k = 2 * (from + i);
				let first = &w[k * rhs.n + column..][..columns];
				let second = if k + 1 < rhs.k {
					&w[(k + 1) * rhs.n + column..][..columns]
				} else {
					&[]
				};
				interleave(first, second, to);
			}
		}
	}
}

/// `to[j] = (first[j], second[j])`; a missing second row is 0.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn interleave(first: &[bf16], second: &[bf16], to: &mut [u32]) {
	let mask = ((1u64 << first.len()) - 1) as u32;
	let low = _mm512_maskz_loadu_epi16(mask, first.as_ptr().cast());
	let high = if second.is_empty() {
		_mm512_setzero_si512()
	} else {
		_mm512_maskz_loadu_epi16(mask, second.as_ptr().cast())
	};
	for half in 0..2 {
		let part = |x| {
			if half == 0 {
				_mm512_castsi512_si256(x)
			} else {
				_mm512_extracti64x4_epi64::<1>(x)
			}
		};
		let (low, high) = (_mm512_cvtepu16_epi32(part(low)), _mm512_cvtepu16_epi32(part(high)));
		let both = _mm512_or_si512(low, _mm512_slli_epi32::<16>(high));
		_mm512_storeu_si512(to.as_mut_ptr().add(16 * half).cast(), both);
	}
}

/// `to[i, j] = row(j)[i]` for `i` below `count` and `j` below `columns`.
#[target_feature(enable = "avx512f")]
unsafe fn transposed(row: impl Fn(usize) -> *const u32, columns: usize, count: usize, to: &mut [u32]) {
	let zeros = [0u32; SIDE];
	for half in (0..columns).step_by(SIDE) {
		let exists = |i: usize| half + i < columns;
		let starts: [Option<*const u32>; SIDE] = std::array::from_fn(|i| exists(i).then(|| row(half + i)));
		for unit in (0..count).step_by(SIDE) {
			let width = SIDE.min(count - unit);
			let rows = starts.map(|start| start.map_or(zeros.as_ptr(), |p| p.wrapping_add(unit)));
			transpose(&rows, width, to[unit * COLUMNS + half..].as_mut_ptr(), COLUMNS);
		}
	}
}
