//! What runs on the processor's vectors: products, exponentials, and the choice of instructions at run time.
//!
//! The path is chosen once per process from what the processor has. A path and a number of threads give the same bits
//! always; two paths differ in rounding.

#[cfg(target_arch = "x86_64")]
mod avx2;
pub mod math;
pub mod matvec;
#[cfg(target_arch = "x86_64")]
mod pack;
pub mod product;
mod room;
#[cfg(target_arch = "x86_64")]
pub mod small;
#[cfg(target_arch = "x86_64")]
mod strassen;
#[cfg(target_arch = "x86_64")]
pub mod tile;
#[cfg(target_arch = "x86_64")]
mod transpose;

pub use product::{product, product_into, Lhs, Rhs, Start};

use std::sync::OnceLock;

/// Which instructions products take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
	/// Those of the `gemm` crate, which has its own choice; bf16 weights are widened block by block.
	Portable,
	/// Our AVX2 kernel; bf16 weights are widened as they are packed.
	Avx2,
	/// Our AVX-512 kernel for f32 weights.
	Avx512,
	/// And for bf16 weights that with `vdpbf16ps`: the other operand is rounded to bf16, sums are f32.
	Avx512Bf16,
}

impl Path {
	/// The best that this processor has.
	pub fn detected() -> Self {
		static DETECTED: OnceLock<Path> = OnceLock::new();
		*DETECTED.get_or_init(Self::detect)
	}

	#[cfg(target_arch = "x86_64")]
	fn detect() -> Self {
		let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
		let avx512 = std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512bw");
		match (avx2, avx512, std::is_x86_feature_detected!("avx512bf16")) {
			(true, true, true) => Self::Avx512Bf16,
			(true, true, false) => Self::Avx512,
			(true, ..) => Self::Avx2,
			_ => Self::Portable,
		}
	}

	#[cfg(not(target_arch = "x86_64"))]
	fn detect() -> Self {
		Self::Portable
	}

	/// All that this processor has, for tests.
	#[cfg(test)]
	pub fn available() -> impl Iterator<Item = Self> {
		let all = [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Bf16];
		all.into_iter().filter(|path| *path <= Self::detected())
	}
}

/// `$own` with `$K` the kernel of a path, for units that are `$pairs` of bf16; `$other` where the path has no kernel of
/// ours.
macro_rules! with_kernel {
	($path:expr, $pairs:expr, $K:ident => $own:expr, $other:expr) => {
		match ($path, $pairs) {
			#[cfg(target_arch = "x86_64")]
			($crate::kernels::Path::Avx2, _) => {
				type $K = $crate::kernels::tile::Avx2;
				$own
			}
			#[cfg(target_arch = "x86_64")]
			($crate::kernels::Path::Avx512 | $crate::kernels::Path::Avx512Bf16, false) => {
				type $K = $crate::kernels::tile::Avx512;
				$own
			}
			#[cfg(target_arch = "x86_64")]
			($crate::kernels::Path::Avx512 | $crate::kernels::Path::Avx512Bf16, true) => {
				type $K = $crate::kernels::tile::Avx512Pairs;
				$own
			}
			_ => $other,
		}
	};
}
pub(crate) use with_kernel;
