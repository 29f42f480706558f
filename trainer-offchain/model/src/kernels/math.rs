//! Elementwise functions and sums that the compiler turns into vectors, for any processor and for wider vectors, with the
//! same bits: each sum has its order, and no product is fused with a sum.

use half::bf16;

/// Defines functions over slices that are compiled three times: for any processor, with AVX2 and with AVX-512, of which the
/// widest that is there is taken.
#[macro_export]
macro_rules! vectorised {
	($($(#[$doc:meta])* $visible:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block)*) => { $(
		$(#[$doc])*
		#[allow(clippy::too_many_arguments)]
		$visible fn $name($($arg: $type),*) $(-> $out)? {
			#[inline(always)]
			#[allow(clippy::too_many_arguments)]
			fn any($($arg: $type),*) $(-> $out)? $body
			#[cfg(target_arch = "x86_64")]
			{
				use $crate::kernels::math::Width;
				#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
				#[allow(clippy::too_many_arguments)]
				fn avx512($($arg: $type),*) $(-> $out)? { any($($arg),*) }
				#[target_feature(enable = "avx2,fma")]
				#[allow(clippy::too_many_arguments)]
				fn avx2($($arg: $type),*) $(-> $out)? { any($($arg),*) }
				match Width::detected() {
					// SAFETY: just asked.
					Width::Avx512 => return unsafe { avx512($($arg),*) },
					Width::Avx2 => return unsafe { avx2($($arg),*) },
					Width::Any => {}
				}
			}
			any($($arg),*)
		}
	)* };
}
pub use vectorised;

/// What `vectorised!` compiles for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
	/// Any processor.
	Any,
	/// AVX2 and FMA.
	Avx2,
	/// AVX-512 with 8-, 16- and 64-bit elements and shorter vectors.
	Avx512,
}

#[cfg(target_arch = "x86_64")]
impl Width {
	/// The widest that this processor has.
	#[inline]
	pub fn detected() -> Self {
		#[cfg(test)]
		if let Some(forced) = width_tests::FORCED.get() {
			return forced;
		}
		// Each asks one word that the standard library keeps.
		if std::is_x86_feature_detected!("avx512f")
			&& std::is_x86_feature_detected!("avx512bw")
			&& std::is_x86_feature_detected!("avx512dq")
			&& std::is_x86_feature_detected!("avx512vl")
		{
			Self::Avx512
		} else if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
			Self::Avx2
		} else {
			Self::Any
		}
	}
}

/// Sums are taken in this many interleaved parts, so that their order does not depend on the width of vectors.
pub const LANES: usize = 16;

/// `e^x` to two units in the last place; below -87 it is `e^-87`, above 88 `e^88`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
	// Rounds to the nearest whole number and leaves it in the low bits.
	const MAGIC: f32 = 12_582_912.0;
	// ln 2 in two parts, the first with few bits: its product with a small whole number is exact.
	const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
	// Comparisons, not `max`: what is not a number stays so.
	let x = if x < -87.0 { -87.0 } else { x };
	let x = if x > 88.0 { 88.0 } else { x };
	let shifted = x * std::f32::consts::LOG2_E + MAGIC;
	let whole = shifted - MAGIC;
	let r = x - whole * LN_2.0 - whole * LN_2.1;
	let mut p = 1.987_569_1e-4;
	p = p * r + 1.398_2e-3;
	p = p * r + 8.333_452e-3;
	p = p * r + 4.166_579_6e-2;
	p = p * r + 1.666_666_5e-1;
	p = p * r + 0.5;
	let p = p * r * r + r + 1.0;
	p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// Rounds to the nearest bf16, of two to the even one; what is not a number stays so.
#[inline(always)]
pub fn to_bf16(x: f32) -> u16 {
	let bits = x.to_bits();
	let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
	(if x.is_nan() { bits >> 16 | 0x40 } else { nearest }) as u16
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
	1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn fold(lanes: [f32; LANES]) -> f32 {
	let mut lanes = lanes;
	let mut width = LANES / 2;
	while width > 0 {
		for i in 0..width {
			lanes[i] += lanes[i + width];
		}
		width /= 2;
	}
	lanes[0]
}

/// Sum of `f` over the elements of slices of one length, in [`LANES`] parts.
#[inline(always)]
pub fn sum_of<const N: usize>(of: [&[f32]; N], f: impl Fn([f32; N]) -> f32) -> f32 {
	let len = of[0].len();
	let of = of.map(|x| &x[..len]);
	let mut lanes = [0f32; LANES];
	for part in 0..len / LANES {
		// Of a length that the compiler knows.
		let parts = of.map(|x| &x[part * LANES..][..LANES]);
		for l in 0..LANES {
			lanes[l] += f(parts.map(|x| x[l]));
		}
	}
	for i in len / LANES * LANES..len {
		lanes[i % LANES] += f(of.map(|x| x[i]));
	}
	fold(lanes)
}

#[inline(always)]
fn largest_of(x: &[f32]) -> f32 {
	let mut lanes = [f32::NEG_INFINITY; LANES];
	let larger = |lane: f32, x: f32| if x > lane { x } else { lane };
	let parts = x.chunks_exact(LANES);
	let rest = parts.remainder();
	for part in parts {
		for l in 0..LANES {
			lanes[l] = larger(lanes[l], part[l]);
		}
	}
	for (lane, &x) in lanes.iter_mut().zip(rest) {
		*lane = larger(*lane, x);
	}
	lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

vectorised! {
	/// `Σ a · b`.
	pub fn dot(a: &[f32], b: &[f32]) -> f32 {
		sum_of([a, b], |[a, b]| a * b)
	}

	/// `y += x`.
	pub fn add(y: &mut [f32], x: &[f32]) {
		y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
	}

	/// `to = x`, rounded as by [`to_bf16`].
	pub fn round(to: &mut [bf16], x: &[f32]) {
		to.iter_mut().zip(x).for_each(|(to, x)| *to = bf16::from_bits(to_bf16(*x)));
	}

	/// `y *= factor`.
	pub fn scale(y: &mut [f32], factor: f32) {
		y.iter_mut().for_each(|y| *y *= factor);
	}

	/// The largest element.
	pub fn largest(x: &[f32]) -> f32 {
		largest_of(x)
	}

	/// `row = e^(row - max)`; returns the sum.
	pub fn exponentials(row: &mut [f32], max: f32) -> f64 {
		// In stretches, so that a sum over a large vocabulary keeps its last bits.
		let mut total = 0f64;
		for part in row.chunks_mut(4096) {
			part.iter_mut().for_each(|x| *x = exp(*x - max));
			total += f64::from(sum_of([part], |[x]| x));
		}
		total
	}

	/// `row = softmax(row)`.
	pub fn softmax(row: &mut [f32]) {
		let max = largest_of(row);
		row.iter_mut().for_each(|x| *x = exp(*x - max));
		let inverse = 1.0 / sum_of([row], |[x]| x);
		row.iter_mut().for_each(|x| *x *= inverse);
	}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod width_tests {
	use super::*;
	use crate::ops::{activation, attention, norm, rotary};
	use std::cell::Cell;

	thread_local! {
		/// Taken in place of what the processor has.
		pub static FORCED: Cell<Option<Width>> = const { Cell::new(None) };
	}

	/// All that is compiled by widths, one after the other.
	fn all_functions() -> Vec<f32> {
		let number = |i: usize| (i * 7919 % 1009) as f32 / 160.0 - 3.0;
		let [x, y, z] = [0, 1, 2].map(|n| (0..3 * 77).map(|i| number(i + 100 * n)).collect::<Vec<f32>>());
		let (mut all, mut a, mut b, mut c) = (vec![dot(&x, &y)], x.clone(), y.clone(), z.clone());
		let (weight, bias) = (&y[..77], &z[..77]);
		add(&mut a, &b);
		scale(&mut a, 0.3);
		let mut narrow = vec![bf16::ZERO; x.len()];
		round(&mut narrow, &x);
		all.extend(narrow.iter().map(|x| x.to_f32()));
		let max = largest(&b);
		let total = exponentials(&mut b, max);
		all.extend([max, total as f32]);
		softmax(&mut c);
		attention::softmax_gradient(&mut c, &b, 0.7);
		attention::alibi(&mut c, 0.1);
		rotary::turn_halves(&mut a[..70], &x[..35], &z[..35], -1.0);
		rotary::turn_neighbours(&mut a[70..140], &x[..35], &z[..35], 1.0);
		all.extend(a.iter().chain(&b).chain(&c));
		norm::forward_rows(&mut a, &x, weight, Some(bias), 1e-5);
		norm::forward_rows(&mut b, &x, weight, None, 1e-5);
		norm::backward_rows(&mut c, &x, weight, &z, 1e-5, true);
		all.extend(a.iter().chain(&b).chain(&c));
		let (mut d_weight, mut d_bias) = (vec![0.0; 77], vec![0.0; 77]);
		norm::parameter_rows(&mut d_weight, &mut d_bias, &x, &z, 1e-5, false);
		activation::swiglu_part(&mut a, &x, &y);
		activation::gelu_part(&mut b, &x);
		activation::gelu_gradient_part(&mut c, &y);
		all.extend(a.iter().chain(&b).chain(&c).chain(&d_weight).chain(&d_bias));
		activation::swiglu_gradient_part(&mut a, &mut b, &z);
		all.extend(a.iter().chain(&b));
		all
	}

	#[test]
	fn every_width_should_give_the_same_bits() {
		let bits = |width| {
			FORCED.set(Some(width));
			all_functions().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
		};
		let widest = Width::detected();
		let expected = bits(Width::Any);
		for width in [Width::Avx2, Width::Avx512]
			.into_iter()
			.filter(|width| *width <= widest)
		{
			assert_eq!(bits(width), expected, "{width:?}");
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn rounding_should_be_that_of_half() {
		let halves = (0..=u16::MAX).flat_map(|high| [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff].map(|low| (high, low)));
		for bits in halves.map(|(high, low)| u32::from(high) << 16 | low) {
			let x = f32::from_bits(bits);
			assert_eq!(to_bf16(x), bf16::from_f32(x).to_bits(), "{bits:x}");
		}
	}

	#[test]
	fn exp_should_be_near_that_of_f64() {
		for i in -86_000..88_000 {
			let x = i as f32 * 1e-3;
			let expected = f64::from(x).exp();
			let error = (f64::from(exp(x)) - expected).abs() / expected;
			assert!(error < 2.5e-7, "{x}: {error}");
		}
		assert!(exp(f32::NAN).is_nan() && exp(f32::NEG_INFINITY) < 1e-37);
	}

	#[test]
	fn softmax_should_sum_to_one_and_show_what_is_not_a_number() {
		let mut row: Vec<f32> = (0..77).map(|i| (i * 37 % 77) as f32 * 0.3 - 900.0).collect();
		softmax(&mut row);
		assert!((row.iter().map(|x| f64::from(*x)).sum::<f64>() - 1.0).abs() < 1e-6);
		assert!(row[2] > row[1] && row.iter().all(|x| *x >= 0.0));
		row[5] = f32::NAN;
		softmax(&mut row);
		assert!(row[0].is_nan());
	}

	#[test]
	fn sums_should_take_every_element_once() {
		let a: Vec<f32> = (0..53).map(|i| i as f32).collect();
		assert_eq!(dot(&a, &vec![1.0; 53]), (0..53).sum::<i32>() as f32);
		let mut row = vec![2.0; 53];
		let max = largest(&row);
		let total = exponentials(&mut row, max);
		assert!(max == 2.0 && total == 53.0 && row == vec![1.0; 53]);
	}
}
