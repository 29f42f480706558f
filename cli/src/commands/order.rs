//! A training order from the command line and from a run.toml, in the trainer's own terms.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use openledger_primitives::training::{Dtype, Hyperparameters, LoraTargets, Method, Scheduler};
use serde::{de::Error as _, Deserialize, Deserializer};

use crate::failure::Failure;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodArg {
	Lora,
	Qlora,
	Full,
	Dora,
}

impl From<MethodArg> for Method {
	fn from(method: MethodArg) -> Self {
		match method {
			MethodArg::Lora => Method::Lora,
			MethodArg::Qlora => Method::Qlora,
			MethodArg::Full => Method::Full,
			MethodArg::Dora => Method::Dora,
		}
	}
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerArg {
	Constant,
	Linear,
	Cosine,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DtypeArg {
	F32,
	Bf16,
}

impl From<DtypeArg> for Dtype {
	fn from(dtype: DtypeArg) -> Self {
		match dtype {
			DtypeArg::F32 => Dtype::F32,
			DtypeArg::Bf16 => Dtype::Bf16,
		}
	}
}

/// Which layers an adapter wraps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TargetsArg {
	Default,
	AllLinear,
}

/// How to train. A flag wins over the file, the file over the default.
#[derive(Args, Clone, Default, Debug)]
pub struct Order {
	/// A run.toml as the trainer reads it; keys of the trainer's machine (model, data, output, device, …) do not count, and those that an order cannot carry out (shuffle = false, validation_split, init_adapter) are refused
	#[arg(long, value_name = "FILE")]
	config: Option<PathBuf>,
	/// [default: lora]
	#[arg(long, value_enum)]
	method: Option<MethodArg>,
	/// What the base's weights are kept in; bf16 is for adapters, and is computed with on CPUs [default: f32]
	#[arg(long, value_enum)]
	dtype: Option<DtypeArg>,
	/// Peak learning rate [default: 5e-5]
	#[arg(long)]
	learning_rate: Option<f64>,
	/// [default: cosine]
	#[arg(long, value_enum)]
	scheduler: Option<SchedulerArg>,
	/// [default: 0]
	#[arg(long)]
	warmup_steps: Option<u32>,
	/// [default: 0]
	#[arg(long)]
	weight_decay: Option<f64>,
	/// Zero does not clip [default: 1]
	#[arg(long)]
	max_grad_norm: Option<f64>,
	/// [default: 2]
	#[arg(long)]
	batch_size: Option<u16>,
	/// [default: 8]
	#[arg(long)]
	gradient_accumulation: Option<u16>,
	/// [default: 3]
	#[arg(long)]
	epochs: Option<u16>,
	/// Above zero it overrides the epochs [default: 0]
	#[arg(long)]
	max_steps: Option<u32>,
	/// Tokens [default: 1024]
	#[arg(long)]
	cutoff_length: Option<u32>,
	/// Put several short texts into one sequence [default: false]
	#[arg(long, num_args = 0..=1, default_missing_value = "true")]
	packing: Option<bool>,
	/// [default: 42]
	#[arg(long)]
	seed: Option<u64>,
	/// [default: 8]
	#[arg(long)]
	lora_rank: Option<u16>,
	/// [default: 16]
	#[arg(long)]
	lora_alpha: Option<u16>,
	/// [default: 0]
	#[arg(long)]
	lora_dropout: Option<f64>,
	/// [default: default]
	#[arg(long, value_enum)]
	lora_targets: Option<TargetsArg>,
	/// Scale by alpha / sqrt(rank) [default: false]
	#[arg(long, num_args = 0..=1, default_missing_value = "true")]
	use_rslora: Option<bool>,
}

/// The keys of a run.toml. Those that name things on the trainer's machine are read and left alone.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
	method: Option<MethodArg>,
	dora: Option<bool>,
	dtype: Option<DtypeArg>,
	learning_rate: Option<f64>,
	scheduler: Option<SchedulerArg>,
	#[serde(deserialize_with = "whole")]
	warmup_steps: Option<u32>,
	weight_decay: Option<f64>,
	max_grad_norm: Option<f64>,
	#[serde(deserialize_with = "whole")]
	batch_size: Option<u16>,
	#[serde(deserialize_with = "whole")]
	gradient_accumulation: Option<u16>,
	#[serde(deserialize_with = "whole")]
	epochs: Option<u16>,
	#[serde(deserialize_with = "whole")]
	max_steps: Option<u32>,
	#[serde(deserialize_with = "whole")]
	cutoff_length: Option<u32>,
	packing: Option<bool>,
	#[serde(deserialize_with = "whole")]
	seed: Option<u64>,
	#[serde(deserialize_with = "whole")]
	lora_rank: Option<u16>,
	#[serde(deserialize_with = "whole")]
	lora_alpha: Option<u16>,
	lora_dropout: Option<f64>,
	lora_targets: Option<toml::Value>,
	use_rslora: Option<bool>,
	#[serde(rename = "model")]
	_model: Option<toml::Value>,
	#[serde(rename = "data")]
	_data: Option<toml::Value>,
	#[serde(rename = "output")]
	_output: Option<toml::Value>,
	init_adapter: Option<toml::Value>,
	shuffle: Option<bool>,
	validation_split: Option<f64>,
	#[serde(rename = "logging_steps")]
	_logging_steps: Option<toml::Value>,
	#[serde(rename = "save_steps")]
	_save_steps: Option<toml::Value>,
	#[serde(rename = "device")]
	_device: Option<toml::Value>,
}

impl File {
	/// An order's methods are the trainer's, but that a DoRA is one of its own.
	fn method(&self) -> Option<MethodArg> {
		match self.dora {
			Some(true) => Some(MethodArg::Dora),
			_ => self.method,
		}
	}

	/// Refuses what the chain's order has no key for: left out silently, the worker would train something else.
	fn check(&self) -> Result<()> {
		let no_key = |what: &str, hint: &str| -> Result<()> {
			Err(Failure::usage(format!("{what}: the chain's order has no such key"))
				.hint(hint)
				.into())
		};
		if self.shuffle == Some(false) {
			return no_key("shuffle = false", "workers shuffle by the seed: take the key out");
		}
		if self.validation_split.is_some_and(|split| split != 0.) {
			return no_key(
				"validation_split",
				"workers train on all of the Datanet: take the key out",
			);
		}
		if self.dora == Some(true) && !matches!(self.method, None | Some(MethodArg::Lora)) {
			return no_key(
				"dora beside that method",
				"magnitudes are ordered over plain weights only: take one of the two out",
			);
		}
		if self.init_adapter.is_some() {
			return no_key(
				"init_adapter",
				"use --model to continue an adapter, and take the key out",
			);
		}
		Ok(())
	}
}

/// A whole number, also one written as a float such as `3.0`.
fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
	let value = toml::Value::deserialize(deserializer)?;
	let integer = match value {
		toml::Value::Integer(integer) => Some(integer),
		// Up to 2^53 a float holds every whole number.
		toml::Value::Float(float) if float.fract() == 0. && float.abs() <= 9_007_199_254_740_992. => Some(float as i64),
		_ => None,
	};
	let number = integer.and_then(|integer| T::try_from(integer).ok());
	let number =
		number.ok_or_else(|| D::Error::custom(format!("{value} is not a whole number that an order holds")))?;
	Ok(Some(number))
}

impl Order {
	/// The method, what the weights are kept in, and the hyperparameters.
	pub fn resolve(self) -> Result<(Method, Dtype, Hyperparameters)> {
		let file = match &self.config {
			Some(path) => read(path)?,
			None => File::default(),
		};
		let default = Hyperparameters::default();
		let method: Method = self.method.or(file.method()).unwrap_or(MethodArg::Lora).into();
		let dtype: Dtype = self.dtype.or(file.dtype).unwrap_or(DtypeArg::F32).into();
		if method == Method::Full && dtype == Dtype::Bf16 {
			let what = "a full training in bf16: no worker takes it, its weights stay f32";
			return Err(Failure::usage(what)
				.hint("leave --dtype out, or order an adapter")
				.into());
		}
		let file_targets = file.lora_targets.map(targets).transpose()?;
		let hyperparameters = Hyperparameters {
			learning_rate_nano: scaled("learning_rate", self.learning_rate.or(file.learning_rate), 1e9)?
				.unwrap_or(default.learning_rate_nano),
			scheduler: match self.scheduler.or(file.scheduler) {
				None => default.scheduler,
				Some(SchedulerArg::Constant) => Scheduler::Constant,
				Some(SchedulerArg::Linear) => Scheduler::Linear,
				Some(SchedulerArg::Cosine) => Scheduler::Cosine,
			},
			warmup_steps: self.warmup_steps.or(file.warmup_steps).unwrap_or(default.warmup_steps),
			weight_decay_micro: narrow(
				"weight_decay",
				scaled("weight_decay", self.weight_decay.or(file.weight_decay), 1e6)?,
				default.weight_decay_micro,
			)?,
			max_grad_norm_micro: narrow(
				"max_grad_norm",
				scaled("max_grad_norm", self.max_grad_norm.or(file.max_grad_norm), 1e6)?,
				default.max_grad_norm_micro,
			)?,
			batch_size: self.batch_size.or(file.batch_size).unwrap_or(default.batch_size),
			gradient_accumulation: self
				.gradient_accumulation
				.or(file.gradient_accumulation)
				.unwrap_or(default.gradient_accumulation),
			epochs: self.epochs.or(file.epochs).unwrap_or(default.epochs),
			max_steps: self.max_steps.or(file.max_steps).unwrap_or(default.max_steps),
			cutoff_length: self
				.cutoff_length
				.or(file.cutoff_length)
				.unwrap_or(default.cutoff_length),
			packing: self.packing.or(file.packing).unwrap_or(default.packing),
			seed: self.seed.or(file.seed).unwrap_or(default.seed),
			lora_rank: self.lora_rank.or(file.lora_rank).unwrap_or(default.lora_rank),
			lora_alpha: self.lora_alpha.or(file.lora_alpha).unwrap_or(default.lora_alpha),
			lora_dropout_milli: narrow(
				"lora_dropout",
				scaled("lora_dropout", self.lora_dropout.or(file.lora_dropout), 1e3)?,
				default.lora_dropout_milli,
			)?,
			lora_targets: self
				.lora_targets
				.or(file_targets)
				.map_or(default.lora_targets, |targets| match targets {
					TargetsArg::Default => LoraTargets::Default,
					TargetsArg::AllLinear => LoraTargets::AllLinear,
				}),
			use_rslora: self.use_rslora.or(file.use_rslora).unwrap_or(default.use_rslora),
		};
		Ok((method, dtype, hyperparameters))
	}
}

fn read(path: &Path) -> Result<File> {
	let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
	let file: File = toml::from_str(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
	file.check().with_context(|| path.display().to_string())?;
	Ok(file)
}

/// `lora_targets` of a run.toml: an order knows the family's default and all linear layers, no lists of names.
fn targets(value: toml::Value) -> Result<TargetsArg> {
	match value.as_str() {
		Some("default") => Ok(TargetsArg::Default),
		Some("all-linear" | "all_linear") => Ok(TargetsArg::AllLinear),
		_ => Err(Failure::usage("an order's lora_targets is \"default\" or \"all-linear\"").into()),
	}
}

/// A number in whole units of `1 / scale`; an order holds no fractions of them.
fn scaled(name: &str, value: Option<f64>, scale: f64) -> Result<Option<u64>> {
	let Some(value) = value else { return Ok(None) };
	let units = (value * scale).round();
	if !units.is_finite() || !(0. ..=1e15).contains(&units) || (units == 0. && value != 0.) {
		return Err(Failure::usage(format!("{name} is out of range: {value}"))
			.hint(format!("it must be zero or above, and at least {:e}", 1. / scale))
			.into());
	}
	Ok(Some(units as u64))
}

fn narrow<T: TryFrom<u64>>(name: &str, value: Option<u64>, default: T) -> Result<T> {
	match value {
		None => Ok(default),
		Some(value) => T::try_from(value).map_err(|_| Failure::usage(format!("{name} is too large")).into()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn with_file(text: &str, change: impl Fn(&mut Order)) -> Result<(Method, Dtype, Hyperparameters)> {
		let folder = tempfile::tempdir()?;
		let path = folder.path().join("run.toml");
		std::fs::write(&path, text)?;
		let mut order = Order {
			config: Some(path),
			..Default::default()
		};
		change(&mut order);
		order.resolve()
	}

	#[test]
	fn nothing_said_should_be_the_defaults() {
		assert_eq!(
			Order::default().resolve().unwrap(),
			(Method::Lora, Dtype::F32, Hyperparameters::default())
		);
	}

	#[test]
	fn flags_should_win_over_the_file_and_local_keys_should_not_count() {
		let text =
			"model = 'base'\ndata = 'texts'\noutput = 'out'\ndevice = 'cpu'\nlearning_rate = 1e-3\nbatch_size = 4\n\
			lora_targets = 'all-linear'\nweight_decay = 0.01\nvalidation_split = 0\nshuffle = true\n";
		let (_, _, h) = with_file(text, |order| order.batch_size = Some(16)).unwrap();
		assert_eq!(
			(h.learning_rate_nano, h.batch_size, h.weight_decay_micro),
			(1_000_000, 16, 10_000)
		);
		assert_eq!(h.lora_targets, LoraTargets::AllLinear);
	}

	#[test]
	fn what_an_order_cannot_carry_out_should_be_a_usage_error_that_says_why() {
		for (text, why) in [
			(
				"validation_split = 0.1\n",
				"validation_split: the chain's order has no such key",
			),
			(
				"shuffle = false\n",
				"shuffle = false: the chain's order has no such key",
			),
			(
				"init_adapter = 'adapter'\n",
				"init_adapter: the chain's order has no such key",
			),
			(
				"method = 'qlora'\ndora = true\n",
				"dora beside that method: the chain's order has no such key",
			),
			("epochs = 2.5\n", "2.5 is not a whole number"),
		] {
			let error = with_file(text, |_| {}).unwrap_err();
			assert!(format!("{error:#}").contains(why), "{error:#}");
			let (kind, hint) = crate::failure::classify(&error);
			assert_eq!(kind, crate::failure::Kind::Usage);
			assert!(!text.starts_with("init") || hint.unwrap().contains("--model"));
		}
	}

	#[test]
	fn every_method_should_be_one_that_can_be_ordered() {
		for (text, method) in [
			("method = 'lora'\n", Method::Lora),
			("method = 'qlora'\n", Method::Qlora),
			("method = 'full'\ndora = false\n", Method::Full),
			("method = 'lora'\ndora = true\n", Method::Dora),
			("dora = true\n", Method::Dora),
		] {
			let (found, dtype, _) = with_file(text, |_| {}).unwrap();
			assert_eq!((found, dtype), (method, Dtype::F32), "{text}");
		}
		for dtype in ["dtype = 'bf16'\n", "dtype = 'f32'\n"] {
			let (_, found, _) = with_file(dtype, |order| order.dtype = Some(DtypeArg::Bf16)).unwrap();
			assert_eq!(found, Dtype::Bf16);
		}
		assert_eq!(with_file("dtype = 'bf16'\n", |_| {}).unwrap().1, Dtype::Bf16);
		let refused = with_file("dtype = 'bf16'\nmethod = 'full'\n", |_| {}).unwrap_err();
		assert!(refused.to_string().contains("stay f32"), "{refused}");
	}

	#[test]
	fn whole_floats_should_be_whole_numbers() {
		let (_, _, h) = with_file("epochs = 2.0\nlora_alpha = 32.0\nseed = 7\n", |_| {}).unwrap();
		assert_eq!((h.epochs, h.lora_alpha, h.seed), (2, 32, 7));
		assert!(with_file("epochs = -1.0\n", |_| {}).is_err());
		assert!(with_file("lora_alpha = 70000.0\n", |_| {}).is_err());
	}

	#[test]
	fn misspelled_keys_and_impossible_numbers_should_be_refused() {
		assert!(format!("{:#}", with_file("learning_rte = 1\n", |_| {}).unwrap_err()).contains("learning_rte"));
		assert!(with_file("learning_rate = -1.0\n", |_| {}).is_err());
		assert!(with_file("learning_rate = 1e-12\n", |_| {}).is_err());
		assert!(with_file("lora_dropout = 100.0\n", |_| {}).is_err());
		assert!(with_file("lora_targets = ['q_proj']\n", |_| {}).is_err());
	}
}
