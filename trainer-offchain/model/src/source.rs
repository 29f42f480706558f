//! Where a decoder's tensors come from: a checkpoint, or a generator.

use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::nf4::Nf4;
use crate::nf4_tensor::Nf4Tensor;
use crate::ops::{reference, Matrix, WeightLayout};
use candle_core::{DType, Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// How a tensor starts when it is not read.
#[derive(Clone, Copy, Debug)]
pub enum Init {
	/// Normal with this standard deviation.
	Normal(f64),
	/// All ones.
	Ones,
	/// All zeros.
	Zeros,
}

/// Gives tensors by name.
pub trait TensorSource {
	/// A tensor of this shape, f32 unless the source keeps matrices in another type.
	fn tensor(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Tensor>;

	/// A linear layer's weight, `[out, in]`, where the source keeps it in four bits; `layout` is that of the others.
	fn quantised(&mut self, _name: &str, _shape: [usize; 2], _layout: WeightLayout) -> Result<Option<Nf4>> {
		Ok(None)
	}

	/// That weight, where it is computed with.
	fn place(&self, packed: Arc<Nf4>) -> Result<Matrix> {
		Ok(Matrix::Nf4(packed))
	}

	/// The name under which the source has `name`, which starts with `base` unless the source omits that prefix.
	fn resolve(&self, base: &str, name: &str) -> String;
}

/// Reads from a checkpoint.
pub struct FromCheckpoint<'a> {
	/// The checkpoint.
	pub checkpoint: &'a Checkpoint,
	/// Where the tensors go.
	pub device: &'a Device,
	/// What matrices are kept in; vectors are f32.
	pub matrices: DType,
	/// Whether linear layers are quantised that are not in the file.
	pub quantise: bool,
}

impl TensorSource for FromCheckpoint<'_> {
	fn tensor(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Tensor> {
		let tensor = self.checkpoint.tensor(name, shape, self.device)?;
		Ok(match shape {
			[_, _] => tensor.to_dtype(self.matrices)?,
			_ => tensor,
		})
	}

	fn quantised(&mut self, name: &str, shape: [usize; 2], layout: WeightLayout) -> Result<Option<Nf4>> {
		let found = self.checkpoint.quantised(name, shape)?;
		if found.is_some() || !self.quantise {
			return Ok(found);
		}
		let [out, inp] = shape;
		let mut wide = self.checkpoint.tensor(name, &layout.shape(out, inp), &Device::Cpu)?;
		if layout == WeightLayout::InOut {
			wide = wide.t()?;
		}
		let wide = wide.flatten_all()?.to_vec1::<f32>()?;
		Ok(Some(Nf4::quantise(&wide, shape)))
	}

	fn place(&self, packed: Arc<Nf4>) -> Result<Matrix> {
		if reference::is_fused(self.device) {
			return Ok(Matrix::Nf4(packed));
		}
		let placed = Nf4Tensor::new(&packed, self.device, self.matrices)?;
		Ok(Matrix::OnDevice(Arc::new(placed)))
	}

	fn resolve(&self, base: &str, name: &str) -> String {
		match name.strip_prefix(base) {
			Some(bare) if !self.checkpoint.contains(name) && self.checkpoint.contains(bare) => bare.to_owned(),
			_ => name.to_owned(),
		}
	}
}

/// Draws from a seeded generator, in the order asked.
pub struct FromSeed<'a> {
	rng: ChaCha8Rng,
	device: &'a Device,
}

impl<'a> FromSeed<'a> {
	/// A generator for one model.
	pub fn new(seed: u64, device: &'a Device) -> Self {
		Self {
			rng: ChaCha8Rng::seed_from_u64(seed),
			device,
		}
	}
}

impl TensorSource for FromSeed<'_> {
	fn tensor(&mut self, _: &str, shape: &[usize], init: Init) -> Result<Tensor> {
		let count = shape.iter().product();
		let data: Vec<f32> = match init {
			Init::Ones => vec![1.0; count],
			Init::Zeros => vec![0.0; count],
			Init::Normal(deviation) => (0..count).map(|_| (normal(&mut self.rng) * deviation) as f32).collect(),
		};
		Ok(Tensor::from_vec(data, shape, self.device)?)
	}

	fn resolve(&self, _: &str, name: &str) -> String {
		name.to_owned()
	}
}

/// A standard normal number, by Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
	let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
	radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
