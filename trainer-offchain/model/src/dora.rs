//! DoRA (Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank Adaptation"): an adapted weight is a direction, `W + scale · B A`,
//! and a magnitude of each of its rows, trained beside A and B. As in PEFT the direction's norms are constants to the
//! backward pass (the paper's section 4.3), and magnitudes start as the norms of the base weight's rows.

use crate::error::Result;
use crate::linear::Adapter;
use crate::ops::{linear, Matrix, Weight, WeightLayout};
use candle_core::{DType, Device, Tensor};

/// What norms are taken for at least: a row of zeros has no direction, and stays one of zeros.
pub(crate) const LEAST_NORM: f32 = 1e-30;

/// Magnitudes of the rows of an adapted weight.
#[derive(Clone, Debug)]
pub struct Dora {
	/// `[out]`.
	pub magnitude: Tensor,
	/// Squares of the norms of the base weight's rows, `[out]`: it is frozen.
	squares: Tensor,
	/// `magnitude / norms`, `[out]`, where neither is trained.
	factor: Option<Tensor>,
}

/// Squares of the norms of a weight's rows, `[out]`, f32.
pub(crate) fn row_squares(weight: &Weight) -> Result<Tensor> {
	match (&weight.matrix, weight.layout) {
		(Matrix::Plain(tensor), layout) => {
			let inputs = if layout == WeightLayout::OutIn { 1 } else { 0 };
			Ok(tensor.detach().to_dtype(DType::F32)?.sqr()?.sum(inputs)?)
		}
		(Matrix::Nf4(packed), _) => {
			let [out, inp] = packed.shape;
			let square = |row: usize| {
				let mut wide = vec![0f32; inp];
				packed.dequantise(row * inp, &mut wide);
				wide.iter().map(|x| x * x).sum::<f32>()
			};
			Ok(Tensor::from_vec(
				(0..out).map(square).collect::<Vec<_>>(),
				out,
				&Device::Cpu,
			)?)
		}
		(Matrix::OnDevice(packed), _) => Ok(packed.wide()?.sqr()?.sum(1)?),
	}
}

impl Adapter {
	/// With magnitudes `[out]` of the rows; a frozen adapter's norms are computed here and once.
	pub(crate) fn with_magnitude(mut self, magnitude: Tensor, weight: &Weight) -> Result<Self> {
		let mut dora = Dora {
			magnitude,
			squares: row_squares(weight)?,
			factor: None,
		};
		if !dora.magnitude.is_variable() {
			dora.factor = Some((&dora.magnitude / self.norms(&dora, weight)?)?);
		}
		self.dora = Some(dora);
		Ok(self)
	}

	/// What the product with each row is multiplied by, `[out]`: its magnitude over its norm. None without DoRA.
	pub(crate) fn factor(&self, weight: &Weight) -> Result<Option<Tensor>> {
		match &self.dora {
			None => Ok(None),
			Some(Dora {
				factor: Some(factor), ..
			}) => Ok(Some(factor.clone())),
			Some(dora) => Ok(Some((&dora.magnitude / self.norms(dora, weight)?)?)),
		}
	}

	/// Norms of the rows of `W + scale · B A`, `[out]`, without a gradient: from
	/// `‖w‖² + 2 scale · b · (A w) + scale² · b · (A Aᵀ b)` for rows w of W and b of B, so that no matrix of the weight's size
	/// is made.
	pub(crate) fn norms(&self, dora: &Dora, weight: &Weight) -> Result<Tensor> {
		let (a, b) = (self.a.detach(), self.b.detach());
		let bare = weight.without_bias();
		let along = (linear(&a, &bare)?.t()? * &b)?.sum(1)?;
		let gram = a.matmul(&a.t()?)?;
		let own = (b.matmul(&gram)? * &b)?.sum(1)?;
		let scale = f64::from(self.scale);
		let squares = ((&dora.squares + (along * (2.0 * scale))?)? + (own * (scale * scale))?)?;
		Ok(squares.maximum(0f32)?.sqrt()?.maximum(LEAST_NORM)?)
	}
}

impl Dora {
	/// All that it keeps.
	pub(crate) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
		[&self.magnitude, &self.squares].into_iter().chain(&self.factor)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use candle_core::Var;
	use std::sync::Arc;

	/// One layer of PEFT's each, with the mask that its dropout drew: result and all gradients.
	#[test]
	fn layer_should_equal_that_of_peft_with_and_without_dropout() {
		let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/dora.safetensors");
		let file = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
		for layer in ["linear", "conv1d", "linear_dropout", "conv1d_dropout"] {
			let get = |name: &str| file[&format!("{layer}.{name}")].clone();
			let variable = |name: &str| Var::from_tensor(&get(name)).unwrap();
			let layout = match layer.starts_with("conv1d") {
				true => WeightLayout::InOut,
				false => WeightLayout::OutIn,
			};
			let weight = Weight {
				matrix: get("weight").into(),
				layout,
				bias: Some(get("bias")),
			};
			let (x, a, b, magnitude) = (variable("x"), variable("a"), variable("b"), variable("magnitude"));
			let adapter = Adapter {
				a: a.as_tensor().clone(),
				b: b.as_tensor().clone(),
				scale: 2.0,
				dropout: 0.0,
				dora: None,
			};
			let adapter = adapter.with_magnitude(magnitude.as_tensor().clone(), &weight).unwrap();
			let mask: Option<Vec<f32>> = file
				.get(&format!("{layer}.mask"))
				.map(|mask| mask.flatten_all().unwrap().to_vec1().unwrap());
			assert_eq!(mask.is_some(), layer.ends_with("dropout"));
			let y = adapter.forward(&x, &weight, mask.map(Arc::new)).unwrap();
			let grads = (&y * get("weights")).unwrap().sum_all().unwrap().backward().unwrap();
			let close = |what: &str, found: &Tensor| {
				let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
				let (found, expected) = (values(found), values(&get(what)));
				assert_eq!(found.len(), expected.len());
				for (f, e) in found.iter().zip(&expected) {
					assert!(
						(f - e).abs() < 2e-5 * e.abs().max(1.0),
						"{layer}, {what}: {f}, expected {e}"
					);
				}
			};
			close("y", &y);
			for (what, variable) in [("d_x", &x), ("d_a", &a), ("d_b", &b), ("d_magnitude", &magnitude)] {
				close(what, grads.get(variable).unwrap());
			}
		}
	}
}
