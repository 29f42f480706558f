//! Tiles and transposing by AVX2 and FMA.

use super::tile::{Blocks, Place};
use std::arch::x86_64::*;

/// Rows of a tile: with two registers of sums each, and three for operands, 15 of 16 are used.
pub const ROWS: usize = 6;
/// Columns of a tile.
pub const COLUMNS: usize = 16;
/// Sums that leave their registers seldom are worth more than panels that stay in the first-level cache: on a Zen 3, a depth
/// of 768 multiplied 1 to 5 % faster than one of 256 (docs/performance.md). What is read again lies in the second level: a
/// task's columns, 192 KiB, and 48 rows, 144 KiB.
pub const BLOCKS: Blocks = Blocks {
	rows: 8 * ROWS,
	depth: 768,
	columns: 64,
};
/// Side of the square that [`transpose`] moves.
pub const SIDE: usize = 8;

/// The sums of a tile.
///
/// # Safety
/// As of [`super::tile::Kernel::tile`].
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn sums(depth: usize, a: *const u32, b: *const u32) -> [[__m256; 2]; ROWS] {
	let (mut a, mut b) = (a.cast::<f32>(), b.cast::<f32>());
	let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
	for _ in 0..depth {
		let b0 = _mm256_loadu_ps(b);
		let b1 = _mm256_loadu_ps(b.add(8));
		for (i, sums) in sums.iter_mut().enumerate() {
			let x = _mm256_broadcast_ss(&*a.add(i));
			sums[0] = _mm256_fmadd_ps(x, b0, sums[0]);
			sums[1] = _mm256_fmadd_ps(x, b1, sums[1]);
		}
		a = a.add(ROWS);
		b = b.add(COLUMNS);
	}
	sums
}

/// # Safety
/// See [`super::tile::Kernel::tile`].
#[target_feature(enable = "avx2,fma")]
pub unsafe fn tile(depth: usize, a: *const u32, b: *const u32, place: &Place) {
	prefetch(place);
	store(&sums(depth, a, b), place);
}

/// Fetches what is written, and what is added to it, while the sums are made.
#[inline]
fn prefetch(place: &Place) {
	for i in 0..place.rows {
		for row in [place.to.cast_const(), place.held]
			.into_iter()
			.filter(|row| !row.is_null())
		{
			// SAFETY: a prefetch may name any address.
			unsafe { _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(i * place.stride).cast()) };
		}
	}
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(sums: &[[__m256; 2]; ROWS], place: &Place) {
	if place.rows < ROWS || place.columns < COLUMNS {
		// A copy: what has an address does not stay in registers.
		let sums = *sums;
		return store_part(&sums, place);
	}
	for (i, row) in sums.iter().enumerate() {
		for (half, sum) in row.iter().enumerate() {
			let at = i * place.stride + 8 * half;
			let mut sum = *sum;
			if !place.bias.is_null() {
				sum = _mm256_add_ps(sum, _mm256_loadu_ps(place.bias.add(8 * half)));
			}
			if !place.held.is_null() {
				sum = _mm256_add_ps(sum, _mm256_loadu_ps(place.held.add(at)));
			}
			_mm256_storeu_ps(place.to.add(at), sum);
		}
	}
}

/// The same for the last rows and columns.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn store_part(sums: &[[__m256; 2]; ROWS], place: &Place) {
	for (i, row) in sums.iter().enumerate().take(place.rows) {
		let row: [f32; COLUMNS] = std::mem::transmute(*row);
		for (j, mut sum) in row.into_iter().enumerate().take(place.columns) {
			let at = i * place.stride + j;
			if !place.bias.is_null() {
				sum += *place.bias.add(j);
			}
			if !place.held.is_null() {
				sum += *place.held.add(at);
			}
			*place.to.add(at) = sum;
		}
	}
}

/// # Safety
/// See [`super::tile::Kernel::transpose`].
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn transpose(rows: &[*const u32], width: usize, to: *mut u32, stride: usize) {
	let mask = first(width);
	let mut r = [_mm256_setzero_ps(); SIDE];
	for i in 0..SIDE {
		let row = rows[i].cast();
		r[i] = match width >= SIDE {
			true => _mm256_loadu_ps(row),
			false => _mm256_maskload_ps(row, mask),
		};
	}
	// Pairs of rows, then fours, within each 128-bit lane; then lanes.
	let mut pairs = [_mm256_setzero_ps(); SIDE];
	for i in (0..SIDE).step_by(2) {
		pairs[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
		pairs[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
	}
	let mut fours = [_mm256_setzero_ps(); SIDE];
	for i in (0..SIDE).step_by(4) {
		fours[i] = _mm256_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
		fours[i + 1] = _mm256_shuffle_ps::<0xee>(pairs[i], pairs[i + 2]);
		fours[i + 2] = _mm256_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
		fours[i + 3] = _mm256_shuffle_ps::<0xee>(pairs[i + 1], pairs[i + 3]);
	}
	// `fours[4g + c]` holds, in lane l, rows 4g..4g+4 of column 4l + c.
	let mut columns = [_mm256_setzero_ps(); SIDE];
	for c in 0..4 {
		columns[c] = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
		columns[4 + c] = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
	}
	for (j, column) in columns.iter().enumerate().take(width) {
		_mm256_storeu_ps(to.add(j * stride).cast(), *column);
	}
}

/// A mask of the first lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn first(lanes: usize) -> __m256i {
	let index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	_mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), index)
}

/// # Safety
/// See [`super::tile::Kernel::pack_t`].
#[target_feature(enable = "avx2")]
pub unsafe fn pack_t(x: &[f32], stride: usize, depth: usize, part: (usize, usize), to: &mut [u32]) {
	assert!(part.0 + part.1 <= stride && depth * stride <= x.len() && to.len() == depth * ROWS);
	let mask = first(part.1);
	let to = to.as_mut_ptr().cast::<f32>();
	for unit in 0..depth {
		let row = _mm256_maskload_ps(x.as_ptr().add(unit * stride + part.0), mask);
		let to = to.add(unit * ROWS);
		// A later unit overwrites what an earlier one wrote too much.
		match unit + 1 < depth {
			true => _mm256_storeu_ps(to, row),
			false => _mm256_maskstore_ps(to, first(ROWS), row),
		}
	}
}
