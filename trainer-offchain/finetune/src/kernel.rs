//! How this machine adds up: on the same path, device and number of threads a run gives the same bytes.

use crate::error::Result;
use crate::training::on_threads;
use candle_core::{Device, Tensor};
use openledger_model::ops::{self, Weight, WeightLayout};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Rows and columns of the probe's product: more than one block of any kernel.
const SIDE: usize = 96;
/// Digits of the probe's hash.
const DIGITS: usize = 8;

/// The processor's vector units, and the hash of a small computation by the model's operations: kernels and mathematical
/// functions that are chosen at run time differ in the last digits in more ways than their names tell.
pub fn kernel_path(device: &Device) -> Result<String> {
	if !device.is_cpu() {
		return Ok("cuda".into());
	}
	#[cfg(target_arch = "x86_64")]
	let level = if is_x86_feature_detected!("avx512f") {
		"-v4"
	} else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
		"-v3"
	} else {
		""
	};
	#[cfg(not(target_arch = "x86_64"))]
	let level = "";
	// The number of threads is declared beside the path, and is no part of it.
	let mut probe = hex::encode(on_threads(1, || probe(device))?);
	probe.truncate(DIGITS);
	Ok(format!("{}{level}/{probe}", std::env::consts::ARCH))
}

fn probe(device: &Device) -> Result<[u8; 32]> {
	let number = |n: usize| ((n * 7_919 % 10_007) as f32 / 5_003.0 - 1.0) * 3.0;
	let values: Vec<f32> = (0..SIDE * SIDE).map(number).collect();
	let square = Tensor::from_vec(values.clone(), (SIDE, SIDE), device)?;
	let weight = Weight {
		matrix: square.clone().into(),
		layout: WeightLayout::OutIn,
		bias: None,
	};
	let targets = Arc::new((0..SIDE as u32).collect());
	let computed = [
		ops::linear(&square, &weight)?,
		ops::gelu_tanh(&square)?,
		ops::swiglu(&square, &square)?,
		ops::cross_entropy_sum(&square, &square, targets)?,
	];
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

	#[test]
	fn path_should_be_the_same_again() {
		let path = kernel_path(&Device::Cpu).unwrap();
		let on_three = on_threads(3, || kernel_path(&Device::Cpu));
		assert_eq!(path, on_three.unwrap());
		assert!(path.starts_with(std::env::consts::ARCH), "{path}");
		assert_eq!(path.split('/').next_back().unwrap().len(), DIGITS);
	}
}
