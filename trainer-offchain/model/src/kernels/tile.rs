//! The innermost product: a tile of 14 rows and 32 columns, whose sums stay in registers over the whole depth.
//!
//! Both operands come in 32-bit units: an f32, or two bf16 that follow each other along the depth.

use std::arch::x86_64::*;

/// Rows of a tile: with two registers of sums each, and three for operands, all 32 are used.
pub const ROWS: usize = 14;
/// Columns of a tile.
pub const COLUMNS: usize = 32;

/// Where a tile's sums go.
pub struct Place {
	/// The tile's first element.
	pub to: *mut f32,
	/// Elements from row to row.
	pub stride: usize,
	/// Rows that exist, at most [`ROWS`].
	pub rows: usize,
	/// Columns that exist, at most [`COLUMNS`].
	pub columns: usize,
	/// Adds to what is there.
	pub accumulate: bool,
	/// Added to every row, one per column; or null.
	pub bias: *const f32,
}

macro_rules! tile {
	($name:ident, $features:literal, $step:expr, $doc:literal) => {
		#[doc = $doc]
		///
		/// `a [depth, ROWS]`, `b [depth, COLUMNS]`, in units.
		///
		/// # Safety
		/// The processor has the features; `a` and `b` hold that many units; what `place` names is writable.
		#[target_feature(enable = $features)]
		pub unsafe fn $name(depth: usize, mut a: *const u32, mut b: *const u32, place: &Place) {
			let step = $step;
			let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
			for _ in 0..depth {
				let b0 = _mm512_loadu_si512(b.cast());
				let b1 = _mm512_loadu_si512(b.add(16).cast());
				for i in 0..ROWS {
					let x = _mm512_set1_epi32(*a.add(i).cast());
					sums[i][0] = step(sums[i][0], x, b0);
					sums[i][1] = step(sums[i][1], x, b1);
				}
				a = a.add(ROWS);
				b = b.add(COLUMNS);
			}
			store(&sums, place);
		}
	};
}

tile!(
	tile_f32,
	"avx512f",
	|sum, a, b| _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum),
	"f32 units."
);
tile!(
	tile_bf16,
	"avx512f,avx512bf16",
	|sum, a: __m512i, b: __m512i| {
		let pairs = |x| std::mem::transmute::<__m512i, __m512bh>(x);
		_mm512_dpbf16_ps(sum, pairs(a), pairs(b))
	},
	"Pairs of bf16; sums are f32."
);

#[target_feature(enable = "avx512f")]
unsafe fn store(sums: &[[__m512; 2]; ROWS], place: &Place) {
	let mask = (1u64 << place.columns) - 1;
	let masks = [mask as u16, (mask >> 16) as u16];
	let mut bias = [_mm512_setzero_ps(); 2];
	if !place.bias.is_null() {
		bias = [
			_mm512_maskz_loadu_ps(masks[0], place.bias),
			_mm512_maskz_loadu_ps(masks[1], place.bias.wrapping_add(16)),
		];
	}
	for (i, row) in sums.iter().enumerate() {
		if i >= place.rows {
			break;
		}
		let to = place.to.add(i * place.stride);
		for (half, mask) in masks.into_iter().enumerate() {
			let to = to.wrapping_add(16 * half);
			let mut sum = _mm512_add_ps(row[half], bias[half]);
			if place.accumulate {
				sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, to));
			}
			_mm512_mask_storeu_ps(to, mask, sum);
		}
	}
}
