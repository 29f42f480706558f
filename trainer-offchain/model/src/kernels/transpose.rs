//! Transposing 32-bit elements, 16 × 16 at a time.

use std::arch::x86_64::*;

/// Side of the square.
pub const SIDE: usize = 16;

/// Writes column `j` of the `16 × width` matrix whose rows start at `rows` to `to + j · stride`, for `j` below `width`
/// (at most 16), in that order: with a stride below 16 a later column overwrites what an earlier one wrote too much.
///
/// # Safety
/// AVX-512F; `width` readable elements behind each of `rows`; 16 writable ones at each column's place.
#[target_feature(enable = "avx512f")]
pub unsafe fn transpose(rows: &[*const u32; SIDE], width: usize, to: *mut u32, stride: usize) {
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
	use super::*;

	#[test]
	fn transpose_should_move_every_element_and_no_more() {
		if !std::is_x86_feature_detected!("avx512f") {
			return;
		}
		let from: Vec<u32> = (0..16 * 20).collect();
		for width in [1, 7, 16] {
			let rows = std::array::from_fn(|i| from[i * 20 + 3..].as_ptr());
			let mut to = vec![u32::MAX; 18 * 16];
			// SAFETY: rows have 17 elements each, `to` 18 · 16.
			unsafe { transpose(&rows, width, to.as_mut_ptr(), 18) };
			for j in 0..16 {
				for i in 0..16 {
					let expected = if j < width { (i * 20 + 3 + j) as u32 } else { u32::MAX };
					assert_eq!(to[j * 18 + i], expected, "{width}: {i}, {j}");
				}
			}
		}
	}
}
