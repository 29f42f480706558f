//! How this machine adds up: on the same path, device and number of threads a run gives the same bytes.

use crate::config::Dtype;
use crate::error::Result;
use crate::training::on_threads;
use candle_core::{Device, Tensor};
#[cfg(target_arch = "x86_64")]
use openledger_model::kernels::math::Width;
use openledger_model::ops::{self, Weight, WeightLayout};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Rows and columns of the probe's product: more than one block of any kernel.
const SIDE: usize = 96;
/// Digits of the probe's hash.
const DIGITS: usize = 8;

/// The processor's vector units, and the hash of a small computation by the model's operations over weights kept in `dtype`:
/// kernels and mathematical functions that are chosen at run time differ in the last digits in more ways than their names
/// tell. Whether a processor multiplies bf16 itself changes nothing of f32: paths of f32 do not tell it.
pub fn kernel_path(device: &Device, dtype: Dtype) -> Result<String> {
	if !device.is_cpu() {
		return Ok("cuda".into());
	}
	#[cfg(target_arch = "x86_64")]
	let level = match Width::detected() {
		Width::Avx512 => "-v4",
		Width::Avx2 => "-v3",
		Width::Any => "",
	};
	#[cfg(not(target_arch = "x86_64"))]
	let level = "";
	// The number of threads is declared beside the path, and is no part of it.
	let mut probe = hex::encode(on_threads(1, || probe(device, dtype))?);
	probe.truncate(DIGITS);
	Ok(format!("{}{level}/{probe}", std::env::consts::ARCH))
}

fn probe(device: &Device, dtype: Dtype) -> Result<[u8; 32]> {
	let number = |n: usize| ((n * 7_919 % 10_007) as f32 / 5_003.0 - 1.0) * 3.0;
	let values: Vec<f32> = (0..SIDE * SIDE).map(number).collect();
	let square = Tensor::from_vec(values.clone(), (SIDE, SIDE), device)?;
	let kept_in = |dtype: Dtype| -> Result<Weight> {
		Ok(Weight {
			matrix: square.to_dtype(dtype.of_tensors())?.into(),
			layout: WeightLayout::OutIn,
			bias: None,
		})
	};
	let targets = Arc::new((0..SIDE as u32).collect());
	let mut computed = vec![
		ops::linear(&square, &kept_in(Dtype::F32)?)?,
		ops::gelu_tanh(&square)?,
		ops::swiglu(&square, &square)?,
		ops::cross_entropy_sum(&square, &square, targets)?,
	];
	if dtype != Dtype::F32 {
		computed.push(ops::linear(&square, &kept_in(dtype)?)?);
	}
	let mut hasher = Sha256::new();
	for tensor in computed {
		let values = tensor.flatten_all()?.to_vec1::<f32>()?;
		values.iter().for_each(|value| hasher.update(value.to_le_bytes()));
	}
	let functions = [f32::exp, f32::tanh, f32::sin, f32::cos, f32::exp_m1];
	for value in values {
		functions.iter().for_each(|f| hasher.update(f(value).to_le_bytes()));
		hasher.update(value.abs().ln().to_le_bytes());
	}
	Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_model::kernels::Path;

	#[test]
	fn path_should_be_the_same_again() {
		let paths = [Dtype::F32, Dtype::Bf16].map(|dtype| {
			let path = kernel_path(&Device::Cpu, dtype).unwrap();
			let on_three = on_threads(3, || kernel_path(&Device::Cpu, dtype));
			assert_eq!(path, on_three.unwrap());
			assert!(path.starts_with(std::env::consts::ARCH), "{path}");
			assert_eq!(path.split('/').next_back().unwrap().len(), DIGITS);
			path
		});
		assert_ne!(paths[0], paths[1]);
	}

	#[test]
	fn product_with_bf16_should_differ_where_the_processor_multiplies_bf16() {
		// It rounds 1 + 2^-12 to 1 before it multiplies.
		let x = Tensor::full(1.0 + 2f32.powi(-12), (SIDE, SIDE), &Device::Cpu).unwrap();
		let weight = Weight {
			matrix: Tensor::ones((SIDE, SIDE), candle_core::DType::BF16, &Device::Cpu)
				.unwrap()
				.into(),
			layout: WeightLayout::OutIn,
			bias: None,
		};
		let sums = ops::linear(&x, &weight).unwrap().flatten_all().unwrap();
		let rounds = Path::detected().has_pairs();
		for sum in sums.to_vec1::<f32>().unwrap() {
			assert_eq!(sum == SIDE as f32, rounds, "{sum}");
		}
	}
}
