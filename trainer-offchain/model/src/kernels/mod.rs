//! What runs on the processor's vectors: products, exponentials, and the choice of instructions at run time.
//!
//! The path is chosen once per process from what the processor has. A path and a number of threads give the same bits
//! always; two paths differ in rounding.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
pub mod math;
pub mod matvec;
#[cfg(target_arch = "x86_64")]
mod pack;
pub mod product;
pub mod room;
#[cfg(target_arch = "x86_64")]
pub mod small;
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
	/// For bf16 weights that with tiles; the same is rounded.
	Amx,
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
			(true, true, true) if amx::is_usable() => Self::Amx,
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

	/// Whether products with bf16 weights round the other operand too, and take pairs.
	pub fn has_pairs(self) -> bool {
		self >= Self::Avx512Bf16
	}

	/// Whether the path runs here. In tests that of AMX does for bf16 weights, by an emulator.
	pub fn runs(self) -> bool {
		#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
		if self == Self::Amx && Self::detected() < Self::Amx {
			return amx::emulator::is_there();
		}
		self <= Self::detected()
	}

	/// All that this processor has, for tests.
	#[cfg(test)]
	pub fn available() -> impl Iterator<Item = Self> {
		let all = [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Bf16, Self::Amx];
		all.into_iter().filter(|path| *path <= Self::detected())
	}

	/// The same for weights of f32 and, where marked, of bf16; for these an emulated one, too.
	#[cfg(test)]
	pub fn available_for_weights() -> impl Iterator<Item = (Self, bool)> {
		let emulated = (Self::detected() < Self::Amx && Self::Amx.runs()).then_some((Self::Amx, true));
		Self::available()
			.flat_map(|path| [(path, false), (path, true)])
			.chain(emulated)
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
			($crate::kernels::Path::Amx, true) => {
				type $K = $crate::kernels::tile::Amx;
				$own
			}
			#[cfg(target_arch = "x86_64")]
			($crate::kernels::Path::Avx512 | $crate::kernels::Path::Avx512Bf16 | $crate::kernels::Path::Amx, false) => {
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
