//! Brings the operands of a product into the order in which the innermost loop reads them.

use super::product::{Elements, Rhs};
use super::room::Room;
use super::tile::Kernel;
use half::bf16;
use rayon::prelude::*;
use std::arch::x86_64::*;
use std::ops::Range;

/// Largest [`Kernel::SIDE`].
const MOST: usize = 16;

/// Units (an f32, or two bf16) that hold `depth` elements.
fn filled<K: Kernel>(depth: usize) -> usize {
	if K::PAIRS {
		depth.div_ceil(2)
	} else {
		depth
	}
}

/// Units of a panel for `depth` elements.
pub fn units<K: Kernel>(depth: usize) -> usize {
	filled::<K>(depth).next_multiple_of(K::STEP)
}

/// `x [rows, depth]` as panels of [`Kernel::ROWS`] rows; rows that do not exist are 0. In pairs,
/// elements are rounded to bf16.
pub fn lhs<K: Kernel>(x: &[f32], rows: usize, depth: usize) -> Room {
	let panel = units::<K>(depth) * K::ROWS;
	let mut packed = Room::new(rows.div_ceil(K::ROWS) * panel);
	packed
		.par_chunks_mut(panel)
		.zip(x.par_chunks(K::ROWS * depth))
		// SAFETY: a left operand is only packed where the processor has the instructions.
		.for_each(|(to, x)| unsafe { K::pack_rows(x, depth, depth, to) });
	packed
}

/// See [`Kernel::pack_rows`].
pub fn lhs_panel<K: Kernel>(x: &[f32], stride: usize, depth: usize, to: &mut [u32]) {
	let units = units::<K>(depth);
	let rows = K::ROWS.min((x.len() + stride - depth) / stride);
	let mut rounded = vec![0u32; if K::PAIRS { units * K::ROWS } else { 0 }];
	let zeros = vec![0u32; if rows < K::ROWS { units } else { 0 }];
	let row = |i: usize| &x[i * stride..][..depth];
	let mut from = [zeros.as_ptr(); MOST];
	for (i, from) in from.iter_mut().enumerate().take(K::SIDE) {
		if i >= rows && i < K::ROWS {
			continue;
		}
		// Rows behind the panel's are written where the next column comes: any will do.
		let row = row(if i < rows { i } else { 0 });
		if K::PAIRS && i < rows {
			let to = &mut rounded[i * units..(i + 1) * units];
			// SAFETY: pairs are only made where the processor has bf16.
			unsafe { round_row(row, to) };
			*from = to.as_ptr();
		} else if K::PAIRS {
			*from = rounded.as_ptr();
		} else {
			*from = row.as_ptr().cast();
		}
	}
	// What is written too much behind the last columns must not land in a neighbour.
	let mut last = [0u32; MOST * (MOST + 1)];
	for unit in (0..units).step_by(K::SIDE) {
		let width = K::SIDE.min(units - unit);
		let rows = from.map(|p| p.wrapping_add(unit));
		let own = unit + K::SIDE >= units;
		let into = if own { &mut last[..] } else { &mut to[unit * K::ROWS..] };
		// SAFETY: only called with the kernel's instructions; each row has `units` elements; behind the columns of `to`
		// follow those of a next square, and `last` has room for what is written too much.
		unsafe { K::transpose(&rows[..K::SIDE], width, into.as_mut_ptr(), K::ROWS) };
		if own {
			to[unit * K::ROWS..][..width * K::ROWS].copy_from_slice(&last[..width * K::ROWS]);
		}
	}
}

/// See [`Kernel::pack_t`]; units are f32.
pub fn copy_t<const ROWS: usize>(x: &[f32], stride: usize, _: usize, part: (usize, usize), to: &mut [u32]) {
	for (to, row) in to.chunks_exact_mut(ROWS).zip(x.chunks(stride)) {
		to[part.1..].fill(0);
		to.iter_mut()
			.zip(&row[part.0..][..part.1])
			.for_each(|(to, x)| *to = x.to_bits());
	}
}

/// See [`Kernel::pack_t`]; units are pairs.
///
/// # Safety
/// The processor has AVX-512 with bf16.
pub unsafe fn pair_t<const ROWS: usize>(x: &[f32], stride: usize, depth: usize, part: (usize, usize), to: &mut [u32]) {
	let row = |l: usize| &x[l * stride + part.0..][..part.1];
	for (unit, to) in to.chunks_exact_mut(ROWS).enumerate() {
		let second = if 2 * unit + 1 < depth { row(2 * unit + 1) } else { &[] };
		pair_rows(row(2 * unit), second, to);
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

#[inline(always)]
fn pair_of(first: bf16, second: bf16) -> u32 {
	u32::from(first.to_bits()) | u32::from(second.to_bits()) << 16
}

/// See [`Kernel::pack`], which compiles this for its instructions.
#[inline(always)]
pub unsafe fn rhs<K: Kernel>(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, to: &mut [u32], room: usize) {
	let panels = || columns.clone().step_by(K::COLUMNS).zip((0..).step_by(room));
	let width = |column: usize| K::COLUMNS.min(columns.end - column);
	if !columns.len().is_multiple_of(K::COLUMNS) {
		let last = columns.len() / K::COLUMNS * room;
		to[last..][..units.len() * K::COLUMNS].fill(0);
	}
	let exist = filled::<K>(rhs.k).min(units.end) - units.start;
	for (_, at) in panels().filter(|_| exist < units.len()) {
		to[at..][exist * K::COLUMNS..units.len() * K::COLUMNS].fill(0);
	}
	let units = units.start..units.start + exist;
	match (rhs.elements, rhs.deep_rows) {
		(Elements::F32(w), true) => {
			for (column, at) in panels() {
				let row = |j: usize| w[(column + j) * rhs.k + units.start..][..units.len()].as_ptr().cast();
				transposed::<K>(row, width(column), units.len(), &mut to[at..]);
			}
		}
		(Elements::Bf16(w), true) if K::PAIRS => {
			// A last, half unit is made by hand.
			let whole = units.len().min(rhs.k / 2 - units.start.min(rhs.k / 2));
			for (column, at) in panels() {
				let row = |j: usize| w[(column + j) * rhs.k + 2 * units.start..][..2 * whole].as_ptr().cast();
				transposed::<K>(row, width(column), whole, &mut to[at..]);
				if whole < units.len() {
					for j in 0..width(column) {
						let last = w[(column + j) * rhs.k + rhs.k - 1];
						to[at + whole * K::COLUMNS + j] = pair_of(last, bf16::ZERO);
					}
				}
			}
		}
		(Elements::Bf16(w), true) => {
			for (column, at) in panels() {
				let part = (column, width(column));
				widened_t::<K>(rhs.k, part, units.clone(), &mut to[at..], |from, to| {
					to.iter_mut()
						.zip(&w[from..])
						.for_each(|(to, x)| *to = f32::from_bits(wide(*x)));
				});
			}
		}
		(Elements::Nf4(w), true) => {
			for (column, at) in panels() {
				let part = (column, width(column));
				widened_t::<K>(rhs.k, part, units.clone(), &mut to[at..], |from, to| {
					w.dequantise(from, to)
				});
			}
		}
		// Stored rows are read to their end, one after the other.
		(Elements::F32(w), false) => {
			for (i, k) in units.enumerate() {
				for (column, at) in panels() {
					let row = &w[k * rhs.n + column..][..width(column)];
					ahead(row, AHEAD * rhs.n);
					copy_row::<K, f32>(row, &mut to[at + i * K::COLUMNS..], f32::to_bits);
				}
			}
		}
		(Elements::Nf4(w), false) => {
			let mut wide = vec![0f32; columns.len()];
			for (i, k) in units.enumerate() {
				w.dequantise(k * rhs.n + columns.start, &mut wide);
				for (column, at) in panels() {
					let row = &wide[column - columns.start..][..width(column)];
					copy_row::<K, f32>(row, &mut to[at + i * K::COLUMNS..], f32::to_bits);
				}
			}
		}
		(Elements::Bf16(w), false) if K::PAIRS => {
			for (i, k) in units.map(|unit| 2 * unit).enumerate() {
				for (column, at) in panels() {
					let row = |k: usize| &w[k * rhs.n + column..][..width(column)];
					let second = if k + 1 < rhs.k { row(k + 1) } else { &[] };
					interleave::<K>(row(k), second, &mut to[at + i * K::COLUMNS..][..K::COLUMNS]);
				}
			}
		}
		(Elements::Bf16(w), false) => {
			for (i, k) in units.enumerate() {
				for (column, at) in panels() {
					let row = &w[k * rhs.n + column..][..width(column)];
					ahead(row, AHEAD * rhs.n);
					copy_row::<K, bf16>(row, &mut to[at + i * K::COLUMNS..], wide);
				}
			}
		}
	}
}

/// Stored rows `part.0..part.0 + part.1` of a narrow weight as columns; `widen(from, to)` gives its elements from one on.
#[inline(always)]
unsafe fn widened_t<K: Kernel>(
	stride: usize,
	part: (usize, usize),
	units: Range<usize>,
	to: &mut [u32],
	widen: impl Fn(usize, &mut [f32]),
) {
	const STRETCH: usize = 64;
	let mut widened = [0f32; MOST * STRETCH];
	for side in (0..part.1).step_by(K::SIDE) {
		let rows = K::SIDE.min(part.1 - side);
		for from in units.clone().step_by(STRETCH) {
			let count = STRETCH.min(units.end - from);
			for (j, to) in widened.chunks_exact_mut(STRETCH).enumerate().take(rows) {
				widen((part.0 + side + j) * stride + from, &mut to[..count]);
			}
			let row = |j: usize| widened[j * STRETCH..].as_ptr().cast();
			let at = (from - units.start) * K::COLUMNS + side;
			transposed::<K>(row, rows, count, &mut to[at..]);
		}
	}
}

/// Rows that are fetched ahead of the one that is copied: each lies in another page, which no processor guesses.
const AHEAD: usize = 16;

/// Fetches what lies `distance` elements behind the start of a row.
#[inline(always)]
fn ahead<T>(row: &[T], distance: usize) {
	// SAFETY: a prefetch may name any address.
	unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().wrapping_add(distance).cast()) };
}

/// The bits of an f32.
#[inline(always)]
fn wide(x: bf16) -> u32 {
	u32::from(x.to_bits()) << 16
}

#[inline(always)]
fn copy_row<K: Kernel, T: Copy>(row: &[T], to: &mut [u32], bits: impl Fn(T) -> u32) {
	if row.len() == K::COLUMNS {
		// Of a length that the compiler knows; no closure, as the compiler may leave one a function without vectors.
		let (to, row) = (&mut to[..K::COLUMNS], &row[..K::COLUMNS]);
		for j in 0..K::COLUMNS {
			to[j] = bits(row[j]);
		}
	} else {
		to.iter_mut().zip(row).for_each(|(to, x)| *to = bits(*x));
	}
}

/// `to[j] = (first[j], second[j])`; a missing second row is 0.
#[inline(always)]
fn interleave<K: Kernel>(first: &[bf16], second: &[bf16], to: &mut [u32]) {
	if first.len() == K::COLUMNS && second.len() == K::COLUMNS {
		// Of a length that the compiler knows.
		let (to, first, second) = (&mut to[..K::COLUMNS], &first[..K::COLUMNS], &second[..K::COLUMNS]);
		for j in 0..K::COLUMNS {
			to[j] = pair_of(first[j], second[j]);
		}
	} else {
		let second = second.iter().copied().chain(std::iter::repeat(bf16::ZERO));
		for ((to, first), second) in to.iter_mut().zip(first).zip(second) {
			*to = pair_of(*first, second);
		}
	}
}

/// `to[i, j] = row(j)[i]` for `i` below `count` and `j` below `columns`; columns up to a multiple of the side become 0.
#[inline(always)]
unsafe fn transposed<K: Kernel>(row: impl Fn(usize) -> *const u32, columns: usize, count: usize, to: &mut [u32]) {
	let zeros = [0u32; MOST];
	for side in (0..columns).step_by(K::SIDE) {
		let exist = K::SIDE.min(columns - side);
		let mut starts = [zeros.as_ptr(); MOST];
		for (i, start) in starts.iter_mut().enumerate().take(exist) {
			*start = row(side + i);
		}
		for unit in (0..count).step_by(K::SIDE) {
			let to = to[unit * K::COLUMNS + side..].as_mut_ptr();
			if exist == K::SIDE && unit + K::SIDE <= count {
				// Of sizes that the compiler knows.
				let rows = starts.map(|p| p.wrapping_add(unit));
				K::transpose(&rows[..K::SIDE], K::SIDE, to, K::COLUMNS);
			} else {
				let rows: [_; MOST] = std::array::from_fn(|i| starts[i].wrapping_add(if i < exist { unit } else { 0 }));
				K::transpose(&rows[..K::SIDE], K::SIDE.min(count - unit), to, K::COLUMNS);
			}
		}
	}
}
