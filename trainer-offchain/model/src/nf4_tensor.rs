//! Weights in four bits on other devices than the CPU: widened by candle's own operations, for one product at a time.

use crate::nf4::{Magnitudes, Nf4, NESTED_CODE, PAIRS};
use candle_core::{bail, DType, Device, Result, Tensor};

/// An [`Nf4`] as tensors of a device.
#[derive(Clone, Debug)]
pub struct Nf4Tensor {
	/// `[out, in]`.
	pub shape: [usize; 2],
	/// What products with it are in.
	dtype: DType,
	/// `[blocks · block / 2]`, u8, two elements a byte; the last block is filled up with zeros.
	packed: Tensor,
	/// The two values of every byte, `[256, 2]`.
	pairs: Tensor,
	block: usize,
	magnitudes: Blocks,
}

/// The largest magnitude of each block.
#[derive(Clone, Debug)]
enum Blocks {
	/// `[blocks]`.
	Plain(Tensor),
	Nested {
		/// `[nested blocks · nested block]`, u8; the last one is filled up with zeros.
		codes: Tensor,
		/// [`NESTED_CODE`], `[256]`.
		code: Tensor,
		/// `[nested blocks, 1]`.
		absmax: Tensor,
		offset: f64,
	},
}

impl Nf4Tensor {
	/// Copies it to a device; products with it are in `dtype`, f32 or bf16.
	pub fn new(matrix: &Nf4, device: &Device, dtype: DType) -> Result<Self> {
		let block = matrix.block;
		if !block.is_multiple_of(2) {
			bail!("weights in four bits: blocks of {block} elements, an odd number");
		}
		let blocks = matrix.len().div_ceil(block);
		let filled = |bytes: &[u8], len: usize| {
			let mut bytes = bytes.to_vec();
			bytes.resize(len, 0);
			Tensor::from_vec(bytes, len, device)
		};
		let magnitudes = match &matrix.magnitudes {
			Magnitudes::Plain(absmax) => Blocks::Plain(Tensor::from_slice(absmax, blocks, device)?),
			Magnitudes::Nested {
				codes,
				block,
				absmax,
				offset,
			} => Blocks::Nested {
				codes: filled(codes, absmax.len() * block)?,
				code: Tensor::new(&NESTED_CODE[..], device)?,
				absmax: Tensor::from_slice(absmax, (absmax.len(), 1), device)?,
				offset: f64::from(*offset),
			},
		};
		Ok(Self {
			shape: matrix.shape,
			dtype,
			packed: filled(&matrix.packed, blocks * block / 2)?,
			pairs: Tensor::new(&PAIRS, device)?,
			block,
			magnitudes,
		})
	}

	/// All elements, `[out, in]`, in what products are in; widened in f32 and then rounded, as bitsandbytes does.
	pub fn dense(&self) -> Result<Tensor> {
		self.wide()?.to_dtype(self.dtype)
	}

	/// All elements, `[out, in]`, f32.
	pub fn wide(&self) -> Result<Tensor> {
		let [out, inp] = self.shape;
		let blocks = (out * inp).div_ceil(self.block);
		let magnitudes = match &self.magnitudes {
			Blocks::Plain(absmax) => absmax.clone(),
			Blocks::Nested {
				codes,
				code,
				absmax,
				offset,
			} => {
				let of_codes = looked_up(code, codes)?.reshape((absmax.dim(0)?, ()))?;
				let wide = of_codes.broadcast_mul(absmax)?.affine(1.0, *offset)?;
				wide.flatten_all()?.narrow(0, 0, blocks)?
			}
		};
		let values = looked_up(&self.pairs, &self.packed)?.reshape((blocks, self.block))?;
		let wide = values.broadcast_mul(&magnitudes.reshape((blocks, 1))?)?;
		wide.flatten_all()?.narrow(0, 0, out * inp)?.reshape((out, inp))
	}
}

/// Rows of a table. To candle an index of all ones is a row of zeros: 255 is a byte's, and none of u32.
fn looked_up(table: &Tensor, bytes: &Tensor) -> Result<Tensor> {
	table.index_select(&bytes.to_dtype(DType::U32)?, 0)
}
