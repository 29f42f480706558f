//! Products of pairs of bf16 by AMX: tiles of 16 rows of 64 bytes, and an instruction that multiplies two of them.
//!
//! No processor that has it was at hand where this was written. What surrounds the tiles is the same source on every
//! processor; the tile instructions run in the tests under an emulator; and a process takes this path only after it has
//! computed a small product right ([`is_usable`]).

use super::math::{to_bf16, vectorised};
use super::product::Rhs;
use super::tile::{Blocks, Kernel, Place};
use super::{avx2, pack};
use std::arch::asm;
use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
use std::mem::MaybeUninit;
use std::ops::Range;

#[cfg(all(test, target_os = "linux"))]
pub mod emulator;

/// Units of the depth that one instruction takes: a tile's row.
const STEP: usize = 16;
/// Rows and columns of a product: two tiles each, so that four loads go with four products.
const SIDE: usize = 32;

/// Pairs of bf16 by AMX; sums are f32. The left operand's panels are `[units / STEP, SIDE, STEP]`: each tile lies in one
/// piece.
pub enum Amx {}

impl Kernel for Amx {
	const ROWS: usize = SIDE;
	const COLUMNS: usize = SIDE;
	const SIDE: usize = avx2::SIDE;
	const STEP: usize = STEP;
	const PAIRS: bool = true;
	// By arithmetic, for none was measured. A step is 64 cycles of products and loads 4 KiB, for which the second-level
	// cache takes 64 to 85. Two panels that fit into a first level of 48 KiB would have 192 units at most: 768 cycles, and
	// some 250 more for adding sums to the result. So sums stay in tiles over 1,024 units, and loads come from the second
	// level: a panel of rows is 128 KiB, a task's columns 512, of 2 MiB.
	const BLOCKS: Blocks = Blocks {
		rows: SIDE,
		depth: 1024,
		columns: 128,
	};

	unsafe fn begin() {
		asm!("ldtilecfg [{}]", in(reg) &TILES, options(nostack, readonly, preserves_flags));
	}

	unsafe fn end() {
		// A thread that keeps tiles pays for them whenever the system switches it.
		asm!("tilerelease", options(nostack, nomem, preserves_flags));
	}

	unsafe fn tile(depth: usize, a: *const u32, b: *const u32, place: &Place) {
		for i in 0..if place.held.is_null() { 0 } else { place.rows } {
			let row = place.held.wrapping_add(i * place.stride);
			_mm_prefetch::<_MM_HINT_T0>(row.cast());
			_mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(SIDE / 2).cast());
		}
		let mut sums = MaybeUninit::<Sums>::uninit();
		asm!(
			"tilezero tmm0",
			"tilezero tmm1",
			"tilezero tmm2",
			"tilezero tmm3",
			"test {steps}, {steps}",
			"jz 3f",
			"2:",
			"tileloadd tmm4, [{a} + 1*{narrow}]",
			"tileloadd tmm6, [{b} + 1*{wide}]",
			"tdpbf16ps tmm0, tmm4, tmm6",
			"tileloadd tmm7, [{b} + 1*{wide} + 64]",
			"tdpbf16ps tmm1, tmm4, tmm7",
			"tileloadd tmm5, [{a} + 1*{narrow} + 1024]",
			"tdpbf16ps tmm2, tmm5, tmm6",
			"tdpbf16ps tmm3, tmm5, tmm7",
			"add {a}, 2048",
			"add {b}, 2048",
			"dec {steps}",
			"jnz 2b",
			"3:",
			"tilestored [{sums} + 1*{wide}], tmm0",
			"tilestored [{sums} + 1*{wide} + 64], tmm1",
			"tilestored [{sums} + 1*{wide} + 2048], tmm2",
			"tilestored [{sums} + 1*{wide} + 2112], tmm3",
			steps = inout(reg) depth / STEP => _,
			a = inout(reg) a => _,
			b = inout(reg) b => _,
			sums = in(reg) sums.as_mut_ptr(),
			// Bytes from row to row of a left tile, and of a right one and of the sums.
			narrow = in(reg) 4 * STEP,
			wide = in(reg) 4 * SIDE,
			out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
			out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
			options(nostack),
		);
		put(sums.assume_init_ref(), place);
	}

	unsafe fn transpose(rows: &[*const u32], width: usize, to: *mut u32, stride: usize) {
		avx2::transpose(rows, width, to, stride);
	}

	unsafe fn pack(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, to: &mut [u32], room: usize) {
		#[target_feature(enable = "avx2,fma")]
		unsafe fn pack(rhs: &Rhs<'_>, columns: Range<usize>, units: Range<usize>, to: &mut [u32], room: usize) {
			pack::rhs::<Amx>(rhs, columns, units, to, room);
		}
		pack(rhs, columns, units, to, room);
	}

	unsafe fn pack_rows(x: &[f32], stride: usize, depth: usize, to: &mut [u32]) {
		round_rows(x, stride, depth, to);
	}

	unsafe fn pack_t(x: &[f32], stride: usize, depth: usize, part: (usize, usize), to: &mut [u32]) {
		for (step, to) in to.chunks_exact_mut(STEP * SIDE).enumerate() {
			let mut square = [[0u32; SIDE]; STEP];
			let from = step * 2 * STEP;
			round_step(x, stride, from..depth.min(from + 2 * STEP), part, &mut square);
			for (i, j) in (0..STEP)
				.step_by(8)
				.flat_map(|i| (0..SIDE).step_by(8).map(move |j| (i, j)))
			{
				let rows: [*const u32; 8] = std::array::from_fn(|unit| square[i + unit][j..].as_ptr());
				avx2::transpose(&rows, 8, to[j * STEP + i..].as_mut_ptr(), STEP);
			}
		}
	}
}

/// What `ldtilecfg` reads: palette 1 has eight tiles, all of which are used whole.
#[repr(C, align(64))]
struct Tiles {
	palette: u8,
	start_row: u8,
	reserved: [u8; 14],
	/// Bytes of a row.
	bytes: [u16; 16],
	rows: [u8; 16],
}

static TILES: Tiles = Tiles {
	palette: 1,
	start_row: 0,
	reserved: [0; 14],
	bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
	rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

#[repr(C, align(64))]
struct Sums([[f32; SIDE]; SIDE]);

vectorised! {
	/// Writes sums to their place.
	fn put(sums: &Sums, place: &Place) {
		let mut bias = [0f32; SIDE];
		// SAFETY: a bias has an element for each column; rows of a place are there, and no other task has them.
		unsafe {
			if !place.bias.is_null() {
				place.bias.copy_to_nonoverlapping(bias.as_mut_ptr(), place.columns);
			}
			for (i, sums) in sums.0.iter().enumerate().take(place.rows) {
				let at = i * place.stride;
				let held = if place.held.is_null() { place.held } else { place.held.add(at) };
				match place.columns {
					// Of a length that the compiler knows.
					SIDE => put_row(sums, &bias, held, place.to.add(at), SIDE),
					columns => put_row(sums, &bias, held, place.to.add(at), columns),
				}
			}
		}
	}

	/// See [`Kernel::pack_rows`].
	fn round_rows(x: &[f32], stride: usize, depth: usize, to: &mut [u32]) {
		for i in 0..SIDE {
			let row = x.get(i * stride..i * stride + depth).unwrap_or(&[]);
			for (step, to) in to.chunks_exact_mut(STEP * SIDE).enumerate() {
				// SAFETY: two u16 to a u32.
				let to = unsafe { to[i * STEP..][..STEP].align_to_mut::<u16>().1 };
				let row = &row[row.len().min(step * 2 * STEP)..];
				match row.first_chunk::<{ 2 * STEP }>() {
					Some(whole) => {
						for j in 0..2 * STEP {
							to[j] = to_bf16(whole[j]);
						}
					}
					None => {
						to.fill(0);
						to.iter_mut().zip(row).for_each(|(to, x)| *to = to_bf16(*x));
					}
				}
			}
		}
	}

	/// See [`Kernel::pack_t`]: rows of the panel are columns of `x`, `square` takes their pairs of one step.
	fn round_step(x: &[f32], stride: usize, depth: Range<usize>, part: (usize, usize), square: &mut [[u32; SIDE]; STEP]) {
		for (l, to) in depth.clone().step_by(2).zip(square) {
			let row = |l: usize| if l < depth.end { &x[l * stride + part.0..][..part.1] } else { &[] };
			match (row(l).first_chunk::<SIDE>(), row(l + 1).first_chunk::<SIDE>()) {
				(Some(first), Some(second)) => {
					for j in 0..SIDE {
						to[j] = pair_of(first[j], second[j]);
					}
				}
				_ => {
					let second = row(l + 1).iter().chain(std::iter::repeat(&0.0));
					let pairs = row(l).iter().zip(second);
					to.iter_mut().zip(pairs).for_each(|(to, (first, second))| *to = pair_of(*first, *second));
				}
			}
		}
	}
}

#[inline(always)]
fn pair_of(first: f32, second: f32) -> u32 {
	u32::from(to_bf16(first)) | u32::from(to_bf16(second)) << 16
}

/// `to = held + (sums + bias)`, where `held` is null `sums + bias`.
#[inline(always)]
unsafe fn put_row(sums: &[f32; SIDE], bias: &[f32; SIDE], held: *const f32, to: *mut f32, columns: usize) {
	let mut row = [0f32; SIDE];
	if !held.is_null() {
		held.copy_to_nonoverlapping(row.as_mut_ptr(), columns);
	}
	for j in 0..SIDE {
		row[j] += sums[j] + bias[j];
	}
	to.copy_from_nonoverlapping(row.as_ptr(), columns);
}

/// Whether this process may use AMX and gets right products from it. The processor has AVX-512.
#[cfg(target_os = "linux")]
pub fn is_usable() -> bool {
	use std::arch::x86_64::{__cpuid_count, _xgetbv};
	#[target_feature(enable = "xsave")]
	fn enabled() -> u64 {
		// SAFETY: AVX-512 comes with a system that has switched `xgetbv` on.
		unsafe { _xgetbv(0) }
	}
	/// AMX-BF16 and AMX-TILE in leaf 7's EDX.
	const FEATURES: u32 = 1 << 22 | 1 << 24;
	/// State that the system keeps: XTILECFG and XTILEDATA.
	const STATES: u64 = 1 << 17 | 1 << 18;
	/// Linux gives XTILEDATA to a process, all its threads and their descendants, when asked (arch/x86/xstate.rst).
	const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
	const XTILEDATA: libc::c_long = 18;

	let features = __cpuid_count(7, 0).edx;
	// SAFETY: see above; the call takes two numbers.
	unsafe {
		features & FEATURES == FEATURES
			&& enabled() & STATES == STATES
			&& libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0
			&& super::small::is_right::<Amx>()
	}
}

/// How other systems give a process tiles was not tried.
#[cfg(not(target_os = "linux"))]
pub fn is_usable() -> bool {
	false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
	use super::*;
	use crate::kernels::{product, small, Lhs, Path, Start};
	use half::bf16;

	#[test]
	fn path_should_be_refused_where_the_processor_errs() {
		if Path::Amx.runs() {
			assert!(small::is_right::<Amx>() && emulator::is_released());
		}
		if Path::Amx.runs() && Path::detected() < Path::Amx {
			emulator::err(true);
			assert!(!small::is_right::<Amx>());
			emulator::err(false);
			assert!(small::is_right::<Amx>());
		}
	}

	#[test]
	fn product_should_be_the_same_on_any_number_of_threads() {
		if !Path::Amx.runs() {
			return;
		}
		let (m, k, n) = (70, 130, 600);
		let numbers = |len: usize| (0..len).map(|i| (i * 7_919 % 10_007) as f32 / 5_003.0 - 1.0);
		let x: Vec<f32> = numbers(m * k).collect();
		let w: Vec<bf16> = numbers(k * n).map(bf16::from_f32).collect();
		let on = |threads: usize| {
			let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
			let c = pool.install(|| {
				let rhs = Rhs::new(crate::kernels::product::Elements::Bf16(&w), k, n);
				let lhs = Lhs::new(&x, m, k, Path::Amx, rhs.pairs(Path::Amx));
				product(Start::default(), &[(&lhs, rhs)])
			});
			assert!(pool
				.broadcast(|_| emulator::is_released())
				.into_iter()
				.all(|released| released));
			c
		};
		assert_eq!(on(1), on(4));
	}
}
