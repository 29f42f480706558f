//! Low-rank adapters around the decoder's linear layers.

use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::dora::row_squares;
use crate::error::{ModelError, Result};
use crate::linear::{Adapter, Linear};
use candle_core::{Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Every linear layer but the head.
pub const ALL_LINEAR: &str = "all-linear";

/// Settings of an adapter, as PEFT knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraSettings {
	/// Rank.
	pub rank: usize,
	/// Alpha: the scale's numerator.
	pub alpha: f64,
	/// Dropout of the adapter's input in training, 0 to below 1.
	pub dropout: f64,
	/// Last parts of the adapted layers' paths, sorted.
	pub targets: Vec<String>,
	/// Scale `alpha / sqrt(rank)` in place of `alpha / rank`.
	pub use_rslora: bool,
	/// Magnitudes of the rows are trained too ([`crate::dora`]).
	pub use_dora: bool,
}

impl LoraSettings {
	/// Factor on `B A`.
	pub fn scale(&self) -> f32 {
		let rank = self.rank as f64;
		(self.alpha / if self.use_rslora { rank.sqrt() } else { rank }) as f32
	}

	/// One of these settings, without magnitudes.
	pub(crate) fn adapter(&self, a: Tensor, b: Tensor) -> Adapter {
		Adapter {
			a,
			b,
			scale: self.scale(),
			dropout: self.dropout as f32,
			dora: None,
		}
	}
}

/// The layers that `wanted` names: `all-linear`, last parts of paths, or empty for the family's default.
pub fn resolve_targets(decoder: &Decoder, wanted: &[String]) -> Result<Vec<String>> {
	let known: BTreeSet<&str> = decoder.linears().map(Linear::short_name).collect();
	if wanted.iter().any(|t| t == ALL_LINEAR) {
		return Ok(known.into_iter().map(str::to_owned).collect());
	}
	let targets: BTreeSet<String> = match wanted {
		[] if decoder.config.family.default_targets.is_empty() => {
			let known = known.into_iter().collect::<Vec<_>>().join(", ");
			let family = decoder.config.family.model_type;
			return Err(ModelError::Input(format!(
				"lora_targets: {family} has no usual ones; name some of {known}, or {ALL_LINEAR}"
			)));
		}
		[] => default_targets(&decoder.config),
		given => given.iter().cloned().collect(),
	};
	if let Some(unknown) = targets.iter().find(|t| !known.contains(t.as_str())) {
		let known = known.into_iter().collect::<Vec<_>>().join(", ");
		return Err(ModelError::Input(format!(
			"lora_targets: no linear layer is called `{unknown}`; this model has {known} ({ALL_LINEAR} for all of them)"
		)));
	}
	Ok(targets.into_iter().collect())
}

fn default_targets(config: &DecoderConfig) -> BTreeSet<String> {
	config.family.default_targets.iter().map(|t| (*t).to_owned()).collect()
}

/// Puts new trainable adapters around the layers of `settings.targets`: A uniform as `torch.nn.Linear` starts, B zero and
/// magnitudes those of the base, so that training starts from the base model.
pub fn attach_new(decoder: &mut Decoder, settings: &LoraSettings, seed: u64) -> Result<()> {
	let mut rng = ChaCha8Rng::seed_from_u64(seed);
	let device = decoder.device.clone();
	for linear in decoder.linears_mut() {
		if !settings.targets.iter().any(|t| t == linear.short_name()) {
			continue;
		}
		let (out, inp) = linear.weight.out_in()?;
		let bound = 1.0 / (inp as f32).sqrt();
		let data: Vec<f32> = (0..settings.rank * inp)
			.map(|_| rng.random_range(-bound..bound))
			.collect();
		let a = Var::from_vec(data, (settings.rank, inp), &device)?;
		let b = Var::from_tensor(&Tensor::zeros((out, settings.rank), candle_core::DType::F32, &device)?)?;
		let mut adapter = settings.adapter(a.as_tensor().clone(), b.as_tensor().clone());
		if settings.use_dora {
			let magnitude = Var::from_tensor(&row_squares(&linear.weight)?.sqrt()?)?;
			adapter = adapter.with_magnitude(magnitude.as_tensor().clone(), &linear.weight)?;
		}
		linear.adapter = Some(adapter);
	}
	Ok(())
}

/// The adapters' tensors under PEFT's names, in the order of the layers.
pub fn tensors(decoder: &Decoder) -> Vec<(String, Tensor)> {
	let mut tensors = Vec::new();
	for linear in decoder.linears() {
		if let Some(adapter) = &linear.adapter {
			tensors.push((tensor_name(&linear.path, 'A'), adapter.a.clone()));
			tensors.push((tensor_name(&linear.path, 'B'), adapter.b.clone()));
			if let Some(dora) = &adapter.dora {
				tensors.push((magnitude_name(&linear.path), dora.magnitude.clone()));
			}
		}
	}
	tensors
}

/// PEFT's name of an adapter's tensor.
pub fn tensor_name(path: &str, part: char) -> String {
	format!("base_model.model.{path}.lora_{part}.weight")
}

/// What PEFT's names of DoRA's magnitudes end in.
pub(crate) const MAGNITUDE: &str = ".lora_magnitude_vector";

/// PEFT's name of DoRA's magnitudes.
pub fn magnitude_name(path: &str) -> String {
	format!("base_model.model.{path}{MAGNITUDE}")
}
