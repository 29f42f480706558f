//! What a training job is ordered to do. Numbers are integers with their unit in the name, so that the order hashes
//! the same everywhere; the trainer turns them into floats.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{BaseModelId, DatanetId, ModelId};

/// Datanet versions that one training may combine.
pub const MAX_DATASETS: u32 = 8;

#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Method {
	Lora,
	/// LoRA over weights in four bits.
	Qlora,
	/// Every weight of the model.
	Full,
	/// LoRA, and the magnitudes of the adapted rows too.
	Dora,
}

impl Method {
	pub const ALL: [Method; 4] = [Method::Lora, Method::Qlora, Method::Full, Method::Dora];
}

#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
	F32,
	Bf16,
}

impl Dtype {
	pub const ALL: [Dtype; 2] = [Dtype::F32, Dtype::Bf16];
}

#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
	Constant,
	Linear,
	Cosine,
}

/// Which layers an adapter wraps.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LoraTargets {
	/// PEFT's default for the family.
	Default,
	/// Every linear layer but the head.
	AllLinear,
}

/// What the training starts from.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
	Base(BaseModelId),
	/// An earlier result: its adapter is continued.
	Model(ModelId),
}

/// A version of a Datanet, its first `version` accepted items, without those that its first `exclusions` exclusions took
/// down. Both numbers name immutable sets.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct DatasetRef {
	pub datanet: DatanetId,
	pub version: u32,
	#[serde(default)]
	pub exclusions: u32,
}

#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(default)]
pub struct Hyperparameters {
	/// Peak learning rate in units of 1e-9.
	pub learning_rate_nano: u64,
	pub scheduler: Scheduler,
	pub warmup_steps: u32,
	/// In units of 1e-6.
	pub weight_decay_micro: u32,
	/// In units of 1e-6; zero does not clip.
	pub max_grad_norm_micro: u32,
	pub batch_size: u16,
	pub gradient_accumulation: u16,
	pub epochs: u16,
	/// Above zero it overrides `epochs`.
	pub max_steps: u32,
	/// Tokens.
	pub cutoff_length: u32,
	pub packing: bool,
	pub seed: u64,
	pub lora_rank: u16,
	pub lora_alpha: u16,
	/// In units of 1e-3.
	pub lora_dropout_milli: u16,
	pub lora_targets: LoraTargets,
	pub use_rslora: bool,
}

impl Default for Hyperparameters {
	fn default() -> Self {
		Self {
			learning_rate_nano: 50_000,
			scheduler: Scheduler::Cosine,
			warmup_steps: 0,
			weight_decay_micro: 0,
			max_grad_norm_micro: 1_000_000,
			batch_size: 2,
			gradient_accumulation: 8,
			epochs: 3,
			max_steps: 0,
			cutoff_length: 1_024,
			packing: false,
			seed: 42,
			lora_rank: 8,
			lora_alpha: 16,
			lora_dropout_milli: 0,
			lora_targets: LoraTargets::Default,
			use_rslora: false,
		}
	}
}

/// The whole order.
#[derive(
	Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct TrainingSpec {
	pub parent: Parent,
	pub datasets: BoundedVec<DatasetRef, ConstU32<MAX_DATASETS>>,
	pub method: Method,
	/// What the weights are computed in.
	pub dtype: Dtype,
	/// Memory that the worker's device needs, MiB; zero leaves it to the worker.
	pub min_memory_mib: u32,
	pub hyperparameters: Hyperparameters,
}

/// What is wrong with an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpecError {
	/// No dataset, an empty version, or a Datanet named twice.
	Datasets,
	/// A number outside the range that any trainer takes.
	Hyperparameters,
}

impl TrainingSpec {
	/// Checks everything that needs no chain state.
	pub fn validate(&self) -> Result<(), SpecError> {
		let twice = self.datasets.iter().enumerate().any(|(n, dataset)| {
			self.datasets[..n]
				.iter()
				.any(|earlier| earlier.datanet == dataset.datanet)
		});
		if self.datasets.is_empty() || twice || self.datasets.iter().any(|dataset| dataset.version == 0) {
			return Err(SpecError::Datasets);
		}
		let h = &self.hyperparameters;
		let in_range = (1..=1_000_000_000).contains(&h.learning_rate_nano)
			&& (1..=1_024).contains(&h.batch_size)
			&& (1..=1_024).contains(&h.gradient_accumulation)
			&& (h.max_steps > 0 || h.epochs > 0)
			&& h.epochs <= 1_000
			&& h.max_steps <= 10_000_000
			&& (8..=1_048_576).contains(&h.cutoff_length)
			&& h.weight_decay_micro <= 1_000_000
			&& h.lora_dropout_milli < 1_000
			&& (self.method == Method::Full || ((1..=1_024).contains(&h.lora_rank) && h.lora_alpha > 0));
		if in_range {
			Ok(())
		} else {
			Err(SpecError::Hyperparameters)
		}
	}

	/// Names this order.
	pub fn digest(&self) -> [u8; 32] {
		blake2_256(&self.encode())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn spec() -> TrainingSpec {
		TrainingSpec {
			parent: Parent::Base(0),
			datasets: vec![DatasetRef {
				datanet: 1,
				version: 4,
				exclusions: 0,
			}]
			.try_into()
			.unwrap(),
			method: Method::Lora,
			dtype: Dtype::F32,
			min_memory_mib: 0,
			hyperparameters: Default::default(),
		}
	}

	#[test]
	fn stored_encoding_does_not_move() {
		let mut order = spec();
		order.parent = Parent::Model(2);
		order.method = Method::Full;
		order.dtype = Dtype::Bf16;
		order.min_memory_mib = 3;
		let head = [
			&[1, 2, 0, 0, 0][..],
			&[4, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0],
			&[2, 1, 3, 0, 0, 0],
		]
		.concat();
		let encoded = order.encode();
		assert_eq!(encoded[..head.len()], head);
		let hyperparameters = "50c300000000000002000000000000000040420f00\
			0200080003000000000000040000002a000000000000000800100000000000";
		let hex: alloc::string::String = encoded[head.len()..]
			.iter()
			.map(|byte| alloc::format!("{byte:02x}"))
			.collect();
		assert_eq!(hex, hyperparameters);
		assert_eq!(Method::ALL.encode(), [0, 1, 2, 3]);
	}

	#[test]
	fn defaults_are_valid_and_datasets_must_be_distinct_and_not_empty() {
		assert_eq!(spec().validate(), Ok(()));
		let with = |datasets: &[(u32, u32)]| {
			let datasets: Vec<_> = datasets
				.iter()
				.map(|&(datanet, version)| DatasetRef {
					datanet,
					version,
					exclusions: 0,
				})
				.collect();
			TrainingSpec {
				datasets: datasets.try_into().unwrap(),
				..spec()
			}
			.validate()
		};
		assert_eq!(with(&[]), Err(SpecError::Datasets));
		assert_eq!(with(&[(1, 0)]), Err(SpecError::Datasets));
		assert_eq!(with(&[(1, 2), (1, 3)]), Err(SpecError::Datasets));
		assert_eq!(with(&[(1, 2), (2, 3)]), Ok(()));
	}

	#[test]
	fn numbers_out_of_range_are_refused() {
		let with = |change: fn(&mut Hyperparameters)| {
			let mut spec = spec();
			change(&mut spec.hyperparameters);
			spec.validate()
		};
		for change in [
			(|h| h.learning_rate_nano = 0) as fn(&mut Hyperparameters),
			|h| h.batch_size = 0,
			|h| h.gradient_accumulation = 0,
			|h| h.epochs = 0,
			|h| h.cutoff_length = 7,
			|h| h.lora_rank = 0,
			|h| h.lora_dropout_milli = 1_000,
		] {
			assert_eq!(with(change), Err(SpecError::Hyperparameters));
		}
	}
}
