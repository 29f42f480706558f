//! Frozen weights in four bits: NF4 with double quantisation, in the layout of bitsandbytes.
//!
//! Dettmers et al., *QLoRA* (2023), section 3. The weight's elements, row after row, are cut into blocks of 64; each is
//! divided by its block's largest magnitude and becomes the nearest of 16 values that are quantiles of a normal
//! distribution. The magnitudes, less their mean, are quantised again: blocks of 256, a byte each. That makes 4.127 bits an
//! element.

use rayon::prelude::*;
use serde::Deserialize;
use std::ops::Range;
use std::sync::LazyLock;

/// Elements that share a magnitude, unless a file says otherwise.
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

/// The two values of every byte: one load an element pair in place of two shifts, masks and loads.
pub(crate) static PAIRS: [[f32; 2]; 256] = {
	let mut pairs = [[0.0; 2]; 256];
	let mut byte = 0;
	while byte < 256 {
		pairs[byte] = [CODE[byte >> 4], CODE[byte & 15]];
		byte += 1;
	}
	pairs
};

/// What bytes of magnitudes stand for: signed values whose precision is where most magnitudes are, seven decades, each
/// twice as fine as the one below (Dettmers, *8-bit approximations for parallelism in deep learning*, 2015).
pub static NESTED_CODE: LazyLock<[f32; 256]> = LazyLock::new(dynamic_code);

/// What bitsandbytes appends to a weight's name for the parts of its quantisation.
pub(crate) const STATE: &str = ".quant_state.bitsandbytes__nf4";
pub(crate) const STATE_FP4: &str = ".quant_state.bitsandbytes__fp4";
pub(crate) const MAP: &str = ".quant_map";
pub(crate) const ABSMAX: &str = ".absmax";
pub(crate) const NESTED_MAP: &str = ".nested_quant_map";
pub(crate) const NESTED_ABSMAX: &str = ".nested_absmax";

/// The weight that a tensor of this name is a part of, if it is one.
pub(crate) fn of_part(name: &str) -> Option<&str> {
	let suffixes = [STATE, MAP, ABSMAX, NESTED_MAP, NESTED_ABSMAX];
	suffixes.iter().find_map(|suffix| name.strip_suffix(suffix))
}

/// Keeps the inverse of a block of zeros finite.
const TINY: f32 = 1e-38;
/// Elements that one task of a parallel loop widens.
const TASK: usize = 1 << 14;

/// A quantised matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Nf4 {
	/// `[out, in]`, whatever layout the family's files have.
	pub shape: [usize; 2],
	/// Two elements a byte, the first in the upper half.
	pub packed: Vec<u8>,
	/// Elements that share a magnitude.
	pub block: usize,
	/// Of the blocks.
	pub magnitudes: Magnitudes,
}

/// The largest magnitude of each block.
#[derive(Clone, Debug, PartialEq)]
pub enum Magnitudes {
	/// As they are.
	Plain(Vec<f32>),
	/// Quantised again.
	Nested {
		/// One a magnitude: an index of [`NESTED_CODE`].
		codes: Vec<u8>,
		/// Magnitudes that share one.
		block: usize,
		/// The largest of each such block.
		absmax: Vec<f32>,
		/// Mean of the magnitudes, which was subtracted.
		offset: f32,
	},
}

/// What bitsandbytes writes beside the tensors, as JSON.
#[derive(Debug, Deserialize)]
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
	/// Mean of the magnitudes.
	pub nested_offset: Option<f64>,
}

impl Nf4 {
	/// Quantises `weight`, `[out, in]` row after row, twice.
	pub fn quantise(weight: &[f32], shape: [usize; 2]) -> Self {
		assert_eq!(weight.len(), shape[0] * shape[1], "a weight's size");
		let mut packed = vec![0; weight.len().div_ceil(2)];
		let mut magnitudes = vec![0.0; weight.len().div_ceil(BLOCK)];
		let places = packed.par_chunks_mut(BLOCK / 2).zip(&mut magnitudes);
		places
			.zip(weight.par_chunks(BLOCK))
			.for_each(|((packed, magnitude), block)| *magnitude = pack(block, packed));
		// torch adds up in f32, in an order that depends on the processor: its mean differs in the last digits.
		let mean = magnitudes.iter().map(|m| f64::from(*m)).sum::<f64>() / magnitudes.len().max(1) as f64;
		let offset = mean as f32;
		let (mut codes, mut absmax) = (Vec::with_capacity(magnitudes.len()), Vec::new());
		for block in magnitudes.chunks(NESTED_BLOCK) {
			let largest = block.iter().map(|m| (m - offset).abs()).fold(0.0, f32::max);
			let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
			codes.extend(block.iter().map(|m| nested_code((m - offset) * scale)));
			absmax.push(largest);
		}
		Self {
			shape,
			packed,
			block: BLOCK,
			magnitudes: Magnitudes::Nested {
				codes,
				block: NESTED_BLOCK,
				absmax,
				offset,
			},
		}
	}

	/// Elements from `start` on, as many as `out` takes.
	pub fn dequantise(&self, start: usize, out: &mut [f32]) {
		let mut done = 0;
		while done < out.len() {
			let at = start + done;
			let block = at / self.block;
			let len = (out.len() - done).min(self.block - at % self.block);
			unpack(&self.packed, at, self.magnitudes.of(block), &mut out[done..done + len]);
			done += len;
		}
	}

	/// The same on all threads.
	pub fn widen(&self, start: usize, out: &mut [f32]) {
		let parts = out.par_chunks_mut(TASK).enumerate();
		parts.for_each(|(task, part)| self.dequantise(start + task * TASK, part));
	}

	/// All of it.
	pub fn all(&self) -> Slice<'_> {
		Slice {
			matrix: self,
			start: 0,
			len: self.len(),
		}
	}

	/// Elements.
	#[allow(clippy::len_without_is_empty)]
	pub fn len(&self) -> usize {
		self.shape[0] * self.shape[1]
	}

	/// Bytes at rest.
	pub fn bytes(&self) -> usize {
		let magnitudes = match &self.magnitudes {
			Magnitudes::Plain(absmax) => 4 * absmax.len(),
			Magnitudes::Nested { codes, absmax, .. } => codes.len() + 4 * absmax.len() + 4,
		};
		self.packed.len() + magnitudes
	}
}

/// Some elements of a quantised matrix, one after the other.
#[derive(Clone, Copy)]
pub struct Slice<'a> {
	matrix: &'a Nf4,
	start: usize,
	len: usize,
}

impl Slice<'_> {
	/// How many there are.
	#[allow(clippy::len_without_is_empty)]
	pub fn len(&self) -> usize {
		self.len
	}

	/// Some of them.
	pub fn slice(self, range: Range<usize>) -> Self {
		assert!(
			range.start <= range.end && range.end <= self.len,
			"elements of a weight"
		);
		Self {
			start: self.start + range.start,
			len: range.len(),
			..self
		}
	}

	/// See [`Nf4::dequantise`].
	pub fn dequantise(&self, start: usize, out: &mut [f32]) {
		self.matrix.dequantise(self.start + start, out);
	}

	/// See [`Nf4::widen`].
	pub fn widen(&self, start: usize, out: &mut [f32]) {
		self.matrix.widen(self.start + start, out);
	}
}

impl Magnitudes {
	fn of(&self, at: usize) -> f32 {
		match self {
			Self::Plain(absmax) => absmax[at],
			Self::Nested {
				codes,
				block,
				absmax,
				offset,
			} => NESTED_CODE[usize::from(codes[at])] * absmax[at / block] + offset,
		}
	}
}

/// Writes a block's bytes; its largest magnitude. The last block of a matrix may be short.
fn pack(block: &[f32], packed: &mut [u8]) -> f32 {
	let mut largest = block.iter().map(|x| x.abs()).fold(0.0, f32::max);
	let inverse = 1.0 / largest.max(TINY);
	let is_whole = block.len() == BLOCK;
	if !is_whole {
		largest = largest.max(TINY);
	}
	// As bitsandbytes has it: a whole block is multiplied by the inverse, a short one divided.
	let code = |x: f32| nearest(&CODE, if is_whole { x * inverse } else { x / largest });
	for (byte, pair) in packed.iter_mut().zip(block.chunks(2)) {
		*byte = code(pair[0]) << 4 | code(pair.get(1).copied().unwrap_or(0.0));
	}
	largest
}

/// Elements of one block, from the `start`th of the matrix on.
fn unpack(packed: &[u8], start: usize, magnitude: f32, out: &mut [f32]) {
	let (first, out) = out.split_at_mut(start % 2);
	if let [first] = first {
		*first = PAIRS[usize::from(packed[start / 2])][1] * magnitude;
	}
	let packed = &packed[start.div_ceil(2)..];
	let (pairs, last) = out.split_at_mut(out.len() / 2 * 2);
	for (pair, byte) in pairs.chunks_exact_mut(2).zip(packed) {
		let [first, second] = PAIRS[usize::from(*byte)];
		(pair[0], pair[1]) = (first * magnitude, second * magnitude);
	}
	if let [last] = last {
		*last = PAIRS[usize::from(packed[pairs.len() / 2])][0] * magnitude;
	}
}

/// Index of the nearest of sorted values; of two as near the lower.
fn nearest(code: &[f32], x: f32) -> u8 {
	let above = code.partition_point(|value| *value < x).min(code.len() - 1);
	let is_lower = above > 0 && x <= (code[above - 1] + code[above]) / 2.0;
	(above - usize::from(is_lower)) as u8
}

/// Index of about the nearest of [`NESTED_CODE`]: on the CPU bitsandbytes looks it up in a table of 65,536 steps.
fn nested_code(x: f32) -> u8 {
	const STEPS: f32 = 65_535.0;
	let step = ((x + 1.0) * 0.5 * STEPS + 0.5).floor();
	nearest(&NESTED_CODE[..], step * 2.0 / STEPS - 1.0)
}

/// Edges of the decades' parts as `torch.linspace` has them, from both ends, with one rounding.
fn dynamic_code() -> [f32; 256] {
	let mut code = [0.0; 256];
	code[255] = 1.0;
	let mut next = 0;
	for decade in 0..7 {
		let count = 1usize << decade;
		let step = (1.0 - 0.1f32) / count as f32;
		let edge = |at: usize| match at < count.div_ceil(2) {
			true => step.mul_add(at as f32, 0.1),
			false => (-step).mul_add((count - at) as f32, 1.0),
		};
		let size = 10f64.powi(decade - 6) as f32;
		for at in 0..count {
			let value = size * ((edge(at) + edge(at + 1)) / 2.0);
			(code[next], code[next + 1]) = (value, -value);
			next += 2;
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
		let ours = Nf4::quantise(&floats(&theirs, "plain"), [288, 64]);
		assert_eq!(ours.packed, bytes(&theirs, "weight"));
		assert_eq!(CODE[..], floats(&theirs, "weight.quant_map"));
		assert_eq!(NESTED_CODE[..], floats(&theirs, "weight.nested_quant_map"));
		let Magnitudes::Nested {
			codes, absmax, offset, ..
		} = ours.magnitudes
		else {
			panic!("magnitudes are not quantised");
		};
		assert_eq!(codes, bytes(&theirs, "weight.absmax"));
		let expected = floats(&theirs, "weight.nested_absmax");
		assert!(absmax.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
		let state: QuantState =
			serde_json::from_slice(&bytes(&theirs, "weight.quant_state.bitsandbytes__nf4")).unwrap();
		assert!((state.nested_offset.unwrap() - f64::from(offset)).abs() < 1e-6);
	}

	#[test]
	fn dequantising_should_give_what_bitsandbytes_gives() {
		let theirs = fixture();
		let ours = Nf4::quantise(&floats(&theirs, "plain"), [288, 64]);
		let expected = floats(&theirs, "dequantised");
		for (start, len) in [(0, 606), (64, 64), (288 * 32, 1), (1, 7), (63, 130), (101, 1_000)] {
			let mut out = vec![0.0; len];
			ours.dequantise(start, &mut out);
			let worst = out
				.iter()
				.zip(&expected[start..])
				.map(|(a, b)| (a - b).abs())
				.fold(0.0, f32::max);
			assert!(worst < 1e-6, "{worst}");
		}
		let mut whole = vec![0.0; 287 * 64 + 3];
		ours.widen(61, &mut whole);
		let mut apart = vec![0.0; whole.len()];
		ours.all().slice(60..ours.len()).dequantise(1, &mut apart);
		assert_eq!(whole, apart);
	}

	#[test]
	fn an_element_should_take_less_than_4_2_bits() {
		let weight: Vec<f32> = (0..1 << 18).map(|i| (i as f32).sin()).collect();
		let bits = Nf4::quantise(&weight, [512, 512]).bytes() as f64 * 8.0 / weight.len() as f64;
		assert!((4.1..4.2).contains(&bits), "{bits}");
	}

	#[test]
	fn what_is_no_whole_block_should_be_kept_too() {
		// 77 elements: an odd number of them in a short block.
		let weight: Vec<f32> = (0..77).map(|i| (i as f32 * 0.3).sin()).collect();
		let ours = Nf4::quantise(&weight, [7, 11]);
		assert_eq!((ours.packed.len(), ours.bytes()), (39, 39 + 2 + 4 + 4));
		let mut wide = vec![0.0; 77];
		ours.dequantise(0, &mut wide);
		// Half the widest gap of the 16 values, and what the magnitudes lost.
		assert!(wide.iter().zip(&weight).all(|(a, b)| (a - b).abs() < 0.17), "{wide:?}");
		let zeros = Nf4::quantise(&[0.0; 77], [7, 11]);
		zeros.dequantise(0, &mut wide);
		assert!(wide.iter().all(|x| *x == 0.0));
	}
}
