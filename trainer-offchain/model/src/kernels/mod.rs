//! What runs on the processor's vectors: products, exponentials, and the choice of instructions at run time.
//!
//! The path is chosen once per process from what the processor has. A path and a number of threads give the same bits
//! always; two paths differ in rounding.

pub mod math;
pub mod matvec;
mod pack;
pub mod product;
#[cfg(target_arch = "x86_64")]
pub mod small;
#[cfg(target_arch = "x86_64")]
mod tile;
#[cfg(target_arch = "x86_64")]
mod transpose;

pub use product::{product, Lhs, Rhs, Start};

use std::sync::OnceLock;

/// Which instructions products take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
	/// Those of the `gemm` crate, which has its own choice; bf16 weights are widened block by block.
	Portable,
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
		let avx512 = std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512bw");
		match (avx512, std::is_x86_feature_detected!("avx512bf16")) {
			(true, true) => Self::Avx512Bf16,
			(true, false) => Self::Avx512,
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
		let all = [Self::Portable, Self::Avx512, Self::Avx512Bf16];
		all.into_iter().filter(|path| *path <= Self::detected())
	}
}
