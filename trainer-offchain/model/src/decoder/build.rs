//! Collecting a decoder's tensors, in the order of its parts.

use crate::config::{DecoderConfig, NormKind};
use crate::error::{ModelError, Result};
use crate::linear::Linear;
use crate::nf4::Nf4;
use crate::ops::{self, Matrix, Weight, WeightLayout};
use crate::source::{Init, TensorSource};
use candle_core::{Tensor, Var};
use std::sync::Arc;

/// Collects tensors while a decoder is built.
pub(super) struct Builder<'a> {
	pub config: &'a DecoderConfig,
	pub source: &'a mut dyn TensorSource,
	pub trainable: bool,
	pub parameters: Vec<(String, Tensor)>,
	/// Those in four bits.
	pub quantised: Vec<(String, Arc<Nf4>)>,
}

impl Builder<'_> {
	/// The tensor of this path in transformers' causal model.
	pub fn tensor(&mut self, path: &str, shape: &[usize], init: Init) -> Result<Tensor> {
		self.add(path, shape, init, self.trainable)
	}

	/// One that is never trained.
	pub fn fixed(&mut self, path: &str, shape: &[usize], init: Init) -> Result<Tensor> {
		self.add(path, shape, init, false)
	}

	fn add(&mut self, path: &str, shape: &[usize], init: Init, trainable: bool) -> Result<Tensor> {
		let name = self.source.resolve(self.config.family.names.base, path);
		let mut tensor = self.source.tensor(&name, shape, init)?;
		if trainable {
			tensor = Var::from_tensor(&tensor)?.as_tensor().clone();
		}
		self.parameters.push((name, tensor.clone()));
		Ok(tensor)
	}

	/// Path of a part of block `index`.
	pub fn path(&self, index: usize, name: &str) -> String {
		let names = &self.config.family.names;
		format!("{}{}.{index}.{name}", names.base, names.blocks)
	}

	/// A linear layer.
	pub fn linear(&mut self, path: String, out: usize, inp: usize, bias: bool, init: Init) -> Result<Linear> {
		let layout = self.config.family.layout;
		let name = format!("{path}.weight");
		let (matrix, layout) = match self.quantised(&name, [out, inp])? {
			// bitsandbytes turns a weight before it quantises it.
			Some(packed) => (self.source.place(packed)?, WeightLayout::OutIn),
			None => (
				Matrix::Plain(self.tensor(&name, &layout.shape(out, inp), init)?),
				layout,
			),
		};
		let bias = if bias {
			Some(self.tensor(&format!("{path}.bias"), &[out], Init::Zeros)?)
		} else {
			None
		};
		Ok(Linear {
			path,
			weight: Weight { matrix, layout, bias },
			adapter: None,
		})
	}

	/// A linear layer's weight, `[out, in]`, where the source keeps it in four bits.
	fn quantised(&mut self, path: &str, shape: [usize; 2]) -> Result<Option<Arc<Nf4>>> {
		let name = self.source.resolve(self.config.family.names.base, path);
		let Some(packed) = self.source.quantised(&name, shape, self.config.family.layout)? else {
			return Ok(None);
		};
		if self.trainable {
			return Err(ModelError::Input(format!(
				"`{name}` is in four bits and cannot be trained itself; train an adapter around it"
			)));
		}
		let packed = Arc::new(packed);
		self.quantised.push((name, packed.clone()));
		Ok(Some(packed))
	}

	/// One of the stream's norms.
	pub fn norm(&mut self, path: &str) -> Result<Norm> {
		self.norm_of(path, self.config.hidden_size, self.config.norm, self.config.norm_eps)
	}

	/// A norm of this width.
	pub fn norm_of(&mut self, path: &str, width: usize, kind: NormKind, eps: f32) -> Result<Norm> {
		let weight = self.tensor(&format!("{path}.weight"), &[width], Init::Ones)?;
		let bias = match kind {
			NormKind::Rms => None,
			NormKind::Layer => Some(self.tensor(&format!("{path}.bias"), &[width], Init::Zeros)?),
		};
		Ok(Norm { weight, bias, eps })
	}

	/// How a layer of `inp` inputs starts.
	pub fn usual(&self, inp: usize) -> Init {
		Init::Normal(1.0 / (inp as f64).sqrt())
	}

	/// How one starts that writes into the residual stream: smaller, so that the stream's size does not grow with depth.
	pub fn residual(&self, inp: usize) -> Init {
		Init::Normal(1.0 / (inp as f64).sqrt() / (2.0 * self.config.layers as f64).sqrt())
	}
}

/// A normalisation layer.
#[derive(Clone)]
pub(super) struct Norm {
	pub weight: Tensor,
	pub bias: Option<Tensor>,
	pub eps: f32,
}

impl Norm {
	pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
		Ok(match &self.bias {
			None => ops::rms_norm(x, &self.weight, self.eps)?,
			Some(bias) => ops::layer_norm(x, &self.weight, bias, self.eps)?,
		})
	}
}
