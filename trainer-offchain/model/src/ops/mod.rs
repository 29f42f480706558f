//! Differentiable operations on f32, fused where candle's own would cut a gradient, keep one for a frozen weight, or run
//! on one thread.
//!
//! Each takes its fused form on the CPU and, on other devices, the composition of candle's operations in
//! [`reference`]; the tests compare both, values and gradients, with each other and with candle's own.

pub(crate) mod activation;
pub(crate) mod attention;
mod backward;
pub(crate) mod linear;
pub(crate) mod loss;
pub(crate) mod norm;
pub mod reference;
pub(crate) mod rotary;
#[cfg(test)]
mod tests;

pub use activation::{gelu_tanh, swiglu};
pub use attention::{alibi_slope, attention, AttentionShape};
pub use linear::{linear, lora_linear, Matrix, Weight, WeightLayout};
pub use loss::{cross_entropy_sum, loss_rows, IGNORE};
pub use norm::{layer_norm, rms_norm};
pub use rotary::{rotary, Pairs, RotaryAngles, RotaryTable};

use crate::kernels::product::Elements;
use crate::nf4::Nf4;
use candle_core::{bail, CpuStorage, Layout, Result, Shape, Storage, Tensor};
use std::ops::{Deref, Range};

/// Elements that one task of a parallel loop handles: fixed, so that sums do not depend on the number of threads.
const ELEMENTS_PER_TASK: usize = 1 << 14;

/// The f32 elements of a contiguous storage.
fn elements<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
	let all = storage.as_slice::<f32>()?;
	match layout.contiguous_offsets() {
		Some((start, end)) => Ok(&all[start..end]),
		None => bail!("operation needs a contiguous tensor, got strides {:?}", layout.stride()),
	}
}

/// The f32 elements of a contiguous tensor on the CPU.
fn tensor_elements<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
	match storage {
		Storage::Cpu(cpu) => elements(cpu, layout),
		_ => bail!("operation needs a tensor on the CPU"),
	}
}

/// Elements on the CPU, held to be read.
pub(crate) enum Held<'a> {
	/// A contiguous tensor's.
	Tensor {
		/// candle's read guard, whose type it does not export.
		storage: Box<dyn Deref<Target = Storage> + 'a>,
		range: Range<usize>,
	},
	/// A quantised matrix's.
	Nf4(&'a Nf4),
}

impl<'a> Held<'a> {
	/// Holds it.
	pub fn new(tensor: &'a Tensor) -> Result<Self> {
		let (storage, layout) = tensor.storage_and_layout();
		match layout.contiguous_offsets() {
			Some((start, end)) => Ok(Self::Tensor {
				storage: Box::new(storage),
				range: start..end,
			}),
			None => bail!("operation needs a contiguous tensor, got strides {:?}", layout.stride()),
		}
	}

	/// Holds a weight's.
	pub fn of(matrix: &'a Matrix) -> Result<Self> {
		match matrix {
			Matrix::Plain(tensor) => Self::new(tensor),
			Matrix::Nf4(packed) => Ok(Self::Nf4(packed)),
			Matrix::OnDevice(_) => bail!("operation needs a weight on the CPU"),
		}
	}

	/// Its elements.
	pub fn elements(&self) -> Result<Elements<'_>> {
		let (storage, range) = match self {
			Self::Tensor { storage, range } => (&***storage, range.clone()),
			Self::Nf4(packed) => return Ok(Elements::Nf4(packed.all())),
		};
		match storage {
			Storage::Cpu(CpuStorage::F32(x)) => Ok(Elements::F32(&x[range])),
			Storage::Cpu(CpuStorage::BF16(x)) => Ok(Elements::Bf16(&x[range])),
			_ => bail!("operation needs an f32 or bf16 tensor on the CPU"),
		}
	}

	/// Its elements, f32.
	pub fn f32(&self) -> Result<&[f32]> {
		match self.elements()? {
			Elements::F32(x) => Ok(x),
			_ => bail!("operation needs an f32 tensor"),
		}
	}
}

/// Binds `$name` to the f32 elements of a tensor, made contiguous where it is not.
macro_rules! flat {
	($name:ident = $tensor:expr) => {
		let contiguous = $tensor.contiguous()?;
		let (storage, layout) = contiguous.storage_and_layout();
		let $name = $crate::ops::tensor_elements(&storage, layout)?;
	};
}
use flat;

/// A new tensor on the CPU.
fn make(data: Vec<f32>, shape: &Shape) -> Result<Tensor> {
	Tensor::from_vec(data, shape, &candle_core::Device::Cpu)
}

/// What a forward pass on the CPU returns.
fn output(data: Vec<f32>, shape: impl Into<Shape>) -> (CpuStorage, Shape) {
	(CpuStorage::F32(data), shape.into())
}

/// Splits a shape into (rows, width of the last dimension).
fn rows_and_width(shape: &Shape) -> (usize, usize) {
	let width = shape.dims().last().copied().unwrap_or(1);
	(shape.elem_count() / width.max(1), width)
}

/// Rows per task for rows of `width` elements.
fn rows_per_task(width: usize) -> usize {
	(ELEMENTS_PER_TASK / width.max(1)).max(1)
}
