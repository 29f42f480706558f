//! The innermost product: a tile of rows and columns whose sums stay in registers over the whole depth.
//!
//! Both operands come in 32-bit units: an f32, or two bf16 that follow each other along the depth.

use super::product::Rhs;
use super::{avx2, pack, transpose};
use std::arch::x86_64::*;
use std::ops::Range;

pub use super::amx::Amx;

/// Where a tile's sums go.
pub struct Place {
	/// The tile's first element.
	pub to: *mut f32,
	/// Elements from row to row.
	pub stride: usize,
	/// Rows that exist, at most [`Kernel::ROWS`].
	pub rows: usize,
	/// Columns that exist, at most [`Kernel::COLUMNS`].
	pub columns: usize,
	/// Added, elements as far apart as those of `to`, which it may be; or null.
	pub held: *const f32,
	/// Added to every row, one per column; or null.
	pub bias: *const f32,
}

/// How products are cut, so that what is read again is still in the caches.
pub struct Blocks {
	/// Rows that go through one panel of columns before the next.
	pub rows: usize,
	/// Units of the depth over which sums stay in registers.
	pub depth: usize,
	/// Columns that a task packs and takes through all rows.
	pub columns: usize,
}

/// How a set of instructions multiplies tiles, and how it moves elements to where it reads them.
pub trait Kernel {
	/// Rows of a tile.
	const ROWS: usize;
	/// Columns of a tile.
	const COLUMNS: usize;
	/// Side of the squares that [`Self::transpose`] moves; for [`pack::lhs_panel`] not below [`Self::ROWS`].
	const SIDE: usize;
	/// Panels have a multiple of so many units, the last filled up with 0.
	const STEP: usize = 1;
	/// Whether a unit is two bf16.
	const PAIRS: bool;
	/// How products are cut.
	const BLOCKS: Blocks;

	/// Before a thread calls [`Self::tile`], any number of times.
	///
	/// # Safety
	/// The processor has the instructions; the thread calls [`Self::end`] before it does anything else.
	unsafe fn begin() {}

	/// Afterwards.
	///
	/// # Safety
	/// See [`Self::begin`].
	unsafe fn end() {}

	/// The product of `a [depth, ROWS]` and `b [depth, COLUMNS]`, in units.
	///
	/// # Safety
	/// The processor has the instructions; `a` and `b` hold that many units; what `place` names is writable.
	unsafe fn tile(depth: usize, a: *const u32, b: *const u32, place: &Place);

	/// Writes column `j` of the `SIDE × width` matrix whose rows start at `rows` to `to + j · stride`, for `j` below
	/// `width` (at most `SIDE`), in that order: with a stride below `SIDE` a later column overwrites what an earlier one
	/// wrote too much.
	///
	/// # Safety
	/// The processor has the instructions; `width` readable elements behind each of `rows`; `SIDE` writable ones at each
	/// column's place.
	unsafe fn transpose(rows: &[*const u32], width: usize, to: *mut u32, stride: usize);

	/// Some columns, from a multiple of `COLUMNS` on, of some units of `rhs`, as panels `[units, COLUMNS]` that start `room`
	/// apart; columns that do not exist are 0.
	///
	/// # Safety
	/// The processor has the instructions.
	unsafe fn pack(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, to: &mut [u32], room: usize);

	/// The rows that `x` holds, `stride` apart, at most `ROWS`, of which `depth` columns count, as a panel of the left operand:
	/// `[units, ROWS]` where the kernel does not say otherwise. Rows that do not exist are 0.
	///
	/// # Safety
	/// The processor has the instructions.
	unsafe fn pack_rows(x: &[f32], stride: usize, depth: usize, to: &mut [u32])
	where
		Self: Sized,
	{
		pack::lhs_panel::<Self>(x, stride, depth, to);
	}

	/// Columns `part.0..part.0 + part.1` (at most `ROWS`) of `x [depth, stride]` as rows of such a panel; rows that
	/// do not exist are 0.
	///
	/// # Safety
	/// The processor has the instructions.
	unsafe fn pack_t(x: &[f32], stride: usize, depth: usize, part: (usize, usize), to: &mut [u32]);
}

macro_rules! kernel {
	($(#[$doc:meta])* $name:ident, $features:literal, $rows:expr, $columns:expr, $side:expr, $pairs:literal, $blocks:expr,
		$tile:path, $transpose:path, $pack_t:path) => {
		$(#[$doc])*
		pub enum $name {}

		impl Kernel for $name {
			const ROWS: usize = $rows;
			const COLUMNS: usize = $columns;
			const SIDE: usize = $side;
			const PAIRS: bool = $pairs;
			const BLOCKS: Blocks = $blocks;

			unsafe fn tile(depth: usize, a: *const u32, b: *const u32, place: &Place) {
				$tile(depth, a, b, place);
			}

			unsafe fn transpose(rows: &[*const u32], width: usize, to: *mut u32, stride: usize) {
				$transpose(rows, width, to, stride);
			}

			unsafe fn pack(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, to: &mut [u32], room: usize) {
				#[target_feature(enable = $features)]
				unsafe fn pack(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, to: &mut [u32], room: usize) {
					pack::rhs::<$name>(rhs, columns, units, to, room);
				}
				pack(rhs, columns, units, to, room);
			}

			unsafe fn pack_t(x: &[f32], stride: usize, depth: usize, part: (usize, usize), to: &mut [u32]) {
				$pack_t(x, stride, depth, part, to);
			}
		}
	};
}

kernel!(
	/// f32 by AVX2 and FMA; bf16 is widened.
	Avx2, "avx2,fma", avx2::ROWS, avx2::COLUMNS, avx2::SIDE, false, avx2::BLOCKS,
	avx2::tile, avx2::transpose, avx2::pack_t
);
kernel!(
	/// f32 by AVX-512.
	Avx512, "avx512f,avx512bw", ROWS, COLUMNS, transpose::SIDE, false, BLOCKS,
	tile_f32, transpose::transpose, pack::copy_t::<ROWS>
);
kernel!(
	/// Pairs of bf16 by AVX-512; sums are f32.
	Avx512Pairs, "avx512f,avx512bw", ROWS, COLUMNS, transpose::SIDE, true, BLOCKS,
	tile_bf16, transpose::transpose, pack::pair_t::<ROWS>
);

/// Rows of an AVX-512 tile: with two registers of sums each, and three for operands, all 32 are used.
const ROWS: usize = 14;
const COLUMNS: usize = 32;
/// A panel of columns stays in the first-level cache, and those of a task, 128 KiB, in the second.
const BLOCKS: Blocks = Blocks {
	rows: ROWS,
	depth: 256,
	columns: 128,
};

macro_rules! tile {
	($name:ident, $features:literal, $step:expr, $doc:literal) => {
		#[doc = $doc]
		///
		/// # Safety
		/// See [`Kernel::tile`].
		#[target_feature(enable = $features)]
		unsafe fn $name(depth: usize, mut a: *const u32, mut b: *const u32, place: &Place) {
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
		for (half, mask) in masks.into_iter().enumerate() {
			let at = i * place.stride + 16 * half;
			let mut sum = _mm512_add_ps(row[half], bias[half]);
			if !place.held.is_null() {
				sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, place.held.wrapping_add(at)));
			}
			_mm512_mask_storeu_ps(place.to.wrapping_add(at), mask, sum);
		}
	}
}
