//! Frozen weights in four bits: NF4 with double quantisation, in the layout of bitsandbytes.
//!
//! Dettmers et al., *QLoRA* (2023), section 3. The weight's elements, row after row, are cut into blocks of 64; each is
//! divided by its block's largest magnitude and becomes the nearest of 16 values that are quantiles of a normal
//! distribution. The magnitudes, less their mean, are quantised again: blocks of 256, a byte each. That makes 4.127 bits an
//! element.

use crate::error::{ModelError, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Elements that share a magnitude.
pub const BLOCK: usize = 64;
/// Magnitudes that share one.
pub const NESTED_BLOCK: usize = 256;

/// The 16 values (QLoRA, appendix E).
pub const CODE: [f32; 16] = [
	-1.0,
	-0.696_192_8,
	-0.525_073_05,
	-0.394_917_5,
	-0.284_441_38,
	-0.184_773_43,
	-0.091_050_036,
	0.0,
	0.079_580_3,
	0.160_930_2,
	0.246_112_3,
	0.337_915_24,
	0.440_709_83,
	0.562_617,
	0.722_956_84,
	1.0,
];

/// A quantised matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Nf4 {
	/// `[rows, columns]`.
	pub shape: [usize; 2],
	/// Two elements a byte, the first in the upper half.
	pub packed: Vec<u8>,
	/// One a block: an index of `nested_code`.
	pub absmax: Vec<u8>,
	/// One for each [`NESTED_BLOCK`] blocks.
	pub nested_absmax: Vec<f32>,
	/// 256 values, sorted.
	pub nested_code: Vec<f32>,
	/// Mean of the magnitudes.
	pub offset: f32,
}

/// What bitsandbytes writes beside the tensors, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct QuantState {
	/// `nf4`.
	pub quant_type: String,
	/// Elements that share a magnitude.
	pub blocksize: usize,
	/// What the weight was in before, and is computed in by bitsandbytes.
	pub dtype: String,
	/// The weight's.
	pub shape: Vec<usize>,
	/// Magnitudes that share one; none without double quantisation.
	pub nested_blocksize: Option<usize>,
	/// Type of the magnitudes.
	pub nested_dtype: Option<String>,
	/// Mean of the magnitudes.
	pub nested_offset: Option<f32>,
}

impl Nf4 {
	/// Quantises `weight`, `[rows, columns]` row after row.
	pub fn quantise(weight: &[f32], shape: [usize; 2]) -> Result<Self> {
		if weight.len() != shape[0] * shape[1] || !weight.len().is_multiple_of(BLOCK) {
			let elements = weight.len();
			return Err(ModelError::Input(format!(
				"NF4 takes matrices whose elements are a multiple of {BLOCK}; {shape:?} has {elements}"
			)));
		}
		let (packed, magnitudes): (Vec<[u8; BLOCK / 2]>, Vec<f32>) = weight.par_chunks_exact(BLOCK).map(pack).unzip();
		let mean = magnitudes.iter().map(|m| f64::from(*m)).sum::<f64>() / magnitudes.len().max(1) as f64;
		let offset = mean as f32;
		let nested_code = dynamic_code();
		let (mut absmax, mut nested_absmax) = (Vec::with_capacity(magnitudes.len()), Vec::new());
		for block in magnitudes.chunks(NESTED_BLOCK) {
			let largest = block.iter().map(|m| (m - offset).abs()).fold(0.0, f32::max);
			let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
			absmax.extend(block.iter().map(|m| nearest(&nested_code, (m - offset) * scale)));
			nested_absmax.push(largest);
		}
		Ok(Self {
			shape,
			packed: packed.into_flattened(),
			absmax,
			nested_absmax,
			nested_code,
			offset,
		})
	}

	/// Elements from `start` on, which is a multiple of [`BLOCK`], as many as `out` takes.
	pub fn dequantise(&self, start: usize, out: &mut [f32]) {
		debug_assert!(start.is_multiple_of(BLOCK));
		for (at, part) in out.chunks_mut(BLOCK).enumerate() {
			let block = start / BLOCK + at;
			let magnitude = self.magnitude(block);
			let packed = &self.packed[block * BLOCK / 2..][..part.len().div_ceil(2)];
			for (pair, byte) in part.chunks_mut(2).zip(packed) {
				pair[0] = CODE[usize::from(byte >> 4)] * magnitude;
				if let Some(second) = pair.get_mut(1) {
					*second = CODE[usize::from(byte & 15)] * magnitude;
				}
			}
		}
	}

	fn magnitude(&self, block: usize) -> f32 {
		let nested = self.nested_code[usize::from(self.absmax[block])];
		nested * self.nested_absmax[block / NESTED_BLOCK] + self.offset
	}

	/// Bytes at rest.
	pub fn bytes(&self) -> usize {
		self.packed.len() + self.absmax.len() + 4 * (self.nested_absmax.len() + self.nested_code.len() + 1)
	}

	/// Checks what a file gave: lengths that fit one another.
	pub fn check(&self) -> std::result::Result<(), String> {
		let elements = self.shape[0] * self.shape[1];
		let blocks = elements.div_ceil(BLOCK);
		let lengths = [
			("packed bytes", self.packed.len(), elements.div_ceil(2)),
			("magnitudes", self.absmax.len(), blocks),
			(
				"nested magnitudes",
				self.nested_absmax.len(),
				blocks.div_ceil(NESTED_BLOCK),
			),
			("nested values", self.nested_code.len(), 256),
		];
		match lengths.into_iter().find(|(_, found, expected)| found != expected) {
			Some((what, found, expected)) => Err(format!("{found} {what} for {:?}, expected {expected}", self.shape)),
			None => Ok(()),
		}
	}
}

fn pack(block: &[f32]) -> ([u8; BLOCK / 2], f32) {
	let largest = block.iter().map(|x| x.abs()).fold(0.0, f32::max);
	let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
	let mut packed = [0; BLOCK / 2];
	for (byte, pair) in packed.iter_mut().zip(block.chunks_exact(2)) {
		*byte = nearest(&CODE, pair[0] * scale) << 4 | nearest(&CODE, pair[1] * scale);
	}
	(packed, largest)
}

/// Index of the nearest of sorted values; of two as near the lower.
fn nearest(code: &[f32], x: f32) -> u8 {
	let above = code.partition_point(|value| *value < x).min(code.len() - 1);
	let is_lower = above > 0 && x - code[above - 1] <= code[above] - x;
	(above - usize::from(is_lower)) as u8
}

/// Signed values of eight bits whose precision is where most magnitudes are: seven decades, each twice as fine as the one
/// below (Dettmers, *8-bit approximations for parallelism in deep learning*, 2015).
fn dynamic_code() -> Vec<f32> {
	let mut code = vec![0.0, 1.0];
	for decade in 0..7 {
		let steps = 1 << decade;
		let edge = |at: usize| 0.1f32 + 0.9 * at as f32 / steps as f32;
		let size = 10f64.powi(decade - 6) as f32;
		for step in 0..steps {
			let mean = (edge(step) + edge(step + 1)) / 2.0;
			code.extend([size * mean, -size * mean]);
		}
	}
	code.sort_by(f32::total_cmp);
	code
}

#[cfg(test)]
mod tests {
	use super::*;
	use candle_core::{DType, Device, Tensor};
	use std::collections::HashMap;
	use std::path::Path;

	/// What bitsandbytes made, by `tests/fixtures/make_nf4.py`.
	fn fixture() -> HashMap<String, Tensor> {
		let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/nf4.safetensors");
		candle_core::safetensors::load(path, &Device::Cpu).unwrap()
	}

	fn floats(tensors: &HashMap<String, Tensor>, name: &str) -> Vec<f32> {
		tensors[name]
			.to_dtype(DType::F32)
			.unwrap()
			.flatten_all()
			.unwrap()
			.to_vec1()
			.unwrap()
	}

	fn bytes(tensors: &HashMap<String, Tensor>, name: &str) -> Vec<u8> {
		tensors[name].flatten_all().unwrap().to_vec1().unwrap()
	}

	#[test]
	fn quantising_should_give_what_bitsandbytes_gives() {
		let theirs = fixture();
		let ours = Nf4::quantise(&floats(&theirs, "plain"), [288, 64]).unwrap();
		assert_eq!(ours.packed, bytes(&theirs, "weight"));
		assert_eq!(ours.absmax, bytes(&theirs, "weight.absmax"));
		let close = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
		assert!(close(&ours.nested_code, &floats(&theirs, "weight.nested_quant_map")));
		assert!(close(&ours.nested_absmax, &floats(&theirs, "weight.nested_absmax")));
		assert!(close(&CODE, &floats(&theirs, "weight.quant_map")));
		let state: QuantState =
			serde_json::from_slice(&bytes(&theirs, "weight.quant_state.bitsandbytes__nf4")).unwrap();
		assert!((state.nested_offset.unwrap() - ours.offset).abs() < 1e-6);
		assert_eq!(ours.check(), Ok(()));
	}

	#[test]
	fn dequantising_should_give_what_bitsandbytes_gives() {
		let theirs = fixture();
		let ours = Nf4::quantise(&floats(&theirs, "plain"), [288, 64]).unwrap();
		let expected = floats(&theirs, "dequantised");
		for start in [0, 64, 288 * 32] {
			let mut out = vec![0.0; 64 * 9 + 30];
			ours.dequantise(start, &mut out);
			let worst = out
				.iter()
				.zip(&expected[start..])
				.map(|(a, b)| (a - b).abs())
				.fold(0.0, f32::max);
			assert!(worst < 1e-6, "{worst}");
		}
	}

	#[test]
	fn an_element_should_take_less_than_4_2_bits() {
		let weight: Vec<f32> = (0..1 << 18).map(|i| (i as f32).sin()).collect();
		let bits = Nf4::quantise(&weight, [512, 512]).unwrap().bytes() as f64 * 8.0 / weight.len() as f64;
		assert!(bits < 4.2, "{bits}");
	}

	#[test]
	fn matrices_that_do_not_fit_should_be_refused() {
		assert!(Nf4::quantise(&[0.0; 63], [7, 9]).is_err());
		let mut cut = Nf4::quantise(&[0.5; 128], [2, 64]).unwrap();
		cut.absmax.pop();
		assert_eq!(cut.check(), Err("1 magnitudes for [2, 64], expected 2".into()));
	}
}
