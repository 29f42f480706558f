//! Transposing 32-bit elements by AVX-512, 16 × 16 at a time.

use std::arch::x86_64::*;

/// Side of the square.
pub const SIDE: usize = 16;

/// # Safety
/// See [`super::tile::Kernel::transpose`].
#[target_feature(enable = "avx512f")]
pub unsafe fn transpose(rows: &[*const u32], width: usize, to: *mut u32, stride: usize) {
	let mask = if width >= SIDE { 0xffff } else { (1u16 << width) - 1 };
	let mut r = [_mm512_setzero_si512(); SIDE];
	for i in 0..SIDE {
		r[i] = _mm512_maskz_loadu_epi32(mask, rows[i].cast());
	}
	// Pairs of rows, then fours, within each 128-bit lane; then lanes.
	let mut pairs = [_mm512_setzero_si512(); SIDE];
	for i in (0..SIDE).step_by(2) {
		pairs[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		pairs[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
	let mut fours = [_mm512_setzero_si512(); SIDE];
	for i in (0..SIDE).step_by(4) {
		fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
		fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
		fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
		fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
	}
	// `fours[4g + c]` holds, in lane l, rows 4g..4g+4 of column 4l + c.
	let mut columns = [_mm512_setzero_si512(); SIDE];
	for c in 0..4 {
		let low = _mm512_shuffle_i32x4::<0x44>(fours[c], fours[4 + c]);
		let high = _mm512_shuffle_i32x4::<0xee>(fours[c], fours[4 + c]);
		let low2 = _mm512_shuffle_i32x4::<0x44>(fours[8 + c], fours[12 + c]);
		let high2 = _mm512_shuffle_i32x4::<0xee>(fours[8 + c], fours[12 + c]);
		columns[c] = _mm512_shuffle_i32x4::<0x88>(low, low2);
		columns[4 + c] = _mm512_shuffle_i32x4::<0xdd>(low, low2);
		columns[8 + c] = _mm512_shuffle_i32x4::<0x88>(high, high2);
		columns[12 + c] = _mm512_shuffle_i32x4::<0xdd>(high, high2);
	}
	for (j, column) in columns.iter().enumerate().take(width) {
		_mm512_storeu_epi32(to.add(j * stride).cast(), *column);
	}
}

#[cfg(test)]
mod tests {
	use crate::kernels::tile::{Avx2, Avx512, Kernel};
	use crate::kernels::Path;

	fn moves_every_element<K: Kernel>() {
		let from: Vec<u32> = (0..16 * 20).collect();
		for width in [1, K::SIDE / 2 - 1, K::SIDE] {
			let rows: Vec<*const u32> = (0..K::SIDE).map(|i| from[i * 20 + 3..].as_ptr()).collect();
			let stride = K::SIDE + 2;
			let mut to = vec![u32::MAX; stride * K::SIDE];
			// SAFETY: rows have 17 elements each, `to` a whole stride for every column; the caller asked the processor.
			unsafe { K::transpose(&rows, width, to.as_mut_ptr(), stride) };
			for (j, i) in (0..K::SIDE).flat_map(|j| (0..K::SIDE).map(move |i| (j, i))) {
				let expected = if j < width { (i * 20 + 3 + j) as u32 } else { u32::MAX };
				assert_eq!(to[j * stride + i], expected, "{width}: {i}, {j}");
			}
		}
	}

	#[test]
	fn transpose_should_move_every_element_and_no_more() {
		if Path::detected() >= Path::Avx2 {
			moves_every_element::<Avx2>();
		}
		if Path::detected() >= Path::Avx512 {
			moves_every_element::<Avx512>();
		}
	}
}
